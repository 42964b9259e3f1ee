#!/usr/bin/env bash
# Schemathesis (from PyPI, in a virtual environment of its own) on /openapi.json against a throwaway server.
# Its exit code is this script's. Arguments go to schemathesis.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "contract: $*" >&2; }
bin="${CARGO_TARGET_DIR:-target}/debug"
venv=.venv/contract
wanted=tests/contract/requirements.txt

make_venv() {
  rm -rf "$venv"
  python3 -m venv "$venv"
}

install_python() {
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
    sudo=(sudo -n)
  fi
  command -v apt-get >/dev/null || return 1
  say "installing the distribution's python3-venv"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
}

if ! cmp -s "$wanted" "$venv/installed.txt"; then
  if ! make_venv >/dev/null 2>&1; then
    if ! install_python || ! make_venv; then
      say "python3 with its venv module is missing: run 'sudo apt-get install python3 python3-venv'"
      exit 1
    fi
  fi
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
  cp "$wanted" "$venv/installed.txt"
fi

dir="$(mktemp -d)"
server=
provider=
clean_up() {
  local pid
  for pid in $server $provider; do
    { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; } || true
  done
  rm -rf "$dir"
}
trap clean_up EXIT

# Models are asked of a provider that costs nothing.
exec {told}< <(exec "$bin/mock-provider")
provider=$!
read -r -t 30 line <&"$told"
cat >"$dir/llm.toml" <<TOML
[[provider]]
name = "mock"
kind = "openai"
base_url = "http://$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' <<<"$line")/v1"
priced_as = "openai"
models = ["gpt-4o-mini", "text-embedding-3-small"]
TOML

export T4_CONTRACT_ADMIN_TOKEN="contract-$RANDOM$RANDOM$RANDOM"
exec {out}< <(
  T4_ADMIN_TOKEN="$T4_CONTRACT_ADMIN_TOKEN" T4_RATE_PER_MINUTE=1000000 T4_TRUSTED_PROXIES=127.0.0.1/32 \
    T4_METRICS_PUBLIC=1 T4_LLM_CONFIG="$dir/llm.toml" T4_LOG=warn LOG_FILE="$dir/server.log" \
    exec "$bin/intent-api" --bind 127.0.0.1:0 --db "$dir/contract.db"
)
server=$!
if ! read -r -t 30 line <&"$out"; then
  say "the server did not start"
  exit 3
fi
address="$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' <<<"$line")"
api="http://$address"

T4_CONTRACT_KEY="$(T4_ADMIN_TOKEN="$T4_CONTRACT_ADMIN_TOKEN" "$bin/admin-keys" create --agent-id contract --owner contract --scopes '*' --api "$api")"
export T4_CONTRACT_KEY

export PYTHONPATH=tests/contract SCHEMATHESIS_HOOKS=hooks
"$venv/bin/schemathesis" --config-file tests/contract/schemathesis.toml run "$api/openapi.json" --url "$api" "$@" || {
  code=$?
  # What the server itself had to say, such as the cause of a 500.
  tail -n 20 "$dir"/server.log* >&2 || true
  exit "$code"
}
