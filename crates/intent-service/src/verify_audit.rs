//! `GET /admin/audit/verify` and `t4 audit verify`: is the log whole?

use std::sync::atomic::Ordering;

use api_types::{AuditVerdict, FirstBadRow};
use audit::{Adopted, AdoptedDigest, BadRow, Verifier};
use canonical::Digest;
use storage::{SealedCheckpoint, Store, StoreError};

use crate::context::AdminCaller;
use crate::error::ServiceError;
use crate::services::Services;

/// Rows per snapshot.
const ROWS_PER_VIEW: u32 = 5000;

/// Verifies every row, adopted ones included.
///
/// # Errors
/// 503 for the store.
pub fn verify_audit(services: &Services, _caller: AdminCaller) -> Result<AuditVerdict, ServiceError> {
    let verdict = verify_all(services.store.as_ref())?;
    services.counters.audit_broken.store(!verdict.ok, Ordering::Relaxed);
    services.counters.audit_verified.fetch_add(verdict.checked, Ordering::Relaxed);
    Ok(verdict)
}

fn verify_all(store: &dyn Store) -> Result<AuditVerdict, StoreError> {
    let mut verifier = Verifier::from_genesis();
    let genesis = push_from(store, &mut verifier, 0)?;
    let outcome = verifier.finish();
    let (adopted, stray) = adopted(store, genesis.as_ref())?;
    let sealed =
        outcome.first_bad.map(|bad| FirstBadRow { id: bad.id, seq: bad.seq, reason: bad.reason.to_string() });
    let first_bad = stray.or(sealed);
    Ok(AuditVerdict {
        ok: first_bad.is_none() && outcome.ok,
        checked: outcome.checked,
        adopted,
        next_seq: outcome.next_seq,
        head: outcome.head.to_string(),
        first_bad,
    })
}

/// Verifies the rows after the last checkpoint. The point that the next checkpoint may hold comes back when all
/// of them are sound.
///
/// # Errors
/// Trouble of the store.
pub fn verify_tail(store: &dyn Store) -> Result<Result<SealedCheckpoint, BadRow>, StoreError> {
    let checkpoint = store.read(|view| view.checkpoint())?;
    let (mut verifier, from) = match checkpoint {
        Some(at) => (Verifier::from_checkpoint(at.next_seq, Digest::from_bytes(at.chain)), at.next_seq),
        None => (Verifier::from_genesis(), 0),
    };
    push_from(store, &mut verifier, from)?;
    let outcome = verifier.finish();
    Ok(match outcome.first_bad {
        Some(bad) => Err(bad),
        None => Ok(SealedCheckpoint { next_seq: outcome.next_seq, chain: *outcome.head.as_bytes() }),
    })
}

/// Pushes every sealed row from `from`; returns the detail of the genesis row when it was among them.
fn push_from(
    store: &dyn Store,
    verifier: &mut Verifier,
    mut from: u64,
) -> Result<Option<Adopted>, StoreError> {
    let mut genesis = None;
    loop {
        let mut bad = false;
        let mut next = from;
        let shown = store.read(|view| {
            view.sealed_rows(from, ROWS_PER_VIEW, &mut |row| {
                next = row.seq.map_or(next, |seq| seq.saturating_add(1));
                if row.seq == Some(0) {
                    genesis = Adopted::claimed_by(&row.record);
                }
                bad = bad || verifier.push(&row).is_err();
            })
        })?;
        if bad || shown < ROWS_PER_VIEW {
            return Ok(genesis);
        }
        from = next;
    }
}

/// Checks the rows of the original service against the count and digest that the genesis row states.
fn adopted(store: &dyn Store, claim: Option<&Adopted>) -> Result<(u64, Option<FirstBadRow>), StoreError> {
    let mut digest = AdoptedDigest::new();
    let mut after = i64::MIN;
    let mut last = 0;
    while let Some(id) =
        store.read(|view| view.adopted_rows(after, ROWS_PER_VIEW, &mut |row| digest.push(row)))?
    {
        after = id;
        last = id;
    }
    let found = digest.finish_as_claim();
    let fits = claim.is_none_or(|claim| *claim == found);
    let reason = "rows without a place in the log differ from what the genesis row states".to_owned();
    Ok((found.count, (!fits).then_some(FirstBadRow { id: last, seq: None, reason })))
}
