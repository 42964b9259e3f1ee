//! `GET /admin/audit/verify` and `t4 audit verify`: is the log whole?

use std::sync::atomic::Ordering;

use api_types::{AuditVerdict, FirstBadRow};
use audit::{Adopted, AdoptedDigest, BadReason, BadRow, StoredRow, Verifier};
use canonical::Digest;
use storage::{SealedCheckpoint, Store, StoreError, View};

use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Rows per snapshot.
const ROWS_PER_VIEW: u32 = 5000;

/// Shows a store, one snapshot per call: `Store::view`, or the like of a file that is only read.
pub type SnapshotReader<'a> =
    dyn FnMut(&mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> + 'a;

/// Verifies every row, adopted ones included.
///
/// # Errors
/// 503 for the store.
pub fn verify_audit(services: &Services, _caller: AdminCaller) -> Result<AuditVerdict, ServiceError> {
    let verdict = verify_log(&mut |f| services.store.view(f), &[], &mut |_| ())?;
    services.counters.audit_broken.store(!verdict.ok, Ordering::Relaxed);
    Ok(verdict)
}

/// Verifies every row of a log, adopted ones included, and that the log still runs through these checkpoints and
/// through the one that the store keeps: rows cut off at the end leave no other trace. Every row that is sound is
/// shown to `sound`.
///
/// # Errors
/// Trouble of the store.
pub fn verify_log(
    show: &mut SnapshotReader<'_>,
    checkpoints: &[SealedCheckpoint],
    sound: &mut dyn FnMut(&StoredRow),
) -> Result<AuditVerdict, StoreError> {
    let kept = read(show, |view| view.checkpoint())?;
    let mut course = CheckpointCourse::through(checkpoints.iter().cloned().chain(kept));
    let mut verifier = Verifier::from_genesis();
    let genesis = push_from(show, &mut verifier, 0, &mut |row| {
        course.pass(row);
        sound(row);
    })?;
    let outcome = verifier.finish();
    let (adopted, stray) = adopted(show, genesis.as_ref())?;
    let sealed =
        outcome.first_bad.map(|bad| FirstBadRow { id: bad.id, seq: bad.seq, reason: bad.reason.to_string() });
    let first_bad = stray.or(course.strayed).or(sealed).or_else(|| cut_off(outcome.next_seq, course.ahead));
    Ok(AuditVerdict {
        ok: first_bad.is_none(),
        checked: outcome.checked,
        adopted,
        next_seq: outcome.next_seq,
        head: outcome.head.to_string(),
        first_bad,
    })
}

/// The checkpoints that a log must run through.
struct CheckpointCourse {
    /// Those not reached yet, the next one last.
    ahead: Vec<SealedCheckpoint>,
    /// The first row that is not what a checkpoint says.
    strayed: Option<FirstBadRow>,
}

impl CheckpointCourse {
    fn through(checkpoints: impl Iterator<Item = SealedCheckpoint>) -> Self {
        // A checkpoint before the first row says nothing.
        let mut ahead: Vec<_> = checkpoints.filter(|checkpoint| checkpoint.next_seq > 0).collect();
        ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.next_seq));
        Self { ahead, strayed: None }
    }

    /// Takes the next sound row. Sound rows come without gaps, so no checkpoint is jumped over.
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

/// The first row that is missing when the log ends before a checkpoint.
fn cut_off(next_seq: u64, mut ahead: Vec<SealedCheckpoint>) -> Option<FirstBadRow> {
    let missed = ahead.pop()?;
    let reason =
        format!("rows were cut off at the end: a checkpoint was made after {} rows", missed.next_seq);
    Some(FirstBadRow { id: 0, seq: Some(next_seq), reason })
}

fn read<T>(
    show: &mut SnapshotReader<'_>,
    mut f: impl FnMut(&dyn View) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut out = None;
    show(&mut |view| {
        out = Some(f(view)?);
        Ok(())
    })?;
    out.ok_or_else(|| StoreError::Unavailable("the view was not shown".to_owned()))
}

/// Verifies the rows after the last checkpoint, and that the log still reaches it. The point that the next
/// checkpoint may hold comes back when all of them are sound.
///
/// # Errors
/// Trouble of the store.
pub fn verify_tail(store: &dyn Store) -> Result<Result<SealedCheckpoint, BadRow>, StoreError> {
    let (checkpoint, end) = store.read(|view| Ok((view.checkpoint()?, view.next_seq()?)))?;
    if let Some(covered) = checkpoint.as_ref().map(|at| at.next_seq).filter(|covered| end < *covered) {
        let reason = BadReason::Sequence { expected: covered.saturating_sub(1) };
        return Ok(Err(BadRow { id: 0, seq: None, reason }));
    }
    let (mut verifier, from) = match checkpoint {
        Some(at) => (Verifier::from_checkpoint(at.next_seq, Digest::from_bytes(at.chain)), at.next_seq),
        None => (Verifier::from_genesis(), 0),
    };
    push_from(&mut |f| store.view(f), &mut verifier, from, &mut |_| ())?;
    let outcome = verifier.finish();
    Ok(match outcome.first_bad {
        Some(bad) => Err(bad),
        None => Ok(SealedCheckpoint { next_seq: outcome.next_seq, chain: *outcome.head.as_bytes() }),
    })
}

/// Pushes every sealed row from `from`; returns the detail of the genesis row when it was among them.
fn push_from(
    show: &mut SnapshotReader<'_>,
    verifier: &mut Verifier,
    mut from: u64,
    sound: &mut dyn FnMut(&StoredRow),
) -> Result<Option<Adopted>, StoreError> {
    let mut genesis = None;
    loop {
        let mut bad = false;
        let mut next = from;
        let shown = read(show, |view| {
            view.sealed_rows(from, ROWS_PER_VIEW, &mut |row| {
                next = row.seq.map_or(next, |seq| seq.saturating_add(1));
                if row.seq == Some(0) {
                    genesis = Adopted::claimed_by(&row.record);
                }
                match verifier.push(&row) {
                    Ok(()) => sound(&row),
                    Err(_) => bad = true,
                }
            })
        })?;
        if bad || shown < ROWS_PER_VIEW {
            return Ok(genesis);
        }
        from = next;
    }
}

/// Checks the rows of the original service against the count and digest that the genesis row states.
fn adopted(
    show: &mut SnapshotReader<'_>,
    claim: Option<&Adopted>,
) -> Result<(u64, Option<FirstBadRow>), StoreError> {
    let mut digest = AdoptedDigest::new();
    let mut after = i64::MIN;
    let mut last = 0;
    while let Some(id) =
        read(show, |view| view.adopted_rows(after, ROWS_PER_VIEW, &mut |row| digest.push(row)))?
    {
        after = id;
        last = id;
    }
    let found = digest.finish_as_claim();
    let fits = claim.is_none_or(|claim| *claim == found);
    let reason = "rows without a place in the log differ from what the genesis row states".to_owned();
    Ok((found.count, (!fits).then_some(FirstBadRow { id: last, seq: None, reason })))
}
