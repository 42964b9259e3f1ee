#!/usr/bin/env bash
# Installs the official `openai` packages for Python and Node, at the versions that tests/clients/ pins, each into a
# folder of its own below the target directory. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

folder="${CARGO_TARGET_DIR:-target}/clients"
mkdir -p "$folder"

# Whether a folder was filled from this very list.
fresh() { [ -f "$2/installed-from" ] && cmp -s "$1" "$2/installed-from"; }

wanted=tests/clients/python/requirements.txt
if ! fresh "$wanted" "$folder/python"; then
  rm -rf "$folder/python"
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted"
  cp "$wanted" "$folder/python/installed-from"
fi

wanted=tests/clients/node/package-lock.json
if ! fresh "$wanted" "$folder/node"; then
  rm -rf "$folder/node"
  mkdir -p "$folder/node"
  cp tests/clients/node/package.json "$wanted" "$folder/node/"
  npm ci --prefix "$folder/node" --silent --no-audit --no-fund
  cp "$wanted" "$folder/node/installed-from"
fi
