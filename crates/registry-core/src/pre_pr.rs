//! Rule of the pre-PR check: when an intent covers a file.

use crate::{Intent, Status};

/// The code of a placeholder when the caller names no critical code (the seed's).
pub const PLACEHOLDER_CODE: &str = "F821";

/// What the registry knows of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// An intent covers it.
    Covered,
    /// Nothing covers it, but this placeholder waits for somebody to take it.
    Reserved(Box<Intent>),
    /// Nothing is known of it.
    Missing,
}

/// Whether an intent of this status and code covers its file. An empty `critical_codes` means any code.
#[must_use]
pub fn covers(status: Status, code: &str, critical_codes: &[String]) -> bool {
    status.passes_pre_pr_check() && (critical_codes.is_empty() || critical_codes.iter().any(|c| c == code))
}

/// The code that a placeholder gets.
#[must_use]
pub fn placeholder_code(critical_codes: &[String]) -> &str {
    critical_codes.first().map_or(PLACEHOLDER_CODE, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_living_intent_of_a_critical_code_covers_a_file() {
        let codes = vec!["F821".to_owned()];
        assert!(covers(Status::Planned, "F821", &codes));
        assert!(covers(Status::Accepted, "E501", &[]));
        assert!(!covers(Status::Planned, "E501", &codes));
        assert!(!covers(Status::Reserved, "F821", &codes));
        assert!(!covers(Status::Expired, "F821", &[]));
    }
}
