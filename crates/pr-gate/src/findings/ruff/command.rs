//! The command lines with which T4 runs ruff, and the ruff settings that they override.

use std::process::Command;

use super::Ruff;

/// The maximum length of the names on a command line, in bytes. Systems allow 128 KB or more for a command line.
const COMMAND_LINE: usize = 64 << 10;

/// Keeps ruff from writing a cache into the tree.
const NO_CACHE: &str = "--no-cache";

/// Overrides `fix-only` of the tree's settings, which would hide every finding.
const NO_FIX_ONLY: &str = "--no-fix-only";

/// When ruff leaves out a file that its settings exclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluded {
    /// Only when ruff finds it in a folder, which is ruff's default. A file on the command line is checked.
    WhenFound,
    /// Also when the file is on the command line.
    Always,
}

impl Ruff {
    /// Returns a command that runs ruff in the root, without the `RUFF_*` variables that could redirect its output.
    pub(super) fn command(&self) -> Command {
        let mut command = self.launcher.command(&self.program, &self.root, self.passes);
        command.args(&self.before).env("NO_COLOR", "1");
        command
    }

    /// Returns `ruff check` for some rules. The tree's settings apply, except those that would change files, hide
    /// fixable findings, or move the cache.
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

    /// Returns a command that prints the files that ruff checks for these files and folders.
    pub(super) fn lister(&self, names: &[String]) -> Command {
        let mut command = self.command();
        command.args(["check", "--show-files", NO_CACHE, "--"]);
        command.args(names.iter().map(|name| argument(name)));
        command
    }

    /// Returns a command that prints its input with the fixes of one rule.
    pub(super) fn fixer(&self, name: &str, code: &str, unsafe_fixes: bool) -> Command {
        let mut command = self.command();
        command.args(["check", "--fix", "--exit-zero", NO_CACHE, "--quiet", NO_FIX_ONLY]);
        command.arg(if unsafe_fixes { "--unsafe-fixes" } else { "--no-unsafe-fixes" });
        command.arg(format!("--select={code}")).arg(format!("--stdin-filename={}", argument(name)));
        command.args(["--", "-"]);
        command
    }
}

/// Splits names into portions that fit on a command line.
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

/// Converts a name to an argument. Without `./`, ruff would read `-` as stdin and `@name` as a file of further
/// arguments, even after `--`.
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
    fn no_command_line_changes_files_or_writes_a_cache_elsewhere() {
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
