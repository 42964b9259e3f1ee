//! The usage of a model call, and the source of its numbers.

use serde::{Deserialize, Serialize};

/// Tokens that a provider bills. `prompt_tokens` includes tokens read from the cache and tokens written to it.
/// `completion_tokens` covers all choices and includes reasoning tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// All tokens of the input.
    pub prompt_tokens: u64,
    /// Input tokens that came from the provider's cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Input tokens that were written to the provider's cache, if the provider bills that.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// All tokens of the output.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Output tokens of hidden reasoning.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name that the API and the database use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Parses a name of the API or the database; `None` when it is unknown.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The source of the numbers in a usage row.
    UsageSource {
        /// The provider reported them.
        Provider = "provider",
        /// Counted here, because the provider reported no usable numbers.
        Estimated = "estimated",
        /// The upper bounds of the hold, because nothing else is known.
        WorstCase = "worst_case",
        /// Reported by an agent that called the provider directly.
        Reported = "reported",
    }
}

words! {
    /// How an attempt ended.
    CallOutcome {
        /// The answer was complete.
        Ok = "ok",
        /// The provider answered with an error.
        ProviderError = "provider_error",
        /// The provider did not answer in time.
        Timeout = "timeout",
        /// The connection broke after the request was sent.
        Broken = "broken",
        /// The answer could not be parsed.
        BadAnswer = "bad_answer",
        /// The caller disconnected; the rest of the answer was read to its end, or until the drain time ran out.
        ClientGone = "client_gone",
        /// The caller's key lost its right during the call, so the call was aborted.
        Cut = "cut",
        /// The hold was not settled before its lease ended.
        Orphan = "orphan",
    }
}
