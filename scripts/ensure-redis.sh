#!/usr/bin/env bash
# Makes sure that tests which need Redis find one: T4_TEST_REDIS_URL, or a redis-server on PATH, which each test
# starts for itself on a free port. Installs the distribution's package when it is missing and that is possible.
set -euo pipefail

[ -z "${T4_TEST_REDIS_URL:-}" ] || exit 0
command -v redis-server >/dev/null && exit 0

say() { echo "ensure-redis: $*" >&2; }
if command -v apt-get >/dev/null; then
  if [ "$(id -u)" = 0 ]; then
    sudo=()
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo=(sudo -n)
  else
    say "redis-server is missing: run 'sudo apt-get install redis-server', or set T4_TEST_REDIS_URL to a running Redis"
    exit 1
  fi
  say "redis-server is missing: installing the distribution's package"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >/dev/null
  command -v redis-server >/dev/null && exit 0
fi
say "redis-server is missing: install Redis 6 or newer with your system's package manager, or set T4_TEST_REDIS_URL to a running Redis"
exit 1
