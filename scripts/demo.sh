#!/usr/bin/env bash
# The main job, from nothing: a throwaway server, a key, a git repository whose branch changes three files, and the
# pre-PR check before and after an intent is registered for each. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)"
dir="$(mktemp -d)"
server=
clean_up() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$dir"
}
trap clean_up EXIT

number=0
step() {
  number=$((number + 1))
  printf '\n%s. %s\n' "$number" "$1"
}
run() {
  printf '   $ %s\n' "$*"
  "$@"
}
# Runs a command that must end with this code.
expect() {
  local wanted=$1 code=0
  shift
  run "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "demo: exit code $code, expected $wanted" >&2; exit 1; }
  printf '   exit code %s\n' "$code"
}

PATH="$bin:$bin/examples:$PATH"
unset T4_API_KEY T4_INTENT_API T4_DB T4_ADMIN_TOKEN_HASH
export T4_ADMIN_TOKEN="demo-$RANDOM$RANDOM$RANDOM"

step "A server with an empty database, on a free port"
exec {out}< <(cd "$dir" && exec intent-api --bind 127.0.0.1:0 --db "$dir/registry.db" --log-file "$dir/server.log")
server=$!
read -r -t 30 line <&"$out" || { echo "demo: the server did not start" >&2; cat "$dir"/server.log* >&2; exit 3; }
printf '   %s\n' "$line"
T4_INTENT_API="http://$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' <<<"$line")"
export T4_INTENT_API

step "A key for an agent (the key alone is on stdout; it is not shown here)"
printf '   $ T4_API_KEY=$(admin-keys create --agent-id demo-agent --owner platform --api %s)\n' "$T4_INTENT_API"
T4_API_KEY="$(admin-keys create --agent-id demo-agent --owner platform --api "$T4_INTENT_API")"
export T4_API_KEY

step "A git repository with a branch that changes three files"
mkdir -p "$dir/repository/src"
cd "$dir/repository"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init -q -b main .
git config user.name demo
git config user.email demo@localhost
for file in src/alpha.py src/beta.py src/gamma.py README.md; do echo "first" >"$file"; done
git add . && git commit -q -m "first"
git switch -q -c feature
for file in src/alpha.py src/beta.py src/gamma.py; do echo "second" >>"$file"; done
git commit -q -a -m "change three files"
run git diff --stat main

step "Before registering: the check says no"
expect 1 t4 pre-pr --since main

step "The agent declares what it means to do, one planned intent for each file"
run register platform DEMO-1 src/alpha.py src/beta.py src/gamma.py

step "After registering: the check says yes"
expect 0 t4 pre-pr --since main

step "The server stops in order; its audit log verifies offline"
kill "$server"
while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
server=
expect 0 t4 audit verify --db "$dir/registry.db"

printf '\nThat was all: the server is stopped and its files are gone.\n'
