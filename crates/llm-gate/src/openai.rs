//! OpenAI's API, which most other providers offer as well.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http_out::reqwest::Url;
use http_out::reqwest::header::AUTHORIZATION;
use llm_policy::{BoxFuture, Operation, ProviderConfig, Usage};
use registry_core::{Clock, KnownSecrets};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::SetupError;
use crate::http::{Http, HttpProvider, MAX_WHOLE, Protocol, route, secret};
use crate::provider::{Frame, Incoming, Outgoing, Provider, ProviderError, Whole};
use crate::sse::{DONE, Decode, Frames};

/// The maximum of a provider's error message that is read, in bytes.
const MAX_MESSAGE: usize = 64 << 10;
/// The largest plausible number of tokens. A usage with a larger number is ignored.
pub(crate) const MAX_TOKENS: u64 = 1_000_000_000;

/// Makes a provider with OpenAI's API: `POST {base_url}/chat/completions` and `{base_url}/embeddings`, with the key as
/// a bearer token.
///
/// # Errors
/// Same errors as [`crate::provider_of`].
pub fn openai(
    config: &ProviderConfig,
    api_key: Option<&str>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Provider>, SetupError> {
    let headers = secret(config, AUTHORIZATION, "Bearer ", api_key)?;
    let protocol = Openai {
        chat: route(config, "/chat/completions")?,
        embeddings: route(config, "/embeddings")?,
        max_tokens_field: config.max_tokens_field.clone(),
    };
    Ok(Arc::new(HttpProvider {
        name: config.name.clone(),
        secrets: KnownSecrets::new(api_key, []),
        http: Http::new(config, headers, clock)?,
        protocol,
    }))
}

struct Openai {
    chat: Url,
    embeddings: Url,
    max_tokens_field: String,
}

impl Protocol for Openai {
    fn attempt<'a>(
        &'a self,
        http: &'a Http,
        request: Outgoing,
    ) -> BoxFuture<'a, Result<Incoming, ProviderError>> {
        Box::pin(self.send(http, request))
    }
}

impl Openai {
    async fn send(&self, http: &Http, request: Outgoing) -> Result<Incoming, ProviderError> {
        let Outgoing { operation, hold_id, body, stream } = request;
        let url = match operation {
            Operation::Chat => &self.chat,
            Operation::Embeddings => &self.embeddings,
        };
        let body = write(body, &self.max_tokens_field, stream)?;
        let mut answer = http.post(url, &hold_id, body).await?;
        if !answer.is_success() {
            let (head, body) = answer.refusal().await;
            // A truncated body is not valid JSON, so it yields no usage.
            let usage = read_answer(operation, &body).and_then(|read| read.usage);
            return Ok(Incoming::Whole(Whole { head, body, usage, text: None }));
        }
        if stream && answer.is_event_stream {
            return Ok(Incoming::Stream(answer.head, Frames::over(answer.body, Chunks)));
        }
        let body = answer.body.read(MAX_WHOLE).await?;
        let read = read_answer(operation, &body).unwrap_or_default();
        Ok(Incoming::Whole(Whole { head: answer.head, usage: read.usage, text: read.text, body }))
    }
}

/// Serializes the body for the provider.
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
        // OpenAI refuses this field without `stream`.
        body.remove("stream_options");
    }
    serde_json::to_vec(&body).map_err(|error| ProviderError::NotSent(error.to_string()))
}

// Complete answers. Only the usage and the text to count are parsed.

#[derive(Deserialize)]
struct OpenaiAnswer<'a> {
    #[serde(borrow)]
    choices: Option<Vec<OpenaiChoice<'a>>>,
    data: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiChoice<'a> {
    #[serde(borrow)]
    message: Option<OpenaiMessage<'a>>,
}

/// The usage and text of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct ReadAnswer {
    usage: Option<Usage>,
    /// `None` when the document is not an answer.
    text: Option<String>,
}

/// Parses an answer; `None` when it is not JSON in the known format.
fn read_answer(operation: Operation, body: &[u8]) -> Option<ReadAnswer> {
    let document: OpenaiAnswer<'_> = object(std::str::from_utf8(body).ok()?)?;
    let text = match operation {
        Operation::Embeddings => document.data.map(|_| String::new()),
        Operation::Chat => document.choices.map(|choices| {
            let mut text = String::new();
            for message in choices.iter().filter_map(|choice| choice.message.as_ref()) {
                message.add_to(&mut text);
            }
            text
        }),
    };
    Some(ReadAnswer { usage: document.usage.and_then(|raw| read_usage(raw, operation)), text })
}

// Frames of streamed answers. They are parsed for their text and usage, and passed on unchanged.

/// Decoder for `chat.completion.chunk` events.
pub(crate) struct Chunks;

#[derive(Deserialize)]
struct OpenaiChunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<OpenaiChunkChoice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    /// Groq's member for the usage of a stream.
    #[serde(borrow)]
    x_groq: Option<Groq<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiChunkChoice<'a> {
    #[serde(borrow)]
    delta: Option<OpenaiMessage<'a>>,
}

#[derive(Deserialize)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl Decode for Chunks {
    fn event(&mut self, data: Bytes, out: &mut VecDeque<Frame>) -> Result<(), ProviderError> {
        if !data.trim_ascii().is_empty() {
            out.push_back(read_chunk(data)?);
        }
        Ok(())
    }

    fn end(&mut self, _: &mut VecDeque<Frame>) {}
}

fn read_chunk(data: Bytes) -> Result<Frame, ProviderError> {
    if data.trim_ascii() == DONE {
        let data = Bytes::from_static(DONE);
        return Ok(Frame {
            data,
            text: String::new(),
            usage: None,
            usage_only: false,
            done: true,
            notice: false,
        });
    }
    let chunk: OpenaiChunk<'_> = parse(&data)?;
    if let Some(error) = chunk.error {
        return Err(ProviderError::BadAnswer(message(error)));
    }
    let mut text = String::new();
    let choices = chunk.choices.as_deref().unwrap_or_default();
    for delta in choices.iter().filter_map(|choice| choice.delta.as_ref()) {
        delta.add_to(&mut text);
    }
    let usage = chunk.usage.or_else(|| chunk.x_groq.and_then(|groq| groq.usage));
    let usage_only = usage.is_some() && choices.is_empty();
    let notice = usage.is_none() && choices.is_empty();
    let usage = usage.and_then(|raw| read_usage(raw, Operation::Chat));
    Ok(Frame { text, usage, usage_only, done: false, notice, data: one_line(data) })
}

/// Parses the JSON object of an event. The error states the position of the fault, but does not repeat any content.
pub(crate) fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, ProviderError> {
    let unreadable = |what: &str| ProviderError::BadAnswer(format!("an event is {what}"));
    let text = std::str::from_utf8(data).map_err(|_| unreadable("not UTF-8"))?;
    let read = serde_json::from_str(text).map_err(|error| {
        unreadable(&if error.is_data() {
            format!("in an unknown format (at column {})", error.column())
        } else {
            format!("not JSON (at column {})", error.column())
        })
    })?;
    if is_object(text) { Ok(read) } else { Err(unreadable("in an unknown format (at column 1)")) }
}

/// Parses a JSON object; `None` when the text is anything else.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    if is_object(text) { serde_json::from_str(text).ok() } else { None }
}

/// Returns whether a JSON text is an object. Serde also deserializes a struct from an array of its fields, a format
/// that no provider uses.
fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
}

/// Returns the message of a provider's error, or the whole error if it has no message.
pub(crate) fn message(error: &RawValue) -> String {
    #[derive(Deserialize)]
    struct OpenaiErrorMessage {
        message: String,
    }
    let text = serde_json::from_str::<OpenaiErrorMessage>(error.get()).map(|error| error.message);
    let mut text = text.unwrap_or_else(|_| error.get().to_owned());
    text.truncate(text.floor_char_boundary(MAX_MESSAGE));
    text
}

/// Replaces line ends in JSON by spaces. They can only occur between tokens, and would end the event when it is passed
/// on.
fn one_line(data: Bytes) -> Bytes {
    if !data.contains(&b'\n') {
        return data;
    }
    data.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect()
}

// The text that a model wrote, from all fields that may contain it, for counting tokens.

/// A message, or the part of a message that a frame adds. The fields are kept as raw JSON, because providers differ in
/// the types that they use, and an unexpected type must not make the answer unreadable.
#[derive(Deserialize, Default)]
struct OpenaiMessage<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    /// The reasoning of the model, under the name that `DeepSeek` introduced.
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    /// The reasoning of the model, as Groq and `OpenRouter` name it.
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<OpenaiToolCall<'a>>>,
    #[serde(borrow)]
    function_call: Option<OpenaiFunction<'a>>,
}

#[derive(Deserialize)]
struct OpenaiToolCall<'a> {
    #[serde(borrow)]
    function: Option<OpenaiFunction<'a>>,
    #[serde(borrow)]
    custom: Option<OpenaiFunction<'a>>,
}

#[derive(Deserialize)]
struct OpenaiFunction<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OpenaiPart<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl OpenaiMessage<'_> {
    /// Appends the text of the message.
    fn add_to(&self, text: &mut String) {
        // Some providers send the reasoning under both names.
        let thoughts = self.reasoning_content.or(self.reasoning);
        for raw in [thoughts, self.content, self.refusal].into_iter().flatten() {
            add_text(text, raw);
        }
        let calls = self.tool_calls.iter().flatten();
        let functions = calls.flat_map(|call| [&call.function, &call.custom]).chain([&self.function_call]);
        for function in functions.flatten() {
            for raw in [function.name, function.arguments, function.input].into_iter().flatten() {
                add_text(text, raw);
            }
        }
    }
}

/// Appends a string, the texts of a list of parts, or any other value as raw JSON.
fn add_text(text: &mut String, raw: &RawValue) {
    let written = raw.get();
    if written.starts_with('"') {
        match serde_json::from_str::<Plain<'_>>(written) {
            Ok(Plain(plain)) => return text.push_str(&plain),
            // The string has half of a surrogate pair, which a Rust string can't contain.
            Err(_) => return text.push_str(written),
        }
    }
    match serde_json::from_str::<Vec<OpenaiPart<'_>>>(written) {
        Ok(parts) => parts.iter().filter_map(|part| part.text).for_each(|part| add_text(text, part)),
        Err(_) => text.push_str(written),
    }
}

#[derive(Deserialize)]
struct Plain<'a>(#[serde(borrow)] Cow<'a, str>);

// The usage that a provider reports.

#[derive(Deserialize)]
struct Numbers<'a> {
    prompt_tokens: u64,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize, Default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

fn details<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    object(raw.get())
}

/// Returns the usage of an answer; `None` when a number is missing, not a count, or larger than [`MAX_TOKENS`].
fn read_usage(raw: &RawValue, operation: Operation) -> Option<Usage> {
    let numbers: Numbers<'_> = object(raw.get())?;
    let prompt = numbers.prompt_tokens;
    let input: PromptDetails =
        numbers.prompt_tokens_details.map_or(Some(PromptDetails::default()), details)?;
    let output: CompletionDetails =
        numbers.completion_tokens_details.map_or(Some(CompletionDetails::default()), details)?;
    let cached = input.cached_tokens.unwrap_or(0);
    let (completion, reasoning) = match operation {
        Operation::Embeddings => (0, 0),
        Operation::Chat => {
            let shown = numbers.completion_tokens?;
            let parts = prompt.checked_add(shown)?;
            // xAI and Gemini count hidden reasoning only in the total, and bill it as output.
            let hidden = numbers.total_tokens.unwrap_or(parts).saturating_sub(parts);
            (shown.checked_add(hidden)?, output.reasoning_tokens.unwrap_or(hidden))
        }
    };
    let numbers = [prompt, cached, completion, reasoning];
    numbers.iter().all(|number| *number <= MAX_TOKENS).then_some(Usage {
        prompt_tokens: prompt,
        cached_tokens: cached.min(prompt),
        cache_write_tokens: 0,
        completion_tokens: completion,
        reasoning_tokens: reasoning.min(completion),
    })
}
