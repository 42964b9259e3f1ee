//! Conversion of a failed model call into an error of the API.

use api_types::Code;
use control_plane::{AgentCaller, ServiceError, Services};
use http_kit::{ApiError, codes};
use llm_gate::GateError;
use llm_policy::RequestError;
use serde_json::{Value, json};

// Codes of a refused call, in addition to those of its guard and body.
codes! {
    CallCodes = [
        ModelNotFound,
        CallExists,
        InvalidField,
        ModelNotPriced,
        PartNotPriced,
        MaxTokensAboveCap,
        ProviderRejected,
        InsufficientQuota,
        TooManyCalls,
        ProviderLimited,
        ProviderFailed,
        NoProvider,
        ProviderUnavailable,
        ProviderTimeout,
    ]
}

/// Seconds after which to retry when nothing better is known.
const LATER: u64 = 60;

/// Error for a server without providers.
pub(crate) fn no_provider() -> ApiError {
    ApiError(ServiceError::new(Code::NoProvider, "no provider is configured").with_retry_after(LATER))
}

/// Error for a key with its maximum of calls under way.
pub(crate) fn too_many_calls(most: u32) -> ApiError {
    let what = format!("the key has {most} calls under way");
    ApiError(ServiceError::new(Code::TooManyCalls, what).with_retry_after(1))
}

/// Converts an error of the gate.
pub(crate) fn refused(services: &Services, caller: &AgentCaller, error: GateError) -> ApiError {
    match error {
        GateError::NoProvider => no_provider(),
        GateError::Ledger(error) => later(services.llm.rules.refusal(caller, services.clock.now(), error)),
        other => ApiError(told(other)),
    }
}

/// A 429 always says when to retry; for a call that fits no window, an admin has to act first.
pub(crate) fn later(refusal: ServiceError) -> ApiError {
    let waits = refusal.code.status() == 429 && refusal.retry_after.is_none();
    ApiError(if waits { refusal.with_retry_after(LATER) } else { refusal })
}

fn told(error: GateError) -> ServiceError {
    let what = error.to_string();
    let what = cut(&what, WHAT_BYTES).to_owned();
    match error {
        GateError::NoProvider | GateError::Ledger(_) => ServiceError::new(Code::NoProvider, what),
        GateError::UnknownModel { model } => {
            let model = short(&model);
            ServiceError::new(Code::ModelNotFound, format!("no provider has the model `{model}`"))
                .with_details(json!({ "model": model }))
        }
        GateError::Request(RequestError::Invalid { param, .. }) => {
            ServiceError::new(Code::InvalidField, what).with_details(json!({ "field": short(&param) }))
        }
        GateError::Request(RequestError::NotPriced { param, .. }) => {
            ServiceError::new(Code::PartNotPriced, what).with_details(json!({ "field": short(&param) }))
        }
        GateError::Rejected { provider, status, body } => rejected(&provider, status, &body),
        GateError::Limited { provider, retry_after } => ServiceError::new(Code::ProviderLimited, what)
            .with_details(json!({ "provider": provider }))
            .with_retry_after(retry_after.unwrap_or(LATER).max(1)),
        GateError::Failed { provider, call_id, cause } => {
            // The provider's text may be about the key that it received: it is for the log alone.
            let what = format!("`{provider}` failed, or its answer can't be read");
            let details = json!({ "provider": provider, "call_id": call_id.as_str() });
            let error = ServiceError::new(Code::ProviderFailed, what).with_details(details);
            // The cause may repeat the caller's text, at any length.
            ServiceError { cause: Some(cut(&cause, WHAT_BYTES).to_owned()), ..error }
        }
        GateError::TimedOut { provider, call_id } => ServiceError::new(Code::ProviderTimeout, what)
            .with_details(json!({ "provider": provider, "call_id": call_id.as_str() })),
        GateError::Unavailable { retry_after } => {
            ServiceError::new(Code::ProviderUnavailable, what).with_retry_after(retry_after.max(1))
        }
        GateError::Closing => {
            ServiceError::new(Code::ShuttingDown, "the server is stopping").with_retry_after(1)
        }
    }
}

/// A provider that finds the request wrong explains it in its own words; these come first.
fn rejected(provider: &str, status: u16, body: &str) -> ServiceError {
    let own = serde_json::from_str::<Value>(body).ok().and_then(|body| {
        let error = body.get("error")?;
        let text = error.get("message").or(Some(error)).and_then(Value::as_str)?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    });
    let what = match own {
        Some(own) => format!("`{provider}` rejects the request: {}", cut(&own, WORDS_BYTES)),
        None => format!("`{provider}` rejects the request with status {status}"),
    };
    let details = json!({ "provider": provider, "status": status, "body": cut(body, BODY_BYTES) });
    ServiceError::new(Code::ProviderRejected, what).with_details(details)
}

/// Maximum bytes of a request's fault that a message repeats: it may name fields of the caller's.
const WHAT_BYTES: usize = 300;
/// Maximum bytes of a provider's message that T4's message repeats.
const WORDS_BYTES: usize = 1024;
/// Maximum bytes of a provider's answer that are passed on.
const BODY_BYTES: usize = 4096;

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// Cuts a caller's text, so that a message stays readable.
fn short(text: &str) -> &str {
    cut(text, 80)
}

#[cfg(test)]
mod tests {
    use llm_policy::CallId;

    use super::*;

    fn call_id() -> CallId {
        CallId::sane("call-1").unwrap()
    }

    #[test]
    fn a_rejection_carries_the_providers_own_words_within_bounds() {
        let body = json!({ "error": { "message": "`stop` takes 4 items" } }).to_string();
        let told = rejected("openai", 400, &body);
        assert_eq!(told.code, Code::ProviderRejected);
        assert!(told.message.starts_with("`openai` rejects the request: `stop` takes 4 items"));
        assert_eq!(told.details, Some(json!({ "provider": "openai", "status": 400, "body": body })));
        let plain = rejected("openai", 400, r#"{"error":"no such thing"}"#);
        assert!(plain.message.contains("no such thing"), "{}", plain.message);
        let html = rejected("openai", 422, "<html>");
        assert!(html.message.contains("status 422"), "{}", html.message);
        let long = rejected("openai", 400, &json!({ "error": { "message": "é".repeat(9000) } }).to_string());
        assert!(long.message.len() < 1200);
        assert!(long.details.unwrap()["body"].as_str().unwrap().len() <= 4096);
    }

    #[test]
    fn what_a_provider_wrote_when_it_failed_reaches_the_log_alone() {
        let cause = "status 401: the key sk-of-the-provider is wrong".to_owned();
        let told = told(GateError::Failed { provider: "openai".to_owned(), call_id: call_id(), cause });
        assert_eq!(told.code, Code::ProviderFailed);
        assert!(!format!("{}{:?}", told.message, told.details).contains("sk-of"), "{told:?}");
        assert!(told.cause.is_some_and(|cause| cause.contains("sk-of")));
    }

    #[test]
    fn every_failure_has_its_code_and_says_when_to_come_again() {
        let provider = || "openai".to_owned();
        let invalid = || ("n".to_owned(), "takes 1 to 128".to_owned());
        let (param, what) = invalid();
        let (priced, why) = invalid();
        for (error, code, again) in [
            (GateError::UnknownModel { model: "x".repeat(500) }, Code::ModelNotFound, None),
            (GateError::Request(RequestError::Invalid { param, what }), Code::InvalidField, None),
            (
                GateError::Request(RequestError::NotPriced { param: priced, what: why }),
                Code::PartNotPriced,
                None,
            ),
            (
                GateError::Limited { provider: provider(), retry_after: Some(0) },
                Code::ProviderLimited,
                Some(1),
            ),
            (GateError::Limited { provider: provider(), retry_after: None }, Code::ProviderLimited, Some(60)),
            (GateError::TimedOut { provider: provider(), call_id: call_id() }, Code::ProviderTimeout, None),
            (GateError::Unavailable { retry_after: 7 }, Code::ProviderUnavailable, Some(7)),
            (GateError::Closing, Code::ShuttingDown, Some(1)),
        ] {
            let told = told(error);
            assert_eq!((told.code, told.retry_after), (code, again), "{told:?}");
            assert!(told.message.len() < 400, "{told:?}");
        }
        assert_eq!(no_provider().0.retry_after, Some(60));
        assert_eq!(too_many_calls(16).0.retry_after, Some(1));
    }
}
