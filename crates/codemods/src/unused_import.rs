//! F401: removes unused imports.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use libcst_native::{ImportNames, SmallStatement};

use crate::job::{Aim, CodemodJob, EditPlan};
use crate::tree::{NodeKind, Tree};
use crate::{SourceEdit, positions};

mod comments;

/// An import statement and its names.
struct ImportStatement {
    /// What ruff calls the names in its messages.
    names: Vec<String>,
    /// The tokens of each name, its `as` included.
    tokens: Vec<Range<usize>>,
    parenthesized: bool,
}

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    // Which names of which statement go, with their targets.
    let mut going: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for aim in &job.aims {
        match alias(job.tree, aim) {
            Ok(alias) => {
                going.entry(aim.node).or_default().entry(alias).or_insert(aim.target);
            }
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    let mut by_block: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in going.keys() {
        if let Some(found) = job.tree.node(*node) {
            by_block.entry(found.block).or_default().push(*node);
        }
    }
    for (block, nodes) in by_block {
        let targets = nodes.iter().filter_map(|n| going.get(n)).flat_map(|names| names.values().copied());
        let targets: Vec<usize> = targets.collect();
        match block_edits(job, block, &nodes, &going) {
            Some(edits) => plan.unit(targets, edits),
            None => targets.iter().for_each(|t| plan.skip(*t, "its statement could not be taken apart")),
        }
    }
    plan
}

/// Which name of its statement a finding is about.
fn alias(tree: &Tree<'_, '_>, aim: &Aim<'_>) -> Result<usize, &'static str> {
    if aim.message.contains("importlib.util.find_spec") {
        return Err("it may test whether a module is there: use `importlib.util.find_spec`");
    }
    if !aim.message.ends_with("imported but unused") {
        return Err("it may be a re-export: add it to `__all__` or import it `as` itself");
    }
    let import = import(tree, aim.node).ok_or("no plain import stands at its place")?;
    if tests_for_a_module(tree, aim.node) {
        return Err("it stands in a `try` that catches a failed import");
    }
    let at = import.tokens.iter().position(|t| t.contains(&aim.token));
    let at = at.ok_or("no imported name begins at its place")?;
    let named = aim.message.split('`').nth(1).unwrap_or("");
    if import.names.get(at).is_none_or(|name| name != named) {
        return Err("another name is imported at its place: the source has changed since");
    }
    if named.ends_with(".__all__") {
        return Err("an imported `__all__` says what a star import of this module brings");
    }
    Ok(at)
}

/// Whether a failure of the import is expected: it is tried, or it stands in for what failed.
fn tests_for_a_module(tree: &Tree<'_, '_>, node: usize) -> bool {
    let catches = |clause: usize| {
        tree.node(clause).is_some_and(|n| match n.kind {
            NodeKind::Handler { typed, .. } => {
                let expected = ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"];
                !typed || n.tokens.clone().any(|t| expected.contains(&tree.text(t)))
            }
            _ => false,
        })
    };
    tree.ancestors(node).any(|outer| {
        let Some(found) = tree.node(outer) else { return false };
        if !matches!(found.kind, NodeKind::Try) {
            return catches(outer);
        }
        let Some(block) = tree.block(found.block) else { return false };
        let after = block.nodes.iter().copied().skip_while(|n| *n != outer).skip(1);
        after
            .take_while(|n| tree.node(*n).is_some_and(|n| matches!(n.kind, NodeKind::Handler { .. })))
            .any(catches)
    })
}

fn import(tree: &Tree<'_, '_>, node: usize) -> Option<ImportStatement> {
    let found = tree.node(node)?;
    let NodeKind::Small(statement) = found.kind else { return None };
    let (count, prefix) = match statement {
        SmallStatement::Import(import) => (import.names.len(), String::new()),
        SmallStatement::ImportFrom(import) => {
            let ImportNames::Aliases(names) = &import.names else { return None };
            let module: String =
                found.tokens.clone().skip(1).map(|t| tree.text(t)).take_while(|t| *t != "import").collect();
            let dot = if module.ends_with('.') { "" } else { "." };
            (names.len(), format!("{module}{dot}"))
        }
        _ => return None,
    };
    let mut at = found.tokens.clone().find(|t| tree.text(*t) == "import")? + 1;
    let parenthesized = tree.text(at) == "(";
    at += usize::from(parenthesized);
    let mut import = ImportStatement { names: Vec::new(), tokens: Vec::new(), parenthesized };
    for _ in 0..count {
        let end =
            (at..found.tokens.end).find(|t| matches!(tree.text(*t), "," | ")")).unwrap_or(found.tokens.end);
        let name: String = (at..end).map(|t| tree.text(t)).take_while(|t| *t != "as").collect();
        if name.is_empty() {
            return None;
        }
        import.names.push(format!("{prefix}{name}"));
        import.tokens.push(at..end);
        at = end + 1;
    }
    Some(import)
}

/// The edits for all findings in one block, since a block can't become empty.
fn block_edits(
    job: &CodemodJob<'_, '_, '_>,
    block: usize,
    nodes: &[usize],
    going: &BTreeMap<usize, BTreeMap<usize, usize>>,
) -> Option<Vec<SourceEdit>> {
    let tree = job.tree;
    let mut edits = Vec::new();
    let mut whole: BTreeSet<usize> = BTreeSet::new();
    for node in nodes {
        let import = import(tree, *node)?;
        let gone: BTreeSet<usize> = going.get(node)?.keys().copied().collect();
        if gone.len() == import.tokens.len() {
            whole.insert(*node);
        } else {
            names_out(tree, *node, &import, &gone, &mut edits)?;
        }
    }
    let block = tree.block(block)?;
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in &block.nodes {
        lines.entry(tree.node(*node)?.line).or_default().push(*node);
    }
    // Something has to stay; the module alone may be empty.
    let becomes_pass = block.owner.is_some() && block.nodes.iter().all(|n| whole.contains(n));
    let mut pass = if becomes_pass { block.nodes.first().copied() } else { None };
    for on_line in lines.values() {
        if !on_line.iter().any(|n| whole.contains(n)) {
            continue;
        }
        let first = *on_line.first()?;
        if on_line.iter().all(|n| whole.contains(n)) {
            let start = tree.bytes(&tree.node(first)?.tokens).start;
            let line = tree.lines.get(tree.node(first)?.line)?;
            let end = tree.bytes(line).end;
            let stays = pass.take().is_some_and(|p| p == first).then_some("pass");
            if stays.is_none() && block.inline {
                return None;
            }
            edits.push(comments::statement_out(tree.source, start..end, stays, job.newline)?);
        } else {
            some_statements_out(tree, on_line, &whole, &mut edits)?;
        }
    }
    Some(edits)
}

/// Takes some of the statements of a line out, with their semicolons.
fn some_statements_out(
    tree: &Tree<'_, '_>,
    on_line: &[usize],
    whole: &BTreeSet<usize>,
    edits: &mut Vec<SourceEdit>,
) -> Option<()> {
    let bytes = |node: usize| tree.node(node).map(|n| tree.bytes(&n.tokens));
    let last_kept = on_line.iter().rposition(|n| !whole.contains(n))?;
    for (at, node) in on_line.iter().enumerate().take(last_kept) {
        if whole.contains(node) {
            let next = bytes(*on_line.get(at + 1)?)?;
            edits.push(SourceEdit { range: bytes(*node)?.start..next.start, text: String::new() });
        }
    }
    if let Some(last) = on_line.get(last_kept + 1..)?.last() {
        let range = bytes(*on_line.get(last_kept)?)?.end..bytes(*last)?.end;
        edits.push(SourceEdit { range, text: String::new() });
    }
    Some(())
}

/// Takes some of the names of a statement out, with their commas.
fn names_out(
    tree: &Tree<'_, '_>,
    node: usize,
    import: &ImportStatement,
    gone: &BTreeSet<usize>,
    edits: &mut Vec<SourceEdit>,
) -> Option<()> {
    let last_kept = (0..import.tokens.len()).rfind(|at| !gone.contains(at))?;
    let bytes = |at: usize| import.tokens.get(at).map(|t| tree.bytes(t));
    if !import.parenthesized {
        for at in gone.iter().copied().filter(|at| *at < last_kept) {
            edits.push(SourceEdit { range: bytes(at)?.start..bytes(at + 1)?.start, text: String::new() });
        }
        if let Some(last) = gone.iter().copied().rfind(|at| *at > last_kept) {
            edits.push(SourceEdit { range: bytes(last_kept)?.end..bytes(last)?.end, text: String::new() });
        }
        return Some(());
    }
    let statement = tree.bytes(&tree.node(node)?.tokens);
    for at in gone.iter().copied() {
        let name = bytes(at)?;
        let after = import.tokens.get(at)?.end;
        let comma = (tree.text(after) == ",").then(|| tree.tokens.get(after).map(|t| t.end)).flatten();
        let end = comma.unwrap_or(name.end);
        if let Some(edit) = comments::line_out(tree.source, name.start..end, &statement) {
            edits.push(edit);
            continue;
        }
        let next = bytes(at + 1).map(|n| n.start);
        if at < last_kept {
            let next = next?;
            let range = if tree.source.get(end..next)?.contains(['#', '\n', '\r']) {
                // The next name stands on another line: the line end stays, and with it a comment.
                positions::skip_spaces_back(tree.source, name.start)..end
            } else {
                name.start..next
            };
            edits.push(SourceEdit { range, text: String::new() });
        } else {
            let before = bytes(last_kept)?.end;
            // A comma after the last name may stay.
            let plain = !tree.source.get(before..name.end)?.contains('#');
            let range = if plain { before..name.end } else { name.start..end };
            edits.push(SourceEdit { range, text: String::new() });
        }
    }
    merge(edits);
    Some(())
}

/// Joins edits that touch or overlap; all of them only delete.
fn merge(edits: &mut Vec<SourceEdit>) {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut merged: Vec<SourceEdit> = Vec::with_capacity(edits.len());
    for edit in edits.drain(..) {
        match merged.last_mut() {
            Some(last)
                if edit.range.start < last.range.end && last.text.is_empty() && edit.text.is_empty() =>
            {
                last.range.end = last.range.end.max(edit.range.end);
            }
            _ => merged.push(edit),
        }
    }
    *edits = merged;
}
