//! OpenAI's protocol, which most other endpoints speak as well.

mod answer;
mod chunk;
mod text;
pub(crate) mod usage;

use std::sync::Arc;

use llm_policy::{BoxFuture, Operation, ProviderConfig};
use registry_core::Clock;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value};

use crate::SetupError;
use crate::http::{Http, MAX_WHOLE, route, secret};
use crate::provider::{Incoming, Outgoing, Provider, ProviderError, Whole};
use crate::sse::Frames;

pub(crate) use chunk::{Chunks, message, parse};

/// A provider that speaks OpenAI's protocol: `POST {base_url}/chat/completions` and `{base_url}/embeddings`, with
/// the key as a bearer token.
///
/// # Errors
/// As [`crate::provider_of`].
pub fn openai(
    config: &ProviderConfig,
    api_key: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, SetupError> {
    let headers = secret(config, AUTHORIZATION, "Bearer ", api_key)?;
    Ok(Arc::new(Openai {
        name: config.name.clone(),
        chat: route(config, "/chat/completions")?,
        embeddings: route(config, "/embeddings")?,
        max_tokens_field: config.max_tokens_field.clone(),
        http: Http::new(config, headers, clock)?,
    }))
}

struct Openai {
    name: String,
    chat: Url,
    embeddings: Url,
    max_tokens_field: String,
    http: Http,
}

impl Provider for Openai {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, ProviderError>> {
        Box::pin(self.attempt(request))
    }
}

impl Openai {
    async fn attempt(&self, request: Outgoing) -> Result<Incoming, ProviderError> {
        let Outgoing { operation, hold_id, body, stream } = request;
        let url = match operation {
            Operation::Chat => &self.chat,
            Operation::Embeddings => &self.embeddings,
        };
        let body = write(body, &self.max_tokens_field, stream)?;
        let mut answer = self.http.post(url, &hold_id, body).await?;
        if !answer.is_success() {
            let (head, body) = answer.refusal().await;
            // A body that was cut is no JSON any more, and then says nothing about usage.
            let usage = answer::read(operation, &body).and_then(|read| read.usage);
            return Ok(Incoming::Whole(Whole { head, body, usage, text: None }));
        }
        if stream && answer.is_event_stream {
            return Ok(Incoming::Stream(answer.head, Frames::over(answer.body, Chunks)));
        }
        let body = answer.body.read(MAX_WHOLE).await?;
        let read = answer::read(operation, &body).unwrap_or_default();
        Ok(Incoming::Whole(Whole { head: answer.head, usage: read.usage, text: read.text, body }))
    }
}

/// The body as the endpoint takes it.
fn write(
    mut body: Map<String, Value>,
    max_tokens_field: &str,
    stream: bool,
) -> Result<Vec<u8>, ProviderError> {
    if let Some(most) = body.remove("max_completion_tokens") {
        body.insert(max_tokens_field.to_owned(), most);
    }
    if stream {
        body.insert("stream".to_owned(), true.into());
        let options = body.entry("stream_options").or_insert(Value::Null);
        if !options.is_object() {
            *options = Value::Object(Map::new());
        }
        if let Value::Object(options) = options {
            options.insert("include_usage".to_owned(), true.into());
        }
    } else {
        body.remove("stream");
        // Refused by OpenAI without `stream`.
        body.remove("stream_options");
    }
    serde_json::to_vec(&body).map_err(|error| ProviderError::NotSent(error.to_string()))
}
