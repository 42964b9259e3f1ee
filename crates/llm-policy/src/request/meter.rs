//! Adding up what a request may come to, with what providers put around its texts.

use serde_json::Value;

use crate::count::{bytes, count_text};
use crate::{Encoding, PriceEntry};

/// Adds up tokens, and how many bytes of text they stand for.
pub struct Meter {
    /// `None` takes bytes for tokens.
    encoding: Option<Encoding>,
    /// So many tokens.
    pub tokens: u64,
    /// So many bytes of text there are in all.
    pub text_bytes: u64,
    /// So many images.
    pub images: u64,
}

impl Meter {
    pub fn new(encoding: Option<Encoding>) -> Self {
        Self { encoding, tokens: 0, text_bytes: 0, images: 0 }
    }

    pub fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// A text that reaches the model as it is.
    pub fn text(&mut self, text: &str) {
        self.text_bytes = self.text_bytes.saturating_add(bytes(text));
        self.add(count_text(text, self.encoding));
    }

    /// A value whose texts reach the model as they are, with its names.
    pub fn texts(&mut self, value: &Value) {
        // Whatever stands between two texts.
        self.add(2);
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.texts(item)),
            Value::Object(members) => {
                for (name, member) in members {
                    self.text(name);
                    self.texts(member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.add(plain_length(value)),
        }
    }

    /// A value that the provider writes into the prompt in a form of its own: JSON, a type declaration, XML. It takes
    /// no more tokens than the longest JSON that is usual has bytes, with two more for each value, since a
    /// declaration may put a space and a bar where JSON has a comma.
    pub fn written(&mut self, value: &Value) {
        self.add(2);
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.add(2);
                for item in items {
                    self.add(1);
                    self.written(item);
                }
            }
            Value::Object(members) => {
                self.add(2);
                for (name, member) in members {
                    self.add(2);
                    self.string(name);
                    self.written(member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.add(plain_length(value)),
        }
    }

    fn string(&mut self, text: &str) {
        self.text_bytes = self.text_bytes.saturating_add(bytes(text));
        self.add(longest_string(text));
    }

    /// A value of a tool call: what the model wrote earlier, or with an unknown tokenizer whatever its template makes
    /// of it.
    pub fn call(&mut self, value: &Value) {
        match self.encoding {
            Some(_) => self.texts(value),
            None => self.written(value),
        }
    }
}

/// The bytes of a string in the longest JSON that is usual. Some writers escape what is not ASCII (Python), or what
/// HTML could misread (Go, Jinja); a line end may become a new line of a comment with its indent.
fn longest_string(text: &str) -> u64 {
    let length: usize = text
        .chars()
        .map(|c| match c {
            '"' | '\\' | '\r' | '\t' => 2,
            '<' | '>' | '&' | '\'' | '\u{0}'..='\u{1f}' | '\u{7f}' => 6,
            ' '..='~' => 1,
            _ => 6 * c.len_utf16(),
        })
        .sum();
    u64::try_from(length).unwrap_or(u64::MAX).saturating_add(2)
}

/// No number that JSON can carry here prints longer than this.
const LONGEST_NUMBER: u64 = 25;

fn plain_length(value: &Value) -> u64 {
    match value {
        Value::Number(number) => {
            number.as_u64().map_or(LONGEST_NUMBER, |n| u64::from(n.checked_ilog10().unwrap_or(0)) + 1)
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => 5,
    }
}

/// What a provider's template adds to the texts, in tokens.
pub struct PromptTemplate {
    /// Around all messages.
    pub chat: u64,
    /// Around each message.
    pub message: u64,
    /// Around each part of a message's content.
    pub part: u64,
    /// Around all tools, or the schema of the answer.
    pub tools: u64,
    /// Around each tool, and each call of one.
    pub tool: u64,
    /// Around each text to embed.
    pub embedded: u64,
}

/// OpenAI's cookbook ("How to count tokens with tiktoken"): 3 per message and 3 for the start of the answer. How it
/// writes tools is not documented; they are bounded by their JSON, and this is the frame around it.
const OPENAI: PromptTemplate =
    PromptTemplate { chat: 3, message: 3, part: 3, tools: 64, tool: 16, embedded: 0 };

/// Others put their own words around the texts, which the usage then bills: gpt-oss a system message of some 70
/// tokens, Llama and Qwen one of some 30 when there is none, Anthropic up to 530 (by its documentation) when there are
/// tools. Sentence-piece tokenizers add one token to each text.
pub const OTHERS: PromptTemplate =
    PromptTemplate { chat: 128, message: 16, part: 8, tools: 1024, tool: 64, embedded: 16 };

impl PromptTemplate {
    /// The one that holds for an entry.
    pub fn of(entry: &PriceEntry) -> &'static Self {
        if entry.encoding.is_some() && entry.provider == "openai" { &OPENAI } else { &OTHERS }
    }
}
