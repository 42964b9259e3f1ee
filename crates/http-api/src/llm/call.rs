//! Model calls through the gate: `POST /llm/v1/chat/completions` and `POST /llm/v1/embeddings`, and the headers of
//! every answer.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use http_kit::{
    Answer, ApiError, Authenticated, Endpoint, Events, JsonDocument, LlmCall, MemoryPermit, RawObject,
    Refused, RouteDescription, SuccessShape,
};

use control_plane::{AgentCaller, LocalLedger, OpContext};
use futures_core::Stream as _;
use llm_gate::{AnswerStream, CallHoldings, Gate, GateAnswer, GateCall, Opened, Receipt};
use llm_policy::Operation;
use registry_core::PICO_PER_DOLLAR;
use serde_json::{Map, Value};

use super::failure::{CallCodes, no_provider, refused, too_many_calls};
use super::v1::{ChatCompletionAnswer, ChatCompletionRequest, Embeddings, EmbeddingsRequest};
use crate::state::HttpState;

const CALL_ID: HeaderName = HeaderName::from_static("x-t4-call-id");
const PROVIDER: HeaderName = HeaderName::from_static("x-t4-provider");
const COST: HeaderName = HeaderName::from_static("x-t4-cost-usd");
const REMAINING: HeaderName = HeaderName::from_static("x-t4-budget-remaining-usd");
const MAX_TOKENS: HeaderName = HeaderName::from_static("x-t4-max-tokens");

/// Success `S` of a route of model calls, with headers that state the cost of the call.
#[derive(Debug)]
pub(crate) struct CallAnswer<S>(PhantomData<S>);

impl<S: SuccessShape> SuccessShape for CallAnswer<S> {
    fn describe(route: &mut RouteDescription) {
        S::describe(route);
        route.answer_headers.extend(ANSWER_HEADERS);
    }
}

/// Descriptions of an answer's headers in the OpenAPI document.
const ANSWER_HEADERS: [(&str, &str); 5] = [
    ("x-t4-call-id", "the call, as its usage rows name it"),
    ("x-t4-provider", "the provider that answered"),
    ("x-t4-cost-usd", "what it cost, exactly; a stream has it in its usage frame"),
    ("x-t4-budget-remaining-usd", "what the tightest budget allows now; a stream has it in its usage frame"),
    ("x-t4-max-tokens", "the `max_tokens` that was sent, when it was filled in"),
];

/// Largest body, in KiB: prompts of 10 MB are accepted, and pictures in them.
pub(super) const BODY_KIB: usize = 16 * 1024;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("POST", "/llm/v1/chat/completions", "chat_completion", complete)
            .about("llm", "OpenAI's chat completion, held against the caller's budgets first."),
        Endpoint::new("POST", "/llm/v1/embeddings", "embeddings", embed)
            .about("llm", "OpenAI's embeddings, held against the caller's budgets first."),
    ]
}

async fn complete(
    call: Authenticated<LlmCall, RawObject<ChatCompletionRequest, BODY_KIB>>,
    state: web::Data<HttpState>,
) -> Result<Answer<CallAnswer<Events<ChatCompletionAnswer>>>, Refused<CallCodes>> {
    Ok(pass_on(&state, call.context, Operation::Chat, call.body, call.memory).await?)
}

async fn embed(
    call: Authenticated<LlmCall, RawObject<EmbeddingsRequest, BODY_KIB>>,
    state: web::Data<HttpState>,
) -> Result<Answer<CallAnswer<JsonDocument<Embeddings>>>, Refused<CallCodes>> {
    Ok(pass_on(&state, call.context, Operation::Embeddings, call.body, call.memory).await?)
}

/// Model call of one caller: its ledger, its slot among the calls under way, and its memory. Every route of model
/// calls uses it, so that all have the same limits.
pub(crate) struct GateAccess {
    pub gate: Gate,
    pub holdings: CallHoldings,
    pub caller: AgentCaller,
}

impl GateAccess {
    /// Takes a slot, reserves memory for an answer, and opens the caller's ledger.
    ///
    /// # Errors
    /// 503 `no_provider` and `server_busy`, 429 `too_many_calls`.
    pub(crate) fn open(
        state: &HttpState,
        context: OpContext<AgentCaller>,
        mut memory: MemoryPermit,
        answer_bytes: usize,
    ) -> Result<Self, ApiError> {
        let gate = state.gate.as_ref().ok_or_else(no_provider)?;
        let services = &state.services;
        let most = services.llm.rules.limits.concurrent_calls_per_key;
        let caller = context.caller.clone();
        let slot = services.llm.slots.take(caller.key_id(), most).ok_or_else(|| too_many_calls(most))?;
        memory.resize(memory.bytes().saturating_add(answer_bytes))?;
        let gate = gate.with_secrets(context.draft.secrets());
        let gate = gate.with_ledger(LocalLedger::for_request(services, context));
        // A call is settled later than its answer when the client disconnects.
        let holdings = CallHoldings::new((slot, memory));
        Ok(Self { gate, holdings, caller })
    }
}

/// Sends an OpenAI body and answers with the result.
///
/// # Errors
/// Every reason why the call has no answer.
async fn pass_on<S>(
    state: &HttpState,
    context: OpContext<AgentCaller>,
    operation: Operation,
    body: Map<String, Value>,
    memory: MemoryPermit,
) -> Result<Answer<S>, ApiError> {
    let answer_bytes = answer_bytes(operation, &body);
    let GateAccess { gate, holdings, caller } = GateAccess::open(state, context, memory, answer_bytes)?;
    let call = GateCall { operation, body, call_id: None, keep: Some(holdings) };
    match gate.call(call).await {
        Ok(GateAnswer::Whole { body, receipt }) => Ok(Answer::of(whole(body, &receipt))),
        Ok(GateAnswer::Stream(stream)) => Ok(Answer::of(streamed(stream))),
        Err(error) => Err(refused(&state.services, &caller, error)),
    }
}

/// Memory of an answer until its call is settled: the frames that wait for the client, or the text.
pub(super) const ANSWER_BYTES: usize = 256 * 1024;
/// Memory of an embedding of the usual 3,072 numbers, as text and parsed.
const EMBEDDING_BYTES: usize = 96 * 1024;
/// Memory of the probabilities of one answer, which are many times its text.
const PROBABILITY_BYTES: usize = 8 << 20;
/// Largest answer that the gate reads.
const MOST_ANSWER_BYTES: usize = 32 << 20;

/// Returns how long the answer to this body may become. That depends on what the caller asks for, not on the size of
/// the body.
fn answer_bytes(operation: Operation, body: &Map<String, Value>) -> usize {
    match operation {
        Operation::Chat => {
            let asks = |name: &str| body.get(name).is_some_and(|value| *value != Value::Bool(false));
            if asks("logprobs") || asks("top_logprobs") { PROBABILITY_BYTES } else { ANSWER_BYTES }
        }
        Operation::Embeddings => {
            let texts = match body.get("input") {
                // A list of numbers is one text, given as its tokens.
                Some(Value::Array(list)) if !list.iter().all(Value::is_number) => list.len(),
                _ => 1,
            };
            texts.saturating_mul(EMBEDDING_BYTES).clamp(ANSWER_BYTES, MOST_ANSWER_BYTES)
        }
    }
}

fn whole(body: Bytes, receipt: &Receipt) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::OK).content_type("application/json").body(body);
    tell(response.headers_mut(), receipt);
    response
}

/// Headers of every whole answer.
pub(crate) fn tell(headers: &mut HeaderMap, receipt: &Receipt) {
    for (name, text) in [
        (CALL_ID, receipt.call_id.as_str().to_owned()),
        (PROVIDER, receipt.provider.clone()),
        (COST, dollars_text(receipt.cost_pico_usd)),
        (REMAINING, dollars_text(receipt.remaining_pico_usd)),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    if let Some(filled) = receipt.max_tokens.filter(|_| receipt.filled) {
        headers.insert(MAX_TOKENS, HeaderValue::from(filled));
    }
}

/// Returns the exact decimal text of an amount of pico-dollars: no exponent, no trailing zeros.
fn dollars_text(pico_usd: i64) -> String {
    let (size, unit) = (pico_usd.unsigned_abs(), PICO_PER_DOLLAR.unsigned_abs());
    let sign = if pico_usd < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:012}", size / unit, size % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn streamed(stream: AnswerStream) -> HttpResponse {
    let Opened { call_id, provider, max_tokens, filled, .. } = stream.opened.clone();
    let mut response = HttpResponse::build(StatusCode::OK);
    response.content_type("text/event-stream").insert_header((CACHE_CONTROL, "no-store"));
    response.insert_header((CALL_ID, call_id.as_str())).insert_header((PROVIDER, provider));
    if let Some(filled) = max_tokens.filter(|_| filled) {
        response.insert_header((MAX_TOKENS, filled));
    }
    response.body(AnswerEvents(Box::pin(stream)))
}

/// Events of a streamed answer. The HTTP layer drops it when the client disconnects, which tells the gate.
struct AnswerEvents(Pin<Box<AnswerStream>>);

impl MessageBody for AnswerEvents {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.get_mut().0.as_mut().poll_next(context).map(|event| event.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use llm_policy::{CallId, Usage, UsageSource};

    use super::*;

    fn receipt(filled: bool) -> Receipt {
        Receipt {
            call_id: CallId::sane("call-1").unwrap(),
            attempt: 1,
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            max_tokens: Some(4096),
            filled,
            usage: Usage::default(),
            source: UsageSource::Provider,
            cost_pico_usd: 23_000_000,
            remaining_pico_usd: 999_977_000_000,
            overrun: false,
            provider_request_id: None,
        }
    }

    #[test]
    fn a_whole_answer_passes_as_it_came_and_tells_its_cost_exactly() {
        let body = Bytes::from_static(br#"{ "choices" : [] }"#);
        let answer = whole(body.clone(), &receipt(true));
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("x-t4-call-id"), Some("call-1"));
        assert_eq!(header("x-t4-provider"), Some("openai"));
        assert_eq!(header("x-t4-cost-usd"), Some("0.000023"));
        assert_eq!(header("x-t4-budget-remaining-usd"), Some("0.999977"));
        assert_eq!(header("x-t4-max-tokens"), Some("4096"));
        assert_eq!(answer.into_body().try_into_bytes().ok(), Some(body));
    }

    #[test]
    fn a_stated_max_tokens_is_not_told_again() {
        let answer = whole(Bytes::new(), &receipt(false));
        assert!(!answer.headers().contains_key("x-t4-max-tokens"));
    }

    #[test]
    fn an_amount_is_written_exactly_and_plainly() {
        for (pico, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (-1, "-0.000000000001"),
            (23_000_000, "0.000023"),
            (999_977_000_000, "0.999977"),
            (1_000_000_000_000, "1"),
            (10_000_000_000_000, "10"),
            (100_500_000_000_000, "100.5"),
            (i64::MAX, "9223372.036854775807"),
            (i64::MIN, "-9223372.036854775808"),
        ] {
            assert_eq!(dollars_text(pico), text);
        }
    }
}
