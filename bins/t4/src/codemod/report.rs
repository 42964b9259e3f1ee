//! Report of a codemod, for people.

use std::fmt::Write as _;

use pr_gate::codemod::CodemodPlan;

use crate::out;

/// What is left alone, and why.
pub fn left(plan: &CodemodPlan) -> String {
    let mut text = String::new();
    for file in &plan.files {
        for skip in &file.skipped {
            let _ = writeln!(
                text,
                "{}:{}: {} left alone: {}",
                out::plain(&file.file),
                skip.row,
                out::plain(&skip.code),
                out::plain(&skip.reason)
            );
        }
    }
    for file in &plan.unparsable {
        let _ = writeln!(text, "{}: left alone: {}", out::plain(&file.file), out::plain(&file.problem));
    }
    text
}

/// The last line.
pub fn summary(plan: &CodemodPlan, apply: bool, snapshot: Option<&str>) -> String {
    let (fixed, changed, left) = (plan.fixed(), plan.changed().count(), plan.skipped());
    let done = match (apply, changed) {
        (_, 0) => "nothing to fix".to_owned(),
        (true, _) => format!("fixed {} in {}", findings(fixed), files(changed)),
        (false, _) => format!("would fix {} in {}", findings(fixed), files(changed)),
    };
    let left = if left == 0 { String::new() } else { format!(", {left} left alone") };
    let unparsable = plan.unparsable.len();
    let unread = if unparsable == 0 { String::new() } else { format!(", {} not read", files(unparsable)) };
    let next = match snapshot {
        Some(id) => format!("; `t4 codemod revert {id}` undoes it"),
        None if changed > 0 => "; `--apply` writes it".to_owned(),
        None => String::new(),
    };
    let stale = match (plan.stale(), apply) {
        (0, _) => String::new(),
        (1, true) => "1 annotation is stale now: `t4 prune` takes it out\n".to_owned(),
        (1, false) => "1 annotation would be stale: `t4 prune` takes it out afterwards\n".to_owned(),
        (n, true) => format!("{n} annotations are stale now: `t4 prune` takes them out\n"),
        (n, false) => format!("{n} annotations would be stale: `t4 prune` takes them out afterwards\n"),
    };
    format!("{done}{left}{unread}{next}\n{stale}")
}

/// How many findings.
fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

/// How many files.
pub fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
