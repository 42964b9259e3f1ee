#!/usr/bin/env bash
# Installs `t4` and ruff on a runner. The workflows t4-*.yml call it.
#
# `t4 init` or `t4 protect` wrote it and will not change it again. Edit it: set install_t4 to the command that installs
# `t4` on your runners. If install_t4 is empty, the repository's variable T4_INSTALL is used. A command in this file also
# works for pull requests from forks, to which GitHub passes no variables. Examples:
#
#   install_t4='cargo install --locked --git https://git.example.com/t4 --rev <commit> t4'
#   install_t4='curl -fsSLo "$bin/t4" https://files.example.com/t4-1.0 && echo "<sha256>  $bin/t4" | sha256sum -c && chmod +x "$bin/t4"'
set -euo pipefail

install_t4=''
ruff_version='0.14.2'

export bin="$HOME/.local/bin"
mkdir -p "$bin"
export PATH="$bin:$HOME/.cargo/bin:$PATH"
if [ -n "${GITHUB_PATH:-}" ]; then
  printf '%s\n' "$HOME/.cargo/bin" "$bin" >>"$GITHUB_PATH"
fi

if ! command -v t4 >/dev/null; then
  command="${install_t4:-${T4_INSTALL:-}}"
  if [ -z "$command" ]; then
    echo "::error title=t4::the runner has no t4: write the command that installs it into .github/t4-install.sh, or set the repository's variable T4_INSTALL"
    exit 1
  fi
  bash -euo pipefail -c "$command"
fi
if [ "$(ruff --version 2>/dev/null || true)" != "ruff $ruff_version" ]; then
  pipx install --force "ruff==$ruff_version"
fi
t4 --version
ruff --version
