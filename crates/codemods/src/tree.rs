//! Parsed source: libcst's tree with the byte range of every statement.
//!
//! The tree is lossless but has no positions. It lists statements in the order of the source, and so do the logical
//! lines of its tokens. Walking both in step gives each statement its tokens, whose bytes are known.

mod bindings;
mod walk;

use std::collections::HashSet;
use std::ops::Range;

use libcst_native::tokenizer::{TokConfig, TokType, TokenIterator};
use libcst_native::{ClassDef, FunctionDef, Module, SmallStatement};

use crate::Unparsable;
use crate::parser_limits::ParserGuard;

pub(crate) use bindings::top_level;

/// How much stack the parser gets. Sources that the guard lets through need less than half of it.
const STACK_BYTES: usize = 64 << 20;

/// A token and its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceToken<'a> {
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
    pub kind: TokType,
}

/// What a statement or clause is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NodeKind<'t, 'a> {
    Small(&'t SmallStatement<'a>),
    Function(&'t FunctionDef<'a>),
    Class(&'t ClassDef<'a>),
    Try,
    Handler {
        typed: bool,
        name: Option<&'a str>,
    },
    Loop,
    /// Other clauses: `if`, `else`, `with`, `case` and so on.
    Clause,
}

/// A statement or clause.
#[derive(Debug, Clone)]
pub(crate) struct StatementNode<'t, 'a> {
    pub kind: NodeKind<'t, 'a>,
    /// The block it stands in.
    pub block: usize,
    /// The logical line it stands on, or its header.
    pub line: usize,
    /// Its tokens; of a compound statement those of the header, colon included.
    pub tokens: Range<usize>,
    /// The first token after everything that belongs to it.
    pub end_token: usize,
}

/// Statements one after another.
#[derive(Debug, Clone)]
pub(crate) struct StatementBlock {
    /// The compound statement it belongs to; none for the module.
    pub owner: Option<usize>,
    pub nodes: Vec<usize>,
    /// It stands on the line of its header.
    pub inline: bool,
}

/// A parsed source.
pub(crate) struct Tree<'t, 'a> {
    pub source: &'a str,
    pub tokens: Vec<SourceToken<'a>>,
    /// The tokens of each logical line, without its line end.
    pub lines: Vec<Range<usize>>,
    pub nodes: Vec<StatementNode<'t, 'a>>,
    pub blocks: Vec<StatementBlock>,
    /// The tokens that bind a name, as far as tokens can tell; rather too many than too few.
    bound: HashSet<usize>,
}

/// Runs a job on a stack that is large enough for the parser.
pub(crate) fn on_large_stack<T: Send>(job: impl FnOnce() -> T + Send) -> Result<T, Unparsable> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, job);
        let thread = thread.map_err(|e| Unparsable(format!("no thread for the parser: {e}")))?;
        thread.join().map_err(|_| Unparsable("the parser failed".to_owned()))
    })
}

/// Whether a source (without a byte order mark) parses. Call it on a large stack.
pub(crate) fn parses(source: &str) -> Result<(), Unparsable> {
    parse(source).map(drop)
}

fn parse(source: &str) -> Result<(Vec<libcst_native::tokenizer::Token<'_>>, Module<'_>), Unparsable> {
    let config = TokConfig { async_hacks: false, split_ftstring: true };
    let mut guard = ParserGuard::new();
    let mut tokens = Vec::new();
    for token in TokenIterator::new(source, &config) {
        let token = token.map_err(|e| Unparsable(e.to_string()))?;
        guard.see(&token).map_err(Unparsable)?;
        tokens.push(token);
    }
    let module = libcst_native::parse_module(source, None).map_err(|e| Unparsable(e.to_string()))?;
    Ok((tokens, module))
}

/// Parses a source (without a byte order mark) and hands its tree on. Call it on a large stack.
pub(crate) fn with<T>(source: &str, use_tree: impl FnOnce(&Tree<'_, '_>) -> T) -> Result<T, Unparsable> {
    let (tokens, module) = parse(source)?;
    let tree = walk::tree(source, &tokens, &module)
        .ok_or_else(|| Unparsable("its statements and its lines do not match".to_owned()))?;
    Ok(use_tree(&tree))
}

impl<'t, 'a> Tree<'t, 'a> {
    /// The text of a token; empty when there is none.
    pub(crate) fn text(&self, token: usize) -> &'a str {
        self.tokens.get(token).map_or("", |t| t.text)
    }

    pub(crate) fn node(&self, node: usize) -> Option<&StatementNode<'t, 'a>> {
        self.nodes.get(node)
    }

    pub(crate) fn block(&self, block: usize) -> Option<&StatementBlock> {
        self.blocks.get(block)
    }

    /// The bytes from the first to the last of some tokens.
    pub(crate) fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        let start = self.tokens.get(tokens.start).map_or(self.source.len(), |t| t.start);
        let end = tokens.end.checked_sub(1).filter(|last| *last >= tokens.start);
        start..end.and_then(|last| self.tokens.get(last)).map_or(start, |t| t.end)
    }

    /// The source of some tokens.
    pub(crate) fn slice(&self, tokens: &Range<usize>) -> &'a str {
        self.source.get(self.bytes(tokens)).unwrap_or("")
    }

    /// The token that begins at a byte.
    pub(crate) fn token_at(&self, offset: usize) -> Option<usize> {
        let found = self.tokens.partition_point(|t| t.start < offset);
        self.tokens.get(found).filter(|t| t.start == offset && !t.text.is_empty()).map(|_| found)
    }

    /// The innermost statement or clause whose own tokens hold a token.
    pub(crate) fn node_of(&self, token: usize) -> Option<usize> {
        self.nodes.iter().position(|node| node.tokens.contains(&token))
    }

    /// The statement that a statement stands in.
    pub(crate) fn owner(&self, node: usize) -> Option<usize> {
        self.block(self.node(node)?.block)?.owner
    }

    /// The statements around a statement, from the inside.
    pub(crate) fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.owner(node), |outer| self.owner(*outer))
    }

    /// All tokens of a statement, its body included.
    pub(crate) fn whole(&self, node: usize) -> Range<usize> {
        self.node(node).map_or(0..0, |n| n.tokens.start..n.end_token)
    }

    /// The function around a statement, when there is one and no class stands between.
    pub(crate) fn function_of(&self, node: usize) -> Option<usize> {
        let scope = self.ancestors(node).find(|outer| {
            self.node(*outer).is_some_and(|n| matches!(n.kind, NodeKind::Function(_) | NodeKind::Class(_)))
        })?;
        matches!(self.node(scope)?.kind, NodeKind::Function(_)).then_some(scope)
    }

    /// Whether a name (not an attribute) stands in some tokens.
    pub(crate) fn mentions(&self, tokens: Range<usize>, name: &str) -> bool {
        tokens.into_iter().any(|at| self.is_name(at, name))
    }

    /// Whether a token is that name and not an attribute.
    pub(crate) fn is_name(&self, token: usize, name: &str) -> bool {
        self.tokens.get(token).is_some_and(|t| t.kind == TokType::Name && t.text == name)
            && (token == 0 || self.text(token - 1) != ".")
    }

    /// The first of these names that some tokens don't mention, numbered when all of them are taken.
    pub(crate) fn unused_name(&self, tokens: &Range<usize>, taken: &[String], wanted: &[&str]) -> String {
        let free =
            |name: &str| !taken.iter().any(|t| t == name) && !tokens.clone().any(|t| self.text(t) == name);
        let plain = wanted.iter().map(|name| (*name).to_owned());
        let numbered = (2..u32::MAX).filter_map(|n| wanted.first().map(|name| format!("{name}_{n}")));
        plain.chain(numbered).find(|name| free(name)).unwrap_or_default()
    }

    /// How often some tokens bind a name. Rather too many than too few.
    pub(crate) fn bindings(&self, tokens: Range<usize>, name: &str) -> usize {
        tokens.into_iter().filter(|at| self.text(*at) == name && self.bound.contains(at)).count()
    }

    /// All tokens.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.tokens.len()
    }

    /// The end of the header of a compound statement: the place of its colon.
    pub(crate) fn colon(&self, node: usize) -> Option<usize> {
        self.node(node)?.tokens.end.checked_sub(1)
    }

    /// Whether a statement has its physical lines for itself.
    pub(crate) fn alone_on_line(&self, node: usize) -> bool {
        self.node(node).is_some_and(|n| {
            let mine: HashSet<usize> = n.tokens.clone().collect();
            self.lines.get(n.line).is_some_and(|line| line.clone().all(|token| mine.contains(&token)))
        })
    }
}
