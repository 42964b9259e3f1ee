//! Names that tokens bind. In doubt, a token counts as a binding.

use std::collections::HashSet;

use libcst_native::SmallStatement;
use libcst_native::tokenizer::TokType;

use super::{NodeKind, Tree};

/// Words whose next name is bound, at any place.
const BEFORE: [&str; 9] = ["def", "class", "as", "for", "del", "global", "nonlocal", "lambda", "type"];

pub(super) fn find(tree: &Tree<'_, '_>) -> HashSet<usize> {
    let mut bound = HashSet::new();
    let name = |at: usize| tree.tokens.get(at).is_some_and(|t| t.kind == TokType::Name);
    for at in tree.all().filter(|at| name(*at)) {
        let before = at.checked_sub(1).map_or("", |before| tree.text(before));
        let after = tree.text(at + 1);
        let assigned = after.len() > 1 && after.ends_with('=') && !matches!(after, "==" | "!=" | "<=" | ">=");
        if before != "." && (BEFORE.contains(&before) || assigned) {
            bound.insert(at);
        }
        if tree.text(at) == "for" {
            let targets = (at + 1..tree.tokens.len()).take_while(|t| tree.text(*t) != "in");
            bound.extend(targets.filter(|t| plain_target(tree, *t)));
        }
    }
    for node in &tree.nodes {
        let first = tree.text(node.tokens.start);
        match node.kind {
            NodeKind::Small(SmallStatement::Import(_) | SmallStatement::LazyImport(_)) => {
                bound.extend(node.tokens.clone().skip(1).filter(|at| imported(tree, *at)));
            }
            NodeKind::Small(SmallStatement::ImportFrom(_) | SmallStatement::LazyImportFrom(_)) => {
                let names = node.tokens.clone().skip_while(|at| tree.text(*at) != "import").skip(1);
                bound.extend(names.filter(|at| imported(tree, *at)));
            }
            NodeKind::Small(SmallStatement::Assign(_)) => {
                let value = top_level(tree, node.tokens.clone(), "=").last().unwrap_or(node.tokens.start);
                bound.extend((node.tokens.start..value).filter(|at| plain_target(tree, *at)));
            }
            NodeKind::Small(
                SmallStatement::AnnAssign(_) | SmallStatement::AugAssign(_) | SmallStatement::TypeAlias(_),
            ) => {
                bound.extend(node.tokens.clone().take(2).filter(|at| plain_target(tree, *at)));
            }
            NodeKind::Small(
                SmallStatement::Del(_) | SmallStatement::Global(_) | SmallStatement::Nonlocal(_),
            ) => {
                bound.extend(node.tokens.clone().skip(1).filter(|at| plain_target(tree, *at)));
            }
            NodeKind::Function(_) => bound.extend(parameters(tree, node.tokens.clone())),
            NodeKind::Clause if matches!(first, "case" | "with" | "async") => {
                bound.extend(node.tokens.clone().skip(1).filter(|at| plain_target(tree, *at)));
            }
            _ => {}
        }
    }
    bound
}

/// The places of an operator outside of all brackets.
pub(crate) fn top_level<'x>(
    tree: &'x Tree<'_, '_>,
    tokens: std::ops::Range<usize>,
    op: &'x str,
) -> impl Iterator<Item = usize> + 'x {
    let mut depth = 0_usize;
    tokens.filter(move |at| {
        match tree.text(*at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            text => return depth == 0 && text == op,
        }
        false
    })
}

/// The names of the parameters and type parameters in the header of a function.
fn parameters(tree: &Tree<'_, '_>, header: std::ops::Range<usize>) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for at in header.skip(1) {
        match tree.text(at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ if depth == 1 && matches!(tree.text(at - 1), "(" | "[" | "," | "*" | "**") => found.push(at),
            _ => {}
        }
    }
    found
}

/// A name that stands for itself: no attribute, no call, no subscript.
fn plain_target(tree: &Tree<'_, '_>, at: usize) -> bool {
    let is_name = tree.tokens.get(at).is_some_and(|t| t.kind == TokType::Name);
    let before = at.checked_sub(1).map_or("", |before| tree.text(before));
    is_name && before != "." && !matches!(tree.text(at + 1), "." | "(" | "[")
}

/// A name that an import binds: not the module of `a.b`, not the name that `as` replaces.
fn imported(tree: &Tree<'_, '_>, at: usize) -> bool {
    let is_name = tree.tokens.get(at).is_some_and(|t| t.kind == TokType::Name);
    is_name && tree.text(at - 1) != "." && tree.text(at + 1) != "as" && tree.text(at) != "as"
}
