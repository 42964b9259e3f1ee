//! RUF012: annotates a mutable class attribute as `ClassVar`.

use libcst_native::{AssignTargetExpression, Expression, ImportNames, SmallStatement};

use crate::job::{Aim, CodemodJob, EditPlan, Unit};
use crate::tree::{NodeKind, Tree};
use crate::{SourceEdit, insertion};

/// Bases whose subclasses read nothing from annotations.
const PLAIN_BASES: [&str; 9] = [
    "object",
    "ABC",
    "abc.ABC",
    "Exception",
    "ValueError",
    "RuntimeError",
    "Generic",
    "typing.Generic",
    "TestCase",
];
/// Calls that give a mutable value of the class that is called.
const CONSTRUCTORS: [&str; 8] =
    ["list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter", "bytearray"];

/// How the source can say `ClassVar`.
struct Spelling {
    /// What stands before the bracket.
    name: String,
    /// The import it needs.
    import: Option<SourceEdit>,
}

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    let mut import: Option<Result<Spelling, &'static str>> = None;
    for aim in &job.aims {
        let before = job.tree.node(aim.node).map_or(0, |n| n.tokens.start);
        let spelling = import.get_or_insert_with(|| spelling(job, before));
        let done = spelling.as_ref().map_err(|reason| *reason).and_then(|s| annotate(job.tree, aim, &s.name));
        match done {
            Ok(edits) => plan.units.push(Unit { targets: vec![aim.target], edits, needs_shared: true }),
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    if let Some(Ok(Spelling { import: Some(edit), .. })) = import {
        plan.shared.push(edit);
    }
    plan
}

fn annotate(tree: &Tree<'_, '_>, aim: &Aim<'_>, class_var: &str) -> Result<Vec<SourceEdit>, &'static str> {
    let node = tree.node(aim.node).ok_or("no statement stands at its place")?;
    let owner = tree.owner(aim.node).and_then(|owner| tree.node(owner).map(|n| (owner, n)));
    let Some((class_node, NodeKind::Class(class))) = owner.map(|(at, n)| (at, n.kind)) else {
        return Err("it does not stand directly in a class body");
    };
    let insert = |at: usize, text: String| SourceEdit { range: at..at, text };
    match node.kind {
        NodeKind::Small(SmallStatement::Assign(assign)) => {
            let [target] = assign.targets.as_slice() else {
                return Err("several names are assigned at once");
            };
            let AssignTargetExpression::Name(name) = &target.target else {
                return Err("it is not assigned to a plain name");
            };
            if !name.lpar.is_empty()
                || tree.text(node.tokens.start + 1) != "="
                || node.tokens.start + 2 != aim.token
            {
                return Err("the value does not begin at its place");
            }
            let of = value_type(&assign.value).ok_or("the type of its value is not plain")?;
            let root = of.split('.').next().unwrap_or("");
            if tree.bindings(tree.whole(class_node), root) > 0
                || (matches!(root, "list" | "dict" | "set") && tree.bindings(tree.all(), root) > 0)
            {
                return Err("the name of its type means something else here");
            }
            let end = tree.bytes(&(node.tokens.start..node.tokens.start + 1)).end;
            Ok(vec![insert(end, format!(": {class_var}[{of}]"))])
        }
        NodeKind::Small(SmallStatement::AnnAssign(_)) => {
            let plain_base = |arg: &libcst_native::Arg<'_>| {
                dotted(&arg.value).is_some_and(|name| PLAIN_BASES.contains(&name.as_str()))
                    || matches!(&arg.value, Expression::Subscript(s) if dotted(&s.value).is_some_and(|n| PLAIN_BASES.contains(&n.as_str())))
            };
            if !class.decorators.is_empty()
                || !class.keywords.is_empty()
                || !class.bases.iter().all(plain_base)
            {
                return Err("a base or a decorator of the class may make a field of the annotation");
            }
            let colon = node.tokens.start + 1;
            let equal = aim.token.checked_sub(1).ok_or("the value does not begin at its place")?;
            if tree.text(colon) != ":" || tree.text(equal) != "=" || equal < colon + 2 {
                return Err("the value does not begin at its place");
            }
            let annotation = tree.bytes(&(colon + 1..equal));
            if (colon + 1..equal).any(|t| matches!(tree.text(t), "ClassVar" | "Final" | "InitVar")) {
                return Err("its annotation says already what it is");
            }
            Ok(vec![
                insert(annotation.start, format!("{class_var}[")),
                insert(annotation.end, "]".to_owned()),
            ])
        }
        _ => Err("no assignment stands at its place"),
    }
}

/// The type of a display or of a constructor call.
fn value_type(value: &Expression<'_>) -> Option<String> {
    match value {
        Expression::List(_) | Expression::ListComp(_) => Some("list".to_owned()),
        Expression::Dict(_) | Expression::DictComp(_) | Expression::StarredDictComp(_) => {
            Some("dict".to_owned())
        }
        Expression::Set(_) | Expression::SetComp(_) => Some("set".to_owned()),
        Expression::Call(call) if call.lpar.is_empty() => {
            let name = dotted(&call.func)?;
            let last = name.rsplit('.').next()?;
            CONSTRUCTORS.contains(&last).then(|| name.clone())
        }
        _ => None,
    }
}

/// A name such as `a.b`.
fn dotted(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::Name(name) if name.lpar.is_empty() => Some(name.value.to_owned()),
        Expression::Attribute(a) if a.lpar.is_empty() => {
            Some(format!("{}.{}", dotted(&a.value)?, a.attr.value))
        }
        _ => None,
    }
}

/// Finds how to say `ClassVar`. `before` is the first token where it is needed.
fn spelling(job: &CodemodJob<'_, '_, '_>, before: usize) -> Result<Spelling, &'static str> {
    let tree = job.tree;
    let used = tree.all().any(|t| tree.is_name(t, "ClassVar"));
    let top = tree.block(0).map_or(&[][..], |b| &b.nodes);
    let early = || top.iter().filter_map(|n| tree.node(*n)).filter(|n| n.tokens.end <= before);
    let mut joined = None;
    for node in early() {
        let NodeKind::Small(SmallStatement::ImportFrom(import)) = node.kind else { continue };
        let module = tree.text(node.tokens.start + 1);
        let direct = tree.text(node.tokens.start + 2) == "import";
        let ImportNames::Aliases(names) = &import.names else { continue };
        if !direct || !matches!(module, "typing" | "typing_extensions") {
            continue;
        }
        for alias in names {
            if !matches!(&alias.name, libcst_native::NameOrAttribute::N(name) if name.value == "ClassVar") {
                continue;
            }
            let name = match alias.asname.as_ref().map(|a| &a.name) {
                None => "ClassVar",
                Some(AssignTargetExpression::Name(name)) => name.value,
                Some(_) => continue,
            };
            if tree.bindings(tree.all(), name) > 1 {
                return Err("`ClassVar` is bound more than once");
            }
            return Ok(Spelling { name: name.to_owned(), import: None });
        }
        let bytes = tree.bytes(&node.tokens);
        let one_line = tree.source.get(bytes.clone()).is_some_and(|s| !s.contains(['\n', '\r', '(', '\\']));
        if module == "typing" && one_line && joined.is_none() {
            joined = Some(join(tree, &node.tokens, bytes.end));
        }
    }
    if used {
        return Err("`ClassVar` stands for something that is not plainly imported");
    }
    let name = "ClassVar".to_owned();
    if let Some(edit) = joined {
        return Ok(Spelling { name, import: Some(edit) });
    }
    for node in early() {
        let NodeKind::Small(SmallStatement::Import(import)) = node.kind else { continue };
        for alias in &import.names {
            if !matches!(&alias.name, libcst_native::NameOrAttribute::N(name) if name.value == "typing") {
                continue;
            }
            let module = match alias.asname.as_ref().map(|a| &a.name) {
                None => "typing",
                Some(AssignTargetExpression::Name(name)) => name.value,
                Some(_) => continue,
            };
            if tree.bindings(tree.all(), module) == 1 {
                return Ok(Spelling { name: format!("{module}.ClassVar"), import: None });
            }
        }
    }
    Ok(Spelling { name, import: Some(insertion::add_import(job, "from typing import ClassVar")) })
}

/// Adds the name to an import, where its place in the order is.
fn join(tree: &Tree<'_, '_>, tokens: &std::ops::Range<usize>, end: usize) -> SourceEdit {
    let names = tokens.clone().skip(3).filter(|t| matches!(tree.text(t - 1), "import" | ","));
    let first_after = names.clone().find(|t| tree.text(*t) > "ClassVar");
    let sorted = names.clone().map(|t| tree.text(t)).is_sorted();
    match first_after.and_then(|t| tree.tokens.get(t)) {
        Some(next) if sorted => SourceEdit { range: next.start..next.start, text: "ClassVar, ".to_owned() },
        _ => SourceEdit { range: end..end, text: ", ClassVar".to_owned() },
    }
}
