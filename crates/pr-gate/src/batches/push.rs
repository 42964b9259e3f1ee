//! Brings a branch to a remote.

use super::worktree::{output, prepared};
use crate::git::Git;
use crate::{Error, Project};

/// Pushes a branch under its own name. A branch of that name that is there and goes elsewhere is never overwritten.
///
/// # Errors
/// When git refuses, with what it said.
pub fn push(project: &Project, remote: &str, branch: &str) -> Result<(), Error> {
    let git: &Git =
        project.git.as_ref().ok_or_else(|| Error::Refused("there is no git repository here".to_owned()))?;
    let mut command = prepared(git.command());
    let spec = format!("refs/heads/{branch}:refs/heads/{branch}");
    output(command.args(["push", "--quiet", "--no-force", "--", remote, &spec]), None).map(drop)
}
