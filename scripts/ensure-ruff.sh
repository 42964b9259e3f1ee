#!/usr/bin/env bash
# Installs the ruff that the tests and the bench run, into a virtual environment beside what cargo builds.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.14.2
folder="${CARGO_TARGET_DIR:-target}/tools/ruff"
if [ "$("$folder/bin/ruff" --version 2>/dev/null)" != "ruff $version" ]; then
  echo "ensure-ruff: installing ruff $version" >&2
  python3 -m venv "$folder"
  "$folder/bin/pip" install -q --disable-pip-version-check "ruff==$version"
fi
