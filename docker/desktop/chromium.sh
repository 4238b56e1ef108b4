#!/bin/sh
# Chromium as a recording needs it: no question, bar or background request that a person did not ask for.
# It may be Debian's Chromium or Chrome for Testing: --class gives both one window class, --disable-infobars hides the
# latter's bar "only for automated testing". --no-sandbox: its sandbox needs user namespaces, which an unprivileged
# container has not; the container is the wall here. --test-type hides the bar about that, which would be in every frame.
# The debugging port is reachable from inside the container only.
# ACCESSIBILITY_ENABLED: since AT-SPI 2.60 or so the bus says "off" while no screen reader runs, and Chromium asks it.
export ACCESSIBILITY_ENABLED=1
[ "$#" -gt 0 ] || set -- file:///usr/share/goaltrace/web/start.html
exec /opt/goaltrace/browsers/chromium \
  --no-sandbox --test-type --disable-infobars --class=chromium \
  --user-data-dir="${GOALTRACE_CHROMIUM_PROFILE:-$HOME/.config/goaltrace-chromium}" \
  --remote-debugging-address=127.0.0.1 --remote-debugging-port="${GOALTRACE_CDP_PORT:-9222}" \
  --no-first-run --no-default-browser-check --password-store=basic \
  --disable-sync --disable-background-networking --disable-component-update --disable-default-apps \
  --disable-search-engine-choice-screen --disable-save-password-bubble --disable-session-crashed-bubble --hide-crash-restore-bubble \
  --disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication \
  --force-renderer-accessibility --disable-gpu --disable-smooth-scrolling \
  --window-position=60,30 --window-size=900,660 \
  "$@"
