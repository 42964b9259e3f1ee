//! Quotas of a key: how much it may store in the database, and how much of the audit log it may fill in a day.
//!
//! A key's record holds only what differs from the server's defaults. Quotas bound space, while limits bound speed:
//! without a quota, a key within its limit could fill the disk.

/// Quotas that a key's record sets; `None` for the server's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyQuotas {
    /// Number of existing intents that the key created.
    pub max_intents: Option<u64>,
    /// Bytes of these intents, and of the answers stored for its idempotency keys.
    pub max_stored_bytes: Option<u64>,
    /// Number of stored idempotency keys.
    pub max_idempotency_rows: Option<u64>,
    /// Bytes of audit rows that name the key, in one day of UTC.
    pub max_audit_bytes_per_day: Option<u64>,
}

/// Quotas that apply to a key: those of its record, and the server's defaults for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimits {
    /// See [`KeyQuotas::max_intents`].
    pub intents: u64,
    /// See [`KeyQuotas::max_stored_bytes`].
    pub stored_bytes: u64,
    /// See [`KeyQuotas::max_idempotency_rows`].
    pub idempotency_rows: u64,
    /// See [`KeyQuotas::max_audit_bytes_per_day`].
    pub audit_bytes_per_day: u64,
}

/// Highest value of a quota: numbers up to it are exact in JSON.
pub const MAX_QUOTA: u64 = (1 << 53) - 1;

impl Default for QuotaLimits {
    /// Generous: a key that uses its 120 requests a minute all day, each with an idempotency key, stays below.
    fn default() -> Self {
        Self {
            intents: 1_000_000,
            stored_bytes: 1 << 30,
            idempotency_rows: 200_000,
            audit_bytes_per_day: 1 << 30,
        }
    }
}

impl KeyQuotas {
    /// Returns the quotas of a key on a server with these defaults.
    #[must_use]
    pub fn over(&self, defaults: QuotaLimits) -> QuotaLimits {
        QuotaLimits {
            intents: self.max_intents.unwrap_or(defaults.intents),
            stored_bytes: self.max_stored_bytes.unwrap_or(defaults.stored_bytes),
            idempotency_rows: self.max_idempotency_rows.unwrap_or(defaults.idempotency_rows),
            audit_bytes_per_day: self.max_audit_bytes_per_day.unwrap_or(defaults.audit_bytes_per_day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_does_not_set_is_the_servers_default() {
        let defaults = QuotaLimits::default();
        assert_eq!(KeyQuotas::default().over(defaults), defaults);
        let own =
            KeyQuotas { max_intents: Some(0), max_audit_bytes_per_day: Some(7), ..KeyQuotas::default() };
        assert_eq!(own.over(defaults), QuotaLimits { intents: 0, audit_bytes_per_day: 7, ..defaults });
    }
}
