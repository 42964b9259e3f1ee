//! Plan of a codemod: from targets to edits to a new source.

use std::collections::HashMap;

use crate::job::{Aim, CodemodJob, EditPlan, Unit};
use crate::tree::{self, Tree};
use crate::{Codemod, CodemodTarget, Fixed, SourceEdit, Unparsable, positions};

/// Fixes what can be fixed.
pub(crate) fn run(codemod: Codemod, source: &str, targets: &[CodemodTarget]) -> Result<Fixed, Unparsable> {
    let body = source.strip_prefix(positions::BOM).unwrap_or(source);
    let mark = source.strip_suffix(body).unwrap_or("");
    let mut fixed = tree::on_large_stack(|| {
        let plan = tree::with(body, |tree| plan(codemod, tree, targets))?;
        Ok(apply(body, plan))
    })??;
    fixed.source.insert_str(0, mark);
    fixed.fixed.sort_unstable();
    fixed.fixed.dedup();
    fixed.skipped.retain(|(target, _)| !fixed.fixed.contains(target));
    fixed.skipped.sort();
    fixed.skipped.dedup_by_key(|(target, _)| *target);
    Ok(fixed)
}

fn plan(codemod: Codemod, tree: &Tree<'_, '_>, targets: &[CodemodTarget]) -> EditPlan {
    let starts = positions::row_starts(tree.source);
    let mut skipped = Vec::new();
    let mut aims: Vec<Aim<'_>> = Vec::new();
    let mut read = Vec::new();
    let mut seen: HashMap<(usize, &str), usize> = HashMap::new();
    for (n, target) in targets.iter().enumerate() {
        if target.code != codemod.code() {
            if codemod.also_reads().contains(&target.code.as_str()) {
                read.push((n, target.message.as_str()));
                skipped
                    .push((n, format!("{} is only read here, and nothing was done about it", target.code)));
            } else {
                skipped.push((n, format!("{codemod} does not fix {}", target.code)));
            }
            continue;
        }
        let offset = positions::offset(tree.source, &starts, target.row, target.column);
        let token = offset.and_then(|offset| tree.token_at(offset));
        let node = token.and_then(|token| tree.node_of(token));
        match (offset, token, node) {
            (Some(offset), Some(token), Some(node)) => {
                if seen.insert((offset, &target.message), n).is_some() {
                    skipped.push((n, "it is listed twice".to_owned()));
                    continue;
                }
                aims.push(Aim { target: n, message: &target.message, offset, token, node });
            }
            _ => skipped.push((n, "nothing begins at its place: the source has changed since".to_owned())),
        }
    }
    aims.sort_by_key(|aim| (aim.offset, aim.target));
    let job = CodemodJob { tree, aims, read, newline: positions::newline(tree.source) };
    let mut plan = match codemod {
        Codemod::UnusedImport => crate::unused_import::plan(&job),
        Codemod::ImportStar => crate::import_star::plan(&job),
        Codemod::MutableClassAttribute => crate::class_attribute::plan(&job),
        Codemod::ReraiseFrom => crate::reraise::plan(&job),
        Codemod::CallInDefault => crate::call_in_default::plan(&job),
        Codemod::TaskReference => crate::task_reference::plan(&job),
    };
    plan.skipped.append(&mut skipped);
    plan
}

/// Applies all units; when the result does not parse, one after the other, without those to blame.
fn apply(source: &str, plan: EditPlan) -> Fixed {
    let EditPlan { units, shared, mut skipped } = plan;
    let mut kept: Vec<&Unit> = Vec::new();
    for unit in &units {
        let with_it: Vec<&Unit> = kept.iter().copied().chain([unit]).collect();
        if edited(source, &with_it, &shared).is_some() {
            kept = with_it;
        } else {
            skipped.extend(unit.targets.iter().map(|t| (*t, "its fix overlaps another one".to_owned())));
        }
    }
    let mut result = edited(source, &kept, &shared).filter(|new| tree::parses(new).is_ok());
    if result.is_none() {
        let all = std::mem::take(&mut kept);
        for unit in all {
            let with_it: Vec<&Unit> = kept.iter().copied().chain([unit]).collect();
            if edited(source, &with_it, &shared).is_some_and(|new| tree::parses(&new).is_ok()) {
                kept = with_it;
            } else {
                skipped.extend(unit.targets.iter().map(|t| (*t, "its fix would not parse".to_owned())));
            }
        }
        result = edited(source, &kept, &shared);
    }
    let fixed = kept.iter().flat_map(|unit| unit.targets.iter().copied()).collect();
    Fixed { source: result.unwrap_or_else(|| source.to_owned()), fixed, skipped }
}

/// The source with the edits of these units; none when they overlap.
fn edited(source: &str, units: &[&Unit], shared: &[SourceEdit]) -> Option<String> {
    let needed = units.iter().any(|unit| unit.needs_shared);
    let mut edits: Vec<&SourceEdit> = shared.iter().filter(|_| needed).collect();
    edits.extend(units.iter().flat_map(|unit| &unit.edits));
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut new = String::with_capacity(source.len());
    let mut at = 0;
    for edit in edits {
        new.push_str(source.get(at..edit.range.start)?);
        new.push_str(&edit.text);
        at = edit.range.end;
    }
    new.push_str(source.get(at..)?);
    Some(new)
}
