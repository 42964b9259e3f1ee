//! One-line text of an error and its causes, for a log.

use std::error::Error;

/// The error and each of its causes, separated by colons.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str, #[source] Option<Box<Told>>);

    #[test]
    fn causes_follow_in_their_order() {
        let inner = Told("no space", None);
        let middle = Told("can't write", Some(Box::new(inner)));
        let outer = Told("not saved", Some(Box::new(middle)));
        assert_eq!(with_causes(&outer), "not saved: can't write: no space");
        assert_eq!(with_causes(&Told("alone", None)), "alone");
    }
}
