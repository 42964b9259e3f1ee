//! B904: adds `from` to a raise inside an except clause.

use std::collections::BTreeMap;

use libcst_native::{Expression, SmallStatement};

use crate::SourceEdit;
use crate::job::{Aim, CodemodJob, EditPlan};
use crate::tree::{NodeKind, Tree};

/// The names a caught exception gets, the first free one.
const NAMES: [&str; 3] = ["exc", "err", "error"];

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    // Clauses without a name get one: all raises of a clause are fixed together.
    let mut unnamed: BTreeMap<usize, Vec<&Aim<'_>>> = BTreeMap::new();
    for aim in &job.aims {
        match handler(job.tree, aim) {
            Ok((_, Some(name))) => plan.unit(vec![aim.target], vec![from(job.tree, aim, name)]),
            Ok((clause, None)) => unnamed.entry(clause).or_default().push(aim),
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    let mut given: Vec<(usize, String)> = Vec::new();
    for (clause, aims) in unnamed {
        let tree = job.tree;
        let related = |other: usize| tree.ancestors(clause).any(|n| n == other);
        let taken: Vec<String> = given.iter().filter(|(c, _)| related(*c)).map(|(_, n)| n.clone()).collect();
        let scope = tree.function_of(clause).map_or(tree.all(), |function| tree.whole(function));
        let name = tree.unused_name(&scope, &taken, &NAMES);
        let Some(header) = name_clause(tree, clause, &name) else {
            for aim in aims {
                plan.skip(aim.target, "its except clause can't take a name");
            }
            continue;
        };
        let raises = aims.iter().map(|aim| from(tree, aim, &name));
        plan.unit(aims.iter().map(|aim| aim.target).collect(), [header].into_iter().chain(raises).collect());
        given.push((clause, name));
    }
    plan
}

/// Adds ` from name` to a raise.
fn from(tree: &Tree<'_, '_>, aim: &Aim<'_>, name: &str) -> SourceEdit {
    let end = tree.node(aim.node).map_or(aim.offset, |n| tree.bytes(&n.tokens).end);
    SourceEdit { range: end..end, text: format!(" from {name}") }
}

/// Adds ` as name` to an except clause.
fn name_clause(tree: &Tree<'_, '_>, clause: usize, name: &str) -> Option<SourceEdit> {
    let node = tree.node(clause)?;
    let NodeKind::Handler { typed, name: None } = node.kind else { return None };
    let last = tree.colon(clause)?.checked_sub(1)?;
    let end = tree.tokens.get(last)?.end;
    if typed {
        // `except A, B:` takes no name.
        let bare = crate::tree::top_level(tree, node.tokens.clone(), ",").next().is_some();
        return (!bare).then(|| SourceEdit { range: end..end, text: format!(" as {name}") });
    }
    let plain = tree.bindings(tree.all(), "BaseException") == 0;
    plain.then(|| SourceEdit { range: end..end, text: format!(" BaseException as {name}") })
}

/// The except clause of a raise and the name it gives the exception.
fn handler<'a>(tree: &Tree<'_, 'a>, aim: &Aim<'_>) -> Result<(usize, Option<&'a str>), &'static str> {
    let node = tree.node(aim.node).ok_or("no statement stands at its place")?;
    let NodeKind::Small(SmallStatement::Raise(raise)) = node.kind else {
        return Err("no raise stands at its place");
    };
    if node.tokens.start != aim.token {
        return Err("no raise begins at its place");
    }
    let Some(raised) = &raise.exc else {
        return Err("a bare raise keeps the exception as it is");
    };
    if raise.cause.is_some() {
        return Err("it says `from` already");
    }
    let scope = tree.ancestors(aim.node).find_map(|outer| match tree.node(outer)?.kind {
        NodeKind::Handler { name, .. } => Some(Ok((outer, name))),
        NodeKind::Function(_) | NodeKind::Class(_) => {
            Some(Err("a function or class stands between it and the except clause"))
        }
        _ => None,
    });
    let (clause, name) = scope.unwrap_or(Err("it does not stand in an except clause"))?;
    if let Some(name) = name {
        let body = tree.node(clause).map_or(0, |n| n.tokens.end)..tree.whole(clause).end;
        if tree.bindings(body, name) > 0 {
            return Err("the name of the exception is bound again or deleted in the except clause");
        }
        if root(raised) == Some(name) {
            return Err("it raises the caught exception itself, which can't be its own cause");
        }
    }
    Ok((clause, name))
}

/// The name that an expression such as `a.b(c)[d]` begins with.
fn root<'a>(expression: &Expression<'a>) -> Option<&'a str> {
    match expression {
        Expression::Name(name) => Some(name.value),
        Expression::Attribute(a) => root(&a.value),
        Expression::Call(call) => root(&call.func),
        Expression::Subscript(s) => root(&s.value),
        _ => None,
    }
}
