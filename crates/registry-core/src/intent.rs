//! Intents, and the rules for a new one.

use std::borrow::Cow;

use crate::path::file_path;
use crate::text::{Limits, TextError, check_date, check_name, check_text};
use crate::{AgentId, IntentId, Owner, Status, Timestamp};

/// Intent as the registry holds it. Rows of an adopted database may hold texts that a new intent may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Id, unique in the registry.
    pub id: IntentId,
    /// Lint code or kind of work, such as `F821`.
    pub code: String,
    /// Kind of intent, `lint` by default.
    pub kind: String,
    /// File, relative to the repository, in the form of [`crate::normal_path`].
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<i64>,
    /// Text of the import statement, if it is about one.
    pub import_text: Option<String>,
    /// Category of the reason.
    pub reason_category: Option<String>,
    /// Reason.
    pub reason: Option<String>,
    /// Suggested fix.
    pub suggestion: Option<String>,
    /// Team or person that answers for it.
    pub owner: Option<Owner>,
    /// Ticket that tracks it.
    pub ticket: Option<String>,
    /// Expected date of completion: a date or RFC 3339.
    pub eta: Option<String>,
    /// Status.
    pub status: Status,
    /// Stored status text when it is not a known status (adopted rows).
    pub stored_status: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub modified_at: Timestamp,
    /// Time at which it became implemented or accepted; `None` while it is open.
    pub resolved_at: Option<Timestamp>,
    /// Other members that the creator sent, as the text of a JSON object.
    pub raw: Option<String>,
    /// Agent that created it; `None` in adopted rows.
    pub agent_id: Option<AgentId>,
    /// Number of its version, from 1; the `ETag`.
    pub version: u64,
}

/// Intent of a list, borrowed from the row that was read: a list has hundreds, and copies none.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are those of `Intent`, times and status as their texts")]
pub struct IntentRow<'a> {
    pub id: Cow<'a, str>,
    pub code: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub file: Option<Cow<'a, str>>,
    pub line: Option<i64>,
    pub import_text: Option<Cow<'a, str>>,
    pub reason_category: Option<Cow<'a, str>>,
    pub reason: Option<Cow<'a, str>>,
    pub suggestion: Option<Cow<'a, str>>,
    pub owner: Option<Cow<'a, str>>,
    pub ticket: Option<Cow<'a, str>>,
    pub eta: Option<Cow<'a, str>>,
    pub status: Cow<'a, str>,
    pub created_at: Cow<'a, str>,
    pub modified_at: Cow<'a, str>,
    pub resolved_at: Option<Cow<'a, str>>,
    pub raw: Option<Cow<'a, str>>,
    pub agent_id: Option<Cow<'a, str>>,
    pub version: u64,
}

/// Content of a new intent. [`NewIntent::into_intent`] is the only way from here to an [`Intent`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of `Intent`")]
pub struct NewIntent {
    pub id: Option<String>,
    pub code: String,
    pub kind: Option<String>,
    pub file: Option<String>,
    pub line: Option<i64>,
    pub import_text: Option<String>,
    pub reason_category: Option<String>,
    pub reason: Option<String>,
    pub suggestion: Option<String>,
    pub owner: Option<String>,
    pub ticket: Option<String>,
    pub eta: Option<String>,
    pub status: Option<String>,
    pub raw: Option<String>,
}

/// Reason why the rules refuse a new intent or a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A field does not accept its text.
    #[error("`{field}` {problem}")]
    Field {
        /// Name of the field in the API.
        field: &'static str,
        /// What is wrong with the text.
        #[source]
        problem: TextError,
    },
    /// The line is outside 1 to 2^31-1.
    #[error("`line` takes 1 to 2147483647, got {0}")]
    Line(i64),
    /// The id is a word of the API's routes.
    #[error("`id` must not be `{0}`, which is a route of the API")]
    RouteWord(String),
    /// The raw object is too large.
    #[error("`raw` takes at most 65536 bytes of JSON, got {0}")]
    RawTooLarge(usize),
    /// The status is unknown.
    #[error("`status` takes reserved, planned, committed, implemented, accepted or expired, got `{0}`")]
    UnknownStatus(String),
    /// The status can't be removed.
    #[error("`status` can be changed but not cleared")]
    StatusCleared,
    /// `planned` and `committed` need an owner and a ticket.
    #[error("status `{0}` needs an `owner` and a `ticket`")]
    OwnerAndTicketRequired(Status),
    /// The transition between these statuses is not allowed.
    #[error("an intent may not go from `{from}` to `{to}`")]
    IllegalTransition {
        /// Status before.
        from: Status,
        /// Status that was asked for.
        to: Status,
    },
}

/// Kind of an intent whose creator names none.
pub(crate) const DEFAULT_KIND: &str = "lint";

pub(crate) fn field(name: &'static str, checked: Result<(), TextError>) -> Result<(), RuleError> {
    checked.map_err(|problem| RuleError::Field { field: name, problem })
}

pub(crate) fn status_word(text: &str) -> Result<Status, RuleError> {
    Status::parse(text).ok_or_else(|| RuleError::UnknownStatus(text.chars().take(64).collect()))
}

impl NewIntent {
    /// Checks every rule and creates the intent. `minted` is the id to use when the creator sent none. An empty text
    /// counts as absent, because the original client sends it so.
    ///
    /// # Errors
    /// [`RuleError`] for the first field that does not fit.
    pub fn into_intent(
        self,
        minted: impl FnOnce() -> IntentId,
        agent: AgentId,
        now: Timestamp,
    ) -> Result<Intent, RuleError> {
        let given = |text: Option<String>| text.filter(|t| !t.is_empty());
        let optional = |name, text: &Option<String>, max, multiline| match text {
            Some(text) => field(name, check_text(text, max, multiline)),
            None => Ok(()),
        };
        let name = |name, text: &Option<String>, max| match text {
            Some(text) => field(name, check_name(text, max)),
            None => Ok(()),
        };
        field("code", check_name(&self.code, Limits::WORD))?;
        let id = match given(self.id) {
            Some(text) if IntentId::is_route_word(&text) => return Err(RuleError::RouteWord(text)),
            Some(text) => IntentId::new(text).map_err(|problem| RuleError::Field { field: "id", problem })?,
            None => minted(),
        };
        let kind = given(self.kind).unwrap_or_else(|| DEFAULT_KIND.to_owned());
        field("type", check_name(&kind, Limits::WORD))?;
        let file = match given(self.file) {
            Some(path) => {
                let normal =
                    file_path(&path).map_err(|problem| RuleError::Field { field: "file", problem })?;
                Some(normal.into_owned())
            }
            None => None,
        };
        if let Some(line) = self.line
            && !(1..=i64::from(i32::MAX)).contains(&line)
        {
            return Err(RuleError::Line(line));
        }
        let import_text = given(self.import_text);
        optional("import_text", &import_text, Limits::PROSE, true)?;
        let reason_category = given(self.reason_category);
        name("reason_category", &reason_category, Limits::WORD)?;
        let reason = given(self.reason);
        optional("reason", &reason, Limits::PROSE, true)?;
        let suggestion = given(self.suggestion);
        optional("suggestion", &suggestion, Limits::PROSE, true)?;
        let ticket = given(self.ticket);
        name("ticket", &ticket, Limits::NAME)?;
        let eta = given(self.eta);
        if let Some(eta) = &eta {
            field("eta", check_date(eta))?;
        }
        let owner = match given(self.owner) {
            Some(text) => {
                Some(Owner::new(text).map_err(|problem| RuleError::Field { field: "owner", problem })?)
            }
            None => None,
        };
        let status = match given(self.status) {
            Some(text) => status_word(&text)?,
            None => Status::Reserved,
        };
        if status.needs_owner_and_ticket() && (owner.is_none() || ticket.is_none()) {
            return Err(RuleError::OwnerAndTicketRequired(status));
        }
        if let Some(raw) = self.raw.as_ref().filter(|raw| raw.len() > Limits::RAW_BYTES) {
            return Err(RuleError::RawTooLarge(raw.len()));
        }
        Ok(Intent {
            id,
            code: self.code,
            kind,
            file,
            line: self.line,
            import_text,
            reason_category,
            reason,
            suggestion,
            owner,
            ticket,
            eta,
            status,
            stored_status: None,
            created_at: now,
            modified_at: now,
            resolved_at: status.is_resolved().then_some(now),
            raw: self.raw,
            agent_id: Some(agent),
            version: 1,
        })
    }
}

impl Intent {
    /// Placeholder that the pre-PR check makes for a file without an intent.
    #[must_use]
    pub fn placeholder(id: IntentId, code: String, file: String, agent: AgentId, now: Timestamp) -> Self {
        Self {
            id,
            code,
            kind: DEFAULT_KIND.to_owned(),
            file: Some(file),
            line: Some(1),
            import_text: None,
            reason_category: None,
            reason: Some("reserved by the pre-PR check".to_owned()),
            suggestion: None,
            owner: None,
            ticket: None,
            eta: None,
            status: Status::Reserved,
            stored_status: None,
            created_at: now,
            modified_at: now,
            resolved_at: None,
            raw: None,
            agent_id: Some(agent),
            version: 1,
        }
    }

    /// Returns the status text as the API and the database show it.
    #[must_use]
    pub fn status_text(&self) -> &str {
        self.stored_status.as_deref().unwrap_or(self.status.as_str())
    }

    /// Whether an intent belongs to a caller: the caller created it, or its owner is the owner of the caller's key.
    #[must_use]
    pub fn belongs_to(&self, agent: &AgentId, owner: Option<&Owner>) -> bool {
        self.agent_id.as_ref() == Some(agent) || (owner.is_some() && self.owner.as_ref() == owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(new: NewIntent) -> Result<Intent, RuleError> {
        let agent = AgentId::new("a").unwrap();
        new.into_intent(|| IntentId::new("T4-minted").unwrap(), agent, Timestamp::EPOCH)
    }

    fn with_code() -> NewIntent {
        NewIntent { code: "F821".to_owned(), ..NewIntent::default() }
    }

    #[test]
    fn a_code_is_enough() {
        let intent = make(with_code()).unwrap();
        assert_eq!(
            (intent.id.as_str(), intent.status, intent.kind.as_str()),
            ("T4-minted", Status::Reserved, "lint")
        );
    }

    #[test]
    fn planned_needs_owner_and_ticket() {
        let planned = NewIntent { status: Some("planned".into()), owner: Some("o".into()), ..with_code() };
        assert_eq!(make(planned.clone()).unwrap_err(), RuleError::OwnerAndTicketRequired(Status::Planned));
        assert!(make(NewIntent { ticket: Some("X-1".into()), ..planned }).is_ok());
    }

    #[test]
    fn lines_outside_the_range_are_refused() {
        for line in [-1, 0, 1 << 31, i64::MAX] {
            assert_eq!(
                make(NewIntent { line: Some(line), ..with_code() }).unwrap_err(),
                RuleError::Line(line)
            );
        }
        assert!(make(NewIntent { line: Some((1 << 31) - 1), ..with_code() }).is_ok());
    }

    #[test]
    fn ids_that_are_routes_or_too_long_are_refused() {
        for id in IntentId::ROUTE_WORDS {
            assert!(matches!(
                make(NewIntent { id: Some(id.into()), ..with_code() }),
                Err(RuleError::RouteWord(_))
            ));
        }
        let long = NewIntent { id: Some("x".repeat(4000)), ..with_code() };
        assert!(matches!(make(long), Err(RuleError::Field { field: "id", .. })));
        assert!(make(NewIntent { id: Some("a/b%2F".into()), ..with_code() }).is_ok());
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_refused_by_field() {
        let with = |field: &str, text: &str| {
            let mut new = with_code();
            if field == "code" {
                text.clone_into(&mut new.code);
            }
            let place = match field {
                "id" => Some(&mut new.id),
                "type" => Some(&mut new.kind),
                "reason_category" => Some(&mut new.reason_category),
                "owner" => Some(&mut new.owner),
                "ticket" => Some(&mut new.ticket),
                _ => None,
            };
            if let Some(place) = place {
                *place = Some(text.to_owned());
            }
            make(new)
        };
        for name in ["id", "code", "type", "reason_category", "owner", "ticket"] {
            for (text, problem) in [
                ("own\u{200b}", TextError::Hidden('\u{200b}')),
                ("\u{202e}own", TextError::Hidden('\u{202e}')),
                ("own ", TextError::Edge(' ')),
            ] {
                assert_eq!(with(name, text), Err(RuleError::Field { field: name, problem }));
            }
            assert!(with(name, "own x").is_ok());
        }
    }

    #[test]
    fn entering_a_resolved_status_at_birth_sets_resolved_at() {
        let intent = make(NewIntent { status: Some("accepted".into()), ..with_code() }).unwrap();
        assert_eq!(intent.resolved_at, Some(Timestamp::EPOCH));
    }
}
