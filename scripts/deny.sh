#!/usr/bin/env bash
# cargo-deny by deny.toml. Installs it into cargo's own home when it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if ! cargo deny --version >/dev/null 2>&1; then
  echo "deny: cargo-deny is missing: building $version, which takes minutes" >&2
  # Not into this workspace's target directory. Without its optional parts it builds faster.
  CARGO_TARGET_DIR="${TMPDIR:-/tmp}/cargo-deny-build" \
    cargo install --locked --quiet cargo-deny --version "$version" --no-default-features
fi

cargo deny --log-level error check licenses sources
# Who may use which crate is a rule for what is shipped; tests may use any.
cargo deny --log-level error --exclude-dev check bans

# The advisories come from a database on github.com. Where that can't be reached, the check can't be made; it is
# said, and T4_DENY_ADVISORIES=required makes it a failure.
if cargo deny --log-level error fetch db; then
  cargo deny --log-level error check advisories
elif [ "${T4_DENY_ADVISORIES:-}" = required ]; then
  echo "deny: the advisory database can't be fetched" >&2
  exit 3
else
  echo "deny: NOT CHECKED: advisories, because the advisory database can't be fetched from here" >&2
fi
