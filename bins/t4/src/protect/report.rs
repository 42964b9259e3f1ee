//! What is to be done or was done, for people and machines.

use std::fmt::Write as _;

use cli_support::Failure;
use pr_gate::diff;
use pr_gate::protect::protection::contexts;
use serde_json::{Value, json};

use super::apply::Done;
use super::github::Host;
use super::plan::ProtectPlan;
use crate::out;

/// What stands for the token.
const HIDDEN: &str = "Bearer ***";

pub fn print(plan: &ProtectPlan, host: &Host, done: Option<&Done>, as_json: bool) -> Result<(), Failure> {
    let text = if as_json {
        serde_json::to_string_pretty(&machine(plan, host, done)).map_err(Failure::trouble)? + "\n"
    } else if let Some(done) = done {
        after(plan, done)
    } else {
        dry(plan, host)
    };
    out::print(&text)
}

fn machine(plan: &ProtectPlan, host: &Host, done: Option<&Done>) -> Value {
    let changed = plan.changes();
    let action = |before: Option<&Vec<u8>>| if before.is_some() { "changed" } else { "created" };
    let mut files: Vec<_> = changed
        .iter()
        .map(|change| json!({ "file": change.file, "action": action(change.before.as_ref()) }))
        .collect();
    files.extend(plan.files.same.iter().map(|file| json!({ "file": file, "action": "same" })));
    files.extend(plan.files.kept.iter().map(|file| json!({ "file": file, "action": "kept" })));
    let requests: Vec<_> = requests(plan, host)
        .into_iter()
        .map(|(method, url, body)| {
            json!({ "method": method, "url": url, "authorization": HIDDEN, "body": body })
        })
        .collect();
    json!({
        "applied": done.is_some(),
        "repo": plan.repository.to_string(),
        "branch": plan.branch,
        "files": files,
        "requests": requests,
        "protection_known": plan.before.is_some(),
        "protection_before": plan.before.clone().flatten(),
        "checks": contexts(&plan.body),
        "record": done.and_then(|done| done.record.clone()),
        "notes": plan.notes,
    })
}

/// The requests that change something.
fn requests<'a>(plan: &'a ProtectPlan, host: &Host) -> Vec<(&'static str, String, &'a Value)> {
    if plan.is_protected() {
        return Vec::new();
    }
    vec![("PUT", host.address(&plan.path()), &plan.body)]
}

fn dry(plan: &ProtectPlan, host: &Host) -> String {
    let mut text =
        format!("{}, branch {}: nothing is changed, this is a dry run\n", plan.repository, plan.branch);
    for change in plan.changes() {
        let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default()).into_owned();
        let difference = diff::unified(&change.file, &before, &String::from_utf8_lossy(&change.after));
        text.push('\n');
        text.push_str(&difference);
    }
    if plan.changes().is_empty() {
        text.push_str("\nThe files are as they should be.\n");
    }
    match &plan.before {
        None => {}
        Some(None) => text.push_str("\nThe branch is not protected.\n"),
        Some(Some(_)) if plan.is_protected() => text.push_str("\nThe branch is protected as it should be.\n"),
        Some(Some(_)) => text.push_str("\nThe branch is protected; what it has stays.\n"),
    }
    for (method, url, body) in requests(plan, host) {
        let body = serde_json::to_string_pretty(body).unwrap_or_default();
        let _ = writeln!(text, "\n{method} {url}\nAuthorization: {HIDDEN}\n{body}");
    }
    notes(plan, &mut text);
    if !plan.changes().is_empty() || !plan.is_protected() {
        text.push_str("\nTo do it, add --apply.\n");
    }
    plain(&text)
}

fn after(plan: &ProtectPlan, done: &Done) -> String {
    let mut text = format!("{}, branch {}: ", plan.repository, plan.branch);
    let Some(record) = &done.record else {
        text.push_str("all is as it should be, nothing was changed\n");
        return plain(&text);
    };
    text.push_str("protected; required checks: ");
    text.push_str(&contexts(&plan.body).join(", "));
    text.push('\n');
    for change in plan.changes() {
        let verb = if change.before.is_some() { "changed" } else { "wrote" };
        let _ = writeln!(text, "{verb} {}", change.file);
    }
    notes(plan, &mut text);
    if !plan.changes().is_empty() {
        text.push_str(
            "\nNow commit the files and open a pull request: until they are there, no other pull request passes the \
             required checks.\n",
        );
    }
    let _ = writeln!(text, "\n`t4 protect --undo` restores what was there (record {record}).");
    plain(&text)
}

/// Branches, files and what GitHub tells may hold anything.
fn plain(text: &str) -> String {
    text.lines().map(|line| out::plain(line) + "\n").collect()
}

fn notes(plan: &ProtectPlan, text: &mut String) {
    for note in &plan.notes {
        let _ = writeln!(text, "\nnote: {note}");
    }
}
