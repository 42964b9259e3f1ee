#!/usr/bin/env bash
# Watches the sources and runs the tests of each package in which a file changed. Ends with Ctrl-C.
# Further arguments go to the test runner: scripts/dev.sh --no-capture
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh inotifywait
runner=(cargo test)
if cargo nextest --version >/dev/null 2>&1; then runner=(cargo nextest run --no-tests pass); fi

# The package that a file belongs to: the name in the nearest Cargo.toml above it.
package_of() {
  local folder
  folder=$(dirname "$1")
  while [ ! -f "$folder/Cargo.toml" ]; do folder=$(dirname "$folder"); done
  # The workspace's own file names no package.
  sed -n 's/^name = "\(.*\)"$/\1/p' "$folder/Cargo.toml" | head -n 1
}

echo "dev: watching; change a file to test its package" >&2
# One list of packages for each burst of events: editors write a file in several steps.
inotifywait --monitor --recursive --quiet --event close_write,moved_to,delete --format '%w%f' \
  crates bins tests migrations |
  while read -r file; do
    files=("$file")
    while read -r -t 0.3 file; do files+=("$file"); done
    packages=()
    for file in "${files[@]}"; do
      case "$file" in
      migrations/*) packages+=(storage-sqlite) ;;
      *.rs | *.toml | *.json | *.yml) packages+=("$(package_of "$file")") ;;
      esac
    done
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u | grep .) || true
    [ "${#packages[@]}" -gt 0 ] || continue
    echo "dev: testing ${packages[*]}" >&2
    "${runner[@]}" "${packages[@]/#/--package=}" "$@" </dev/null || true
  done
