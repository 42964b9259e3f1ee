//! Anthropic's Messages API, translated from and to OpenAI's format.

mod answer;
mod blocks;
mod convert;
mod events;
mod messages;
mod request;
mod tools;
mod usage;

use std::sync::Arc;

use http_out::reqwest::Url;
use http_out::reqwest::header::{HeaderName, HeaderValue};
use llm_policy::{BoxFuture, Operation, ProviderConfig};
use registry_core::{Clock, KnownSecrets};

use crate::SetupError;
use crate::http::{Http, HttpProvider, MAX_WHOLE, Protocol, route, secret};
use crate::provider::{Incoming, Outgoing, Provider, ProviderError, Whole};
use crate::sse::Frames;

pub(crate) use events::AnthropicEvents;

/// The version of the API.
const VERSION: &str = "2023-06-01";

/// Makes a provider with Anthropic's Messages API: `POST {base_url}/messages`, with the key as `x-api-key`.
///
/// Requests and answers are translated from and to OpenAI's format:
///
/// - System and developer messages become the `system` prompt, at any position.
/// - `seed`, `stream_options` and the reasoning in earlier answers are dropped. The API has no such fields, and the
///   request means the same without them.
/// - `cache_control` of parts and tools is passed on.
/// - Everything else without a counterpart is refused with [`ProviderError::NotSent`], which names the field. Examples
///   are `n` above 1, `logprobs`, `response_format` other than text, audio, files and embeddings.
///
/// # Errors
/// Same errors as [`crate::provider_of`].
pub fn anthropic(
    config: &ProviderConfig,
    api_key: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, SetupError> {
    let mut headers = secret(config, HeaderName::from_static("x-api-key"), "", api_key)?;
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    Ok(Arc::new(HttpProvider {
        name: config.name.clone(),
        secrets: KnownSecrets::new(api_key, []),
        http: Http::new(config, headers, Arc::clone(&clock))?,
        protocol: Anthropic { messages: route(config, "/messages")?, clock },
    }))
}

struct Anthropic {
    messages: Url,
    clock: Arc<dyn Clock>,
}

impl Protocol for Anthropic {
    fn attempt<'a>(
        &'a self,
        http: &'a Http,
        request: Outgoing,
    ) -> BoxFuture<'a, Result<Incoming, ProviderError>> {
        Box::pin(self.send(http, request))
    }
}

impl Anthropic {
    async fn send(&self, http: &Http, request: Outgoing) -> Result<Incoming, ProviderError> {
        let Outgoing { operation, hold_id, body, stream } = request;
        match operation {
            Operation::Chat => {}
            Operation::Embeddings => {
                return Err(ProviderError::NotSent("Anthropic has no embeddings".to_owned()));
            }
        }
        let body = request::write(body, stream).map_err(|error| ProviderError::NotSent(error.to_string()))?;
        let body = serde_json::to_vec(&body).map_err(|error| ProviderError::NotSent(error.to_string()))?;
        let mut answer = http.post(&self.messages, &hold_id, body).await?;
        if !answer.is_success() {
            let (head, body) = answer.refusal().await;
            return Ok(Incoming::Whole(Whole { head, body, usage: None, text: None }));
        }
        let created = self.clock.now().unix_seconds();
        if stream && answer.is_event_stream {
            return Ok(Incoming::Stream(
                answer.head,
                Frames::over(answer.body, AnthropicEvents::new(created)),
            ));
        }
        let body = answer.body.read(MAX_WHOLE).await?;
        let head = answer.head;
        Ok(Incoming::Whole(match answer::translate(&body, created) {
            Some(read) => Whole { head, body: read.body, usage: read.usage, text: Some(read.text) },
            None => Whole { head, body, usage: None, text: None },
        }))
    }
}
