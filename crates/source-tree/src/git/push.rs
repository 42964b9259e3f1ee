//! Push of a branch: the only operation for which git uses the user's ssh and credential helpers.

use std::ffi::OsStr;

use super::invocation::{refused, run};
use super::overrides::GitOverrides;
use super::settings::Origin;
use super::{Git, GitInvocation};
use crate::Error;

/// Protocols of a push. Others run a program (`ext::`), or the hooks of a folder on this machine (`file`).
const PROTOCOLS: &str = "https:http:ssh:git";

/// Pushes a branch to the branch of the same name, which is never overwritten. No hook and no program that the repository
/// names is run. A remote that is a folder must be given as a path, because git runs the hooks of that folder.
///
/// # Errors
/// When git refuses, with what it said.
pub fn push(git: &Git, remote: &str, branch: &str) -> Result<(), Error> {
    const PUSH: [&str; 8] = [
        "push",
        "--quiet",
        "--no-force",
        "--no-verify",
        "--no-signed",
        "--no-follow-tags",
        "--recurse-submodules=no",
        "--receive-pack=git-receive-pack",
    ];
    let overrides = GitOverrides::push(&git.settings)?;
    let protocols = if is_folder(git, remote) { format!("{PROTOCOLS}:file") } else { PROTOCOLS.to_owned() };
    let invocation: GitInvocation = git.invocation.elsewhere();
    let mut command = invocation.pushing(git.root(), &overrides, &protocols);
    let is_proxy =
        |origin: Origin| git.settings.iter().any(|one| one.key() == b"core.gitproxy" && one.origin == origin);
    if is_proxy(Origin::Repository) {
        // The first value of this setting wins, so it can't be overridden by a later one. The variable precedes them all.
        let users = invocation.launcher.variable("GIT_PROXY_COMMAND").unwrap_or(OsStr::new(""));
        command.env("GIT_PROXY_COMMAND", users);
    }
    let spec = format!("refs/heads/{branch}:refs/heads/{branch}");
    let output = run(command.args(PUSH).args(["--", remote, &spec]))?;
    if output.status.success() {
        return Ok(());
    }
    if String::from_utf8_lossy(&output.stderr).contains("transport 'file' not allowed") {
        return Err(Error::Refused(format!(
            "the remote `{remote}` is a folder, whose hooks would be run: name the folder itself with --remote"
        )));
    }
    Err(refused(&output.stderr))
}

/// Whether a remote is the path of a folder, and no setting of the repository gives that path another meaning.
fn is_folder(git: &Git, remote: &str) -> bool {
    let is_remote = |subsection: &[u8]| subsection == remote.as_bytes();
    let turns_it = git.settings.iter().any(|one| {
        let is_known = one.section == "remote" && one.subsection.as_deref().is_some_and(is_remote);
        let is_rewritten = one.section == "url" && one.origin == Origin::Repository;
        is_known || is_rewritten
    });
    remote.contains('/') && git.root().join(remote).is_dir() && !turns_it
}
