//! Limits that refuse a source before parsing: the parser is recursive, and such a source would exhaust its stack.

use libcst_native::tokenizer::{TokType, Token};

/// How deep brackets may nest. Python stops at 200, but the parser's time grows with the cube of the depth.
const BRACKETS: usize = 40;
/// How deep they may nest where the parser tries every reading of them: patterns and `del`.
const PATTERN_BRACKETS: usize = 6;
/// How many tokens an element between two commas may chain, such as `a + b + c`.
const CHAIN: usize = 2_000;
/// How many `elif` clauses a source may have: each is nested in the one before.
const ELIFS: usize = 2_000;

/// The length of the chain at one bracket level.
#[derive(Default)]
struct Level {
    tokens: usize,
    /// The deepest bracket of this element.
    inner: usize,
    /// The deepest of the elements before.
    done: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.done.max(self.tokens.saturating_add(self.inner))
    }
}

/// Reads the tokens as they come, so a hostile source is refused early.
pub(crate) struct ParserGuard {
    levels: Vec<Level>,
    brackets: usize,
    elifs: usize,
    /// How many tokens of the logical line there were.
    in_line: usize,
}

impl ParserGuard {
    pub(crate) fn new() -> Self {
        Self { levels: vec![Level::default()], brackets: BRACKETS, elifs: 0, in_line: 0 }
    }

    /// Says why a source with this token is not given to the parser.
    pub(crate) fn see(&mut self, token: &Token<'_>) -> Result<(), String> {
        match token.r#type {
            TokType::Newline => {
                self.levels = vec![Level::default()];
                self.in_line = 0;
                return Ok(());
            }
            TokType::Indent | TokType::Dedent => return Ok(()),
            _ => {}
        }
        match self.in_line {
            0 => {
                self.brackets = if token.string == "case" { PATTERN_BRACKETS } else { BRACKETS };
                self.elifs += usize::from(token.string == "elif");
            }
            // Here `case` is a name.
            1 if matches!(token.string, "=" | ".") => self.brackets = BRACKETS,
            _ => {}
        }
        if token.string == "del" {
            self.brackets = PATTERN_BRACKETS;
        }
        self.in_line += 1;
        self.nest(token);
        if self.levels.len() > self.brackets + 1 {
            return Err(format!("brackets nest deeper than {}", self.brackets));
        }
        if self.levels.last().map_or(0, Level::depth) > CHAIN {
            return Err(format!("an expression chains more than {CHAIN} tokens"));
        }
        if self.elifs > ELIFS {
            return Err(format!("there are more than {ELIFS} `elif` clauses"));
        }
        Ok(())
    }

    fn nest(&mut self, token: &Token<'_>) {
        let opens = matches!(token.r#type, TokType::FStringStart | TokType::TStringStart)
            || (token.r#type == TokType::Op && matches!(token.string, "(" | "[" | "{"));
        let closes = matches!(token.r#type, TokType::FStringEnd | TokType::TStringEnd)
            || (token.r#type == TokType::Op && matches!(token.string, ")" | "]" | "}"));
        if opens {
            self.levels.push(Level::default());
        } else if closes && self.levels.len() > 1 {
            let depth = self.levels.pop().map_or(0, |level| level.depth());
            if let Some(outer) = self.levels.last_mut() {
                outer.inner = outer.inner.max(depth);
                outer.tokens += 1;
            }
        } else if let Some(level) = self.levels.last_mut() {
            if matches!(token.string, "," | ";") {
                *level = Level { done: level.depth(), ..Level::default() };
            } else {
                level.tokens += 1;
            }
        }
    }
}
