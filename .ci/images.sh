#!/usr/bin/env bash
# Builds the images if they are not there, and says on which base.
#   .ci/images.sh demo   on ubuntu:24.04; where that cannot be pulled, built or checked, on a base made from this
#                        host's own package mirror
#   .ci/images.sh test   on Debian 12 or 13: each commit has one of the two, so that both stay tested; RELEASE chooses
# GOALTRACE_BASE=IMAGE (or bootstrap) is taken as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

goaltrace=.venv/bin/goaltrace
default=ubuntu:24.04
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
# Behind a company proxy, pip in the build must trust what pip trusts here.
ca=()
bundle=${PIP_CERT:-${SSL_CERT_FILE:-}}
[ -n "$bundle" ] && [ -f "$bundle" ] && ca=(--ca-cert "$bundle")

build() {
  say "images on base $* (a build whose files have not changed is a cache hit)"
  "$goaltrace" images build --base "$@" "${ca[@]}"
}

can_pull() { docker image inspect "$1" >/dev/null 2>&1 || timeout 120 docker pull -q "$1" >/dev/null 2>&1; }

checked() {  # once per image: a check takes half a minute
  local stamp
  stamp=.venv/.checked-$(docker image inspect -f '{{.Id}}' goaltrace/desktop:latest goaltrace/terminal:latest \
    | sha256sum | cut -c1-16)
  [ -e "$stamp" ] && return 0
  say "checking that every part of the images works"
  "$goaltrace" images check --out .venv/images-check && touch "$stamp"
}

for_demo() {
  if can_pull $default; then
    if build $default && checked; then return 0; fi
    say "the base $default did not work here (see above): a base made from this host's package mirror instead"
  else
    say "$default cannot be pulled here: a base made from this host's package mirror instead"
  fi
  build bootstrap
}

# The last digit of the commit's name: the same commit has the same base on every machine.
in_turn() {
  case $(git rev-parse HEAD 2>/dev/null) in
    *[02468ace]) echo bookworm ;;
    *) echo trixie ;;
  esac
}

for_test() {
  local release=${RELEASE:-$(in_turn)} host
  host=$(. /etc/os-release && echo "$ID")
  declare -A pulled=([bookworm]=debian:12 [trixie]=debian:13)
  if [ "$host" = debian ]; then build bootstrap --release "$release"
  elif [ -n "${pulled[$release]:-}" ] && can_pull "${pulled[$release]}"; then build "${pulled[$release]}"
  else build bootstrap; fi
}

case "${1:-}" in
  demo|test) if [ -n "${GOALTRACE_BASE:-}" ]; then build "$GOALTRACE_BASE"; else "for_$1"; fi ;;
  *) echo "usage: $0 demo|test" >&2; exit 2 ;;
esac
