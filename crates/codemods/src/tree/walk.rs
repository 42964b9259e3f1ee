//! Walk over libcst's tree and the logical lines in step.

use std::collections::HashSet;
use std::ops::Range;

use libcst_native::tokenizer::{TokType, Token as Raw};
use libcst_native::{CompoundStatement, Decorator, Module, OrElse, SmallStatement, Statement, Suite};

use super::{NodeKind, SourceToken, StatementBlock, StatementNode, Tree, bindings};

/// The tree; none when statements and lines do not match.
pub(super) fn tree<'t, 'a>(source: &'a str, raw: &[Raw<'a>], module: &'t Module<'a>) -> Option<Tree<'t, 'a>> {
    let (tokens, lines) = lines(source, raw);
    let blocks = vec![StatementBlock { owner: None, nodes: Vec::new(), inline: false }];
    let tree = Tree { source, tokens, lines, nodes: Vec::new(), blocks, bound: HashSet::new() };
    let mut walk = TreeWalk { tree, next_line: 0 };
    walk.statements(&module.body, 0)?;
    if walk.next_line != walk.tree.lines.len() {
        return None;
    }
    let mut tree = walk.tree;
    tree.bound = bindings::find(&tree);
    Some(tree)
}

fn lines<'a>(source: &'a str, raw: &[Raw<'a>]) -> (Vec<SourceToken<'a>>, Vec<Range<usize>>) {
    let mut tokens = Vec::with_capacity(raw.len());
    let mut lines = Vec::new();
    let mut first = 0;
    for token in raw {
        match token.r#type {
            TokType::Newline | TokType::EndMarker => {
                if first < tokens.len() {
                    lines.push(first..tokens.len());
                }
                first = tokens.len();
            }
            TokType::Indent | TokType::Dedent => {}
            kind => {
                let (start, end) = (token.start_pos.byte_idx(), token.end_pos.byte_idx());
                let text = source.get(start..end).unwrap_or("");
                tokens.push(SourceToken { text, start, end, kind });
            }
        }
    }
    (tokens, lines)
}

struct TreeWalk<'t, 'a> {
    tree: Tree<'t, 'a>,
    next_line: usize,
}

impl<'t, 'a> TreeWalk<'t, 'a> {
    fn take_line(&mut self) -> Option<(usize, Range<usize>)> {
        let line = self.next_line;
        self.next_line += 1;
        Some((line, self.tree.lines.get(line)?.clone()))
    }

    fn push(
        &mut self,
        kind: NodeKind<'t, 'a>,
        block: usize,
        line: usize,
        tokens: Range<usize>,
    ) -> Option<usize> {
        let node = self.tree.nodes.len();
        let end_token = tokens.end;
        self.tree.nodes.push(StatementNode { kind, block, line, tokens, end_token });
        self.tree.blocks.get_mut(block)?.nodes.push(node);
        Some(node)
    }

    fn statements(&mut self, statements: &'t [Statement<'a>], block: usize) -> Option<()> {
        for statement in statements {
            match statement {
                Statement::Simple(simple) => {
                    let (line, tokens) = self.take_line()?;
                    self.small(&simple.body, block, line, tokens)?;
                }
                Statement::Compound(compound) => self.compound(compound, block)?,
            }
        }
        Some(())
    }

    /// The statements of one line, with semicolons between them.
    fn small(
        &mut self,
        body: &'t [SmallStatement<'a>],
        block: usize,
        line: usize,
        tokens: Range<usize>,
    ) -> Option<()> {
        let mut start = tokens.start;
        for statement in body {
            let end = (start..tokens.end).find(|at| self.is_op(*at, ";")).unwrap_or(tokens.end);
            if start >= end {
                return None;
            }
            self.push(NodeKind::Small(statement), block, line, start..end)?;
            start = end + 1;
        }
        (start >= tokens.end).then_some(())
    }

    fn is_op(&self, token: usize, text: &str) -> bool {
        self.tree.tokens.get(token).is_some_and(|t| t.kind == TokType::Op && t.text == text)
    }

    /// The colon that ends a header: the first that no bracket and no lambda holds.
    fn header_end(&self, tokens: &Range<usize>) -> Option<usize> {
        let (mut depth, mut lambdas) = (0_usize, 0_usize);
        for at in tokens.clone() {
            let token = self.tree.tokens.get(at)?;
            match (token.kind, token.text) {
                (TokType::FStringStart | TokType::TStringStart, _) | (TokType::Op, "(" | "[" | "{") => {
                    depth += 1;
                }
                (TokType::FStringEnd | TokType::TStringEnd, _) | (TokType::Op, ")" | "]" | "}") => {
                    depth = depth.checked_sub(1)?;
                }
                (TokType::Name, "lambda") if depth == 0 => lambdas += 1,
                (TokType::Op, ":") if depth == 0 && lambdas > 0 => lambdas -= 1,
                (TokType::Op, ":") if depth == 0 => return Some(at + 1),
                _ => {}
            }
        }
        None
    }

    /// A header whose line begins with one of these words, and its suite.
    fn clause(
        &mut self,
        kind: NodeKind<'t, 'a>,
        words: &[&str],
        suite: Option<&'t Suite<'a>>,
        block: usize,
    ) -> Option<usize> {
        let (line, tokens) = self.take_line()?;
        if !words.contains(&self.tree.text(tokens.start)) {
            return None;
        }
        let body = self.header_end(&tokens)?;
        let node = self.push(kind, block, line, tokens.start..body)?;
        let inner = self.tree.blocks.len();
        let inline = matches!(suite, Some(Suite::SimpleStatementSuite(_)));
        self.tree.blocks.push(StatementBlock { owner: Some(node), nodes: Vec::new(), inline });
        match suite {
            Some(Suite::SimpleStatementSuite(simple)) => {
                self.small(&simple.body, inner, line, body..tokens.end)?;
            }
            Some(Suite::IndentedBlock(indented)) if body == tokens.end => {
                self.statements(&indented.body, inner)?;
            }
            None if body == tokens.end => {}
            Some(Suite::IndentedBlock(_)) | None => return None,
        }
        self.close(node)?;
        Some(node)
    }

    /// Notes where a statement ends: where the last line that was taken does.
    fn close(&mut self, node: usize) -> Option<()> {
        let end = self.tree.lines.get(self.next_line.checked_sub(1)?)?.end;
        self.tree.nodes.get_mut(node)?.end_token = end;
        Some(())
    }

    fn decorators(&mut self, decorators: &[Decorator<'a>]) -> Option<()> {
        for _ in decorators {
            let (_, tokens) = self.take_line()?;
            if !self.is_op(tokens.start, "@") {
                return None;
            }
        }
        Some(())
    }

    fn compound(&mut self, compound: &'t CompoundStatement<'a>, block: usize) -> Option<()> {
        match compound {
            CompoundStatement::FunctionDef(def) => {
                self.decorators(&def.decorators)?;
                self.clause(NodeKind::Function(def), &["def", "async"], Some(&def.body), block)?;
            }
            CompoundStatement::ClassDef(class) => {
                self.decorators(&class.decorators)?;
                self.clause(NodeKind::Class(class), &["class"], Some(&class.body), block)?;
            }
            CompoundStatement::If(first) => {
                self.clause(NodeKind::Clause, &["if"], Some(&first.body), block)?;
                let mut rest = first.orelse.as_deref();
                while let Some(orelse) = rest {
                    rest = match orelse {
                        OrElse::Elif(elif) => {
                            self.clause(NodeKind::Clause, &["elif"], Some(&elif.body), block)?;
                            elif.orelse.as_deref()
                        }
                        OrElse::Else(last) => {
                            self.clause(NodeKind::Clause, &["else"], Some(&last.body), block)?;
                            None
                        }
                    };
                }
            }
            CompoundStatement::For(one) => {
                self.clause(NodeKind::Loop, &["for", "async"], Some(&one.body), block)?;
                self.last(one.orelse.as_ref().map(|e| &e.body), "else", block)?;
            }
            CompoundStatement::While(one) => {
                self.clause(NodeKind::Loop, &["while"], Some(&one.body), block)?;
                self.last(one.orelse.as_ref().map(|e| &e.body), "else", block)?;
            }
            CompoundStatement::With(with) => {
                self.clause(NodeKind::Clause, &["with", "async"], Some(&with.body), block)?;
            }
            CompoundStatement::Try(one) => {
                self.clause(NodeKind::Try, &["try"], Some(&one.body), block)?;
                for handler in &one.handlers {
                    let name = handler.name.as_ref().and_then(as_name);
                    let kind = NodeKind::Handler { typed: handler.r#type.is_some(), name };
                    self.clause(kind, &["except"], Some(&handler.body), block)?;
                }
                self.last(one.orelse.as_ref().map(|e| &e.body), "else", block)?;
                self.last(one.finalbody.as_ref().map(|e| &e.body), "finally", block)?;
            }
            CompoundStatement::TryStar(one) => {
                self.clause(NodeKind::Try, &["try"], Some(&one.body), block)?;
                for handler in &one.handlers {
                    let name = handler.name.as_ref().and_then(as_name);
                    let kind = NodeKind::Handler { typed: true, name };
                    self.clause(kind, &["except"], Some(&handler.body), block)?;
                }
                self.last(one.orelse.as_ref().map(|e| &e.body), "else", block)?;
                self.last(one.finalbody.as_ref().map(|e| &e.body), "finally", block)?;
            }
            CompoundStatement::Match(one) => {
                let node = self.clause(NodeKind::Clause, &["match"], None, block)?;
                let inner = self.tree.blocks.len().checked_sub(1)?;
                for case in &one.cases {
                    self.clause(NodeKind::Clause, &["case"], Some(&case.body), inner)?;
                }
                self.close(node)?;
            }
        }
        Some(())
    }

    fn last(&mut self, suite: Option<&'t Suite<'a>>, word: &str, block: usize) -> Option<()> {
        if suite.is_some() {
            self.clause(NodeKind::Clause, &[word], suite, block)?;
        }
        Some(())
    }
}

/// The name after `as`.
fn as_name<'a>(name: &libcst_native::AsName<'a>) -> Option<&'a str> {
    match &name.name {
        libcst_native::AssignTargetExpression::Name(name) => Some(name.value),
        _ => None,
    }
}
