//! Place of a new module-level line.

use libcst_native::{Expression, SmallStatement};

use crate::job::CodemodJob;
use crate::tree::{NodeKind, Tree};
use crate::{SourceEdit, positions};

/// What a module-level statement is to the order of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ModulePart {
    Docstring,
    Future,
    Import,
    Other,
}

fn part(tree: &Tree<'_, '_>, node: usize, first: bool) -> ModulePart {
    match tree.node(node).map(|n| n.kind) {
        Some(NodeKind::Small(SmallStatement::Expr(expr))) if first && is_string(&expr.value) => {
            ModulePart::Docstring
        }
        Some(NodeKind::Small(SmallStatement::ImportFrom(_))) => {
            let at = tree.node(node).map_or(0, |n| n.tokens.start);
            if tree.text(at + 1) == "__future__" { ModulePart::Future } else { ModulePart::Import }
        }
        Some(NodeKind::Small(SmallStatement::Import(_))) => ModulePart::Import,
        _ => ModulePart::Other,
    }
}

/// A string that can be a docstring.
pub(crate) fn is_string(value: &Expression<'_>) -> bool {
    match value {
        Expression::SimpleString(s) => !s.value.starts_with(['b', 'B']),
        Expression::ConcatenatedString(_) => true,
        _ => false,
    }
}

/// The edit that adds an import: before the first import, after docstring and `__future__`.
pub(crate) fn add_import(job: &CodemodJob<'_, '_, '_>, import: &str) -> SourceEdit {
    let (tree, newline) = (job.tree, job.newline);
    let nodes = tree.block(0).map_or(&[][..], |b| &b.nodes);
    let head = nodes.iter().enumerate().take_while(|(at, n)| {
        matches!(part(tree, **n, *at == 0), ModulePart::Docstring | ModulePart::Future)
    });
    let last = head.last().map(|(at, n)| (at, *n));
    let next = nodes.get(last.map_or(0, |(at, _)| at + 1)).copied();
    let next_is_import = next.is_some_and(|n| part(tree, n, false) == ModulePart::Import);
    let line_of = |n: usize| tree.node(n).map(|n| n.line);
    if let Some(next) = next
        && last.is_none_or(|(_, last)| line_of(last) != line_of(next))
        && (next_is_import || last.is_none())
    {
        let first = tree.node(next).and_then(|n| tree.lines.get(statement_line(tree, n.line)));
        let at = first.map_or(0, |line| tree.bytes(line).start);
        let at = if next_is_import {
            positions::line_start(tree.source, at)
        } else {
            before_comments(tree.source, at)
        };
        let gap = if next_is_import { newline.to_owned() } else { newline.repeat(3) };
        return SourceEdit { range: at..at, text: format!("{import}{gap}") };
    }
    let Some((_, last)) = last else {
        return SourceEdit { range: 0..0, text: format!("{import}{newline}") };
    };
    let is_docstring = last == 0;
    let gap = if is_docstring { newline } else { "" };
    after_line(tree, last, &format!("{gap}{import}"), newline)
}

/// The edit that adds a line after the imports at the top, a blank line between.
pub(crate) fn after_imports(job: &CodemodJob<'_, '_, '_>, line: &str) -> SourceEdit {
    let (tree, newline) = (job.tree, job.newline);
    let nodes = tree.block(0).map_or(&[][..], |b| &b.nodes);
    // A conditional import is passed over; a block that does more may already start tasks.
    let only_imports = |node: usize| {
        let whole = tree.whole(node);
        tree.nodes.iter().filter(|n| whole.contains(&n.tokens.start)).all(|n| {
            matches!(
                n.kind,
                NodeKind::Try
                    | NodeKind::Handler { .. }
                    | NodeKind::Clause
                    | NodeKind::Small(
                        SmallStatement::Import(_)
                            | SmallStatement::ImportFrom(_)
                            | SmallStatement::Assign(_)
                            | SmallStatement::Pass(_)
                    )
            )
        })
    };
    let mut last = None;
    for (at, node) in nodes.iter().enumerate() {
        match part(tree, *node, at == 0) {
            ModulePart::Docstring | ModulePart::Future | ModulePart::Import => last = Some(*node),
            ModulePart::Other if continues(tree, *node) || only_imports(*node) && !is_small(tree, *node) => {
                // The clauses of one statement stay together.
                last = Some(*node);
            }
            ModulePart::Other => break,
        }
    }
    let Some(last) = last else {
        let at = nodes
            .first()
            .and_then(|n| tree.node(*n).and_then(|x| tree.lines.get(statement_line(tree, x.line))));
        let at = before_comments(tree.source, at.map_or(0, |line| tree.bytes(line).start));
        return SourceEdit { range: at..at, text: format!("{line}{}", newline.repeat(3)) };
    };
    after_line(tree, last, &format!("{newline}{line}"), newline)
}

fn is_small(tree: &Tree<'_, '_>, node: usize) -> bool {
    tree.node(node).is_some_and(|n| matches!(n.kind, NodeKind::Small(_)))
}

/// A clause that goes on with the statement before it.
fn continues(tree: &Tree<'_, '_>, node: usize) -> bool {
    let first = tree.node(node).map_or("", |n| tree.text(n.tokens.start));
    matches!(first, "elif" | "else" | "except" | "finally")
}

/// A new line after the last line of a statement.
fn after_line(tree: &Tree<'_, '_>, node: usize, line: &str, newline: &str) -> SourceEdit {
    let last = tree.whole(node).end.saturating_sub(1);
    let line_tokens = tree.lines.iter().find(|l| l.contains(&last)).cloned().unwrap_or(last..last + 1);
    let end = positions::line_end(tree.source, tree.bytes(&line_tokens).end);
    SourceEdit { range: end..end, text: format!("{newline}{line}") }
}

/// The first line of a statement, its decorators included.
fn statement_line(tree: &Tree<'_, '_>, line: usize) -> usize {
    let decorated = |l: &usize| tree.lines.get(*l).is_some_and(|tokens| tree.text(tokens.start) == "@");
    (0..line).rev().take_while(decorated).last().unwrap_or(line)
}

/// The place before the comments right above a line, unless they are the head of the file.
fn before_comments(source: &str, at: usize) -> usize {
    let start = positions::line_start(source, at);
    let mut top = start;
    while top > 0 {
        let above = positions::line_start(
            source,
            source.get(..top).map_or(0, |s| s.trim_end_matches(['\n', '\r']).len()),
        );
        let line = source.get(above..positions::line_end(source, above)).unwrap_or("");
        let adjoining = positions::next_line(source, above) == top;
        if !adjoining || !line.trim_start().starts_with('#') {
            return top;
        }
        top = above;
    }
    start
}
