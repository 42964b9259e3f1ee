//! Changes of an intent.

use crate::intent::{field, status_word};
use crate::text::{Limits, check_date, check_name, check_text};
use crate::{Intent, Owner, RuleError, Timestamp};

/// Change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Absent: the field keeps its value.
    #[default]
    Keep,
    /// Null: the field is cleared.
    Clear,
    /// A new value.
    Set(T),
}

/// Fields that a change may set. All other fields of an intent are fixed at creation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of `Intent`")]
pub struct IntentPatch {
    pub owner: Change<String>,
    pub ticket: Change<String>,
    pub status: Change<String>,
    pub reason: Change<String>,
    pub eta: Change<String>,
    pub suggestion: Change<String>,
}

impl IntentPatch {
    /// Applies the change. `modified_at` and the version move, and `resolved_at` follows the status.
    ///
    /// # Errors
    /// [`RuleError`] when a value does not fit, a transition is not allowed, or a planned or committed intent would
    /// lose its owner or ticket. The intent is unchanged then.
    pub fn apply(self, intent: &Intent, now: Timestamp) -> Result<Intent, RuleError> {
        let mut next = intent.clone();
        set(&mut next.ticket, self.ticket, |t| field("ticket", check_name(t, Limits::NAME)))?;
        set(&mut next.reason, self.reason, |t| field("reason", check_text(t, Limits::PROSE, true)))?;
        set(&mut next.suggestion, self.suggestion, |t| {
            field("suggestion", check_text(t, Limits::PROSE, true))
        })?;
        set(&mut next.eta, self.eta, |t| field("eta", check_date(t)))?;
        match self.owner {
            Change::Keep => {}
            Change::Clear => next.owner = None,
            Change::Set(text) => {
                let owner =
                    Owner::new(text).map_err(|problem| RuleError::Field { field: "owner", problem })?;
                next.owner = Some(owner);
            }
        }
        match self.status {
            Change::Keep => {}
            Change::Clear => return Err(RuleError::StatusCleared),
            Change::Set(text) => {
                let to = status_word(&text)?;
                if !intent.status.may_become(to) {
                    return Err(RuleError::IllegalTransition { from: intent.status, to });
                }
                next.status = to;
                next.stored_status = None;
            }
        }
        let owned = next.owner.is_some() && next.ticket.is_some();
        if next.status.needs_owner_and_ticket() && !owned {
            return Err(RuleError::OwnerAndTicketRequired(next.status));
        }
        // A clock that was set back must not make an intent older than its creation.
        let now = now.max(intent.created_at);
        next.resolved_at = match (intent.status.is_resolved(), next.status.is_resolved()) {
            (true, true) => intent.resolved_at,
            (false, true) => Some(now),
            (_, false) => None,
        };
        next.modified_at = now;
        next.version = intent.version.saturating_add(1);
        Ok(next)
    }
}

fn set(
    slot: &mut Option<String>,
    change: Change<String>,
    check: impl FnOnce(&str) -> Result<(), RuleError>,
) -> Result<(), RuleError> {
    match change {
        Change::Keep => {}
        Change::Clear => *slot = None,
        Change::Set(text) => {
            check(&text)?;
            *slot = Some(text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentId, IntentId, NewIntent, Status};
    use proptest::prelude::*;

    fn intent(status: Status) -> Intent {
        let new = NewIntent {
            code: "F401".into(),
            owner: Some("o".into()),
            ticket: Some("X-1".into()),
            status: Some(status.as_str().into()),
            ..NewIntent::default()
        };
        let agent = AgentId::new("a").unwrap();
        new.into_intent(|| IntentId::new("i").unwrap(), agent, Timestamp::EPOCH).unwrap()
    }

    fn to(status: Status) -> IntentPatch {
        IntentPatch { status: Change::Set(status.as_str().into()), ..IntentPatch::default() }
    }

    proptest! {
        /// For any sequence of changes: only legal transitions happen, and `resolved_at` is set exactly while the
        /// intent is resolved.
        #[test]
        fn a_walk_of_changes_keeps_the_rules(steps in prop::collection::vec(0_usize..6, 1..20)) {
            let mut now = Timestamp::EPOCH;
            let mut at = intent(Status::Reserved);
            for step in steps {
                now = now.plus_seconds(1);
                let next = Status::ALL[step];
                match to(next).apply(&at, now) {
                    Ok(changed) => {
                        prop_assert!(at.status.may_become(next));
                        prop_assert_eq!(changed.status, next);
                        prop_assert_eq!(changed.resolved_at.is_some(), next.is_resolved());
                        prop_assert_eq!(changed.version, at.version + 1);
                        at = changed;
                    }
                    Err(error) => {
                        prop_assert!(!at.status.may_become(next));
                        prop_assert_eq!(error, RuleError::IllegalTransition { from: at.status, to: next });
                    }
                }
            }
        }
    }

    #[test]
    fn owner_can_not_be_taken_from_a_planned_intent() {
        let patch = IntentPatch { owner: Change::Clear, ..IntentPatch::default() };
        assert_eq!(
            patch.apply(&intent(Status::Planned), Timestamp::EPOCH),
            Err(RuleError::OwnerAndTicketRequired(Status::Planned))
        );
    }

    #[test]
    fn an_unknown_stored_status_survives_changes_of_other_fields() {
        let mut adopted = intent(Status::Reserved);
        adopted.stored_status = Some("wip".into());
        let patch = IntentPatch { reason: Change::Set("r".into()), ..IntentPatch::default() };
        assert_eq!(patch.apply(&adopted, Timestamp::EPOCH).unwrap().status_text(), "wip");
        assert_eq!(to(Status::Planned).apply(&adopted, Timestamp::EPOCH).unwrap().status_text(), "planned");
    }

    #[test]
    fn a_clock_that_jumps_back_makes_no_intent_older_than_its_creation() {
        let mut late = intent(Status::Reserved);
        late.created_at = Timestamp::from_micros(5_000_000);
        let changed = to(Status::Accepted).apply(&late, Timestamp::EPOCH).unwrap();
        assert_eq!(changed.modified_at, late.created_at);
        assert_eq!(changed.resolved_at, Some(late.created_at));
    }
}
