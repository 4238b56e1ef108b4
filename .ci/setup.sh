#!/usr/bin/env bash
# Installs what `make demo` and `make test` need and this machine lacks; prints what and why before doing so.
#   .ci/setup.sh system   packages of the machine (Debian, Ubuntu) and a running Docker engine
#   .ci/setup.sh packages the packages alone
#   .ci/setup.sh python   the virtual environment .venv, exact versions from constraints.txt; PYTHON names another Python
#                         (PYTHON=python3.13), EXTRAS fewer parts (EXTRAS=collect,curate needs no PyTorch)
#   .ci/setup.sh player   asciinema's own player into .venv: what exported casts are tried on
# NO_SETUP=1 installs nothing. Exit status 0: all there; 3: parts are missing (they were named).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
may_install() {
  [ "${NO_SETUP:-0}" != 1 ] && command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

system_packages() {
  local wanted=()
  command -v dockerd >/dev/null || docker info >/dev/null 2>&1 || wanted+=(docker.io iptables)
  command -v docker >/dev/null || wanted+=(docker-cli)  # in docker.io itself on Debian 12 and on Ubuntu
  command -v Xvfb >/dev/null || wanted+=(xvfb)
  command -v setxkbmap >/dev/null || wanted+=(x11-xkb-utils)  # layouts, and a text entry to compare
  /usr/bin/python3 -c 'import gi; gi.require_version("Gtk", "3.0")' 2>/dev/null || wanted+=(python3-gi gir1.2-gtk-3.0)
  [ -n "$(ldconfig -p 2>/dev/null | grep libxkbcommon.so.0)" ] || wanted+=(libxkbcommon0)
  command -v chromium >/dev/null || command -v google-chrome >/dev/null || wanted+=(chromium)
  command -v ffmpeg >/dev/null || wanted+=(ffmpeg)
  command -v debootstrap >/dev/null || wanted+=(debootstrap)
  command -v fc-match >/dev/null || wanted+=(fontconfig)  # finds fonts for emoji in terminals
  [ -n "$(fc-list :charset=1f600:color=true 2>/dev/null)" ] || wanted+=(fonts-noto-color-emoji)
  for tool in git sqlite3 tmux vim zsh fish; do  # terminal tasks and tapes use them
    command -v $tool >/dev/null || wanted+=("$tool")
  done
  command -v g++ >/dev/null || wanted+=(g++)  # PyTorch compiles for a CPU with it
  "${PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
  # pynput's evdev has no wheel: it is compiled
  if ! [ -e .venv ]; then
    command -v cc >/dev/null || wanted+=(gcc)
    [ -e "$("${PYTHON:-python3}" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
      || wanted+=(python3-dev)
    [ -e /usr/include/linux/input.h ] || wanted+=(linux-libc-dev)
  fi
  [ ${#wanted[@]} = 0 ] && return 0
  if ! may_install; then
    say "missing here: ${wanted[*]} (Debian and Ubuntu names); install them, or run this as root"
    return 3
  fi
  say "installing ${wanted[*]} (Debian packages; NO_SETUP=1 prevents it)"
  root apt-get update -qq
  [ -n "$(apt-cache search --names-only '^docker-cli$')" ] || wanted=("${wanted[@]/#docker-cli/docker.io}")
  root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

docker_engine() {
  docker info >/dev/null 2>&1 && return 0
  command -v dockerd >/dev/null || { say "Docker is not installed"; return 3; }
  if [ "${NO_SETUP:-0}" = 1 ] || { [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; }; then
    say "the Docker engine is not running (or not for this user); start it with: sudo systemctl start docker"
    return 3
  fi
  say "starting the Docker engine"
  if [ -d /run/systemd/system ]; then root systemctl start docker; else
    root sh -c 'nohup dockerd >/var/log/dockerd.log 2>&1 &'
  fi
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && return 0; sleep 0.5; done
  say "the Docker engine did not start; see /var/log/dockerd.log, or: journalctl -u docker"
  return 3
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

python_environment() {
  local stamp=.venv/.installed python=${PYTHON:-python3} extras=${EXTRAS:-all} want
  if ! version_of "$python" >/dev/null 2>&1; then say "PYTHON=$python: no Python of that name runs here"; return 2; fi
  # Without PYTHON, whatever .venv was made with stays.
  if [ -x .venv/bin/python ] && [ -n "${PYTHON:-}" ] && [ "$(version_of "$python")" != "$(version_of .venv/bin/python)" ]; then
    say ".venv is of Python $(version_of .venv/bin/python): made anew for $(version_of "$python")"
    rm -rf .venv
  fi
  want="$(cat pyproject.toml constraints.txt | sha256sum) $extras"
  [ "$(cat $stamp 2>/dev/null)" = "$want" ] && return 0
  say "installing GoalTrace ($extras) and its Python packages into .venv (exact versions from constraints.txt)"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  case ",$extras," in *,all,*|*,train,*)
    .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch ;; esac  # first: CPU or CUDA
  .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extras,dev]"
  echo "$want" > $stamp
}

# A test tool only (Apache-2.0): nothing of it goes into what is released.
player() {
  local version=3.18.0 folder=.venv/share/asciinema-player scratch sum
  local wanted=5gpt2ipFcy4NKmgkv+c/QXnJ9zMicxqWROCOuJqgwwtiYKM8Qe9hnDOvfqke5bW6M2DW/seO3uQYkQ0xeUUVtw==  # sha512, npm's
  [ "$(cat $folder/.version 2>/dev/null)" = $version ] && return 0
  if ! command -v npm >/dev/null; then
    if ! may_install; then say "missing here: npm, to fetch asciinema-player $version"; return 3; fi
    say "installing npm (a Debian package; NO_SETUP=1 prevents it)"
    root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
  fi
  if [ "${NO_SETUP:-0}" = 1 ]; then say "missing here: asciinema-player $version"; return 3; fi
  say "fetching asciinema-player $version, for the tests"
  scratch=$(mktemp -d)
  (cd "$scratch" && npm pack --silent "asciinema-player@$version" >/dev/null) || { rm -r "$scratch"; return 3; }
  sum=$(openssl dgst -sha512 -binary "$scratch/asciinema-player-$version.tgz" | base64 -w0)
  if [ "$sum" != "$wanted" ]; then
    say "asciinema-player $version is not the file that was pinned: sha512 $sum"
    rm -r "$scratch"
    return 1
  fi
  rm -rf $folder && mkdir -p $folder
  tar -xzf "$scratch/asciinema-player-$version.tgz" -C $folder --strip-components 1
  rm -r "$scratch"
  echo $version > $folder/.version
}

case "${1:-}" in
  system) status=0; system_packages || status=$?; docker_engine || status=$?; exit $status ;;
  packages) system_packages ;;
  python) python_environment ;;
  player) player ;;
  *) echo "usage: $0 system|packages|python|player" >&2; exit 2 ;;
esac
