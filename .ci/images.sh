#!/usr/bin/env bash
# Builds the images if they are not there, on the best base that this machine can reach, and says which.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

base=${GOALTRACE_BASE:-}
if [ -z "$base" ]; then
  if docker image inspect goaltrace/base:bootstrap >/dev/null 2>&1; then
    base=bootstrap
  elif docker image inspect ubuntu:24.04 >/dev/null 2>&1 || timeout 120 docker pull -q ubuntu:24.04 >/dev/null 2>&1; then
    base=ubuntu:24.04
  else
    base=bootstrap
  fi
fi
# Behind a company proxy, pip in the build must trust what pip trusts here.
ca=()
bundle=${PIP_CERT:-${SSL_CERT_FILE:-}}
[ -n "$bundle" ] && [ -f "$bundle" ] && ca=(--ca-cert "$bundle")
say "images on base $base (a build whose files have not changed is a cache hit)"
.venv/bin/goaltrace images build --base "$base" "${ca[@]}"
