//! `t4 codemod run`: fixes findings by a codemod.

use cli_support::{CommandVerdict, Failure};
use pr_gate::codemod::{self, CodemodFile, CodemodQuestion};
use pr_gate::diff;
use registry_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{RunCodemods, report};
use crate::working_tree::Bar;
use crate::{out, working_tree};

/// Plans, shows, and writes when asked to.
pub fn run(args: RunCodemods) -> Result<CommandVerdict, Failure> {
    let RunCodemods { paths, only, include_accepted, ruff, apply, json } = args;
    let now = SystemClock::new().now();
    let project = ruff.project()?;
    let paths = paths
        .iter()
        .map(|path| project.tree.name(path))
        .collect::<Result<_, _>>()
        .map_err(working_tree::failure)?;
    let bar = Bar::new();
    let question = CodemodQuestion { paths, only, include_accepted, today: working_tree::day(now) };
    let plan = codemod::plan(&project, &question, &bar).map_err(working_tree::failure)?;
    let snapshot = if apply {
        let info = codemod::apply(&project, &plan, now, &bar).map_err(working_tree::failure)?;
        (!info.files.is_empty()).then_some(info.id)
    } else {
        None
    };
    drop(bar);
    for warning in &plan.warnings {
        out::say(warning);
    }
    if json {
        let mut files = json!(plan.files);
        for (shown, file) in files.as_array_mut().into_iter().flatten().zip(&plan.files) {
            if let Value::Object(shown) = shown {
                shown.insert("diff".to_owned(), json!(exact(file)));
            }
        }
        out::print_json_lines(&json!({
            "applied": apply,
            "snapshot": snapshot,
            "tool": plan.tool,
            "fixed": plan.fixed(),
            "skipped": plan.skipped(),
            "stale": plan.stale(),
            "files": files,
            "unparsable": plan.unparsable,
        }))?;
    } else {
        if !apply {
            for file in plan.changed() {
                out::print(&diff::shown(&exact(file)))?;
            }
        }
        out::print(&report::left(&plan))?;
        out::print(&report::summary(&plan, apply, snapshot.as_deref()))?;
    }
    Ok(CommandVerdict::Fine)
}

fn exact(file: &CodemodFile) -> String {
    diff::unified(&file.file, Some(&file.before), &file.after)
}
