//! What providers put around the texts of a request.

use crate::PriceEntry;

/// What a provider's template adds to the texts, in tokens.
pub struct Template {
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
const OPENAI: Template = Template { chat: 3, message: 3, part: 3, tools: 64, tool: 16, embedded: 0 };

/// Others put their own words around the texts, which the usage then bills: gpt-oss a system message of some 70
/// tokens, Llama and Qwen one of some 30 when there is none, Anthropic up to 530 (by its documentation) when there are
/// tools. Sentence-piece tokenizers add one token to each text.
pub const OTHERS: Template =
    Template { chat: 128, message: 16, part: 8, tools: 1024, tool: 64, embedded: 16 };

impl Template {
    /// The one that holds for an entry.
    pub fn of(entry: &PriceEntry) -> &'static Self {
        if entry.encoding.is_some() && entry.provider == "openai" { &OPENAI } else { &OTHERS }
    }
}
