//! Why a call gave no answer, in words that say what to do.

use std::fmt;
use std::time::Duration;

use api_types::Code;

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call gave no answer. No variant holds a secret or the body of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No API key was given.
    #[error("no API key was given: set `T4_API_KEY`")]
    MissingKey,
    /// No admin token was given.
    #[error("no admin token was given: hand one to the builder")]
    MissingAdminToken,
    /// A secret holds characters that no HTTP header carries.
    #[error("the {what} holds characters that can't be sent: copy it again, whole and without line breaks")]
    UnusableSecret {
        /// `API key` or `admin token`.
        what: &'static str,
    },
    /// The base URL can't be used. The URL itself is not repeated: it may hold a password.
    #[error("the registry's base URL {problem}: give one such as `https://intent-api.internal:8001`")]
    InvalidUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An argument can't be sent.
    #[error("the {what} {problem}")]
    InvalidArgument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// More things than one call takes.
    #[error("{got} {what} are too many: one call takes {max}, so split them")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many came.
        got: usize,
        /// How many one call takes.
        max: usize,
    },
    /// The client could not be set up on this machine.
    #[error("the client can't be set up: {advice}")]
    Setup {
        /// What to look at.
        advice: &'static str,
        /// What the machine said.
        #[source]
        source: Option<Cause>,
    },
    /// A blocking call was made inside an async task, which it would have held up.
    #[error("a blocking call was made inside an async task: use `Client`, or `tokio::task::spawn_blocking`")]
    InAsyncContext,
    /// The connection could not be made, or broke.
    #[error(
        "the registry at {origin} can't be reached: check that it runs and that `T4_INTENT_API` names it"
    )]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What the network said.
        #[source]
        source: Cause,
    },
    /// No whole answer came in time.
    #[error("the registry at {origin} gave no answer within {} ms: try again later", .after.as_millis())]
    TimedOut {
        /// Scheme, host and port.
        origin: String,
        /// How long the last try waited.
        after: Duration,
    },
    /// The registry answered with an error.
    #[error("{}", ApiSentence { status: *.status, code: *.code, message, request_id: request_id.as_deref() })]
    Api {
        /// The HTTP status.
        status: u16,
        /// The stable code; `None` when this client does not know it or the answer had none.
        code: Option<Code>,
        /// The registry's sentence.
        message: String,
        /// The request's id: name it when asking for help.
        request_id: Option<String>,
        /// More facts, by code.
        details: Option<Box<serde_json::Value>>,
    },
    /// Too many requests, or too many failed authentications.
    #[error("{message}: {}", RateAdvice(*.retry_after))]
    RateLimited {
        /// `rate_limited`, `too_many_failures`, `too_many_calls`, `daily_quota_exceeded` or `provider_limited`; `None`
        /// when the answer had no code that this client knows. A spent budget (`insufficient_quota`) is an [`Error::Api`].
        code: Option<Code>,
        /// The registry's sentence.
        message: String,
        /// How long to wait, when the answer said so.
        retry_after: Option<Duration>,
        /// The request's id.
        request_id: Option<String>,
    },
    /// The answer is none that the registry gives: most often `T4_INTENT_API` names something else.
    #[error("the answer (status {status}) {problem}: check that `T4_INTENT_API` names the intent registry")]
    InvalidAnswer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
        /// The request's id.
        request_id: Option<String>,
    },
}

impl Error {
    /// Whether the question was left open by the network or the server, so that asking later may help.
    /// A refusal (a 4xx but 408 and 429) and a mistake of the caller's are not undecided.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) {
    /// match client.summary().await {
    ///     Err(error) if error.is_undecided() => println!("later: {error}"),
    ///     other => drop(other),
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { .. }
            | Self::InvalidAnswer { .. } => true,
            Self::Api { status, .. } => *status >= 500 || *status == 408,
            Self::MissingKey
            | Self::MissingAdminToken
            | Self::UnusableSecret { .. }
            | Self::InvalidUrl { .. }
            | Self::InvalidArgument { .. }
            | Self::TooMany { .. }
            | Self::Setup { .. }
            | Self::InAsyncContext => false,
        }
    }

    /// The registry's error code, when it gave one that this client knows.
    ///
    /// ```no_run
    /// # fn example(error: policy_client::Error) {
    /// use policy_client::api_types::Code;
    /// println!("{}", error.code() == Some(Code::IllegalTransition));
    /// # }
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Api { code, .. } | Self::RateLimited { code, .. } => *code,
            _ => None,
        }
    }
}

/// The sentence of an error answer, with what the code's table says can be done.
struct ApiSentence<'a> {
    status: u16,
    code: Option<Code>,
    message: &'a str,
    request_id: Option<&'a str>,
}

impl fmt::Display for ApiSentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry answered {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, " {}", code.as_str())?;
        }
        write!(f, ": {}", self.message)?;
        match self.code {
            // The server's sentence may hold the hint already.
            Some(code) if !self.message.contains(code.hint()) => write!(f, "; {}", code.hint())?,
            None if matches!(self.status, 401 | 403) => {
                f.write_str("; check `T4_API_KEY`, and that `T4_INTENT_API` names the registry")?;
            }
            _ => {}
        }
        match self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

struct RateAdvice(Option<Duration>);

impl fmt::Display for RateAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, "try again after {} s", wait.as_secs()),
            None => f.write_str("try again in a minute"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16, code: Option<Code>, message: &str) -> Error {
        Error::Api { status, code, message: message.into(), request_id: Some("r1".into()), details: None }
    }

    #[test]
    fn an_api_error_says_what_to_do_once() {
        let text = api(401, Some(Code::RevokedKey), "this key was revoked").to_string();
        assert_eq!(
            text,
            "the registry answered 401 revoked_key: this key was revoked; ask an admin for a new key (request r1)"
        );
        let hinted = api(401, Some(Code::RevokedKey), "revoked; ask an admin for a new key").to_string();
        assert_eq!(hinted.matches("ask an admin").count(), 1);
        assert!(api(403, None, "nope").to_string().contains("T4_API_KEY"));
    }

    #[test]
    fn trouble_is_undecided_and_a_refusal_is_not() {
        assert!(api(503, Some(Code::StoreBusy), "").is_undecided());
        assert!(api(408, None, "").is_undecided());
        assert!(!api(403, Some(Code::NotYours), "").is_undecided());
        assert!(!Error::MissingKey.is_undecided());
    }
}
