//! Checks of quotas. What is stored is checked in the transaction that would store it, so that only one of two
//! requests gets the last place. The audit bytes of the day are checked before a request begins.

use api_keys::QuotaLimits;
use api_types::Code;
use registry_core::{Intent, KeyId, Timestamp};
use serde_json::json;
use storage::{DayUsage, StoreError, Tx, day_of, seconds_to_next_day, stored_intent_bytes};

use crate::error::ServiceError;

/// Key id of a key and its quotas, for the checks inside a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotas<'k> {
    pub key_id: &'k KeyId,
    pub limits: QuotaLimits,
}

fn exceeded(code: Code, what: &str, quota: &str, limit: u64, used: u64) -> ServiceError {
    let details = json!({ "quota": quota, "limit": limit, "used": used });
    let what = format!("the key's quota of {limit} {what} (`{quota}`) is used up, {used} are used");
    ServiceError::new(code, what).with_details(details)
}

/// Refuses what would not fit in addition to what is used. A request that needs nothing always fits, also above a
/// quota that was lowered.
fn fits(what: &str, quota: &str, limit: u64, used: u64, needed: u64) -> Result<(), ServiceError> {
    if needed > 0 && used.saturating_add(needed) > limit {
        return Err(exceeded(Code::QuotaExceeded, what, quota, limit, used));
    }
    Ok(())
}

impl<'k> Quotas<'k> {
    /// Checks that the key may create these intents.
    pub(crate) fn may_create<'a>(
        &self,
        tx: &mut dyn Tx,
        intents: impl Iterator<Item = &'a Intent>,
    ) -> Result<Result<(), ServiceError>, StoreError> {
        let (mut rows, mut bytes) = (0_u64, 0_u64);
        for intent in intents {
            rows += 1;
            bytes = bytes.saturating_add(stored_intent_bytes(intent));
        }
        if rows == 0 {
            return Ok(Ok(()));
        }
        let used = tx.key_usage(self.key_id)?;
        let limits = &self.limits;
        Ok(fits("intents", "intents", limits.intents, used.intents, rows)
            .and_then(|()| stored(limits, used.stored_bytes(), bytes)))
    }

    /// Checks that the key may store one more idempotency key. The size of the stored answer is not known yet: it is
    /// counted, and the first one that does not fit is the last.
    pub(crate) fn may_remember(&self, tx: &mut dyn Tx) -> Result<Result<(), ServiceError>, StoreError> {
        let used = tx.key_usage(self.key_id)?;
        let limits = &self.limits;
        let what = "remembered idempotency keys";
        Ok(fits(what, "idempotency_rows", limits.idempotency_rows, used.idempotency_rows, 1)
            .and_then(|()| stored(limits, used.stored_bytes(), 1)))
    }

    /// Checks that an intent may become `next`. It counts for the key that created it, whichever key changes it;
    /// `defaults` are the server's. An intent that counts for no key, because the original service wrote it, counts
    /// for the first key that makes it larger; the result names that key. Otherwise such intents could grow without a
    /// limit.
    pub(crate) fn may_grow(
        &self,
        tx: &mut dyn Tx,
        now: &Intent,
        next: &Intent,
        defaults: QuotaLimits,
    ) -> Result<Result<Option<&'k KeyId>, ServiceError>, StoreError> {
        let grown = stored_intent_bytes(next).saturating_sub(stored_intent_bytes(now));
        if grown == 0 {
            return Ok(Ok(None));
        }
        let Some(creator) = tx.creator(&now.id)? else {
            let fits = self.may_create(tx, std::iter::once(next))?;
            return Ok(fits.map(|()| Some(self.key_id)));
        };
        let limits = if creator == *self.key_id {
            self.limits
        } else {
            tx.key(&creator)?.map_or(defaults, |key| key.quotas.over(defaults))
        };
        let used = tx.key_usage(&creator)?;
        Ok(stored(&limits, used.stored_bytes(), grown).map(|()| None))
    }
}

fn stored(limits: &QuotaLimits, used: u64, needed: u64) -> Result<(), ServiceError> {
    fits("stored bytes", "stored_bytes", limits.stored_bytes, used, needed)
}

/// Checks that a key may leave more audit rows today.
pub(crate) fn may_log(limits: &QuotaLimits, used: DayUsage, now: Timestamp) -> Result<(), ServiceError> {
    let (limit, used) = (limits.audit_bytes_per_day, used.on(day_of(now)));
    if used < limit {
        return Ok(());
    }
    let what = "bytes of audit rows a day";
    let error = exceeded(Code::DailyQuotaExceeded, what, "audit_bytes_per_day", limit, used);
    Err(error.with_retry_after(seconds_to_next_day(now)))
}
