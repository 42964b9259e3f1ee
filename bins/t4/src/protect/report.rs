//! Report of a plan or of what was done.

use std::fmt::Write as _;

use cli_support::Failure;
use pr_gate::protect::protection::contexts;
use serde_json::{Value, json};

use super::apply::Done;
use super::github::Host;
use super::plan::ProtectPlan;
use crate::{out, rewriting};

/// What stands for the token.
const HIDDEN: &str = "Bearer ***";

pub fn print(plan: &ProtectPlan, host: &Host, done: Option<&Done>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        out::print_json_lines(&machine(plan, host, done))
    } else if let Some(done) = done {
        out::print(&after(plan, done))
    } else {
        out::print(&dry(plan, host))
    }
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
    let branch = out::plain(&plan.branch);
    let mut text = format!("{}, branch {branch}: nothing is changed, this is a dry run\n", plan.repository);
    for change in plan.changes() {
        text.push('\n');
        text.push_str(&rewriting::shown(&change));
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
    text
}

fn after(plan: &ProtectPlan, done: &Done) -> String {
    let mut text = format!("{}, branch {}: ", plan.repository, out::plain(&plan.branch));
    let Some(record) = &done.record else {
        text.push_str("all is as it should be, nothing was changed\n");
        return text;
    };
    text.push_str("protected; required checks: ");
    text.push_str(&out::plain(&contexts(&plan.body).join(", ")));
    text.push('\n');
    for change in plan.changes() {
        let verb = if change.before.is_some() { "changed" } else { "wrote" };
        let _ = writeln!(text, "{verb} {}", out::plain(&change.file));
    }
    notes(plan, &mut text);
    if !plan.changes().is_empty() {
        text.push_str(
            "\nNow commit the files and open a pull request: until they are there, no other pull request passes the \
             required checks.\n",
        );
    }
    let _ = writeln!(text, "\n`t4 protect --undo` restores what was there (record {record}).");
    text
}

fn notes(plan: &ProtectPlan, text: &mut String) {
    for note in &plan.notes {
        let _ = writeln!(text, "\nnote: {}", out::plain(note));
    }
}
