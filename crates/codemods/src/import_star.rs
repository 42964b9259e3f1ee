//! F403: replaces a star import by the names that are used.

use std::collections::BTreeSet;

use libcst_native::{ImportNames, NameOrAttribute, SmallStatement};

use crate::job::{Aim, CodemodJob, EditPlan};
use crate::tree::{NodeKind, Tree};
use crate::{SourceEdit, positions};

/// Beyond this a list of names gets a line for each.
const WIDTH: usize = 88;
/// What looks names up where no finding can see it.
const DYNAMIC: [&str; 8] =
    ["__all__", "globals", "locals", "vars", "eval", "exec", "__dict__", "__getattr__"];
/// Names of the builtins that well-known modules replace in a star import. A linter does not report their use.
const HIDDEN_BUILTINS: [(&str, &[&str]); 14] = [
    ("asyncio", &["TimeoutError"]),
    ("codecs", &["open"]),
    ("concurrent.futures", &["TimeoutError"]),
    ("gzip", &["open"]),
    ("io", &["open"]),
    ("math", &["pow"]),
    ("multiprocessing", &["TimeoutError"]),
    ("numpy", NUMPY),
    ("operator", &["abs", "pow"]),
    ("os", &["open"]),
    ("posix", &["open"]),
    ("pylab", NUMPY),
    ("matplotlib.pylab", NUMPY),
    ("tokenize", &["open"]),
];
const NUMPY: &[&str] = &[
    "abs", "all", "any", "bool", "bytes", "complex", "divmod", "float", "int", "max", "min", "object", "pow",
    "round", "str", "sum",
];

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    for aim in &job.aims {
        match rewrite(job, aim) {
            Ok((edit, read)) => plan.unit([aim.target].into_iter().chain(read).collect(), vec![edit]),
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    plan
}

fn rewrite(job: &CodemodJob<'_, '_, '_>, aim: &Aim<'_>) -> Result<(SourceEdit, Vec<usize>), String> {
    let tree = job.tree;
    let node = tree.node(aim.node).ok_or("no statement stands at its place")?;
    let NodeKind::Small(SmallStatement::ImportFrom(import)) = node.kind else {
        return Err("no star import stands at its place".to_owned());
    };
    if !matches!(import.names, ImportNames::Star(_)) || node.tokens.start != aim.token {
        return Err("no star import stands at its place".to_owned());
    }
    let stars = tree.nodes.iter().filter(|n| {
        matches!(n.kind, NodeKind::Small(SmallStatement::ImportFrom(i)) if matches!(i.names, ImportNames::Star(_)))
    });
    if stars.count() > 1 {
        return Err("several star imports: which one a name comes from can't be told".to_owned());
    }
    if let Some(word) = DYNAMIC.iter().find(|word| tree.tokens.iter().any(|t| t.text == **word)) {
        return Err(format!("the source uses `{word}`, so names may be used that no finding shows"));
    }
    if tree
        .ancestors(aim.node)
        .any(|n| tree.node(n).is_some_and(|n| matches!(n.kind, NodeKind::Try | NodeKind::Handler { .. })))
    {
        return Err("it stands in a `try`: a name that is not there would take the other way".to_owned());
    }
    let module: String =
        node.tokens.clone().skip(1).map(|t| tree.text(t)).take_while(|t| *t != "import").collect();
    if module.rsplit('.').next().is_some_and(|last| last.starts_with('_')) {
        return Err(format!("`{module}` is private: the star import passes its names on"));
    }
    hidden(tree, &module, import.module.as_ref())?;
    let (names, read) = names(job, &module);
    if let Some(name) = names.iter().find(|name| name.starts_with('_') || !is_identifier(name)) {
        return Err(format!("a star import does not bring `{name}` along unless the module lists it"));
    }
    if names.is_empty() {
        return Err("no finding shows a name that comes from it; it may be there for what it does".to_owned());
    }
    let star = node.tokens.end - 1;
    let range = tree.bytes(&(star..node.tokens.end));
    if tree.text(star) != "*" {
        return Err("its star was not found".to_owned());
    }
    let line = positions::line_start(tree.source, range.start);
    let joined = names.iter().copied().collect::<Vec<_>>().join(", ");
    let before = tree.source.get(line..range.start).unwrap_or("").chars().count();
    if before + joined.chars().count() <= WIDTH {
        return Ok((SourceEdit { range, text: joined }, read));
    }
    let outer = positions::indent(tree.source, range.start);
    let inner = if outer.contains('\t') { "\t" } else { "    " };
    let newline = job.newline;
    let mut rows = String::new();
    for name in &names {
        rows.extend([outer, inner, name, ",", newline]);
    }
    Ok((SourceEdit { range, text: format!("({newline}{rows}{outer})") }, read))
}

/// The names that come from the module, and the findings that show them.
fn names<'x>(job: &CodemodJob<'x, '_, '_>, module: &str) -> (BTreeSet<&'x str>, Vec<usize>) {
    let mut names = BTreeSet::new();
    let mut read = Vec::new();
    for (target, message) in &job.read {
        let mut quoted = message.split('`').skip(1).step_by(2);
        let Some(name) = quoted.next() else { continue };
        // Newer linters list the modules that may define it; older ones don't.
        let mut modules = quoted.flat_map(|list| list.split(", ")).peekable();
        if modules.peek().is_none() || modules.all(|one| one == module) {
            names.insert(name);
            read.push(*target);
        }
    }
    (names, read)
}

/// Refuses when the module replaces a builtin that the source uses.
fn hidden(tree: &Tree<'_, '_>, module: &str, named: Option<&NameOrAttribute<'_>>) -> Result<(), String> {
    if named.is_none() {
        return Ok(());
    }
    let builtins =
        HIDDEN_BUILTINS.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, names)| names);
    match builtins.iter().find(|name| tree.mentions(tree.all(), name)) {
        Some(name) => Err(format!("`{module}` replaces the builtin `{name}`, which the source uses")),
        None => Ok(()),
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
