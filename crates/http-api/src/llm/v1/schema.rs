//! OpenAI's bodies, as far as this server reads them. Other members are passed to the provider, so they are open
//! objects.

use serde_json::{Value, json};

use http_kit::{Described, ONE_LINE, TypeSchema};

fn named(name: &str, schema: Value) -> TypeSchema {
    TypeSchema { name: name.to_owned(), schemas: vec![(name.to_owned(), schema)] }
}

fn model() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 200, "pattern": ONE_LINE,
        "description": "one of `GET /llm/v1/models`",
    })
}

/// A chat completion's request.
pub(in crate::llm) struct ChatCompletionRequest;

impl Described for ChatCompletionRequest {
    fn schema() -> TypeSchema {
        let tokens = |about: &str| json!({ "type": ["integer", "null"], "minimum": 1, "description": about });
        named(
            "ChatCompletionRequest",
            json!({
                "type": "object",
                "description": "OpenAI's chat completion; members that are not listed are passed on",
                "required": ["model", "messages"],
                "properties": {
                    "model": model(),
                    "messages": { "type": "array", "minItems": 1, "items": { "type": "object" } },
                    "max_tokens": tokens("the most output of each choice; filled in when absent"),
                    "max_completion_tokens": tokens("the same, under its newer name"),
                    "n": {
                        "type": ["integer", "null"], "minimum": 1, "maximum": 128,
                        "description": "how many choices",
                    },
                    "stream": { "type": ["boolean", "null"], "description": "whether to answer in events" },
                },
                "additionalProperties": true,
            }),
        )
    }
}

/// A chat completion.
pub(in crate::llm) struct ChatCompletionAnswer;

impl Described for ChatCompletionAnswer {
    fn schema() -> TypeSchema {
        named(
            "ChatCompletion",
            json!({
                "type": "object",
                "description": "OpenAI's chat completion, as the provider gave it",
                "additionalProperties": true,
            }),
        )
    }
}

/// A request for embeddings.
pub(in crate::llm) struct EmbeddingsRequest;

impl Described for EmbeddingsRequest {
    fn schema() -> TypeSchema {
        named(
            "EmbeddingsRequest",
            json!({
                "type": "object",
                "description": "OpenAI's embeddings; members that are not listed are passed on",
                "required": ["model", "input"],
                "properties": {
                    "model": model(),
                    "input": { "description": "a text, or a list of texts or of lists of tokens" },
                },
                "additionalProperties": true,
            }),
        )
    }
}

/// Embeddings.
pub(in crate::llm) struct Embeddings;

impl Described for Embeddings {
    fn schema() -> TypeSchema {
        named(
            "Embeddings",
            json!({
                "type": "object",
                "description": "OpenAI's embeddings, as the provider gave them",
                "additionalProperties": true,
            }),
        )
    }
}
