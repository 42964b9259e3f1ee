//! Counter of input tokens, and allowances for the text that providers add to a prompt.

use serde_json::Value;

use crate::count::{bytes, count_text};
use crate::{Encoding, PriceEntry};

/// Counter of tokens, bytes of text and images.
pub struct Meter {
    /// The tokenizer; with `None`, each byte counts as a token.
    encoding: Option<Encoding>,
    /// The number of tokens.
    pub tokens: u64,
    /// The number of bytes of all texts.
    pub text_bytes: u64,
    /// The number of images.
    pub images: u64,
}

impl Meter {
    pub fn new(encoding: Option<Encoding>) -> Self {
        Self { encoding, tokens: 0, text_bytes: 0, images: 0 }
    }

    pub fn add(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Adds a text that reaches the model unchanged.
    pub fn text(&mut self, text: &str) {
        self.text_bytes = self.text_bytes.saturating_add(bytes(text));
        self.add(count_text(text, self.encoding));
    }

    /// Adds a value whose texts and member names reach the model unchanged.
    pub fn texts(&mut self, value: &Value) {
        // Separators between texts.
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

    /// Adds a value that the provider writes into the prompt in a format of its choice: JSON, a type declaration or
    /// XML. The count is the length in bytes of the longest usual JSON, plus two tokens for each value, because a
    /// declaration may have a space and a bar in place of a comma.
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

    /// Adds a value of a tool call. With a known tokenizer, it counts as the text that the model wrote earlier. With an
    /// unknown one, the provider's template may write it in any format.
    pub fn call(&mut self, value: &Value) {
        match self.encoding {
            Some(_) => self.texts(value),
            None => self.written(value),
        }
    }
}

/// Returns the length in bytes of a string in the longest usual JSON. Some serializers escape all characters outside
/// ASCII (Python) or those that are special in HTML (Go, Jinja). A line break in a description may become a new,
/// indented line of a comment.
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

/// The length of the longest number that JSON can contain here.
const LONGEST_NUMBER: u64 = 25;

fn plain_length(value: &Value) -> u64 {
    match value {
        Value::Number(number) => {
            number.as_u64().map_or(LONGEST_NUMBER, |n| u64::from(n.checked_ilog10().unwrap_or(0)) + 1)
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => 5,
    }
}

/// Tokens that a provider's prompt template adds to the texts of a request.
pub struct PromptTemplate {
    /// Tokens for the whole chat.
    pub chat: u64,
    /// Tokens for each message.
    pub message: u64,
    /// Tokens for each part of a message.
    pub part: u64,
    /// Tokens for all tools together, or for the schema of the answer.
    pub tools: u64,
    /// Tokens for each tool, and for each tool call.
    pub tool: u64,
    /// Tokens for each text to embed.
    pub embedded: u64,
}

/// The template of OpenAI. Its cookbook ("How to count tokens with tiktoken") states 3 tokens per message and 3 for the
/// start of the answer. The format of tools is not documented. They count with the length of their JSON, and the values
/// here are an allowance for the text around it.
const OPENAI: PromptTemplate =
    PromptTemplate { chat: 3, message: 3, part: 3, tools: 64, tool: 16, embedded: 0 };

/// An upper bound for the templates of all other providers, who bill the text that they add. gpt-oss adds a system
/// message of about 70 tokens. Llama and Qwen add one of about 30 tokens if the chat has none. Anthropic documents up
/// to 530 tokens for chats with tools. `SentencePiece` tokenizers add one token to each text.
pub const OTHERS: PromptTemplate =
    PromptTemplate { chat: 128, message: 16, part: 8, tools: 1024, tool: 64, embedded: 16 };

impl PromptTemplate {
    /// Returns the template for a model.
    pub fn of(entry: &PriceEntry) -> &'static Self {
        if entry.encoding.is_some() && entry.provider == "openai" { &OPENAI } else { &OTHERS }
    }
}
