//! Undo: restores first the branch, then the files.

use std::fmt::Write as _;

use anyhow::anyhow;
use cli_support::{CommandVerdict, Failure};
use pr_gate::Project;
use pr_gate::protect::Repository;
use pr_gate::protect::protection::{as_request, lacking, same};
use pr_gate::protect::record::ProtectionRecord;
use serde_json::{Value, json};
use source_tree::snapshot;

use super::Args;
use super::github::Host;
use crate::{out, working_tree};

pub fn run(
    project: &Project,
    host: &Host,
    repository: &Repository,
    args: &Args,
) -> Result<CommandVerdict, Failure> {
    let found = ProtectionRecord::newest(project, &host.api(), &repository.to_string())
        .map_err(working_tree::failure)?;
    let Some(mut record) = found else {
        return Err(Failure::trouble(anyhow!(
            "there is nothing to undo for `{repository}` at `{}`",
            host.api()
        )));
    };
    if args.branch.as_ref().is_some_and(|branch| *branch != record.branch) {
        return Err(Failure::usage(anyhow!("the newest change was to the branch `{}`", record.branch)));
    }
    let path = repository.protection(&record.branch);
    let branch = restore(host, &path, &record, args.force)?;
    let mut files = Vec::new();
    if let Some(id) = &record.snapshot {
        let info = snapshot::revert(&project.tree, "protect", Some(id), args.force).map_err(|error| {
            working_tree::failure(error).context(format!("{branch}, but the files are not restored"))
        })?;
        files = info.files;
    }
    record.reverted = true;
    record.save(project).map_err(working_tree::failure)?;
    if args.json {
        out::print_json(&json!({
            "undone": record.id, "repo": record.repo, "branch": record.branch, "protection": branch, "files": files,
        }))?;
    } else {
        let mut text = format!("{}, branch {}: {branch}\n", record.repo, out::plain(&record.branch));
        for file in files {
            let _ = writeln!(text, "restored {}", out::plain(&file));
        }
        out::print(&text)?;
    }
    Ok(CommandVerdict::Fine)
}

/// Puts the protection back; what was done, in words.
fn restore(host: &Host, path: &str, record: &ProtectionRecord, force: bool) -> Result<&'static str, Failure> {
    if same(record.before.as_ref(), record.after.as_ref()) && record.after.is_some() {
        return Ok("the protection was not changed");
    }
    let now = host.protection(path)?;
    if same(now.as_ref(), record.before.as_ref()) {
        return Ok("the protection is as it was before");
    }
    if !force && !is_ours(now.as_ref(), record) {
        return Err(Failure::trouble(anyhow!(
            "the protection of `{}` was changed since, nothing was restored: look at it on GitHub, and add --force to \
             lose those changes",
            record.branch
        )));
    }
    match &record.before {
        None => host.unprotect(path)?,
        Some(before) => host.protect(path, &as_request(before))?,
    }
    let now = host.protection(path)?;
    if same(now.as_ref(), record.before.as_ref()) {
        return Ok(if now.is_some() { "the protection is restored" } else { "the protection is taken away" });
    }
    let lacking = match (&now, &record.before) {
        (Some(now), Some(before)) => lacking(now, &as_request(before)),
        _ => vec!["whether there is one".to_owned()],
    };
    Err(Failure::trouble(anyhow!(
        "GitHub took the old protection, but shows another: {}; the files are not restored",
        lacking.join(", ")
    )))
}

/// Whether a protection is the one that was set.
fn is_ours(now: Option<&Value>, record: &ProtectionRecord) -> bool {
    match (&record.after, now) {
        (Some(after), now) => same(Some(after), now),
        // It was sent, and nobody could look whether it came through.
        (None, Some(now)) => lacking(now, &record.sent).is_empty(),
        (None, None) => false,
    }
}
