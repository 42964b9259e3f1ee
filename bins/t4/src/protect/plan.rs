//! Plan: everything that is to be done, before anything is done.

use anyhow::anyhow;
use cli_support::Failure;
use pr_gate::protect::codeowners::{self, Merged};
use pr_gate::protect::{Remote, Repository, protection};
use pr_gate::{Project, init};
use serde_json::Value;
use source_tree::snapshot::FileChange;

use super::github::Host;
use super::{Args, DEFAULT_API};
use crate::working_tree;

/// What is to be done.
pub struct ProtectPlan {
    pub repository: Repository,
    pub branch: String,
    pub files: init::InitPlan,
    pub owners: Merged,
    /// The protection that is there, as GitHub shows it; `None` when nobody could ask.
    #[expect(clippy::option_option, reason = "nobody asked, and there is none, are two answers")]
    pub before: Option<Option<Value>>,
    /// The body to send.
    pub body: Value,
    pub notes: Vec<String>,
}

impl ProtectPlan {
    /// Every file that changes.
    pub fn changes(&self) -> Vec<FileChange> {
        self.owners.change.iter().chain(&self.files.changes).cloned().collect()
    }

    /// Whether the branch is protected as it should be already.
    pub fn is_protected(&self) -> bool {
        let shown = self.before.as_ref().and_then(Option::as_ref);
        shown.is_some_and(|shown| protection::lacking(shown, &self.body).is_empty())
    }

    pub fn path(&self) -> String {
        self.repository.protection(&self.branch)
    }
}

/// The repository that is meant.
pub fn repository(project: &Project, args: &Args) -> Result<Repository, Failure> {
    if let Some(repo) = &args.repo {
        return Repository::parse(repo).map_err(working_tree::failure);
    }
    let unknown = || Failure::usage(anyhow!("which repository is not known here: give --repo OWNER/NAME"));
    let git = project.tree.git.as_ref().ok_or_else(unknown)?;
    let output = git.output(&["remote", "get-url", "origin"]).map_err(working_tree::failure)?;
    let address = String::from_utf8_lossy(&output.stdout).into_owned();
    let remote = Remote::parse(&address).filter(|_| output.status.success()).ok_or_else(unknown)?;
    // The API of one host, and a repository of another: the wrong one of the same name would be changed.
    if args.api == DEFAULT_API && !["github.com", "ssh.github.com", "www.github.com"].contains(&&*remote.host)
    {
        return Err(Failure::usage(anyhow!(
            "the remote `origin` is on `{0}`: give --api (for GitHub Enterprise Server `https://{0}/api/v3`), or --repo",
            remote.host
        )));
    }
    Ok(remote.repository)
}

/// Looks at the tree and, with a token, at GitHub.
pub fn plan(
    project: &Project,
    host: &Host,
    repository: Repository,
    args: &Args,
) -> Result<ProtectPlan, Failure> {
    let owners = codeowners::merge(project, &args.owner).map_err(working_tree::failure)?;
    let files = init::plan(project, init::workflows()).map_err(working_tree::failure)?;
    let mut notes = Vec::new();
    let facts = host.has_token().then(|| host.facts(&repository)).transpose()?;
    let branch = match (&args.branch, &facts) {
        (Some(branch), _) => branch.clone(),
        (None, Some(facts)) => facts.default_branch.clone(),
        (None, None) => guessed(project, &mut notes)?,
    };
    if facts.as_ref().is_some_and(|facts| facts.may_administrate == Some(false)) {
        let problem = format!(
            "the token may not administrate `{repository}`: it must be one of an administrator (fine-grained: \
             Administration, read and write)"
        );
        if args.apply {
            return Err(Failure::trouble(anyhow!("{problem}; nothing was changed")));
        }
        notes.push(problem);
    }
    let path = repository.protection(&branch);
    let may_look = facts.is_some_and(|facts| facts.may_administrate != Some(false));
    let before = may_look.then(|| host.protection(&path)).transpose()?;
    if before.is_none() {
        notes.push(
            "the protection that is there is not known; --apply asks for it, and keeps it in the body below"
                .to_owned(),
        );
    }
    let shown = before.as_ref().and_then(Option::as_ref);
    let body = protection::wanted(shown);
    if !protection::asks_code_owners(&body) {
        notes.push(
            "reviews by code owners are not required on this branch, and are left so: CODEOWNERS only asks for them"
                .to_owned(),
        );
    }
    for (pattern, row) in &owners.respected {
        notes.push(format!("row {row} of `{}` has its own rule for `{pattern}`, which stays", owners.file));
    }
    for file in &files.kept {
        notes.push(format!("`{file}` is there and differs from what T4 writes; it stays"));
    }
    Ok(ProtectPlan { repository, branch, files, owners, before, body, notes })
}

/// The default branch as the clone knows it.
fn guessed(project: &Project, notes: &mut Vec<String>) -> Result<String, Failure> {
    let mut branch = None;
    if let Some(git) = &project.tree.git {
        let name = ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"];
        let output = git.output(&name).map_err(working_tree::failure)?;
        let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        branch = told.strip_prefix("origin/").map(str::to_owned);
    }
    Ok(branch.unwrap_or_else(|| {
        notes.push("the default branch is not known: `main` is assumed".to_owned());
        "main".to_owned()
    }))
}
