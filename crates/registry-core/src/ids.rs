//! Ids and names, each a type.

use ulid::Ulid;

use crate::text::Limits;
use crate::{Entropy, Timestamp};

/// Defines the type of an id that is a text, with `from_stored`, `as_str`, `into_string` and `Display`. With a
/// maximum length it also has `new`. Attributes, such as derives of `serde`, are put on the type.
#[macro_export]
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $crate::text_id!($(#[$doc])* $name);

        impl $name {
            /// Checks a new name.
            ///
            /// # Errors
            /// [`TextError`](crate::TextError) when the name is empty, too long, or could be mistaken for another name
            /// ([`crate::check_name`]).
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::TextError> {
                let text = text.into();
                $crate::check_name(&text, $max)?;
                Ok(Self(text))
            }
        }
    };
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a stored text without a check: rows of an adopted database keep what they hold.
            #[must_use]
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text by value.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Name of an agent.
    AgentId,
    Limits::NAME
);
text_id!(
    /// Team or person that answers for an intent or a key.
    Owner,
    Limits::NAME
);
text_id!(
    /// Id of an intent: 1 to 200 visible characters, not a word that is a route.
    IntentId,
    Limits::INTENT_ID
);
text_id!(
    /// Id of an HTTP request: the caller's, when it has the right form, or a new one.
    RequestId,
    64
);

text_id!(
    /// Public name of an API key: `t4_` and 12 letters or digits. Never a secret.
    KeyId
);

/// Text that does not have the form of a key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is `t4_` and 12 letters or digits")]
pub struct KeyIdError;

impl KeyId {
    /// Prefix of every key id.
    pub const PREFIX: &'static str = "t4_";
    /// Number of letters or digits after the prefix.
    pub const DIGITS: usize = 12;
    /// Length of a key id, in bytes.
    pub const LEN: usize = Self::PREFIX.len() + Self::DIGITS;

    /// Checks that a text has the form of a key id.
    ///
    /// # Errors
    /// [`KeyIdError`] for any other text.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyIdError> {
        let text = text.into();
        match Self::split(&text) {
            Some((_, "")) => Ok(Self(text)),
            Some(_) | None => Err(KeyIdError),
        }
    }

    /// Splits a text into the key id at its beginning and the rest, such as the secret of a whole key.
    #[must_use]
    pub fn split(text: &str) -> Option<(&str, &str)> {
        let (id, rest) = text.split_at_checked(Self::LEN)?;
        let digits = id.strip_prefix(Self::PREFIX)?;
        digits.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some((id, rest))
    }

    /// Returns the letters and digits after the prefix; `None` for a stored id that does not have the form.
    #[must_use]
    pub fn digits(&self) -> Option<&str> {
        let (id, rest) = Self::split(&self.0)?;
        id.strip_prefix(Self::PREFIX).filter(|_| rest.is_empty())
    }
}

impl IntentId {
    /// Words that are routes below `/intents/` and so can't be ids.
    pub const ROUTE_WORDS: [&'static str; 5] = ["batch", "pre_pr_check", "stale", "by_owner", "by_file"];

    /// Whether a text is a route below `/intents/`, or a path segment that HTTP software rewrites.
    #[must_use]
    pub fn is_route_word(text: &str) -> bool {
        Self::ROUTE_WORDS.contains(&text) || text == "." || text == ".."
    }

    /// Creates a new id: `T4-` and a [`sortable_id`].
    #[must_use]
    pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(format!("T4-{}", sortable_id(now, entropy)))
    }
}

/// Creates a ULID in lower case: 26 characters, the milliseconds first, then 80 random bits. Such ids sort by time
/// and are neighbours in an index.
#[must_use]
pub fn sortable_id(now: Timestamp, entropy: &dyn Entropy) -> String {
    let mut random = [0_u8; 16];
    entropy.fill(&mut random);
    let mut text = Ulid::from_parts(now.unix_millis(), u128::from_le_bytes(random)).to_string();
    text.make_ascii_lowercase();
    text
}

impl RequestId {
    /// Accepts a caller's request id of 1 to 64 letters, digits, `.`, `_` or `-`; `None` for any other text.
    #[must_use]
    pub fn sane(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=64).contains(&text.len()).then_some(())?;
        text.bytes().all(fits).then(|| Self(text.to_owned()))
    }

    /// Creates a random request id: 32 hexadecimal digits.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0_u8; 16];
        entropy.fill(&mut bytes);
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_form() {
        assert_eq!(KeyId::new("t4_0123456789aB").unwrap().digits(), Some("0123456789aB"));
        for text in [
            "",
            "t4_",
            "t4_0123456789a",
            "t4_0123456789abc",
            "t4_0123456789a_",
            "xx_0123456789ab",
            "t4_0123456789aé",
        ] {
            assert_eq!(KeyId::new(text), Err(KeyIdError), "{text}");
            assert_eq!(KeyId::from_stored(text.to_owned()).digits(), None, "{text}");
        }
        assert_eq!(KeyId::split("t4_0123456789ab_secret"), Some(("t4_0123456789ab", "_secret")));
    }

    use crate::SeededEntropy;

    #[test]
    fn minted_ids_sort_by_time() {
        let entropy = SeededEntropy::new(1);
        let early = IntentId::mint(Timestamp::from_micros(1_000_000), &entropy);
        let late = IntentId::mint(Timestamp::from_micros(1_001_000), &entropy);
        assert!(early < late);
        assert_eq!(early.as_str().len(), 29);
    }

    #[test]
    fn request_ids_of_strangers_are_taken_only_when_sane() {
        assert!(RequestId::sane("abc-1.2_3").is_some());
        for text in ["", "a b", "a\nb", "é", &"x".repeat(65)] {
            assert!(RequestId::sane(text).is_none(), "{text}");
        }
    }
}
