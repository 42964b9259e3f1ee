//! Finds ruff and its version.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use source_tree::git::Git;

use super::running::RunningRuff;
use super::{Ruff, RuffSaid, failed};
use crate::{Error, Project};

/// Runs `python3 -m ruff` without the working directory in the module path, so that a `ruff.py` of the tree is not run.
const MODULE: &str = "import sys\nsys.path[:] = [p for p in sys.path if p]\n\
                      import runpy\nrunpy.run_module('ruff', run_name='__main__', alter_sys=True)\n";

/// A running `ruff --version`.
pub struct Version {
    child: RunningRuff,
}

impl Ruff {
    /// Finds ruff and starts `ruff --version`.
    ///
    /// The program is the one that the caller named, or else the first of: the active virtual environment, `PATH`,
    /// `python3 -m ruff`, and `uvx ruff`. A ruff inside the tree is run only when the caller named it, or when its
    /// virtual environment is active and not tracked by git.
    ///
    /// # Errors
    /// There is no ruff (the error says how to get it), the named program can't be run, or git fails.
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
        // uvx must not read settings of the tree: they could name a server from which it downloads a program.
        candidates
            .extend(launcher.program("uvx").map(|uvx| ruff(uvx, &["--no-config", "ruff"], is_of_network)));
        for candidate in candidates {
            let Ok(mut child) = candidate.version() else { continue };
            // A program with the name ruff is accepted before its version is known. `python3` and `uvx` may be
            // installed without ruff, so their answer is awaited here.
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
            "; the tree has a `.venv/bin/ruff`: activate its environment or name it with `--ruff` to run it"
        } else {
            ""
        };
        Err(failed(format!(
            "it is not on PATH, not in an active virtual environment, not in `python3`, and there is no `uvx`: \
             install it (`pip install ruff`), or pass a linter's output to `t4 check --from`{own}"
        )))
    }

    fn version(&self) -> std::io::Result<RunningRuff> {
        let mut command = self.command();
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        RunningRuff::start(&mut command)
    }
}

impl Version {
    /// Waits for the version, such as `ruff 0.14.2`.
    ///
    /// # Errors
    /// `ruff --version` fails.
    pub fn wait(mut self) -> Result<String, Error> {
        let text = self.child.said.take().or_else(|| self.child.text());
        text.ok_or_else(|| failed("`ruff --version` failed".to_owned()))
    }
}

/// Whether ruff may write into this folder: neither the folder nor an entry of it is a link.
fn is_own_folder(folder: &Path) -> bool {
    let Ok(kind) = folder.symlink_metadata() else { return true };
    let no_link = |entry: std::fs::DirEntry| entry.file_type().is_ok_and(|kind| !kind.is_symlink());
    kind.is_dir() && folder.read_dir().is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(no_link)))
}

/// Whether git tracks a file of the virtual environment that contains a program. A pull request could add a tracked
/// program, so it must not run.
fn is_tracked(git: Option<&Git>, root: &Path, program: &Path) -> Result<bool, Error> {
    let environment = program.parent().and_then(Path::parent);
    let Some((git, name)) = git.zip(environment.and_then(|folder| folder.strip_prefix(root).ok())) else {
        return Ok(false);
    };
    let name = name.to_str().ok_or_else(|| failed(format!("`{}` is not UTF-8", program.display())))?;
    Ok(!git.run(&["ls-files", "-z", "--", name])?.is_empty())
}

/// Whether `uvx`, which may download ruff, needs a variable: for proxies, certificates, or the user's settings of uv.
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
