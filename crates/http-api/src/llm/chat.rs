//! `POST /llm/chat`: a model call without a provider's protocol.

use actix_web::web;
use api_types::{Code, LlmAnswer, LlmChat, LlmMessage, LlmUsage};
use control_plane::ServiceError;
use http_kit::{
    Answer, ApiError, Authenticated, Endpoint, JsonDocument, LlmCall, ModelBody, Refused, response,
};
use llm_gate::{ChatAnswer, ChatMessage, ChatRequest};
use registry_core::pico_to_dollars;
use serde_json::json;

use super::call::{ANSWER_BYTES, BODY_KIB, CallAnswer, GateAccess, tell};
use super::failure::{CallCodes, refused};
use crate::state::HttpState;

type ChatCall = Authenticated<LlmCall, ModelBody<LlmChat, BODY_KIB>>;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/llm/chat", "llm_chat", chat)
        .about("llm", "Answers a prompt or a conversation, deterministically where the model can.")
}

async fn chat(
    call: ChatCall,
    state: web::Data<HttpState>,
) -> Result<Answer<CallAnswer<JsonDocument<LlmAnswer>>>, Refused<CallCodes>> {
    let request = request(call.body)?;
    let GateAccess { gate, holdings, caller } =
        GateAccess::open(&state, call.context, call.memory, ANSWER_BYTES)?;
    match gate.chat(ChatRequest { keep: Some(holdings), ..request }).await {
        Ok(answer) => {
            let mut response = response::json(&view(&answer))?;
            tell(response.headers_mut(), &answer.receipt);
            Ok(response.shaped())
        }
        Err(error) => Err(refused(&state.services, &caller, error).into()),
    }
}

fn request(body: LlmChat) -> Result<ChatRequest, ApiError> {
    let messages = match (body.prompt, body.messages) {
        (Some(prompt), None) => vec![ChatMessage { role: "user".to_owned(), content: prompt }],
        (None, Some(messages)) => messages.into_iter().map(message).collect::<Result<_, _>>()?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("prompt", "either `prompt` or `messages` is needed, not both"));
        }
    };
    if messages.iter().all(|message| message.content.is_empty()) {
        return Err(invalid("messages", "there is nothing to answer"));
    }
    if body.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
        return Err(invalid("temperature", "`temperature` takes 0 to 2"));
    }
    if body.max_tokens == Some(0) {
        return Err(invalid("max_tokens", "`max_tokens` takes 1 or more"));
    }
    Ok(ChatRequest {
        model: body.model,
        messages,
        temperature: body.temperature,
        max_tokens: body.max_tokens,
        ..ChatRequest::default()
    })
}

fn message(told: LlmMessage) -> Result<ChatMessage, ApiError> {
    if !["system", "user", "assistant"].contains(&told.role.as_str()) {
        return Err(invalid("messages", "`role` takes `system`, `user` or `assistant`"));
    }
    Ok(ChatMessage { role: told.role, content: told.content })
}

fn invalid(field: &str, what: &str) -> ApiError {
    ApiError(ServiceError::new(Code::InvalidField, what).with_details(json!({ "field": field })))
}

fn view(answer: &ChatAnswer) -> LlmAnswer {
    let receipt = &answer.receipt;
    let usage = receipt.usage;
    LlmAnswer {
        text: answer.text.clone(),
        model: receipt.model.clone(),
        provider: receipt.provider.clone(),
        call_id: receipt.call_id.as_str().to_owned(),
        finish_reason: answer.finish_reason.clone(),
        max_tokens: receipt.max_tokens,
        usage: LlmUsage {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            completion_tokens: usage.completion_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        },
        cost_usd: pico_to_dollars(receipt.cost_pico_usd),
        cost_pico_usd: receipt.cost_pico_usd,
        budget_remaining_usd: pico_to_dollars(receipt.remaining_pico_usd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: serde_json::Value) -> Result<ChatRequest, Code> {
        request(serde_json::from_value(body).unwrap()).map_err(|error| error.0.code)
    }

    #[test]
    fn a_prompt_is_one_message_of_the_user() {
        let request = asked(json!({ "prompt": "hello", "max_tokens": 5, "model": "m" })).unwrap();
        let [message] = request.messages.as_slice() else { panic!("{request:?}") };
        assert_eq!((message.role.as_str(), message.content.as_str()), ("user", "hello"));
        assert_eq!((request.max_tokens, request.model.as_deref()), (Some(5), Some("m")));
    }

    #[test]
    fn exactly_one_of_prompt_and_messages_is_taken() {
        let messages =
            json!([{ "role": "system", "content": "be brief" }, { "role": "user", "content": "x" }]);
        assert_eq!(asked(json!({ "messages": messages })).unwrap().messages.len(), 2);
        for body in [
            json!({}),
            json!({ "prompt": "x", "messages": messages }),
            json!({ "prompt": "" }),
            json!({ "messages": [] }),
            json!({ "messages": [{ "role": "tool", "content": "x" }] }),
            json!({ "prompt": "x", "temperature": 2.1 }),
            json!({ "prompt": "x", "temperature": -0.1 }),
            json!({ "prompt": "x", "max_tokens": 0 }),
        ] {
            assert_eq!(asked(body.clone()).err(), Some(Code::InvalidField), "{body}");
        }
    }
}
