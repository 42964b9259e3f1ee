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
    /// The hold of an attempt.
    #[must_use]
    pub fn of(call: &CallId, attempt: u32) -> Self {
        Self(format!("{call}.{attempt}"))
    }
}
