//! Errors below `/llm/v1`: OpenAI's members in addition to those of every other route, so that OpenAI's clients find
//! them.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use api_types::Code;
use control_plane::ServiceError;
use http_kit::{ErrorShape, schema_of};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Body of every error below `/llm/v1`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenaiErrorBody {
    /// The error.
    pub error: OpenaiErrorDetail,
    /// The message again.
    pub detail: String,
}

/// Description of the error, with OpenAI's `type` and `param`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenaiErrorDetail {
    /// Stable code.
    pub code: String,
    /// What happened and what to do about it.
    pub message: String,
    /// Class of the error: `invalid_request_error`, `authentication_error`, `permission_error`, `insufficient_quota`,
    /// `rate_limit_error` or `server_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Field of the request that the error is about.
    pub param: Option<String>,
    /// Request id; the same as the `X-Request-Id` header.
    pub request_id: String,
    /// Further facts for programs, depending on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
}

impl OpenaiErrorBody {
    pub(crate) fn of(error: &ServiceError, request_id: &str) -> Self {
        let detail = OpenaiErrorDetail {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            kind: kind(error.code),
            param: param(error),
            request_id: request_id.to_owned(),
            details: error.details.clone(),
        };
        Self { error: detail, detail: error.message.clone() }
    }
}

/// Path below which errors have OpenAI's shape.
pub(crate) const OPENAI_PATHS: &str = "/llm/v1";

/// OpenAI's shape of errors.
pub(crate) const OPENAI_ERRORS: ErrorShape =
    ErrorShape { schema: schema_of::<OpenaiErrorBody>, body: openai_body, headers: retry_header };

fn openai_body(error: &ServiceError, request_id: &str) -> String {
    serde_json::to_string(&OpenaiErrorBody::of(error, request_id)).unwrap_or_default()
}

/// OpenAI's clients retry a 429 unless this says no; a retry does not help a used-up budget.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

fn retry_header(error: &ServiceError, headers: &mut HeaderMap) {
    if matches!(error.code, Code::InsufficientQuota | Code::DailyQuotaExceeded) {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}

/// Returns OpenAI's word for the class of an error.
fn kind(code: Code) -> &'static str {
    match (code, code.status()) {
        (Code::InsufficientQuota, _) => "insufficient_quota",
        (_, 401) => "authentication_error",
        (_, 403) => "permission_error",
        (_, 429) => "rate_limit_error",
        (_, 500..) => "server_error",
        _ => "invalid_request_error",
    }
}

/// Returns the field that an error is about, if it is known.
fn param(error: &ServiceError) -> Option<String> {
    let named = error.details.as_ref().and_then(|details| details.get("field")).and_then(Value::as_str);
    let implied = match error.code {
        Code::ModelNotFound | Code::ModelNotPriced => Some("model"),
        Code::MaxTokensAboveCap => Some("max_tokens"),
        Code::DuplicateMember => error.details.as_ref().and_then(|details| details.get("member")?.as_str()),
        _ => None,
    };
    named.or(implied).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_code_has_the_class_that_openai_s_clients_know() {
        for code in Code::ALL {
            let expected = match code.as_str() {
                "insufficient_quota" => "insufficient_quota",
                "too_many_calls"
                | "provider_limited"
                | "rate_limited"
                | "daily_quota_exceeded"
                | "too_many_failures" => "rate_limit_error",
                _ => match code.status() {
                    401 => "authentication_error",
                    403 => "permission_error",
                    500 | 502 | 503 | 504 => "server_error",
                    400 | 404 | 405 | 408 | 409 | 412 | 413 | 415 | 422 | 431 => "invalid_request_error",
                    other => panic!("a new status: {other}"),
                },
            };
            assert_eq!(kind(*code), expected, "{}", code.as_str());
        }
    }

    #[test]
    fn the_shape_has_openai_s_members_beside_ours() {
        let error =
            ServiceError::new(Code::InvalidField, "`n` takes 1 to 128").with_details(json!({ "field": "n" }));
        let body = serde_json::to_value(OpenaiErrorBody::of(&error, "req-1")).unwrap();
        let expected = json!({
            "error": {
                "code": "invalid_field", "message": error.message, "type": "invalid_request_error",
                "param": "n", "request_id": "req-1", "details": { "field": "n" },
            },
            "detail": error.message,
        });
        assert_eq!(body, expected);
        let unknown = ServiceError::new(Code::Internal, "no");
        let body = serde_json::to_value(OpenaiErrorBody::of(&unknown, "req-1")).unwrap();
        assert_eq!(body["error"].get("param"), Some(&Value::Null));
        let model = ServiceError::new(Code::ModelNotFound, "no");
        assert_eq!(param(&model).as_deref(), Some("model"));
    }
}
