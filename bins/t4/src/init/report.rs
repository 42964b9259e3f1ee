//! Report of the files that were written.

use std::fmt::Write as _;
use std::path::Path;

use cli_support::Failure;
use pr_gate::init::{Hook, LINE};
use serde_json::{Value, json};

use crate::out;

/// What a run did.
pub struct InitReport {
    pub created: Vec<String>,
    pub same: Vec<String>,
    pub kept: Vec<String>,
    pub hook: Hook,
    pub installed: bool,
}

impl InitReport {
    pub fn print(&self, as_json: bool) -> Result<(), Failure> {
        if as_json { out::print_json(&self.json()) } else { out::print(&self.human()) }
    }

    fn json(&self) -> Value {
        let (state, path) = match &self.hook {
            Hook::Ours(path) if self.installed => ("installed", Some(path)),
            Hook::Ours(path) => ("same", Some(path)),
            Hook::Free(path) => ("none", Some(path)),
            Hook::Foreign(path) => ("foreign", Some(path)),
            Hook::Shared(path) => ("shared", Some(path)),
            Hook::NoGit => ("no repository", None),
        };
        json!({
            "created": self.created,
            "same": self.same,
            "kept": self.kept,
            "hook": { "state": state, "path": path.map(|path| path.display().to_string()) },
        })
    }

    fn human(&self) -> String {
        let mut text = String::new();
        let mut tell = |verb: &str, files: &[String]| {
            for file in files {
                let _ = writeln!(text, "{verb:<7} {}", out::plain(file));
            }
        };
        tell("wrote", &self.created);
        tell("same", &self.same);
        tell("kept", &self.kept);
        if !self.kept.is_empty() {
            text.push_str("        (what is kept differs from what T4 writes, and is left alone)\n");
        }
        match &self.hook {
            Hook::Ours(path) if self.installed => {
                let _ = writeln!(text, "wrote   {}", shown(path));
            }
            Hook::Ours(path) => {
                let _ = writeln!(text, "same    {}", shown(path));
            }
            Hook::Free(_) => text.push_str("no pre-commit hook was installed\n"),
            Hook::Foreign(path) => {
                let _ = write!(
                    text,
                    "kept    {}: it is a hook of your own. To have the check in it, add this line:\n\n{LINE}\n",
                    shown(path)
                );
            }
            Hook::Shared(path) => {
                let _ = write!(
                    text,
                    "no pre-commit hook was installed: git looks for it outside of this repository (core.hooksPath). To have \
                 the check in {}, add this line:\n\n{LINE}\n",
                    shown(path)
                );
            }
            Hook::NoGit => {
                text.push_str("no pre-commit hook was installed: this is no git repository\n");
            }
        }
        if self.created.iter().any(|file| file.ends_with("t4-install.sh")) {
            text.push_str(
                "\nNext:\n  1. say in .github/t4-install.sh how a runner gets `t4`\n  2. t4 check\n  3. commit the files\n  \
                 4. t4 protect, which makes the checks required\n",
            );
        }
        text
    }
}

/// What was taken away.
pub fn undone(files: &[String], hook: Option<&Path>, as_json: bool) -> Result<(), Failure> {
    let hook = hook.map(|path| path.display().to_string());
    if as_json {
        return out::print_json(&json!({ "removed": files, "hook": hook }));
    }
    let mut text = String::new();
    for file in files.iter().chain(&hook) {
        let _ = writeln!(text, "removed {}", out::plain(file));
    }
    out::print(&text)
}

fn shown(path: &Path) -> String {
    out::plain(&path.display().to_string())
}
