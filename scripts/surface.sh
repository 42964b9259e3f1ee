#!/usr/bin/env bash
# What users and programs see of a build: OpenAPI, --help of every command, JSON schemas, metric names, error answers,
# exit codes with their messages. For changes that must not be seen from outside.
#
#   scripts/surface.sh collect BINARIES FOLDER   writes it as text files below FOLDER
#   scripts/surface.sh compare OLD NEW           collects both and shows the difference; exit code 1 when there is one
#
# BINARIES, OLD and NEW are folders with intent-api, admin-keys and t4, such as target/debug. The schemas are taken
# from docs/schemas/ beside the target folder. Needs curl and python3.
set -euo pipefail

usage() { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# --help of a command and, below it, of each command that it lists.
help_of() {
  local out=$1 name=$2 program=$3
  shift 3
  "$program" "$@" --help >"$out/$name.txt"
  local below
  for below in $(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z0-9-]*\) .*/\1/p' "$out/$name.txt"); do
    [ "$below" = help ] || help_of "$out" "$name-$below" "$program" "$@" "$below"
  done
}

# Replaces what differs between two runs of the same build.
steady() {
  sed -E -e "s#$work#WORK#g" -e "s#$bin/##g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' \
    -e 's/"request_id": ?"[^"]*"/"request_id":"ID"/g' -e 's/127\.0\.0\.1:[0-9]+/ADDRESS/g' \
    -e 's/t4_[A-Za-z0-9_]{8,}/KEY/g' -e 's/T4-01[0-9a-z]{24}/INTENT/g' \
    -e 's/\b[0-9a-f]{64}\b/DIGEST/g' -e 's/\(request [0-9a-f]{32}\)/(request ID)/' -e 's/ok: [0-9]+ rows/ok: N rows/'
}

# Exit code, stdout and stderr of a command.
outcome() {
  local code=0
  "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
  shift
  printf '$ %s\nexit %s\n' "$*" "$code"
  sed 's/^/out /' "$work/stdout"
  sed 's/^/err /' "$work/stderr"
}

collect() {
  local bin out
  bin=$(cd "$1" && pwd)
  mkdir -p "$2/help"
  out=$(cd "$2" && pwd)
  # Global: the trap runs after this function.
  work=$(mktemp -d)
  server=
  trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$work"' EXIT
  unset T4_API_KEY T4_INTENT_API T4_DB T4_ADMIN_TOKEN_HASH
  local program
  for program in intent-api admin-keys t4; do help_of "$out/help" "$program" "$bin/$program"; done
  if [ -d "$bin/../../docs/schemas" ]; then cp -r "$bin/../../docs/schemas" "$out/"; fi

  export T4_ADMIN_TOKEN=surface-admin-token
  exec {told}< <(cd "$work" && T4_METRICS_PUBLIC=1 T4_TRUSTED_PROXIES=127.0.0.1/32 exec "$bin/intent-api" --bind 127.0.0.1:0 \
    --db "$work/registry.db" --log-file "$work/server.log")
  server=$!
  local line api key
  read -r -t 30 line <&"$told"
  api="http://$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' <<<"$line")"
  curl -fsS "$api/openapi.json" | python3 -m json.tool --sort-keys >"$out/openapi.json"
  key=$("$bin/admin-keys" create --agent-id surface --owner platform --api "$api")

  # An answer for every route without credentials, with wrong ones, and with a body that is refused.
  python3 - "$out/openapi.json" >"$work/routes" <<'PY'
import json, sys
for path, methods in sorted(json.load(open(sys.argv[1]))["paths"].items()):
    for method in sorted(methods):
        print(method.upper(), path.replace("{", "").replace("}", ""))
print("GET /nothing-here")
print("PUT /intents")
PY
  answer() { curl -sS -o "$work/body" -w '%{http_code} %{content_type}\n' "$@" && head -c 4000 "$work/body" && echo; }
  local number=0
  while read -r method path; do
    case "$path" in /metrics | /docs* | /openapi.json | /readyz | /health*) continue ;; esac
    # After 60 failures the server tells a caller to wait, by address or network: each route is asked from another one.
    number=$((number + 1))
    for headers in "X-None: 1" "X-T4-API-KEY: $key" "X-T4-Admin-Token: $T4_ADMIN_TOKEN"; do
      printf '%s %s, %s\n' "$method" "$path" "${headers%%:*}"
      # Rows of reads are written a moment later, so how many the log has differs from run to run.
      case "$path,$headers" in /admin/audit*,*Admin*) continue ;; esac
      answer -X "$method" "$api$path" -H "$headers" -H "X-Forwarded-For: 198.51.$number.1" \
        -H 'Content-Type: application/json' -d '{"unknown":1}'
    done
  done <"$work/routes" | steady >"$out/answers.txt"
  curl -fsS "$api/metrics" | sed -E -e '/^#/!s/ [^ ]+$//' -e 's/_bucket\{.*le=.*/_bucket/' | sort -u >"$out/metrics.txt"

  {
    outcome "$bin/t4" t4 || true
    outcome "$bin/t4" check --no-such-option
    outcome "$bin/t4" pre-pr a.py
    outcome env T4_INTENT_API="$api" T4_API_KEY="$key" "$bin/t4" pre-pr a.py
    outcome env T4_INTENT_API="$api" T4_API_KEY=wrong "$bin/t4" pre-pr a.py
    outcome "$bin/t4" audit verify --db "$work/registry.db"
    outcome "$bin/t4" audit verify --db "$work/none.db"
    outcome "$bin/t4" db migrate --db "$work/none/none.db"
    outcome "$bin/t4" llm prices show no-such-model
    outcome "$bin/t4" llm prices list
    outcome "$bin/admin-keys" list --api "$api"
    outcome "$bin/admin-keys" show t4_none --api "$api"
    outcome "$bin/admin-keys" list --db "$work/none.db"
    outcome "$bin/admin-keys" revoke
    outcome "$bin/intent-api" --bind nonsense
    outcome "$bin/intent-api" --bind 127.0.0.1:0 --db /proc/none/registry.db
  } | steady >"$out/exits.txt"
  kill "$server" && wait "$server" || true
  server=
}

case "${1:-}" in
collect) [ $# = 3 ] || usage; collect "$2" "$3" ;;
compare)
  [ $# = 3 ] || usage
  both=$(mktemp -d)
  "$0" collect "$2" "$both/old"
  "$0" collect "$3" "$both/new"
  code=0
  (cd "$both" && diff -ru old new) || code=$?
  rm -rf "$both"
  [ "$code" = 0 ] && echo "surface: the same: $(cd "$2" && pwd) and $(cd "$3" && pwd)"
  exit "$code"
  ;;
*) usage ;;
esac
