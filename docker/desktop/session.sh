#!/bin/bash
# The container's main process: X server, session bus and XFCE, in that order, then a readiness file once
# the desktop is really drawn. Settings come from the environment:
#   GOALTRACE_GEOMETRY           WIDTHxHEIGHT, 1024x768 unless told
#   GOALTRACE_VNC                1: listen for VNC on port 5900; unix: on the socket $XDG_RUNTIME_DIR/vnc.sock, which
#                                only the user can open (otherwise nothing can connect)
#   GOALTRACE_VNC_PASSWORD_FILE  a file whose first line is the VNC password
#   GOALTRACE_VNC_PASSWORD       the password itself; without either, a random one is made
set -u

ready=/tmp/goaltrace-ready
log() { echo "goaltrace-desktop: $*" >&2; }
fail() { log "$*"; exit 1; }
rm -f "$ready"
umask 077
mkdir -p "$XDG_RUNTIME_DIR" || fail "$XDG_RUNTIME_DIR cannot be made; run the container as its user 'agent'"

geometry=${GOALTRACE_GEOMETRY:-1024x768}
[[ $geometry =~ ^[1-9][0-9]{2,3}x[1-9][0-9]{2,3}$ ]] \
  || fail "GOALTRACE_GEOMETRY=$geometry: not WIDTHxHEIGHT, e.g. 1024x768"

# TigerVNC since 1.14 refuses to start when it listens nowhere: it gets a socket, whose name is removed once it is up.
socket=$XDG_RUNTIME_DIR/vnc.sock
vnc=(-rfbport -1 -rfbunixpath "$socket" -rfbunixmode 0600 -SecurityTypes None)
if [ "${GOALTRACE_VNC:-0}" != 0 ]; then
  if [ -n "${GOALTRACE_VNC_PASSWORD_FILE:-}" ]; then
    [ -r "$GOALTRACE_VNC_PASSWORD_FILE" ] \
      || fail "GOALTRACE_VNC_PASSWORD_FILE=$GOALTRACE_VNC_PASSWORD_FILE: cannot be read by user $(id -un)"
    password=$(head -n 1 "$GOALTRACE_VNC_PASSWORD_FILE")
  else
    password=${GOALTRACE_VNC_PASSWORD:-}
  fi
  if [ -z "$password" ]; then
    password=$(head -c 6 /dev/urandom | base64 | tr '+/' 'xy')
    printf '%s\n' "$password" > "$XDG_RUNTIME_DIR/vnc-password"
    log "VNC password: in $XDG_RUNTIME_DIR/vnc-password inside the container"
  fi
  # The VNC protocol compares eight characters and no more.
  [ "${#password}" -ge 6 ] || fail "the VNC password is shorter than 6 characters"
  printf '%s\n' "$password" | tigervncpasswd -f > "$XDG_RUNTIME_DIR/vnc-auth" || fail "tigervncpasswd failed"
  vnc=(-SecurityTypes VncAuth -PasswordFile "$XDG_RUNTIME_DIR/vnc-auth" -AlwaysShared -AcceptSetDesktopSize 0)
  case $GOALTRACE_VNC in
    1) vnc+=(-rfbport 5900 -localhost 0) ;;
    # A person is recorded through this one: their own clipboard must not slip into the recording, nor out of it.
    unix) vnc+=(-rfbport -1 -rfbunixpath "$socket" -rfbunixmode 0600
                -AcceptCutText 0 -SendCutText 0 -SendPrimary 0) ;;
    *) fail "GOALTRACE_VNC=$GOALTRACE_VNC: not 0, 1 or unix" ;;
  esac
fi
# No child needs the password, and a recorded terminal must not show it.
unset GOALTRACE_VNC_PASSWORD password

mkdir -p /tmp/.X11-unix /tmp/.ICE-unix 2>/dev/null
chmod 1777 /tmp/.X11-unix /tmp/.ICE-unix 2>/dev/null
rm -f "/tmp/.X${DISPLAY#:}-lock" "/tmp/.X11-unix/X${DISPLAY#:}" "$XDG_RUNTIME_DIR/bus"

pids=()
stop() { trap - TERM INT; kill "${pids[@]}" 2>/dev/null; wait; exit "${1:-0}"; }
trap 'stop 0' TERM INT

Xtigervnc "$DISPLAY" -geometry "$geometry" -depth 24 -dpi 96 -desktop goaltrace -nolisten tcp \
  -s 0 -dpms -extension GLX "${vnc[@]}" > "$XDG_RUNTIME_DIR/xserver.log" 2>&1 &
xserver=$!; pids+=("$xserver")
for _ in {1..150}; do xdpyinfo >/dev/null 2>&1 && break; kill -0 "$xserver" 2>/dev/null || break; sleep 0.1; done
xdpyinfo >/dev/null 2>&1 || { tail -n 5 "$XDG_RUNTIME_DIR/xserver.log" >&2; fail "the X server did not start"; }
[ "${GOALTRACE_VNC:-0}" = unix ] || rm -f "$socket"

umask 022
dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" \
  > "$XDG_RUNTIME_DIR/dbus.log" 2>&1 &
pids+=("$!")
for _ in {1..100}; do [ -S "$XDG_RUNTIME_DIR/bus" ] && break; sleep 0.05; done
[ -S "$XDG_RUNTIME_DIR/bus" ] || fail "the session bus did not start: $(tail -n 1 "$XDG_RUNTIME_DIR/dbus.log")"

xfce4-session --disable-tcp > "$XDG_RUNTIME_DIR/session.log" 2>&1 &
session=$!; pids+=("$session")

# Up means: panel and desktop windows are mapped, and two looks at the screen in a row are the same.
look() { ffmpeg -v error -f x11grab -draw_mouse 0 -i "$DISPLAY" -frames:v 1 -f md5 - 2>/dev/null; }
up() { wmctrl -lx 2>/dev/null | grep -q xfce4-panel && wmctrl -lx | grep -q xfdesktop; }
before=
for _ in {1..120}; do
  if up; then
    now=$(look)
    [ -n "$now" ] && [ "$now" = "$before" ] && { date +%s.%N > "$ready"; break; }
    before=$now
  fi
  sleep 0.5
done
[ -e "$ready" ] || { tail -n 5 "$XDG_RUNTIME_DIR/session.log" >&2; fail "the desktop was not up after 60 s"; }
log "ready on display $DISPLAY, $geometry"

wait -n "$xserver" "$session"
log "the X server or the session has ended"
stop 1
