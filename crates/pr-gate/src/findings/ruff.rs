//! ruff, run as a program.

mod configuration;
mod fix;
mod said;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use annotations::Finding;
use source_tree::Launcher;
use source_tree::git::Git;

use super::file_names::Names;
use super::{Output, ruff_json};
use crate::{Error, Project};
use said::RuffSaid;

pub use configuration::{is_configuration, refuse_endless};
pub use fix::Survey;

/// Runs `python3 -m ruff` with a path of modules that lacks the working directory: a `ruff.py` in the tree is not it.
const MODULE: &str = "import sys\nsys.path[:] = [p for p in sys.path if p]\n\
                      import runpy\nrunpy.run_module('ruff', run_name='__main__', alter_sys=True)\n";

/// How long a command line may get, in bytes: systems allow 128 KB and more.
const COMMAND_LINE: usize = 64 << 10;

/// How much ruff may print before its output is refused.
const LARGEST: u64 = 1 << 30;

/// How much is kept of what ruff says beside its findings.
const SAID: u64 = 64 << 10;

/// What ruff says about a tree without Python.
const NO_FILES: &str = "warning: No Python files found under the given path(s)";

/// How many lines of that become warnings.
const WARNINGS: usize = 10;

/// Where ruff is.
#[derive(Debug, Clone)]
pub struct Ruff {
    program: PathBuf,
    before: Vec<OsString>,
    /// The variables that this program gets beside those of every program.
    passes: fn(&str) -> bool,
    launcher: Launcher,
    root: PathBuf,
    cache: bool,
    said: RuffSaid,
}

/// `ruff --version`, while it runs.
pub struct Version {
    child: RunningRuff,
}

impl Ruff {
    /// Finds ruff: the program that the caller named; else the first of the active virtual environment, PATH, `python3 -m`
    /// and `uvx`. Its version is asked for at the same time. A ruff inside the tree is run only when the caller named it, or
    /// when its virtual environment is active and git does not track it.
    ///
    /// # Errors
    /// When there is none, with how to get it; when the named program does not run.
    pub fn find(project: &Project) -> Result<(Self, Version), Error> {
        let (root, launcher) = (&project.tree.root, &project.tree.launcher);
        let ruff = |program: PathBuf, before: &[&str], passes: fn(&str) -> bool| Self {
            program,
            before: before.iter().map(Into::into).collect(),
            passes,
            launcher: launcher.clone(),
            root: root.clone(),
            cache: is_own_folder(&root.join(".ruff_cache")),
            said: RuffSaid::of(root),
        };
        let plain = |program: PathBuf| ruff(program, &[], |_| false);
        if let Some(named) = &project.ruff {
            let named = plain(named.clone());
            let cant = |error: std::io::Error| {
                failed(format!("`{}` can't be run: {error}", named.program.display()))
            };
            let child = named.version().map_err(cant)?;
            return Ok((named, Version { child }));
        }
        let mut candidates = Vec::new();
        if let Some(active) = launcher.program_of_active_environment("ruff")
            && !is_tracked(project.tree.git.as_ref(), root, &active)?
        {
            candidates.push(plain(active));
        }
        candidates.extend(launcher.program("ruff").map(plain));
        candidates.extend(launcher.program("python3").map(|python| ruff(python, &["-c", MODULE], |_| false)));
        // Its settings come from the user alone: those of the tree could name a server to take a program from.
        candidates
            .extend(launcher.program("uvx").map(|uvx| ruff(uvx, &["--no-config", "ruff"], is_of_network)));
        for candidate in candidates {
            let Ok(mut child) = candidate.version() else { continue };
            // A program named ruff is not waited for. `python3` and `uvx` may be installed without one.
            if candidate.before.is_empty() {
                return Ok((candidate, Version { child }));
            }
            let text = child.text();
            if let Some(text) = text.filter(|text| text.starts_with("ruff")) {
                child.said = Some(text);
                return Ok((candidate, Version { child }));
            }
        }
        let own = if root.join(".venv/bin/ruff").exists() {
            "; the tree has a `.venv/bin/ruff`, which is run when its environment is active or `--ruff` names it"
        } else {
            ""
        };
        Err(failed(format!(
            "it is not on PATH, not in an active virtual environment, not in `python3`, and there is no `uvx`: install it \
             (`pip install ruff`), or give `t4 check --from` a linter's output{own}"
        )))
    }

    fn version(&self) -> std::io::Result<RunningRuff> {
        let mut command = self.command();
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        RunningRuff::start(&mut command)
    }

    /// A command that runs ruff in the root, without the `RUFF_*` variables that could redirect its output.
    fn command(&self) -> Command {
        let mut command = self.launcher.command(&self.program, &self.root, self.passes);
        command.args(&self.before).env("NO_COLOR", "1");
        command
    }

    /// `ruff check` for some rules. The tree's settings count, but for those that would change files, hide findings
    /// that could be fixed, or put the cache elsewhere.
    fn linter(&self, codes: &[String]) -> Command {
        let mut command = self.command();
        command.args(["check", "--output-format=json", "--exit-zero", "--no-fix", "--no-fix-only"]);
        command.arg(format!("--select={}", codes.join(",")));
        if self.cache {
            command.arg("--cache-dir").arg(self.root.join(".ruff_cache"));
        } else {
            command.arg("--no-cache");
        }
        command
    }

    /// Lints names.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn check(
        &self,
        names: &[String],
        codes: &[String],
        known: &mut Names<'_>,
        output: &mut Output,
    ) -> Result<(), Error> {
        self.check_names(names, codes, false, known, output)
    }

    /// Lints files that are part of the repository, but that it takes for ignored when it looks for files. What its own
    /// settings exclude stays excluded.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn check_hidden(
        &self,
        names: &[String],
        codes: &[String],
        known: &mut Names<'_>,
        output: &mut Output,
    ) -> Result<(), Error> {
        let mut found = Output::default();
        self.check_names(names, codes, true, known, &mut found)?;
        let seen: BTreeSet<&str> = output.findings.iter().map(|finding| finding.file.as_str()).collect();
        found.findings.retain(|finding| !seen.contains(finding.file.as_str()));
        output.findings.append(&mut found.findings);
        Ok(())
    }

    fn check_names(
        &self,
        names: &[String],
        codes: &[String],
        excluding: bool,
        known: &mut Names<'_>,
        output: &mut Output,
    ) -> Result<(), Error> {
        for names in portions(names) {
            let mut command = self.linter(codes);
            if excluding {
                command.arg("--force-exclude");
            }
            command.arg("--").args(names.iter().map(|name| argument(name)));
            let (findings, said) = self.run(&mut command, None, known)?;
            output.findings.extend(findings);
            let lines = said.lines().filter(|line| !line.trim().is_empty());
            output.warnings.extend(lines.take(WARNINGS).map(|line| match line {
                NO_FILES => "there are no Python files to check".to_owned(),
                line => format!("ruff: {line}"),
            }));
        }
        Ok(())
    }

    /// Lints a text as if it stood in the file of this name.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn check_text(
        &self,
        project: &Project,
        name: &str,
        text: &[u8],
        codes: &[String],
    ) -> Result<Vec<Finding>, Error> {
        self.lint_text(self.linter(codes), project, name, text)
    }

    /// The same for a name that was another file's: one that the settings exclude had no findings.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn check_renamed(
        &self,
        project: &Project,
        name: &str,
        text: &[u8],
        codes: &[String],
    ) -> Result<Vec<Finding>, Error> {
        let mut command = self.linter(codes);
        command.arg("--force-exclude");
        self.lint_text(command, project, name, text)
    }

    /// The files below names that ruff looks at, from the root.
    ///
    /// # Errors
    /// When ruff fails, with what it said.
    pub fn files(&self, project: &Project, names: &[String]) -> Result<BTreeSet<String>, Error> {
        let mut known = Names::new(project);
        let mut files = BTreeSet::new();
        for names in portions(names) {
            let mut command = self.command();
            command.args(["check", "--show-files", "--no-cache", "--"]);
            command.args(names.iter().map(|name| argument(name)));
            let output = command.stdin(Stdio::null()).output();
            let output = output.map_err(|error| failed(format!("can't be run: {error}")))?;
            if !output.status.success() {
                return Err(self.failed_with(&output.stderr));
            }
            let text = String::from_utf8_lossy(&output.stdout);
            files.extend(text.lines().filter_map(|line| known.name(line)));
        }
        Ok(files)
    }

    /// Has a linter that is about to run read a text as if it stood in the file of this name.
    fn lint_text(
        &self,
        mut linter: Command,
        project: &Project,
        name: &str,
        text: &[u8],
    ) -> Result<Vec<Finding>, Error> {
        linter.arg(format!("--stdin-filename={}", argument(name))).args(["--", "-"]);
        Ok(self.run(&mut linter, Some(text), &mut Names::new(project))?.0)
    }

    /// Error for a ruff that failed with this text on stderr.
    fn failed_with(&self, said: &[u8]) -> Error {
        failed(self.said.told(String::from_utf8_lossy(said).trim()))
    }

    /// Runs ruff to its end: the findings, and what it said beside them.
    fn run(
        &self,
        command: &mut Command,
        text: Option<&[u8]>,
        known: &mut Names<'_>,
    ) -> Result<(Vec<Finding>, String), Error> {
        command.stdin(if text.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running =
            RunningRuff::start(command).map_err(|error| failed(format!("can't be run: {error}")))?;
        let (Some(stdout), Some(stderr)) = (running.child.stdout.take(), running.child.stderr.take()) else {
            return Err(failed("its output can't be read".to_owned()));
        };
        let stdin = running.child.stdin.take();
        let (findings, said) = std::thread::scope(|scope| {
            let said = scope.spawn(move || {
                let mut said = Vec::new();
                let mut stderr = stderr;
                let _ = stderr.by_ref().take(SAID).read_to_end(&mut said);
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                String::from_utf8_lossy(&said).into_owned()
            });
            if let (Some(mut stdin), Some(text)) = (stdin, text) {
                // A ruff that ends before it has read everything says why.
                let _ = stdin.write_all(text);
            }
            let findings = ruff_json::stream(stdout.take(LARGEST), known);
            if findings.is_err() {
                // It may still write, and nobody reads.
                let _ = running.child.kill();
            }
            (findings, said.join().unwrap_or_default())
        });
        let status = running.child.wait().map_err(|error| failed(error.to_string()))?;
        let said = self.said.told(&said);
        if !status.success() && !said.trim().is_empty() {
            return Err(failed(said.trim().to_owned()));
        }
        match findings {
            Ok(findings) if status.success() => Ok((findings, said)),
            Ok(_) => Err(failed(format!("it ended with {status}"))),
            Err(error) => {
                Err(Error::unreadable("ruff's output", format!("{error} (it ended with {status})")))
            }
        }
    }
}

impl Version {
    /// What it says: `ruff 0.14.2`.
    ///
    /// # Errors
    /// When it says nothing that a version could be.
    pub fn wait(mut self) -> Result<String, Error> {
        let text = self.child.said.take().or_else(|| self.child.text());
        text.ok_or_else(|| failed("`ruff --version` failed".to_owned()))
    }
}

/// A program that is ended when nobody waits for it any more.
struct RunningRuff {
    child: Child,
    said: Option<String>,
}

impl RunningRuff {
    fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()?, said: None })
    }

    /// What it prints, in one line, when it ends well.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        self.child.stdout.take()?.take(1024).read_to_string(&mut text).ok()?;
        let ended_well = self.child.wait().is_ok_and(|status| status.success());
        ended_well.then(|| text.lines().next().unwrap_or_default().trim().to_owned())
    }
}

impl Drop for RunningRuff {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Names, in portions that a command line can hold.
fn portions(names: &[String]) -> Vec<&[String]> {
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
fn argument(name: &str) -> String {
    if name == "." { name.to_owned() } else { format!("./{name}") }
}

/// Whether ruff may write into this folder: it, and what is in it, is no link that leads elsewhere.
fn is_own_folder(folder: &Path) -> bool {
    let Ok(kind) = folder.symlink_metadata() else { return true };
    let no_link = |entry: std::fs::DirEntry| entry.file_type().is_ok_and(|kind| !kind.is_symlink());
    kind.is_dir() && folder.read_dir().is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(no_link)))
}

/// Whether git tracks a file of the virtual environment that a program belongs to. Programs that come with a pull request
/// are not run.
fn is_tracked(git: Option<&Git>, root: &Path, program: &Path) -> Result<bool, Error> {
    let environment = program.parent().and_then(Path::parent);
    let Some((git, name)) = git.zip(environment.and_then(|folder| folder.strip_prefix(root).ok())) else {
        return Ok(false);
    };
    let name = name.to_str().ok_or_else(|| failed(format!("`{}` is not UTF-8", program.display())))?;
    Ok(!git.run(&["ls-files", "-z", "--", name])?.is_empty())
}

/// Variables for `uvx`, which downloads ruff: proxies, certificates and the user's settings of uv.
fn is_of_network(name: &str) -> bool {
    const NETWORK: [&str; 10] = [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    NETWORK.contains(&name) || name.starts_with("UV_")
}

fn failed(problem: String) -> Error {
    Error::Program { program: "ruff".to_owned(), problem }
}
