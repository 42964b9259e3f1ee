//! The command lines of ruff: what T4 asks of it, and which of its settings T4 overrules.

use std::process::Command;

use super::Ruff;

/// How long a command line may get, in bytes: systems allow 128 KB and more.
const COMMAND_LINE: usize = 64 << 10;

/// Nothing of what is read is kept in the tree.
const NO_CACHE: &str = "--no-cache";

/// Overrules `fix-only` of the tree's settings, which would hide every finding.
const NO_FIX_ONLY: &str = "--no-fix-only";

/// When a file that ruff's settings exclude is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluded {
    /// When ruff finds it in a folder, as always: a file that is named is looked at.
    WhenFound,
    /// Also when it is named.
    Always,
}

impl Ruff {
    /// A command that runs ruff in the root, without the `RUFF_*` variables that could redirect its output.
    pub(super) fn command(&self) -> Command {
        let mut command = self.launcher.command(&self.program, &self.root, self.passes);
        command.args(&self.before).env("NO_COLOR", "1");
        command
    }

    /// `ruff check` for some rules. The tree's settings count, but for those that would change files, hide findings
    /// that could be fixed, or put the cache elsewhere.
    pub(super) fn linter(&self, codes: &[String], excluded: Excluded) -> Command {
        let mut command = self.command();
        command.args(["check", "--output-format=json", "--exit-zero", "--no-fix", NO_FIX_ONLY]);
        command.arg(format!("--select={}", codes.join(",")));
        if self.cache {
            command.arg("--cache-dir").arg(self.root.join(".ruff_cache"));
        } else {
            command.arg(NO_CACHE);
        }
        if excluded == Excluded::Always {
            command.arg("--force-exclude");
        }
        command
    }

    /// `ruff check` that prints the files below names that it looks at.
    pub(super) fn lister(&self, names: &[String]) -> Command {
        let mut command = self.command();
        command.args(["check", "--show-files", NO_CACHE, "--"]);
        command.args(names.iter().map(|name| argument(name)));
        command
    }

    /// `ruff check` that prints its input with the fixes of one rule.
    pub(super) fn fixer(&self, name: &str, code: &str, unsafe_fixes: bool) -> Command {
        let mut command = self.command();
        command.args(["check", "--fix", "--exit-zero", NO_CACHE, "--quiet", NO_FIX_ONLY]);
        command.arg(if unsafe_fixes { "--unsafe-fixes" } else { "--no-unsafe-fixes" });
        command.arg(format!("--select={code}")).arg(format!("--stdin-filename={}", argument(name)));
        command.args(["--", "-"]);
        command
    }
}

/// Names, in portions that a command line can hold.
pub fn portions(names: &[String]) -> Vec<&[String]> {
    let mut portions = Vec::new();
    let mut rest = names;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take_while(|name| {
            bytes += name.len() + 16;
            bytes <= COMMAND_LINE
        });
        let (portion, others) = rest.split_at(fit.count().max(1));
        portions.push(portion);
        rest = others;
    }
    portions
}

/// A name as an argument. `-` would be the standard input, and `@name` a file of further arguments, even after `--`.
pub fn argument(name: &str) -> String {
    if name == "." { name.to_owned() } else { format!("./{name}") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use source_tree::Launcher;

    use super::super::RuffSaid;
    use super::*;

    fn line(command: &Command) -> String {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        arguments.join(" ")
    }

    #[test]
    fn no_command_line_changes_files_or_leaves_a_cache_elsewhere() {
        let root = Path::new("/r");
        let ruff = Ruff {
            program: "/bin/ruff".into(),
            before: Vec::new(),
            passes: |_| false,
            launcher: Launcher::default(),
            root: root.to_owned(),
            cache: false,
            said: RuffSaid::of(root),
        };
        let codes = ["E".to_owned(), "F401".to_owned()];
        let plain = "check --output-format=json --exit-zero --no-fix --no-fix-only --select=E,F401";
        assert_eq!(line(&ruff.linter(&codes, Excluded::WhenFound)), format!("{plain} --no-cache"));
        assert_eq!(
            line(&ruff.linter(&codes, Excluded::Always)),
            format!("{plain} --no-cache --force-exclude")
        );
        let cached = Ruff { cache: true, ..ruff.clone() };
        assert_eq!(
            line(&cached.linter(&codes, Excluded::WhenFound)),
            format!("{plain} --cache-dir /r/.ruff_cache")
        );
        assert_eq!(line(&ruff.lister(&["@a".to_owned()])), "check --show-files --no-cache -- ./@a");
        assert_eq!(
            line(&ruff.fixer("a.py", "F401", false)),
            "check --fix --exit-zero --no-cache --quiet --no-fix-only --no-unsafe-fixes --select=F401 \
             --stdin-filename=./a.py -- -"
        );
    }
}
