//! Carries out a plan: first a record of the present state, then the files, then the branch.

use anyhow::anyhow;
use cli_support::Failure;
use pr_gate::Project;
use pr_gate::protect::protection;
use pr_gate::protect::record::ProtectionRecord;
use registry_core::{Clock as _, SystemClock};
use source_tree::snapshot;

use super::github::Host;
use super::plan::ProtectPlan;
use crate::working_tree;

/// What was done.
pub struct Done {
    /// The record for undo; `None` when there was nothing to do.
    pub record: Option<String>,
}

pub fn run(project: &Project, host: &Host, plan: &ProtectPlan) -> Result<Done, Failure> {
    // A plan without a look at GitHub would overwrite what is protected there.
    let Some(before) = &plan.before else {
        return Err(Failure::trouble(anyhow!(
            "this takes a token of GitHub that may administrate: set GITHUB_TOKEN (or GH_TOKEN); nothing was changed"
        )));
    };
    let changes = plan.changes();
    if changes.is_empty() && plan.is_protected() {
        return Ok(Done { record: None });
    }
    let now = SystemClock::new().now();
    let mut record = ProtectionRecord::begin(project, now).map_err(working_tree::failure)?;
    record.api = host.api();
    record.repo = plan.repository.to_string();
    record.branch.clone_from(&plan.branch);
    record.before.clone_from(before);
    record.sent.clone_from(&plan.body);
    record.save(project).map_err(working_tree::failure)?;
    match snapshot::apply(&project.tree, "protect", &changes, now) {
        Ok(info) if info.files.is_empty() => {}
        Ok(info) => record.snapshot = Some(info.id),
        Err(error) => {
            record.reverted = true;
            record.save(project).map_err(working_tree::failure)?;
            return Err(working_tree::failure(error));
        }
    }
    if plan.is_protected() {
        record.after.clone_from(before);
        record.save(project).map_err(working_tree::failure)?;
        return Ok(Done { record: Some(record.id) });
    }
    record.save(project).map_err(working_tree::failure)?;
    let wrote = if record.snapshot.is_some() { "the files are written" } else { "no file was changed" };
    let half = |failure: Failure, branch: &str| {
        failure.context(format!("{wrote}, {branch}; `t4 protect --undo` restores what was there"))
    };
    host.protect(&plan.path(), &plan.body)
        .map_err(|failure| half(failure, "but the branch is not protected as it should be"))?;
    let after = host
        .protection(&plan.path())
        .map_err(|failure| half(failure, "the branch was protected, but that can't be verified"))?;
    record.after.clone_from(&after);
    record.save(project).map_err(working_tree::failure)?;
    let lacking = match &after {
        Some(after) => protection::lacking(after, &plan.body),
        None => vec!["everything".to_owned()],
    };
    if lacking.is_empty() {
        return Ok(Done { record: Some(record.id) });
    }
    let failure =
        Failure::trouble(anyhow!("GitHub took the protection, but does not show: {}", lacking.join(", ")));
    Err(half(failure, "and the request was sent"))
}
