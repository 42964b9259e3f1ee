//! RUF006: keeps a reference to a task in a set until the task is done.

use std::collections::HashMap;

use libcst_native::{AssignTargetExpression, Expression, SmallStatement};

use crate::job::{Aim, CodemodJob, EditPlan, Unit};
use crate::tree::{NodeKind, Tree};
use crate::{SourceEdit, insertion, positions};

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    let tree = job.tree;
    let set = tree.unused_name(&tree.all(), &[], &["_background_tasks", "_pending_tasks"]);
    let mut task_names: HashMap<usize, String> = HashMap::new();
    for aim in &job.aims {
        match place(tree, aim) {
            Ok((function, assigned)) => {
                let task = assigned.map_or_else(
                    || {
                        let whole = tree.whole(function);
                        let name = || tree.unused_name(&whole, &[], &["task", "background_task"]);
                        task_names.entry(function).or_insert_with(name).clone()
                    },
                    str::to_owned,
                );
                let edits = keep(job, aim, &set, &task, assigned.is_some());
                plan.units.push(Unit { targets: vec![aim.target], edits, needs_shared: true });
            }
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    plan.shared.push(insertion::after_imports(job, &format!("{set} = set()")));
    plan
}

/// The function a task is started in, and the name it is assigned to.
fn place<'a>(tree: &Tree<'_, 'a>, aim: &Aim<'_>) -> Result<(usize, Option<&'a str>), &'static str> {
    let node = tree.node(aim.node).ok_or("no statement stands at its place")?;
    let begins = node.tokens.start == aim.token;
    let assigned = match node.kind {
        NodeKind::Small(SmallStatement::Expr(expr)) if begins && unwrapped_call(&expr.value) => None,
        NodeKind::Small(SmallStatement::Assign(assign)) if !begins && unwrapped_call(&assign.value) => {
            let [target] = assign.targets.as_slice() else {
                return Err("the task is assigned to several names");
            };
            let AssignTargetExpression::Name(name) = &target.target else {
                return Err("the task is not assigned to a plain name");
            };
            if node.tokens.start + 2 != aim.token {
                return Err("the call does not begin at its place");
            }
            Some(name.value)
        }
        _ => return Err("the task is not started by a statement of its own"),
    };
    let function = tree.function_of(aim.node).ok_or("it does not stand in a function")?;
    let inline = tree.block(node.block).is_none_or(|block| block.inline);
    if inline || !tree.alone_on_line(aim.node) {
        return Err("its statement shares its line with others");
    }
    Ok((function, assigned))
}

fn unwrapped_call(value: &Expression<'_>) -> bool {
    matches!(value, Expression::Call(call) if call.lpar.is_empty())
}

fn keep(job: &CodemodJob<'_, '_, '_>, aim: &Aim<'_>, set: &str, task: &str, named: bool) -> Vec<SourceEdit> {
    let (tree, newline) = (job.tree, job.newline);
    let bytes = tree.node(aim.node).map_or(aim.offset..aim.offset, |n| tree.bytes(&n.tokens));
    let indent = positions::indent(tree.source, bytes.start);
    let end = positions::line_end(tree.source, bytes.end);
    let lines =
        format!("{newline}{indent}{set}.add({task}){newline}{indent}{task}.add_done_callback({set}.discard)");
    let after = SourceEdit { range: end..end, text: lines };
    if named {
        return vec![after];
    }
    vec![SourceEdit { range: bytes.start..bytes.start, text: format!("{task} = ") }, after]
}
