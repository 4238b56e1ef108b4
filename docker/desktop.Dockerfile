# The desktop that episodes are recorded in: XFCE4 on TigerVNC's X server, for an ordinary user in an
# unprivileged container. Packages exist under these names on Debian 12 and 13, Ubuntu 24.04 and 26.04, Chromium apart.
ARG BASE_IMAGE=ubuntu:24.04

# The venv, Ubuntu's Chromium and the pictures are made in a stage of their own: whatever only the build
# needs (a CA bundle, pip settings, the SVG renderer) never reaches the final image.
# Each stage of each image begins with a label of its own: Docker's classic builder looks for the newest image made
# by the same first instruction, and would otherwise take another stage's and miss everything after it.
FROM ${BASE_IMAGE} AS build
LABEL goaltrace.stage=desktop-build
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libatomic1 librsvg2-bin python3 python3-evdev python3-venv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
COPY requirements-desktop.txt ca-bundle.pem* /build/
# pynput needs evdev, which PyPI has only as source: with --system-site-packages the distribution's serves.
RUN if [ -s /build/ca-bundle.pem ]; then export PIP_CERT=/build/ca-bundle.pem; fi \
 && python3 -m venv --system-site-packages /opt/goaltrace/venv \
 && /opt/goaltrace/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --only-binary :all: -r /build/requirements-desktop.txt
# Ubuntu's chromium package is a stub for snap, which cannot run in a container; the Chrome for Testing that Playwright
# installs can. PLAYWRIGHT_DOWNLOAD_HOST names a mirror of its downloads.
ARG PLAYWRIGHT_DOWNLOAD_HOST
RUN mkdir -p /opt/goaltrace/browsers \
 && if grep -q '^ID=ubuntu' /etc/os-release; then \
      if [ -s /build/ca-bundle.pem ]; then export NODE_EXTRA_CA_CERTS=/build/ca-bundle.pem; fi \
      && PLAYWRIGHT_BROWSERS_PATH=/opt/goaltrace/browsers \
         /opt/goaltrace/venv/bin/playwright install --no-shell chromium \
      && ln -s "$(find /opt/goaltrace/browsers -type f -name chrome | head -n 1)" \
           /opt/goaltrace/browsers/chromium; \
    else ln -s /usr/bin/chromium /opt/goaltrace/browsers/chromium; fi
COPY desktop/pictures /build/pictures
RUN mkdir -p /opt/goaltrace/pictures \
 && for svg in /build/pictures/*.svg; do \
      rsvg-convert --output "/opt/goaltrace/pictures/$(basename "$svg" .svg).png" "$svg"; \
    done
# noVNC for the page that a person records in: its files alone, since the package would bring a web server and
# Node.js. It is under the MPL 2.0 and its parts under the licences that LICENSE names.
RUN apt-get update && cd /tmp && apt-get download novnc && rm -rf /var/lib/apt/lists/* \
 && dpkg-deb --extract novnc_*.deb novnc && install -d /opt/goaltrace/novnc \
 && cp -rL novnc/usr/share/novnc/core novnc/usr/share/novnc/vendor /opt/goaltrace/novnc/ \
 && cp novnc/usr/share/doc/novnc/copyright /opt/goaltrace/novnc/LICENSE && rm -rf novnc novnc_*.deb

FROM ${BASE_IMAGE}
LABEL goaltrace.stage=desktop
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      adwaita-icon-theme at-spi2-core ca-certificates dbus dbus-x11 desktop-file-utils \
      elementary-xfce-icon-theme ffmpeg fonts-dejavu-core fonts-liberation fonts-noto-core galculator \
      gir1.2-atspi-2.0 greybird-gtk-theme gsettings-desktop-schemas libatomic1 libglib2.0-bin librsvg2-common \
      mousepad procps python3 python3-evdev python3-gi python3-pyatspi python3-venv ristretto \
      shared-mime-info thunar tigervnc-standalone-server tigervnc-tools tumbler wmctrl x11-utils \
      x11-xserver-utils xclip xdg-utils xfce4-appfinder xfce4-panel xfce4-session xfce4-settings \
      xfce4-terminal xfconf xfdesktop4 xfwm4 \
 && if ! grep -q '^ID=ubuntu' /etc/os-release; then apt-get install -y --no-install-recommends chromium; fi \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/goaltrace /opt/goaltrace
RUN if grep -q '^ID=ubuntu' /etc/os-release; then \
      /opt/goaltrace/venv/bin/playwright install-deps chromium && rm -rf /var/lib/apt/lists/*; fi

# Ubuntu's images come with a user of uid 1000 already. The runtime folder is where the session bus lives.
RUN if id ubuntu >/dev/null 2>&1; then userdel --remove ubuntu; fi \
 && useradd --create-home --uid 1000 --user-group --shell /bin/bash agent \
 && install -d -m 700 -o agent -g agent /run/user/1000 \
 && install -d -m 1777 /tmp/.X11-unix /tmp/.ICE-unix

# Accessibility is switched on by a default, not by a session that would have to write it first.
COPY desktop/config/90_goaltrace.gschema.override /usr/share/glib-2.0/schemas/
RUN glib-compile-schemas /usr/share/glib-2.0/schemas
COPY desktop/web /usr/share/goaltrace/web
COPY desktop/wallpaper.svg /usr/share/goaltrace/wallpaper.svg
COPY desktop/session.sh /usr/local/bin/goaltrace-desktop
COPY desktop/chromium.sh /usr/local/bin/chromium

COPY --chown=agent:agent desktop/bashrc /home/agent/.bashrc
COPY --chown=agent:agent desktop/config/mimeapps.list desktop/config/user-dirs.dirs /home/agent/.config/
COPY --chown=agent:agent desktop/config/helpers.rc /home/agent/.config/xfce4/
COPY --chown=agent:agent desktop/config/terminalrc /home/agent/.config/xfce4/terminal/
COPY --chown=agent:agent desktop/xfconf /home/agent/.config/xfce4/xfconf/xfce-perchannel-xml
COPY --chown=agent:agent desktop/launchers /home/agent/.config/xfce4/panel
COPY --chown=agent:agent desktop/documents /home/agent/Documents
RUN cp -r /opt/goaltrace/pictures /home/agent/Pictures \
 && mkdir /home/agent/Desktop /home/agent/Downloads \
 && chown -R agent:agent /home/agent

# What is in here, for whoever meets something that has changed its name (collector/containers/system.py).
RUN dpkg-query -W -f '${Package} ${Version}\n' > /usr/share/goaltrace/versions

# Fixed addresses, so that a process started by `docker exec` is in the session without asking anyone.
ENV DEBIAN_FRONTEND= \
    DISPLAY=:1 \
    XDG_RUNTIME_DIR=/run/user/1000 \
    DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus \
    GTK_MODULES=gail:atk-bridge \
    XDG_CURRENT_DESKTOP=XFCE
USER agent
WORKDIR /home/agent
ENTRYPOINT ["/usr/local/bin/goaltrace-desktop"]
