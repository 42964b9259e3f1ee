//! Events and documents that the gate itself writes or changes, in OpenAI's form.

use bytes::Bytes;
use llm_policy::{Encoding, HoldAsk, Usage, cut_text};
use registry_core::pico_to_dollars;
use serde_json::{Map, Value, json};

use crate::Receipt;

/// The payload of the last event.
pub(crate) const DONE: &[u8] = b"[DONE]";

/// A server-sent event with this payload.
pub(crate) fn event(payload: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(payload.len() + 8);
    bytes.extend_from_slice(b"data: ");
    bytes.extend_from_slice(payload);
    // A payload of several lines is JSON with line ends between its tokens: inside a string they are escaped.
    for byte in &mut bytes {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    bytes.extend_from_slice(b"\n\n");
    Bytes::from(bytes)
}

/// The members that all chunks of an answer share, from one of them.
pub(crate) fn chunk_head(sample: Option<&Bytes>, ask: &HoldAsk, created: i64) -> Map<String, Value> {
    let mut head = Map::new();
    if let Some(Ok(sample)) = sample.map(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes)) {
        for (name, value) in sample {
            if matches!(name.as_str(), "id" | "object" | "created" | "model" | "system_fingerprint") {
                head.insert(name, value);
            }
        }
    }
    head.entry("id").or_insert_with(|| ask.call_id.as_str().into());
    head.entry("object").or_insert_with(|| "chat.completion.chunk".into());
    head.entry("created").or_insert_with(|| created.into());
    head.entry("model").or_insert_with(|| ask.model.as_str().into());
    head
}

/// The event that ends an answer which was cut.
pub(crate) fn length_event(mut head: Map<String, Value>, choices: u32) -> Bytes {
    let ends: Vec<Value> =
        (0..choices).map(|index| json!({"index": index, "delta": {}, "finish_reason": "length"})).collect();
    head.insert("choices".to_owned(), Value::Array(ends));
    event(Value::Object(head).to_string().as_bytes())
}

/// The event with the usage: the provider's own where it sent one, and the receipt.
pub(crate) fn usage_event(
    last: Option<&Bytes>,
    head: impl FnOnce() -> Map<String, Value>,
    receipt: &Receipt,
) -> Bytes {
    let told = last.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok());
    let mut frame = told.unwrap_or_else(|| {
        let mut frame = head();
        frame.insert("choices".to_owned(), Value::Array(Vec::new()));
        frame.insert("usage".to_owned(), usage_json(&receipt.usage));
        frame
    });
    frame.insert(
        "t4".to_owned(),
        json!({
            "call_id": receipt.call_id.as_str(),
            "cost_usd": pico_to_dollars(receipt.cost_pico_usd),
            "cost_pico_usd": receipt.cost_pico_usd,
            "budget_remaining_usd": pico_to_dollars(receipt.remaining_pico_usd),
            "source": receipt.source.as_str(),
            "overrun": receipt.overrun,
        }),
    );
    event(Value::Object(frame).to_string().as_bytes())
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

/// Cuts the text of each choice to what it was allowed. An unknown tokenizer is near enough to the usual one for
/// this: what is billed does not depend on it. Tool calls stay whole, half of one is none.
pub(crate) fn cut_answer(body: &Bytes, max_tokens: u64, encoding: Option<Encoding>) -> Option<Bytes> {
    let encoding = Some(encoding.unwrap_or(Encoding::O200k));
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let choices = answer.get_mut("choices")?.as_array_mut()?;
    let mut cut_any = false;
    let mut cut = Vec::with_capacity(choices.len());
    for choice in choices.iter_mut() {
        let mut is_cut = false;
        if let Some(Value::String(content)) = choice.pointer_mut("/message/content") {
            let kept = cut_text(content, max_tokens, encoding).len();
            is_cut = kept < content.len();
            content.truncate(kept);
        }
        cut_any |= is_cut;
        cut.push(is_cut);
    }
    for (choice, is_cut) in choices.iter_mut().zip(cut) {
        // When no text is too long the provider alone knows which choice was: all are marked.
        if let (true, Some(choice)) = (is_cut || !cut_any, choice.as_object_mut()) {
            choice.insert("finish_reason".to_owned(), "length".into());
        }
    }
    serde_json::to_vec(&answer).ok().map(Bytes::from)
}
