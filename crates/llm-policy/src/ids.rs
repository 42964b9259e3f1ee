//! The names of a call and of its attempts.

use registry_core::{Entropy, Timestamp, sortable_id, text_id};
use serde::{Deserialize, Serialize};

text_id! {
    /// The name of one call, whatever number of attempts it took: `call_` and 26 characters that sort by time, or a
    /// caller's own of 1 to 64 letters, digits, `_` and `-`.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    CallId
}

impl CallId {
    /// A new id.
    #[must_use]
    pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(format!("call_{}", sortable_id(now, entropy)))
    }

    /// Takes a caller's id; `None` when it is not 1 to 64 letters, digits, `_` and `-`.
    #[must_use]
    pub fn sane(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }
}

text_id! {
    /// The name of one attempt's hold among those of its key: the call's id, a point, and the attempt's number from 1.
    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    HoldId
}

impl HoldId {
    /// Reads a caller's text; `None` when it is not a call's id, a point and a number from 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (call, attempt) = text.rsplit_once('.')?;
        let number: u32 = attempt.parse().ok().filter(|number| *number > 0)?;
        let id = Self::of(&CallId::sane(call)?, number);
        // `+1` and `01` are numbers too, but not in the form of an id.
        (id.as_str() == text).then_some(id)
    }

    /// The hold of an attempt.
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
