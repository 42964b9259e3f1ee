//! What a call used, and how that is known.

use serde::{Deserialize, Serialize};

/// Tokens that a provider bills. `prompt_tokens` includes the cached ones and those written to the cache;
/// `completion_tokens` includes the reasoning ones, over all choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// All tokens of the input.
    pub prompt_tokens: u64,
    /// Those of the input that came from the provider's cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Those of the input that were written to the provider's cache, where it bills that.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// All tokens of the output.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Those of the output that nobody sees.
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
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word of the API and of the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where the numbers of a usage row come from.
    UsageSource {
        /// The provider's own numbers.
        Provider = "provider",
        /// Counted here, because the provider gave none that can be used.
        Estimated = "estimated",
        /// The hold's bound, because nothing else is known.
        WorstCase = "worst_case",
        /// Told by the agent that called the provider itself.
        Reported = "reported",
    }
}

words! {
    /// How an attempt ended.
    CallOutcome {
        /// The answer came whole.
        Ok = "ok",
        /// The provider answered with an error.
        ProviderError = "provider_error",
        /// The provider did not answer in time.
        Timeout = "timeout",
        /// The connection broke after the request had left.
        Broken = "broken",
        /// The answer could not be read.
        BadAnswer = "bad_answer",
        /// The caller went away; the answer was read to its end, or as far as the bound allows.
        ClientGone = "client_gone",
        /// The caller's key lost its right while the call ran, so the call was cut.
        Cut = "cut",
        /// Nobody settled the hold before its lease ended.
        Orphan = "orphan",
    }
}
