//! Push of a branch: the only operation for which git uses the user's ssh and credential helpers.

use std::ffi::OsStr;

use super::invocation::{refused, run};
use super::overrides::GitOverrides;
use super::settings::{Origin, Setting};
use super::{Git, GitInvocation};
use crate::Error;

/// Protocols of a push. Others run a program (`ext::`), or the hooks of a folder on this machine (`file`).
const PROTOCOLS: &str = "https:http:ssh:git";

/// Settings of the section `http` that a repository may have: they neither redirect a push nor weaken its encryption. The
/// last two are overridden.
const HARMLESS_HTTP: [&str; 14] = [
    // The credential that a CI system stores for one checkout.
    "extraheader",
    "keepalivecount",
    "keepaliveidle",
    "keepaliveinterval",
    "lowspeedlimit",
    "lowspeedtime",
    "maxrequests",
    "minsessions",
    "noepsv",
    "postbuffer",
    "useragent",
    "version",
    "cookiefile",
    "savecookies",
];

/// Settings of the section `credential` that a repository may have. The last one is overridden.
const HARMLESS_CREDENTIAL: [&str; 3] = ["usehttppath", "username", "helper"];

/// Pushes a branch to the branch of the same name, which is never overwritten. No hook and no program that the repository
/// names is run. A remote that is a folder must be given as a path, because git runs the hooks of that folder.
///
/// # Errors
/// [`Error::Refused`] when settings of the repository could redirect the push, hand credentials to others or weaken the
/// encryption; when git refuses, with what it said.
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
    if let Some(setting) = git.settings.iter().find(|one| redirects(one)) {
        return Err(Error::Refused(format!(
            "the configuration of this git repository sets `{}`, which can redirect a push or weaken its encryption: T4 does \
             not push from it; give the setting to your user (`git config --global`), or run `git push` yourself",
            String::from_utf8_lossy(&setting.key())
        )));
    }
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

/// Whether a setting of the repository can change where a push or the user's credentials go, or how well they are
/// protected. The URL of the remote is the repository's own: helpers give a credential to its host alone.
fn redirects(setting: &Setting) -> bool {
    if setting.origin == Origin::User {
        return false;
    }
    let name = setting.name.as_str();
    match setting.section.as_str() {
        "url" => ["insteadof", "pushinsteadof"].contains(&name),
        "http" => !HARMLESS_HTTP.contains(&name),
        "credential" => !HARMLESS_CREDENTIAL.contains(&name),
        "remote" => ["proxy", "proxyauthmethod"].contains(&name),
        _ => false,
    }
}

/// Whether a remote is the path of a folder, and not also the name of a configured remote.
fn is_folder(git: &Git, remote: &str) -> bool {
    let is_remote = |subsection: &[u8]| subsection == remote.as_bytes();
    let is_known =
        |one: &Setting| one.section == "remote" && one.subsection.as_deref().is_some_and(is_remote);
    remote.contains('/') && git.root().join(remote).is_dir() && !git.settings.iter().any(is_known)
}
