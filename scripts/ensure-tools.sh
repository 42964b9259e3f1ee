#!/usr/bin/env bash
# Makes sure that the programs which the tests start are there: a redis-server (each test starts one of its own on a
# free port; T4_TEST_REDIS_URL uses a running one instead), curl and sqlite3 for the commands of the documents,
# Python and Node for the official clients, and Chromium to look at the dashboard.
# Installs the distribution's packages when some are missing and that is possible, else says what to install.
set -euo pipefail

missing() {
  local program
  for program in curl git sqlite3 python3 npm; do
    command -v "$program" >/dev/null || echo "$program"
  done
  command -v node >/dev/null || echo nodejs
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    echo chromium
  # Distributions ship the part of Python that makes virtual environments by itself.
  python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
  [ -n "${T4_TEST_REDIS_URL:-}" ] || command -v redis-server >/dev/null || echo redis-server
}
say() { echo "ensure-tools: $*" >&2; }

mapfile -t packages < <(missing)
[ "${#packages[@]}" -gt 0 ] || exit 0

sudo=()
able=true
command -v apt-get >/dev/null || able=false
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo=(sudo -n); else able=false; fi
fi
if $able; then
  say "installing the distribution's packages: ${packages[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
  mapfile -t packages < <(missing)
  [ "${#packages[@]}" -gt 0 ] || exit 0
fi
say "missing: ${packages[*]}. Run 'sudo apt-get install ${packages[*]}', or your system's equivalent." \
  "T4_TEST_REDIS_URL=redis://... uses a Redis that runs already."
exit 1
