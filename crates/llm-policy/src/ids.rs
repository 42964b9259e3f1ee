//! Ids of model calls and of the holds of their attempts.

use registry_core::{Entropy, Timestamp, sortable_id, text_id};
use serde::{Deserialize, Serialize};

text_id! {
    /// Id of one model call; all its attempts share it. It is `call_` and 26 characters that sort by time, or an id
    /// that the caller chose, of 1 to 64 letters, digits, `_` and `-`.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    CallId
}

impl CallId {
    /// Makes a new id.
    #[must_use]
    pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(format!("call_{}", sortable_id(now, entropy)))
    }

    /// Accepts an id that the caller chose; `None` when it is not 1 to 64 letters, digits, `_` and `-`.
    #[must_use]
    pub fn sane(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }
}

text_id! {
    /// Id of the hold of one attempt, unique for its key: the call id, a dot, and the number of the attempt from 1.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    HoldId
}

impl HoldId {
    /// Parses a hold id; `None` when the text is not a call id, a dot and a number from 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (call, attempt) = text.rsplit_once('.')?;
        let number: u32 = attempt.parse().ok().filter(|number| *number > 0)?;
        let id = Self::of(&CallId::sane(call)?, number);
        // `+1` and `01` parse as numbers, but an id has only one spelling.
        (id.as_str() == text).then_some(id)
    }

    /// Returns the id of the hold of an attempt.
    #[must_use]
    pub fn of(call: &CallId, attempt: u32) -> Self {
        Self(format!("{call}.{attempt}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_id_is_a_call_and_a_number_from_1() {
        let call = CallId::sane("call_x").unwrap();
        assert_eq!(HoldId::parse("call_x.2"), Some(HoldId::of(&call, 2)));
        for text in
            ["", "x", ".1", "call_x.0", "call_x.01", "call_x.+1", "call_x.", "a b.1", "a.b.1", "x.4294967296"]
        {
            assert_eq!(HoldId::parse(text), None, "{text}");
        }
    }
}
