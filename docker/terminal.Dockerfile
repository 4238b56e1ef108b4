# The terminal that episodes are recorded in: an ordinary shell user and the tools a person reaches for.
# Packages exist under these names on Debian 12 and 13, Ubuntu 24.04 and 26.04.
ARG BASE_IMAGE=ubuntu:24.04

# The venv is made in a stage of its own, so that a build-time CA bundle never reaches the final image.
# Each stage of each image begins with a label of its own: Docker's classic builder looks for the newest image made
# by the same first instruction, and would otherwise take another stage's and miss everything after it.
FROM ${BASE_IMAGE} AS venv
LABEL goaltrace.stage=terminal-build
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
COPY requirements-terminal.txt ca-bundle.pem* /build/
RUN if [ -s /build/ca-bundle.pem ]; then export PIP_CERT=/build/ca-bundle.pem; fi \
 && python3 -m venv --system-site-packages /opt/goaltrace/venv \
 && /opt/goaltrace/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --only-binary :all: -r /build/requirements-terminal.txt

FROM ${BASE_IMAGE}
LABEL goaltrace.stage=terminal
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      bash bash-completion bsdextrautils ca-certificates coreutils curl file findutils gawk git grep gzip jq less \
      make nano patch procps python3 python3-venv sed sqlite3 tar tree unzip vim xz-utils zip \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

# Ubuntu's images come with a user of uid 1000 already.
RUN if id ubuntu >/dev/null 2>&1; then userdel --remove ubuntu; fi \
 && useradd --create-home --uid 1000 --user-group --shell /bin/bash agent \
 && git config --system user.name "Agent" \
 && git config --system user.email "agent@localhost" \
 && git config --system init.defaultBranch main \
 && git config --system advice.detachedHead false

# The shells that tapes ask for. Without its script for new users, zsh in a fresh home asks no questions.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fish zsh \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/zsh/*/scripts/newuser
COPY --from=venv /opt/goaltrace /opt/goaltrace
COPY --chown=agent:agent terminal/bashrc /home/agent/.bashrc

# What is in here, for whoever meets something that has changed its name (collector/containers/system.py).
RUN mkdir -p /usr/share/goaltrace && dpkg-query -W -f '${Package} ${Version}\n' > /usr/share/goaltrace/versions

ENV DEBIAN_FRONTEND= TERM=xterm-256color EDITOR=nano PAGER=less
USER agent
WORKDIR /home/agent
CMD ["sleep", "infinity"]
