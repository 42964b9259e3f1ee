//! `t4 check --compat`: the answer of the original checker.

use cli_support::{CommandVerdict, Failure};
use pr_gate::Project;
use pr_gate::check::{CompatAnswer, CompatQuestion, compat};
use registry_core::Timestamp;
use serde_json::Value;

use super::{Args, source};
use crate::{out, working_tree};

/// Checks as the original did. Without `--strict`, the only failure is that it could not check.
pub fn run(args: Args, project: &Project, now: Timestamp) -> Result<CommandVerdict, Failure> {
    let source = source::read(args.from.as_deref())?;
    let paths = args.paths.into_iter().chain(args.more_paths).collect();
    let question = CompatQuestion { paths, codes: args.codes.unwrap_or_default(), source };
    // The original writes UTC as an offset.
    let timestamp = now.to_string().replace('Z', "+00:00");
    let (json, passes) = match compat(project, &question, &timestamp).map_err(working_tree::failure)? {
        CompatAnswer::Checked(checked) => (checked.json, checked.passes || !args.strict),
        CompatAnswer::Failed(json) => (json, false),
    };
    if args.json {
        out::print_json_text(&format!("{json}\n"))?;
    } else {
        out::print(&human(&json))?;
    }
    Ok(if passes { CommandVerdict::Fine } else { CommandVerdict::No })
}

/// A short text: the original's own breaks down on a tree without annotations.
fn human(json: &str) -> String {
    let answer: Value = serde_json::from_str(json).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(out::plain).unwrap_or_default();
    let mut lines = vec![format!("status: {}", text("status"))];
    if answer.get("message").is_some() {
        lines.push(text("message"));
    }
    if let Some(summary) = answer.get("summary").and_then(Value::as_object) {
        lines.extend(summary.iter().map(|(name, count)| format!("{}: {count}", name.replace('_', " "))));
    }
    if let Some(score) = answer.pointer("/metrics/annotation_quality_score") {
        lines.push(format!("annotation quality score: {score}"));
    }
    let unannotated = answer.get("unannotated").and_then(Value::as_array);
    lines.extend(unannotated.into_iter().flatten().map(|finding| {
        let of = |name: &str| match finding.get(name) {
            Some(Value::String(text)) => out::plain(text),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        format!("{}:{}: {} {}", of("file"), of("line"), of("code"), of("message"))
    }));
    lines.join("\n") + "\n"
}
