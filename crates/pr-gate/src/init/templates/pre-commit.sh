#!/bin/sh
# t4 pre-commit hook. `t4 init` wrote it; `t4 init --undo` removes it while it is unchanged.
#
# It refuses new legacy annotations, and new unanswered findings in staged Python files. It checks the files of the
# working tree, not of the index. To commit without this check: git commit --no-verify
set -u

added=$(git diff --cached --no-color --no-ext-diff --no-textconv --unified=0 --diff-filter=ACMR -- . ':(exclude)*.md' |
  grep -E '^\+.*(#|//|/\*|--).*TODO\[T4-(UNUSED-IMPORT|LINT-ISSUE)\]')
if [ -n "$added" ]; then
  echo "t4: these staged lines have legacy annotations; convert them with: t4 migrate --apply" >&2
  printf '%s\n' "$added" | LC_ALL=C tr -d '\000-\010\013-\037\177' >&2
  exit 1
fi

if git diff --cached --quiet --diff-filter=ACMR -- '*.py' '*.pyi'; then
  exit 0
fi
if ! command -v t4 >/dev/null 2>&1; then
  echo "t4: not installed on this machine, so the check is left to CI" >&2
  exit 0
fi
cd "$(git rev-parse --show-toplevel)" || exit 3
if git rev-parse --quiet --verify 'HEAD^{commit}' >/dev/null; then
  git diff --cached --name-only -z --diff-filter=ACMR -- '*.py' '*.pyi' | xargs -0 t4 check --since HEAD --
else
  git diff --cached --name-only -z --diff-filter=ACMR -- '*.py' '*.pyi' | xargs -0 t4 check --
fi
status=$?
# xargs exits with 123 when the program exits with a code from 1 to 125.
if [ "$status" -ne 0 ]; then
  echo "t4: not committed. Annotate the findings (t4 annotate --apply), or commit without this check (git commit --no-verify)" >&2
  exit 1
fi
