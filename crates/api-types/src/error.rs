//! Table of error codes, and the shape of an error.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of every error answer, from every layer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
    /// The message again, for clients of the original service.
    pub detail: String,
}

/// Description of an error, for programs (`code`) and for people (`message`).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable code.
    pub code: String,
    /// What happened and what to do about it.
    pub message: String,
    /// Request id; the same as the `X-Request-Id` header.
    pub request_id: String,
    /// Further facts for programs, depending on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $status:literal, $hint:literal;)+) => {
        /// Stable error code. Each code has one HTTP status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Word of the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// What the caller can do about it.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }

            /// Parses the word of the API.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    MalformedJson = "malformed_json", 400, "send one JSON document in UTF-8";
    /// An object of the body has a member twice.
    DuplicateMember = "duplicate_member", 400, "send each member once; `details.pointer` says which one came twice";
    /// The request line, a header or the path can't be read.
    MalformedRequest = "malformed_request", 400, "send HTTP/1.1 with UTF-8 paths and sane headers";
    /// The cursor was not issued by this server for this query.
    InvalidCursor = "invalid_cursor", 400, "start again without `cursor`, then follow the `Link` header as it is";
    /// There are no credentials.
    MissingCredentials = "missing_credentials", 401,
        "send your key in `X-T4-API-KEY`, or the admin token in `X-T4-Admin-Token`";
    /// The key is damaged: its format or checksum is wrong.
    MalformedKey = "malformed_key", 401, "check that the whole key was copied";
    /// The key is unknown.
    InvalidKey = "invalid_key", 401, "ask an admin for a key";
    /// The key was revoked.
    RevokedKey = "revoked_key", 401, "ask an admin for a new key";
    /// The key has expired.
    ExpiredKey = "expired_key", 401, "ask an admin for a new key";
    /// The admin token is wrong.
    InvalidAdminToken = "invalid_admin_token", 401, "the server prints at start where the token lies";
    /// The key lacks the scope that this route needs.
    MissingScope = "missing_scope", 403, "ask an admin to add the scope to the key";
    /// The intent belongs to another agent and owner.
    NotYours = "not_yours", 403, "ask its owner, or use a key with `intents:any`";
    /// A quota of what the key may store is used up.
    QuotaExceeded = "quota_exceeded", 403, "ask an admin to raise the quota that `details.quota` names";
    /// The body names another agent than the key.
    IdentityMismatch = "identity_mismatch", 403, "leave `agent_id` out, or send the key's own";
    /// No route has this path.
    RouteNotFound = "route_not_found", 404, "see `/docs` for the routes";
    /// No intent has this id.
    IntentNotFound = "intent_not_found", 404, "check the id; deleted intents are gone";
    /// No key has this id.
    KeyNotFound = "key_not_found", 404, "see `GET /admin/api_keys` for the key ids";
    /// No provider has this model.
    ModelNotFound = "model_not_found", 404, "see `GET /llm/v1/models` for the models";
    /// The caller has no hold with this id.
    HoldNotFound = "hold_not_found", 404, "check the id; released holds are gone";
    /// The route does not take this method.
    MethodNotAllowed = "method_not_allowed", 405, "use a method of the `Allow` header";
    /// The request arrived too slowly.
    RequestTimeout = "request_timeout", 408, "send the whole request within the time";
    /// Another intent has this id.
    IntentExists = "intent_exists", 409, "leave `id` out, or PATCH the intent that is there";
    /// Another call has this id.
    CallExists = "call_exists", 409, "leave `call_id` out, or send the very same body again";
    /// The hold was settled with other numbers.
    HoldSettled = "hold_settled", 409, "the first settlement stands; see `GET /llm/usage`";
    /// The row has changed since the caller read it.
    VersionMismatch = "version_mismatch", 412, "read it again and repeat with its new `ETag`";
    /// The body is larger than the route accepts.
    BodyTooLarge = "body_too_large", 413, "send less at once";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported_media_type", 415, "send `Content-Type: application/json`";
    /// A field is missing, unknown, or of the wrong type.
    InvalidBody = "invalid_body", 422, "compare the body with the schema in `/openapi.json`";
    /// A query parameter or a header has an invalid value.
    InvalidQuery = "invalid_query", 422, "compare the parameters with `/openapi.json`";
    /// A field's value breaks a rule.
    InvalidField = "invalid_field", 422, "change the field that the message names";
    /// The transition between these statuses is not allowed.
    IllegalTransition = "illegal_transition", 422, "`details.allowed` lists where it may go";
    /// `planned` and `committed` need an owner and a ticket.
    OwnerAndTicketRequired = "owner_and_ticket_required", 422, "send `owner` and `ticket` with the status";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "use a new key for a new request";
    /// The price book has no price for the model.
    ModelNotPriced = "model_not_priced", 422, "ask an admin to add its price to `T4_PRICES`";
    /// The request has a part whose price can't be bounded.
    PartNotPriced = "part_not_priced", 422, "leave out what the message names";
    /// The stated `max_tokens` is above the cap.
    MaxTokensAboveCap = "max_tokens_above_cap", 422, "send at most `details.cap`, or leave it out";
    /// The provider refused the request as wrong.
    ProviderRejected = "provider_rejected", 422, "change what `details.body` names";
    /// The worst case of the call does not fit a budget.
    InsufficientQuota = "insufficient_quota", 429,
        "ask for less, wait for the next window, or ask an admin for a higher limit";
    /// The key has too many calls under way.
    TooManyCalls = "too_many_calls", 429, "wait for one of them to end";
    /// The provider's rate limit is used up.
    ProviderLimited = "provider_limited", 429, "wait for `Retry-After` seconds";
    /// The key's limit of requests is used up.
    RateLimited = "rate_limited", 429, "wait for `Retry-After` seconds";
    /// A quota of what the key may write in a day of UTC is used up.
    DailyQuotaExceeded = "daily_quota_exceeded", 429,
        "wait for `Retry-After` seconds, or ask an admin to raise the quota that `details.quota` names";
    /// Too many failed authentications came from this address.
    TooManyFailures = "too_many_failures", 429, "wait for `Retry-After` seconds, then use a valid key";
    /// The headers are larger than the server accepts.
    HeadersTooLarge = "headers_too_large", 431, "send smaller headers";
    /// A fault of the server.
    Internal = "internal", 500, "report the request id to the admins";
    /// The provider failed, or its answer can't be read.
    ProviderFailed = "provider_failed", 502, "repeat; what the attempt cost is in `GET /llm/usage`";
    /// No provider is configured.
    NoProvider = "no_provider", 503, "an admin sets `OPENAI_API_KEY` or `T4_LLM_CONFIG`";
    /// The provider failed so often that it is not called for a while.
    ProviderUnavailable = "provider_unavailable", 503, "repeat after `Retry-After` seconds";
    /// Too many writes wait.
    StoreBusy = "store_busy", 503, "repeat after `Retry-After` seconds";
    /// The caller's share, or all, of the server's memory or readers is used up.
    ServerBusy = "server_busy", 503, "repeat after `Retry-After` seconds";
    /// The request used more time of the writer or a reader than one request may.
    DeadlineExceeded = "deadline_exceeded", 503, "ask for less at once";
    /// Another process holds the database.
    StoreLocked = "store_locked", 503, "repeat after `Retry-After` seconds";
    /// The database can't be read or written, or the outcome of a write is unknown.
    StoreUnavailable = "store_unavailable", 503, "repeat with the same `Idempotency-Key`";
    /// The server can't determine whether the key is still valid.
    AuthUnavailable = "auth_unavailable", 503, "repeat after `Retry-After` seconds";
    /// The audit row of this request can't be stored, so the request is refused.
    AuditUnavailable = "audit_unavailable", 503, "repeat after `Retry-After` seconds";
    /// The audit log or the schema of the database was changed by another program. The server writes nothing until an
    /// operator has accepted the change.
    AuditBroken = "audit_broken", 503, "an operator runs `t4 audit verify`, then `t4 audit accept-schema`";
    /// The server is stopping.
    ShuttingDown = "shutting_down", 503, "repeat after `Retry-After` seconds";
    /// A check of `/readyz` fails.
    NotReady = "not_ready", 503, "look at what `details.checks` names";
    /// The provider did not answer in time.
    ProviderTimeout = "provider_timeout", 504, "repeat; the attempt may have cost, see `GET /llm/usage`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_word() {
        let mut words: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.status()));
        }
    }
}
