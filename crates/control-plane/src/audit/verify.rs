//! `GET /admin/audit/verify` and `t4 audit verify`: verification of the log.

use std::sync::atomic::Ordering;

use api_types::{AuditVerdict, FirstBadRow};
use audit::{BadReason, BadRow, LogFacts, LogRow, StoredRow, Verifier, id_of};
use canonical::Digest;
use storage::{SealedCheckpoint, Store, StoreError, View, read_shown};

use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Rows per snapshot.
const ROWS_PER_VIEW: u32 = 5000;

/// Reader of a log, one snapshot per call: `Store::view`, or a file that is only read.
pub type SnapshotReader<'a> =
    dyn FnMut(&mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> + 'a;

/// Verifies every row, adopted rows included.
///
/// # Errors
/// 503 for the store.
pub fn verify_audit(services: &Services, _caller: AdminCaller) -> Result<AuditVerdict, ServiceError> {
    let verdict = verify_log(&mut |f| services.store.view(f), &[], &mut |_| ())?;
    services.audit.broken.store(!verdict.ok, Ordering::Relaxed);
    Ok(verdict)
}

/// Verifies every row of a log, adopted rows included, and that the log still contains these checkpoints and the one
/// that the store keeps: rows cut off at the end leave no other trace. Every row that is right is passed to `sound`.
///
/// # Errors
/// A storage error.
pub fn verify_log(
    show: &mut SnapshotReader<'_>,
    checkpoints: &[SealedCheckpoint],
    sound: &mut dyn FnMut(&StoredRow),
) -> Result<AuditVerdict, StoreError> {
    let kept = read_shown(&mut *show, |view| view.checkpoint())?;
    let mut course = CheckpointCourse::through(checkpoints.iter().cloned().chain(kept));
    let mut verifier = Verifier::from_genesis();
    let pushed = push_after(show, &mut verifier, i64::MIN, &mut |row| {
        course.pass(row);
        sound(row);
    });
    let facts = match pushed {
        Ok(facts) => facts,
        // With another schema there may be no rows to read.
        Err(error) => return unreadable(show, &verifier).ok_or(error),
    };
    let outcome = verifier.finish_with(&facts);
    let bad =
        outcome.first_bad.map(|bad| FirstBadRow { id: bad.id, seq: bad.seq, reason: bad.reason.to_string() });
    let first_bad = course.strayed.or(bad).or_else(|| cut_off(outcome.next_seq, course.ahead));
    Ok(AuditVerdict {
        ok: first_bad.is_none(),
        checked: outcome.checked,
        adopted: outcome.adopted,
        next_seq: outcome.next_seq,
        head: outcome.head.to_string(),
        first_bad,
    })
}

/// Returns the verdict on a log whose rows can't be read because the schema was changed; `None` when it was not.
fn unreadable(show: &mut SnapshotReader<'_>, verifier: &Verifier) -> Option<AuditVerdict> {
    let reason = read_shown(&mut *show, |view| view.log_facts()).ok()?.fault()?;
    let sound = verifier.clone().finish();
    Some(AuditVerdict {
        ok: false,
        checked: sound.checked,
        adopted: sound.adopted,
        next_seq: sound.next_seq,
        head: sound.head.to_string(),
        first_bad: Some(FirstBadRow { id: 0, seq: None, reason: reason.to_string() }),
    })
}

/// Checkpoints that a log must contain.
struct CheckpointCourse {
    /// Those not reached yet, the next one last.
    ahead: Vec<SealedCheckpoint>,
    /// First row that differs from a checkpoint.
    strayed: Option<FirstBadRow>,
}

impl CheckpointCourse {
    fn through(checkpoints: impl Iterator<Item = SealedCheckpoint>) -> Self {
        // A checkpoint before the first row says nothing.
        let mut ahead: Vec<_> = checkpoints.filter(|checkpoint| checkpoint.next_seq > 0).collect();
        ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.next_seq));
        Self { ahead, strayed: None }
    }

    /// Compares the next right row. Right rows come without gaps, so no checkpoint is skipped.
    fn pass(&mut self, row: &StoredRow) {
        let next_seq = row.seq.and_then(|seq| seq.checked_add(1));
        while let Some(here) = self.ahead.pop_if(|checkpoint| Some(checkpoint.next_seq) == next_seq) {
            if row.chain != here.chain && self.strayed.is_none() {
                let reason = "the chain value is not the one of the checkpoint made here".to_owned();
                self.strayed = Some(FirstBadRow { id: row.id, seq: row.seq, reason });
            }
        }
    }
}

/// Returns the first row that is missing when the log ends before a checkpoint.
fn cut_off(next_seq: u64, mut ahead: Vec<SealedCheckpoint>) -> Option<FirstBadRow> {
    let missed = ahead.pop()?;
    let reason =
        format!("rows were cut off at the end: a checkpoint was made after {} rows", missed.next_seq);
    Some(FirstBadRow { id: 0, seq: Some(next_seq), reason })
}

/// Verifies the rows after the last checkpoint, that the log still reaches it, and that the schema is as stated. When
/// all of it is right, it returns the position for the next checkpoint.
///
/// # Errors
/// A storage error.
pub fn verify_tail(store: &dyn Store) -> Result<Result<SealedCheckpoint, BadRow>, StoreError> {
    let (checkpoint, end, facts) =
        store.read(|view| Ok((view.checkpoint()?, view.next_seq()?, view.log_facts()?)))?;
    if let Some(covered) = checkpoint.as_ref().map(|at| at.next_seq).filter(|covered| end < *covered) {
        let reason = BadReason::Sequence { expected: covered.saturating_sub(1) };
        return Ok(Err(BadRow { id: 0, seq: None, reason }));
    }
    let (mut verifier, after) = match (checkpoint, facts.statement) {
        (Some(at), Some(statement)) if at.next_seq > 0 => {
            let after = id_of(statement.first_id, at.next_seq.saturating_sub(1));
            (Verifier::from_checkpoint(at.next_seq, Digest::from_bytes(at.chain), statement), after)
        }
        _ => (Verifier::from_genesis(), i64::MIN),
    };
    let facts = push_after(&mut |f| store.view(f), &mut verifier, after, &mut |_| ())?;
    let outcome = verifier.finish_with(&facts);
    Ok(match outcome.first_bad {
        Some(bad) => Err(bad),
        None => Ok(SealedCheckpoint { next_seq: outcome.next_seq, chain: *outcome.head.as_bytes() }),
    })
}

/// Verifies every row with an id above `after`. Returns what the store knows besides, as of the last row.
fn push_after(
    show: &mut SnapshotReader<'_>,
    verifier: &mut Verifier,
    mut after: i64,
    sound: &mut dyn FnMut(&StoredRow),
) -> Result<LogFacts, StoreError> {
    loop {
        let mut bad = false;
        let mut shown = 0;
        let (last, facts) = read_shown(&mut *show, |view| {
            let last = view.log_rows(after, ROWS_PER_VIEW, &mut |row| {
                shown += 1;
                match (verifier.push_row(&row), &row) {
                    (Ok(()), LogRow::Placed(row)) => sound(row),
                    (Ok(()), LogRow::Unplaced(_)) => {}
                    (Err(_), _) => bad = true,
                }
            })?;
            // A statement that is made meanwhile is in the same snapshot as its schema.
            Ok((last, view.log_facts()?))
        })?;
        match last {
            Some(last) if !bad && shown == ROWS_PER_VIEW => after = last,
            _ => return Ok(facts),
        }
    }
}
