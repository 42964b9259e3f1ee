#!/usr/bin/env bash
# Every test. `--long` runs the whole counts where `make test` runs reduced ones.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=default
if [ "${1:-}" = --long ]; then
  profile=long
  export T4_TEST_LONG=1
fi

scripts/setup.sh
scripts/client-tests.sh
scripts/ensure-ruff.sh
command -v promtool >/dev/null ||
  echo "test: promtool is not installed, so the names of the metrics are not checked by it" >&2
# Some tests start the real programs.
cargo build --workspace --bins --locked
# Tests run the examples of the libraries.
cargo build -p policy-client --example register --locked
cargo build -p llm-gate --example remote --locked
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --profile "$profile"
else
  echo "test: cargo-nextest is not installed, so cargo's own runner is used (slower, the same tests)"
  # One test binary after another, and few tests at once: some of them load the machine on purpose.
  cargo test --workspace --locked --lib --bins --tests -- --test-threads "${T4_TEST_THREADS:-2}"
fi
cargo test --workspace --locked --doc
