//! Refuses sources that would exhaust the parser, which is recursive, before it sees them.

use libcst_native::tokenizer::{TokType, Token};

/// How deep brackets may nest. Python itself stops at 200.
const BRACKETS: usize = 100;
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
    inner: usize,
}

impl Level {
    const fn depth(&self) -> usize {
        self.tokens.saturating_add(self.inner)
    }
}

/// Says why a source is not given to the parser.
pub(crate) fn check(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut levels = vec![Level::default()];
    let mut brackets = BRACKETS;
    let mut elifs = 0_usize;
    let mut at_start = true;
    for (at, token) in tokens.iter().enumerate() {
        match token.r#type {
            TokType::Newline => {
                levels.clear();
                levels.push(Level::default());
                at_start = true;
                continue;
            }
            TokType::Indent | TokType::Dedent => continue,
            _ => {}
        }
        if at_start {
            at_start = false;
            let next = tokens.get(at + 1).map_or("", |t| t.string);
            let many_readings =
                token.string == "del" || (token.string == "case" && !matches!(next, "=" | "."));
            brackets = if many_readings { PATTERN_BRACKETS } else { BRACKETS };
            elifs += usize::from(token.string == "elif");
        }
        let opens = token.r#type == TokType::FStringStart
            || token.r#type == TokType::TStringStart
            || (token.r#type == TokType::Op && matches!(token.string, "(" | "[" | "{"));
        let closes = token.r#type == TokType::FStringEnd
            || token.r#type == TokType::TStringEnd
            || (token.r#type == TokType::Op && matches!(token.string, ")" | "]" | "}"));
        if opens {
            levels.push(Level::default());
        } else if closes && levels.len() > 1 {
            let depth = levels.pop().map_or(0, |level| level.depth());
            if let Some(outer) = levels.last_mut() {
                outer.inner = outer.inner.max(depth);
                outer.tokens += 1;
            }
        } else if let Some(level) = levels.last_mut() {
            if matches!(token.string, "," | ";") {
                level.inner = level.depth();
                level.tokens = 0;
            } else {
                level.tokens += 1;
            }
        }
        if levels.len() > brackets + 1 {
            return Err(format!("brackets nest deeper than {brackets}"));
        }
        if levels.iter().map(Level::depth).max().unwrap_or(0) > CHAIN {
            return Err(format!("an expression chains more than {CHAIN} tokens"));
        }
        if elifs > ELIFS {
            return Err(format!("there are more than {ELIFS} `elif` clauses"));
        }
    }
    Ok(())
}
