#!/usr/bin/env bash
# cargo-deny by deny.toml. Installs it into cargo's own home when it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if ! cargo deny --version >/dev/null 2>&1; then
  echo "deny: cargo-deny is missing: building $version" >&2
  # Out of this workspace's target directory; without its optional parts it builds faster.
  CARGO_TARGET_DIR="${TMPDIR:-/tmp}/cargo-deny-build" cargo install --locked --quiet cargo-deny --version "$version" --no-default-features
fi
cargo deny --all-features check
