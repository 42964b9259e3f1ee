//! B008: moves a call out of an argument default, into the body.
//!
//! The annotation of the argument stays as it is. What it should say afterwards (`| None` or the type of a sentinel)
//! depends on the oldest Python that the source must run on, which the source does not state.

use std::collections::BTreeMap;
use std::ops::Range;

use libcst_native::tokenizer::TokType;
use libcst_native::{Expression, FunctionDef, Param, SmallStatement, StarArg};

use crate::job::{Aim, CodemodJob, EditPlan};
use crate::tree::{NodeKind, Tree, top_level};
use crate::{SourceEdit, insertion, positions};

/// Calls that a framework reads from the signature: `FastAPI`, Typer and their like.
const MARKERS: [&str; 26] = [
    "Depends",
    "Query",
    "Path",
    "Body",
    "Header",
    "Cookie",
    "Form",
    "File",
    "Security",
    "Param",
    "Option",
    "Argument",
    "Field",
    "Parameter",
    "Provide",
    "Inject",
    "Provider",
    "Dependency",
    "CurrentContext",
    "CurrentFastMCP",
    "State",
    "Resource",
    "Context",
    "Closing",
    "Injected",
    "UploadFile",
];
/// Decorators that don't look at the defaults.
const PLAIN_DECORATORS: [&str; 12] = [
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "abc.abstractmethod",
    "override",
    "typing.override",
    "final",
    "typing.final",
    "contextmanager",
    "contextlib.contextmanager",
    "asynccontextmanager",
    "contextlib.asynccontextmanager",
];
/// What can't be moved to another place or time.
const UNMOVABLE: [&str; 7] = ["lambda", ":=", "yield", "await", "super", "locals", "__class__"];

/// Words of an expression that are no names.
const WORDS: [&str; 11] = ["for", "in", "if", "else", "not", "and", "or", "is", "True", "False", "None"];

/// An argument and its default.
struct Argument<'a> {
    name: &'a str,
    default: Range<usize>,
    /// The target that is fixed with it; further ones in the same default are fixed as well.
    targets: Vec<usize>,
}

pub(crate) fn plan(job: &CodemodJob<'_, '_, '_>) -> EditPlan {
    let mut plan = EditPlan::default();
    let mut functions: BTreeMap<usize, Vec<Argument<'_>>> = BTreeMap::new();
    for aim in &job.aims {
        match argument(job.tree, aim) {
            Ok(argument) => {
                let arguments = functions.entry(aim.node).or_default();
                match arguments.iter_mut().find(|known| known.default == argument.default) {
                    Some(known) => known.targets.push(aim.target),
                    None => arguments.push(argument),
                }
            }
            Err(reason) => plan.skip(aim.target, reason),
        }
    }
    for (function, arguments) in functions {
        let targets = arguments.iter().flat_map(|a| a.targets.iter().copied()).collect::<Vec<_>>();
        match rewrite(job, function, &arguments) {
            Ok(edits) => plan.unit(targets, edits),
            Err(reason) => targets.iter().for_each(|t| plan.skip(*t, reason)),
        }
    }
    plan
}

/// The argument whose default a finding is in, when the default can be moved.
fn argument<'a>(tree: &Tree<'_, 'a>, aim: &Aim<'_>) -> Result<Argument<'a>, &'static str> {
    let node = tree.node(aim.node).ok_or("no function stands at its place")?;
    let NodeKind::Function(def) = node.kind else {
        return Err("it is not in the argument list of a `def`");
    };
    plain_function(tree, aim.node, def)?;
    for param in parameters(def) {
        let Some((default, annotation)) = default_of(tree, &node.tokens, param) else { continue };
        if !default.contains(&aim.token) {
            continue;
        }
        if annotation.clone().any(|t| annotation_allows_none(tree, t)) {
            return Err("its annotation allows None, so None may mean something");
        }
        movable(tree, aim.node, def, &default)?;
        let name = param.name.value;
        let body = node.tokens.end..node.end_token;
        let compared = |t: usize| {
            tree.is_name(t, name)
                && matches!(tree.text(t + 1), "is" | "==" | "!=")
                && (t..t + 4).any(|n| tree.text(n) == "None")
        };
        if body.clone().any(compared) {
            return Err("the function tells None apart already");
        }
        return Ok(Argument { name, default, targets: vec![aim.target] });
    }
    Err("no default of an argument stands at its place")
}

fn annotation_allows_none(tree: &Tree<'_, '_>, token: usize) -> bool {
    let text = tree.text(token);
    let quoted = tree.tokens.get(token).is_some_and(|t| t.kind == TokType::String);
    matches!(text, "None" | "Optional" | "Any" | "object")
        || (quoted && ["None", "Optional", "Any", "object"].iter().any(|word| text.contains(word)))
}

fn parameters<'t, 'a>(def: &'t FunctionDef<'a>) -> impl Iterator<Item = &'t Param<'a>> {
    let params = &def.params;
    let star = match &params.star_arg {
        Some(StarArg::Param(param)) => Some(&**param),
        Some(StarArg::Star(_)) | None => None,
    };
    params.posonly_params.iter().chain(&params.params).chain(star).chain(&params.kwonly_params)
}

/// The tokens of a default and of the annotation before it.
fn default_of(
    tree: &Tree<'_, '_>,
    header: &Range<usize>,
    param: &Param<'_>,
) -> Option<(Range<usize>, Range<usize>)> {
    param.default.as_ref()?;
    let offset = (param.name.value.as_ptr() as usize).checked_sub(tree.source.as_ptr() as usize)?;
    let name = tree.token_at(offset).filter(|at| header.contains(at))?;
    let mut depth = 0_usize;
    let mut equal = None;
    for at in name + 1..header.end {
        match tree.text(at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth > 0 => depth -= 1,
            "=" if depth == 0 && equal.is_none() => equal = Some(at),
            "," | ")" if depth == 0 => return equal.map(|equal| (equal + 1..at, name + 1..equal)),
            _ => {}
        }
    }
    None
}

/// Refuses functions whose defaults others may look at, or that have no body to move to.
fn plain_function(tree: &Tree<'_, '_>, node: usize, def: &FunctionDef<'_>) -> Result<(), &'static str> {
    for decorator in &def.decorators {
        let mut name = String::new();
        if !dotted(&decorator.decorator, &mut name) || !PLAIN_DECORATORS.contains(&name.as_str()) {
            return Err("a decorator of the function may look at the default");
        }
    }
    let block = tree.blocks.iter().find(|b| b.owner == Some(node)).ok_or("the function has no body")?;
    if block.inline {
        return Err("the body stands on the line of the `def`");
    }
    let stub = block.nodes.iter().all(|n| match tree.node(*n).map(|n| n.kind) {
        Some(NodeKind::Small(SmallStatement::Pass(_))) => true,
        Some(NodeKind::Small(SmallStatement::Expr(expr))) => {
            matches!(expr.value, Expression::Ellipsis(_)) || insertion::is_string(&expr.value)
        }
        Some(NodeKind::Small(SmallStatement::Raise(_))) => {
            tree.node(*n).is_some_and(|n| n.tokens.clone().any(|t| tree.text(t) == "NotImplementedError"))
        }
        _ => false,
    });
    if stub {
        return Err("the function is a stub");
    }
    if tree.ancestors(node).any(|outer| tree.node(outer).is_some_and(|n| matches!(n.kind, NodeKind::Loop))) {
        return Err("the function is made in a loop, whose names would have changed by the call");
    }
    Ok(())
}

fn dotted(expression: &Expression<'_>, into: &mut String) -> bool {
    match expression {
        Expression::Name(name) => into.push_str(name.value),
        Expression::Attribute(attribute) => {
            if !dotted(&attribute.value, into) {
                return false;
            }
            into.push('.');
            into.push_str(attribute.attr.value);
        }
        _ => return false,
    }
    true
}

/// Refuses defaults that mean something else in the body.
fn movable(
    tree: &Tree<'_, '_>,
    node: usize,
    def: &FunctionDef<'_>,
    default: &Range<usize>,
) -> Result<(), &'static str> {
    if default.clone().any(|t| MARKERS.contains(&tree.text(t)) && tree.text(t + 1) == "(") {
        return Err("a framework reads the call from the signature");
    }
    if default.clone().any(|t| UNMOVABLE.contains(&tree.text(t))) {
        return Err("its default can't stand in the body");
    }
    let sentinel = ["object", "Sentinel", "sentinel"];
    if default.clone().any(|t| sentinel.contains(&tree.text(t)) && tree.text(t + 1) == "(") {
        return Err("it looks like a sentinel, which is made once on purpose");
    }
    let class =
        tree.owner(node).filter(|o| tree.node(*o).is_some_and(|n| matches!(n.kind, NodeKind::Class(_))));
    let own: Vec<&str> = parameters(def)
        .map(|param| param.name.value)
        .chain(def.params.star_kwarg.as_ref().map(|param| param.name.value))
        .collect();
    for at in default.clone() {
        let is_name = tree.tokens.get(at).is_some_and(|t| t.kind == TokType::Name);
        let (before, name, after) = (tree.text(at - 1), tree.text(at), tree.text(at + 1));
        if !is_name || before == "." || after == "=" || WORDS.contains(&name) {
            continue;
        }
        if name.starts_with("__") && !name.ends_with("__") && class.is_some() {
            return Err("a private name of its class is in the default");
        }
        let body = tree.node(node).map_or(0..0, |n| n.tokens.end..n.end_token);
        if own.contains(&name) || tree.bindings(body, name) > 0 {
            return Err("a name in the default means something else in the body");
        }
        if class.is_some_and(|class| {
            let body = tree.node(class).map_or(0, |n| n.tokens.end)..tree.whole(class).end;
            tree.bindings(body, name) > 0
        }) {
            return Err("a name in the default belongs to the class body");
        }
        if tree.bindings(tree.all(), name) > 1 {
            return Err("a name in the default is bound more than once, and may have changed by the call");
        }
    }
    if default.clone().zip(default.clone().skip(1)).any(|(a, b)| {
        let outside = top_level(tree, default.start..b + 1, tree.text(b)).any(|t| t == b);
        let between = tree.tokens.get(a).map_or(0, |t| t.end)..tree.tokens.get(b).map_or(0, |t| t.start);
        outside && tree.source.get(between).is_some_and(|gap| gap.contains(['\n', '\r']))
    }) {
        return Err("its default goes over several lines outside of brackets");
    }
    Ok(())
}

/// The edits for the arguments of one function.
fn rewrite(
    job: &CodemodJob<'_, '_, '_>,
    function: usize,
    arguments: &[Argument<'_>],
) -> Result<Vec<SourceEdit>, &'static str> {
    let (tree, newline) = (job.tree, job.newline);
    let block = tree.blocks.iter().find(|b| b.owner == Some(function)).ok_or("the function has no body")?;
    let mut nodes = block.nodes.iter().filter_map(|n| tree.node(*n)).peekable();
    let first = nodes.next().ok_or("the function has no body")?;
    let docstring =
        matches!(first.kind, NodeKind::Small(SmallStatement::Expr(e)) if insertion::is_string(&e.value));
    let line = if docstring {
        if nodes.peek().is_none_or(|next| next.line == first.line) {
            return Err("its docstring shares its line");
        }
        tree.lines.get(first.line)
    } else {
        tree.node(function).and_then(|n| tree.lines.get(n.line))
    };
    let line = line.ok_or("the function has no body")?;
    let at = positions::next_line(tree.source, tree.bytes(line).end);
    let indent = positions::indent(tree.source, tree.bytes(&first.tokens).start);
    let outer =
        tree.node(function).map_or("", |n| positions::indent(tree.source, tree.bytes(&n.tokens).start));
    let step = indent.strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or("    ");
    let mut edits = Vec::new();
    let mut added = String::new();
    for argument in arguments {
        let name = argument.name;
        let call = tree.slice(&argument.default);
        added.extend([indent, "if ", name, " is None:", newline, indent, step, name, " = ", call, newline]);
        edits.push(SourceEdit { range: tree.bytes(&argument.default), text: "None".to_owned() });
    }
    edits.push(SourceEdit { range: at..at, text: added });
    Ok(edits)
}
