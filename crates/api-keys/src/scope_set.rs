//! Set of scopes of one key.

use std::fmt;

use crate::scope::Scope;

/// Scopes of a key, with the words in which they were written. A set without words gives no right.
///
/// It prints as its words separated by spaces, which is the form to store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet {
    text: String,
    bits: u16,
}

/// Word that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope `{word}`; known are {}, all of an area such as `intents:*`, and `*`", known())]
pub struct ScopeError {
    /// The word, cut to 64 characters.
    pub word: String,
}

fn known() -> String {
    Scope::ALL.map(|scope| format!("`{scope}`")).join(", ")
}

impl ScopeSet {
    /// Scopes of a key that is created without any.
    pub const DEFAULT_GRANT: &'static str =
        "intents:read intents:write llm:call plans:read plans:write events:read";

    /// Parses words separated by spaces or commas.
    ///
    /// # Errors
    /// [`ScopeError`] with the first word that is not a scope.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::from_list([text])
    }

    /// Parses a list; each member may have several words.
    ///
    /// # Errors
    /// [`ScopeError`] with the first word that is not a scope.
    pub fn from_list<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Result<Self, ScopeError> {
        let mut set = Self::default();
        for text in list {
            for word in words(text.as_ref()) {
                let bits = Scope::bits_of_word(word)
                    .ok_or_else(|| ScopeError { word: word.chars().take(64).collect() })?;
                set.add(word, bits);
            }
        }
        Ok(set)
    }

    /// Reads the scopes of a stored row. A word that is not a scope gives no right and is kept: a row that a newer
    /// version wrote must neither stop this one nor lose its content.
    ///
    /// `adopted` says that the key came with a database of the original service, which had no scopes: there, an
    /// absent or empty text means [`Self::default_grant`]. Elsewhere it means no right.
    #[must_use]
    pub fn from_stored(text: Option<&str>, adopted: bool) -> Self {
        let mut set = Self::default();
        for word in words(text.unwrap_or_default()) {
            set.add(word, Scope::bits_of_word(word).unwrap_or(0));
        }
        if set.is_empty() && adopted { Self::default_grant() } else { set }
    }

    /// Returns the scopes of a key that is created without any.
    #[must_use]
    pub fn default_grant() -> Self {
        Self::from_stored(Some(Self::DEFAULT_GRANT), false)
    }

    /// Whether the set has this scope.
    #[must_use]
    pub const fn allows(&self, scope: Scope) -> bool {
        self.bits & scope.bit() != 0
    }

    /// Whether it has no words.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the words, in the order in which they were written.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.text)
    }

    fn add(&mut self, word: &str, bits: u16) {
        if self.words().any(|known| known == word) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.bits |= bits;
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rights(set: &ScopeSet) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| set.allows(*scope)).map(Scope::as_str).collect()
    }

    #[test]
    fn words_are_parted_by_spaces_and_commas() {
        let set = ScopeSet::parse(" llm:call,intents:read ,\tintents:read").unwrap();
        assert_eq!(set.to_string(), "llm:call intents:read");
        assert_eq!(rights(&set), ["intents:read", "llm:call"]);
        assert_eq!(ScopeSet::from_list(["llm:call", "intents:read"]), Ok(set));
    }

    #[test]
    fn a_star_keeps_its_written_form() {
        let set = ScopeSet::parse("intents:* events:read").unwrap();
        assert_eq!(set.to_string(), "intents:* events:read");
        assert_eq!(rights(&set), ["intents:read", "intents:write", "intents:any", "events:read"]);
        assert_eq!(rights(&ScopeSet::parse("*").unwrap()).len(), Scope::ALL.len());
    }

    #[test]
    fn an_unknown_word_is_named_beside_the_known_ones() {
        let message = ScopeSet::parse("llm:call intents:delete").unwrap_err().to_string();
        assert!(message.contains("`intents:delete`"), "{message}");
        for scope in Scope::ALL {
            assert!(message.contains(scope.as_str()), "{message}");
        }
    }

    #[test]
    fn an_empty_set_gives_no_right() {
        for set in [ScopeSet::default(), ScopeSet::parse("").unwrap(), ScopeSet::parse(" , ").unwrap()] {
            assert!(set.is_empty());
            assert!(rights(&set).is_empty());
        }
    }

    #[test]
    fn the_default_grant_is_the_published_one() {
        let set = ScopeSet::default_grant();
        assert_eq!(set.to_string(), ScopeSet::DEFAULT_GRANT);
        assert_eq!(rights(&set).join(" "), ScopeSet::DEFAULT_GRANT);
    }

    #[test]
    fn a_stored_row_without_scopes_has_rights_only_when_adopted() {
        for text in [None, Some(""), Some("  ")] {
            assert_eq!(ScopeSet::from_stored(text, true), ScopeSet::default_grant());
            assert!(rights(&ScopeSet::from_stored(text, false)).is_empty());
        }
    }

    #[test]
    fn an_unknown_stored_word_gives_no_right_and_stays_written() {
        for adopted in [true, false] {
            let set = ScopeSet::from_stored(Some("audit:erase,llm:call"), adopted);
            assert_eq!(rights(&set), ["llm:call"]);
            assert_eq!(set.to_string(), "audit:erase llm:call");
            assert!(rights(&ScopeSet::from_stored(Some("audit:erase"), adopted)).is_empty());
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(picked in proptest::collection::vec(0..Scope::ALL.len(), 0..6)) {
            let set = ScopeSet::from_list(picked.iter().map(|i| Scope::ALL[*i].as_str())).unwrap();
            prop_assert_eq!(ScopeSet::parse(&set.to_string()), Ok(set.clone()));
            prop_assert_eq!(ScopeSet::from_stored(Some(&set.to_string()), false), set);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = ScopeSet::parse(&text);
            let _ = ScopeSet::from_stored(Some(&text), true);
        }
    }
}
