#!/usr/bin/env bash
# Installs the system packages that the tests start: redis-server (each test starts one of its own on a free port;
# T4_TEST_REDIS_URL uses a running one instead), curl and sqlite3 for the commands of the documents, Python and Node
# for the official clients, and Chromium to look at the dashboard. Arguments are further programs to look for.
#
# With a terminal it asks before it installs; without one it installs. Where it can't install, it names the packages.
set -euo pipefail

# The Debian package of a program.
package() {
  case "$1" in
  node) echo nodejs ;;
  inotifywait) echo inotify-tools ;;
  *) echo "$1" ;;
  esac
}
missing() {
  local program
  for program in curl git sqlite3 python3 node npm "$@"; do
    command -v "$program" >/dev/null || package "$program"
  done
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    echo chromium
  # Distributions ship the part of Python that makes virtual environments by itself.
  python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
  [ -n "${T4_TEST_REDIS_URL:-}" ] || command -v redis-server >/dev/null || echo redis-server
}
say() { echo "setup: $*" >&2; }

mapfile -t packages < <(missing "$@")
[ "${#packages[@]}" -gt 0 ] || exit 0

sudo=()
able=true
command -v apt-get >/dev/null || able=false
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then sudo=(sudo); else able=false; fi
fi
if $able && [ -t 0 ] && [ -t 2 ]; then
  read -r -p "setup: install the distribution's packages ${packages[*]}? [Y/n] " answer
  case "$answer" in '' | y | Y | yes) ;; *) able=false ;; esac
fi
if $able; then
  say "installing the distribution's packages: ${packages[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
  mapfile -t packages < <(missing "$@")
  [ "${#packages[@]}" -gt 0 ] || exit 0
fi
say "missing: ${packages[*]}. Run 'sudo apt-get install ${packages[*]}', or your system's equivalent." \
  "T4_TEST_REDIS_URL=redis://... uses a Redis that runs already."
exit 1
