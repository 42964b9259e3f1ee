//! Stored key, and whether it is valid.

use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::mac::KeyMac;
use crate::mint::NewKey;
use crate::quotas::KeyQuotas;
use crate::scope_set::ScopeSet;

/// Stored key. It has no secret: the MAC can't be inverted, and the nonce is useless without the pepper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Key id.
    pub key_id: KeyId,
    /// Agent of the key.
    pub agent_id: AgentId,
    /// Team or person that answers for it.
    pub owner: Option<Owner>,
    /// Scopes.
    pub scopes: ScopeSet,
    /// Roles of the agent, for policies.
    pub roles: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time from which on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// MAC of its secret.
    pub mac: KeyMac,
    /// MAC of the secret before the last rotation, and the time from which on that one is refused.
    pub previous_mac: Option<(KeyMac, Timestamp)>,
    /// Nonce that its secret was derived with; `None` for a key that was not minted here.
    pub nonce: Option<[u8; 16]>,
    /// Daily budget for model calls, in pico-dollars.
    pub daily_limit_pico_usd: i64,
    /// Amount spent on the day in `used_on`, in pico-dollars.
    pub daily_used_pico_usd: i64,
    /// Day of `daily_used_pico_usd`, `YYYY-MM-DD` in the key's time zone.
    pub used_on: Option<String>,
    /// IANA time zone of its days; `None` for UTC.
    pub time_zone: Option<String>,
    /// Limit of requests per minute; `None` for the server's default.
    pub rate_per_minute: Option<u32>,
    /// Quotas that differ from the server's defaults.
    pub quotas: KeyQuotas,
    /// Number of its version.
    pub version: u64,
    /// Time of the last change.
    pub modified_at: Timestamp,
}

/// Reason why a presented key is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The secret is not, or no longer, the one of this record.
    #[error("the key is not known")]
    Unknown,
    /// The key was revoked.
    #[error("the key is revoked")]
    Revoked,
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
}

impl KeyRecord {
    /// Checks that the presented key is this one, and valid at `now`.
    ///
    /// # Errors
    /// [`KeyRefusal::Unknown`] before any other: a caller without the secret learns nothing about the key. Then
    /// [`KeyRefusal::Revoked`], also when the key has expired; [`KeyRefusal::Expired`] from `expires_at` on.
    pub fn check(&self, presented: &KeyMac, now: Timestamp) -> Result<(), KeyRefusal> {
        let current = self.mac.matches(presented);
        let previous = self.previous_mac.as_ref().is_some_and(|(mac, until)| {
            // Compared also when the key has expired, so that the time of the answer reveals nothing.
            let fits = mac.matches(presented);
            fits && now < *until
        });
        if !(current | previous) {
            return Err(KeyRefusal::Unknown);
        }
        if self.revoked {
            return Err(KeyRefusal::Revoked);
        }
        if self.expires_at.is_some_and(|end| now >= end) {
            return Err(KeyRefusal::Expired);
        }
        Ok(())
    }

    /// Returns this key with a new secret, minted for the same key id with `nonce`. The previous secret stays valid
    /// for `overlap_seconds`; one from an earlier rotation ends at once.
    #[must_use]
    pub fn rotated(&self, new: &NewKey, nonce: [u8; 16], overlap_seconds: u32, now: Timestamp) -> Self {
        let until = now.plus_seconds(i64::from(overlap_seconds));
        Self {
            mac: *new.mac(),
            previous_mac: (overlap_seconds > 0).then_some((self.mac, until)),
            nonce: Some(nonce),
            ..self.clone()
        }
        .changed(now)
    }

    /// Returns this key revoked. A second revocation changes nothing.
    #[must_use]
    pub fn revoked(self, now: Timestamp) -> Self {
        if self.revoked { self } else { Self { revoked: true, ..self }.changed(now) }
    }

    /// Moves `modified_at` and the version, as every change of a record must.
    fn changed(self, now: Timestamp) -> Self {
        Self { modified_at: now, version: self.version.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pepper, PresentedKey, derive_secret};

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn pepper() -> Pepper {
        Pepper::from_text("a pepper for tests of 32 chars!!").unwrap()
    }

    fn key(nonce: u8) -> NewKey {
        let id = KeyId::from_stored("t4_0123456789ab".to_owned());
        derive_secret(&pepper(), &id, &[nonce; 16]).unwrap()
    }

    fn presented(nonce: u8) -> KeyMac {
        PresentedKey::parse(key(nonce).expose()).unwrap().mac(&pepper())
    }

    fn record() -> KeyRecord {
        KeyRecord {
            key_id: key(1).key_id().clone(),
            agent_id: AgentId::new("agent").unwrap(),
            owner: None,
            scopes: ScopeSet::default_grant(),
            roles: Vec::new(),
            created_at: START,
            expires_at: Some(START.plus_days(1)),
            revoked: false,
            mac: *key(1).mac(),
            previous_mac: None,
            nonce: Some([1; 16]),
            daily_limit_pico_usd: 0,
            daily_used_pico_usd: 0,
            used_on: None,
            time_zone: None,
            rate_per_minute: None,
            quotas: KeyQuotas::default(),
            version: 1,
            modified_at: START,
        }
    }

    #[test]
    fn the_right_secret_is_good_until_it_expires() {
        let record = record();
        let end = START.plus_days(1);
        assert_eq!(record.check(&presented(1), START), Ok(()));
        assert_eq!(record.check(&presented(1), end.plus_micros(-1)), Ok(()));
        assert_eq!(record.check(&presented(1), end), Err(KeyRefusal::Expired));
        let endless = KeyRecord { expires_at: None, ..record };
        assert_eq!(endless.check(&presented(1), Timestamp::MAX), Ok(()));
    }

    #[test]
    fn another_secret_is_unknown_whatever_the_record_says() {
        let revoked = record().revoked(START);
        for record in [record(), revoked] {
            assert_eq!(record.check(&presented(2), START), Err(KeyRefusal::Unknown));
            assert_eq!(record.check(&presented(2), START.plus_days(9)), Err(KeyRefusal::Unknown));
        }
    }

    #[test]
    fn a_revoked_key_is_refused_also_after_its_end() {
        let record = record().revoked(START.plus_seconds(5));
        assert_eq!(record.check(&presented(1), START), Err(KeyRefusal::Revoked));
        assert_eq!(record.check(&presented(1), START.plus_days(9)), Err(KeyRefusal::Revoked));
        assert_eq!((record.version, record.modified_at), (2, START.plus_seconds(5)));
    }

    #[test]
    fn revoking_twice_changes_nothing_more() {
        let once = record().revoked(START.plus_seconds(5));
        assert_eq!(once.clone().revoked(START.plus_seconds(9)), once);
    }

    #[test]
    fn the_old_secret_lives_until_the_overlap_ends() {
        let now = START.plus_seconds(100);
        let rotated = record().rotated(&key(2), [2; 16], 60, now);
        let end = now.plus_seconds(60);
        for at in [now, end.plus_micros(-1)] {
            assert_eq!(rotated.check(&presented(1), at), Ok(()));
        }
        assert_eq!(rotated.check(&presented(1), end), Err(KeyRefusal::Unknown));
        assert_eq!(rotated.check(&presented(2), end), Ok(()));
        assert_eq!(rotated.check(&presented(3), now), Err(KeyRefusal::Unknown));
        assert_eq!((rotated.version, rotated.modified_at, rotated.nonce), (2, now, Some([2; 16])));
        assert_eq!(rotated.key_id, record().key_id);
    }

    #[test]
    fn without_overlap_the_old_secret_ends_at_once() {
        let rotated = record().rotated(&key(2), [2; 16], 0, START);
        assert_eq!(rotated.check(&presented(1), START), Err(KeyRefusal::Unknown));
        assert_eq!(rotated.check(&presented(2), START), Ok(()));
    }

    #[test]
    fn a_second_rotation_ends_the_secret_before_the_last() {
        let rotated = record().rotated(&key(2), [2; 16], 60, START).rotated(&key(3), [3; 16], 60, START);
        assert_eq!(rotated.check(&presented(1), START), Err(KeyRefusal::Unknown));
        assert_eq!(rotated.check(&presented(2), START), Ok(()));
        assert_eq!(rotated.check(&presented(3), START), Ok(()));
    }

    #[test]
    fn neither_rotation_nor_overlap_outlives_a_revocation_or_the_end() {
        let rotated = record().rotated(&key(2), [2; 16], 1_000_000, START);
        for secret in [1, 2] {
            assert_eq!(rotated.check(&presented(secret), START.plus_days(1)), Err(KeyRefusal::Expired));
            let revoked = rotated.clone().revoked(START);
            assert_eq!(revoked.check(&presented(secret), START), Err(KeyRefusal::Revoked));
        }
    }
}
