//! Statuses of an intent and the legal transitions between them.

use std::fmt;

/// Status of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// A placeholder: it waits for an owner and a ticket.
    Reserved,
    /// It has an owner and a ticket.
    Planned,
    /// Work has begun.
    Committed,
    /// The work is done.
    Implemented,
    /// It is intentional and stays as it is. `documented` is read as this.
    Accepted,
    /// It was given up.
    Expired,
}

/// Meaning of a stored status text. An unknown text counts as reserved and is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStatus {
    /// Status that the rules use.
    pub status: Status,
    /// Stored text when it differs from the status's word.
    pub stored: Option<String>,
}

impl Status {
    /// All statuses, in the order of an intent's life.
    pub const ALL: [Self; 6] =
        [Self::Reserved, Self::Planned, Self::Committed, Self::Implemented, Self::Accepted, Self::Expired];

    /// Word of the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Planned => "planned",
            Self::Committed => "committed",
            Self::Implemented => "implemented",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
        }
    }

    /// Parses a word; `documented` is `accepted`. `None` for an unknown word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "documented" {
            return Some(Self::Accepted);
        }
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Reads a stored text. An unknown text counts as reserved and is kept.
    #[must_use]
    pub fn read(stored: Option<&str>) -> ReadStatus {
        let text = stored.unwrap_or_default();
        match Self::parse(text) {
            Some(status) if status.as_str() == text => ReadStatus { status, stored: None },
            Some(status) => ReadStatus { status, stored: Some(text.to_owned()) },
            None => ReadStatus { status: Self::Reserved, stored: stored.map(str::to_owned) },
        }
    }

    /// Statuses that may follow this one. Staying is always legal and is not listed.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Reserved => {
                &[Self::Planned, Self::Committed, Self::Implemented, Self::Accepted, Self::Expired]
            }
            Self::Planned => {
                &[Self::Committed, Self::Implemented, Self::Accepted, Self::Expired, Self::Reserved]
            }
            Self::Committed => &[Self::Implemented, Self::Planned, Self::Expired],
            Self::Implemented | Self::Accepted | Self::Expired => &[Self::Planned],
        }
    }

    /// Whether an intent may change from this status to `next`; staying counts.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self == next || self.successors().contains(&next)
    }

    /// Whether this status needs an owner and a ticket.
    #[must_use]
    pub const fn needs_owner_and_ticket(self) -> bool {
        match self {
            Self::Planned | Self::Committed => true,
            Self::Reserved | Self::Implemented | Self::Accepted | Self::Expired => false,
        }
    }

    /// Whether an intent that enters this status counts as resolved.
    #[must_use]
    pub const fn is_resolved(self) -> bool {
        match self {
            Self::Implemented | Self::Accepted => true,
            Self::Reserved | Self::Planned | Self::Committed | Self::Expired => false,
        }
    }

    /// Whether an intent in this status can go stale: it still waits for work.
    #[must_use]
    pub const fn can_go_stale(self) -> bool {
        match self {
            Self::Reserved | Self::Planned | Self::Committed => true,
            Self::Implemented | Self::Accepted | Self::Expired => false,
        }
    }

    /// Whether an intent in this status covers a file in the pre-PR check.
    #[must_use]
    pub const fn passes_pre_pr_check(self) -> bool {
        match self {
            Self::Planned | Self::Committed | Self::Implemented | Self::Accepted => true,
            Self::Reserved | Self::Expired => false,
        }
    }
}

/// Word of the API and the database.
impl From<Status> for String {
    fn from(status: Status) -> Self {
        status.as_str().to_owned()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Accepted, Committed, Expired, Implemented, Planned, Reserved};

    /// The contract's table, written out again so that a change of the code is noticed here.
    const LEGAL: [(Status, &[Status]); 6] = [
        (Reserved, &[Planned, Committed, Implemented, Accepted, Expired]),
        (Planned, &[Committed, Implemented, Accepted, Expired, Reserved]),
        (Committed, &[Implemented, Planned, Expired]),
        (Implemented, &[Planned]),
        (Accepted, &[Planned]),
        (Expired, &[Planned]),
    ];

    #[test]
    fn exactly_the_transitions_of_the_contract_are_legal() {
        for (from, to) in LEGAL {
            for next in Status::ALL {
                assert_eq!(from.may_become(next), from == next || to.contains(&next), "{from} -> {next}");
            }
        }
    }

    #[test]
    fn an_unknown_stored_status_reads_as_reserved_and_keeps_its_text() {
        let read = Status::read(Some("wip"));
        assert_eq!((read.status, read.stored.as_deref()), (Reserved, Some("wip")));
        assert_eq!(Status::read(Some("documented")).status, Accepted);
        assert_eq!(Status::read(None), ReadStatus { status: Reserved, stored: None });
        assert_eq!(Status::parse("wip"), None);
    }
}
