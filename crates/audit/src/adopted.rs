//! Digest over the rows that were adopted from the original service, which have no leaf.

use canonical::{Digest, ObjectWriter, leaf_hash};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Record, event};

/// Adopted row, with its columns as the database has them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields are the original service's columns, and are named for them")]
pub struct AdoptedRow<'a> {
    pub id: i64,
    pub timestamp: Option<&'a str>,
    pub api_key: Option<&'a str>,
    pub agent_id: Option<&'a str>,
    pub path: Option<&'a str>,
    pub method: Option<&'a str>,
    pub status_code: Option<i64>,
    pub ip: Option<&'a str>,
    pub body: Option<&'a str>,
}

/// Count and digest of adopted rows: of what the genesis record states, or of what the table holds. Both must be
/// equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// Number of rows.
    pub count: u64,
    /// Digest over them; `None` when nothing was adopted.
    pub sha256: Option<Digest>,
}

impl Adopted {
    /// Returns what a genesis record states; `None` for any other record, and for a detail that can't be read.
    #[must_use]
    pub fn claimed_by(record: &Record) -> Option<Self> {
        if record.event != event::GENESIS {
            return None;
        }
        let detail: Value = serde_json::from_str(record.detail.as_deref()?).ok()?;
        let count = detail.get("adopted")?.as_u64()?;
        let sha256 = match detail.get("adopted_sha256")? {
            Value::Null => None,
            text => Some(Digest::from_hex(text.as_str()?).ok()?),
        };
        Some(Self { count, sha256 })
    }
}

/// Digest over the adopted rows, which are added by ascending id.
///
/// It is SHA-256(`"t4/adopted/v1\0"` ‖ the leaf hash of each row's canonical JSON). The rows are those *after*
/// adoption, whose `api_key` is the key id.
#[derive(Debug, Clone)]
pub struct AdoptedDigest {
    hasher: Sha256,
    count: u64,
}

impl Default for AdoptedDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl AdoptedDigest {
    /// Creates a digest without rows.
    #[must_use]
    pub fn new() -> Self {
        Self { hasher: Sha256::new_with_prefix(b"t4/adopted/v1\0"), count: 0 }
    }

    /// Adds the next row.
    pub fn push(&mut self, row: &AdoptedRow<'_>) {
        let mut object = ObjectWriter::with_capacity(512);
        object.field_opt_str("agent_id", row.agent_id);
        object.field_opt_str("api_key", row.api_key);
        object.field_opt_str("body", row.body);
        object.field_i64("id", row.id);
        object.field_opt_str("ip", row.ip);
        object.field_opt_str("method", row.method);
        object.field_opt_str("path", row.path);
        object.field_opt_i64("status_code", row.status_code);
        object.field_opt_str("timestamp", row.timestamp);
        self.hasher.update(leaf_hash(&object.finish()).as_bytes());
        self.count += 1;
    }

    /// Returns the number of rows so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the number of rows and the digest over them, also when there are none.
    #[must_use]
    pub fn finish(self) -> (u64, Digest) {
        (self.count, Digest::from_bytes(self.hasher.finalize().into()))
    }

    /// Like [`Self::finish`], in the form of [`Adopted::claimed_by`].
    #[must_use]
    pub fn finish_as_claim(self) -> Adopted {
        let (count, digest) = self.finish();
        Adopted { count, sha256: (count > 0).then_some(digest) }
    }
}

/// Value of a column, with its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StoredCell<'a> {
    /// NULL.
    Null,
    /// Integer.
    Integer(i64),
    /// Floating-point number.
    Real(f64),
    /// Text, which need not be valid UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Row without a place in the log.
#[derive(Debug, Clone, Copy)]
pub struct UnplacedRow<'a> {
    /// Columns of the original service, as [`AdoptedDigest`] takes them.
    pub row: AdoptedRow<'a>,
    /// All columns, as [`ExactDigest`] takes them.
    pub cells: &'a [StoredCell<'a>],
}

/// Digest over all columns of the adopted rows, which are added by ascending id.
///
/// [`AdoptedDigest`] covers neither types nor the columns that this program added. This digest covers both. It is
/// SHA-256 of `"t4/adopted/v2\0"` and, for each row, the number of its columns and for each column a letter for the
/// type, the length and the bytes. Numbers are 8 bytes, big-endian.
#[derive(Debug, Clone)]
pub struct ExactDigest(Sha256);

impl Default for ExactDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl ExactDigest {
    /// Creates a digest without rows.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha256::new_with_prefix(b"t4/adopted/v2\0"))
    }

    /// Adds the next row.
    pub fn push(&mut self, cells: &[StoredCell<'_>]) {
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
        self.0.update(length(cells.len()));
        for cell in cells {
            let number;
            let (kind, bytes): (u8, &[u8]) = match cell {
                StoredCell::Null => (b'n', &[]),
                StoredCell::Integer(value) => {
                    number = value.to_be_bytes();
                    (b'i', &number)
                }
                StoredCell::Real(value) => {
                    number = value.to_bits().to_be_bytes();
                    (b'r', &number)
                }
                StoredCell::Text(bytes) => (b't', bytes),
                StoredCell::Blob(bytes) => (b'b', bytes),
            };
            self.0.update([kind]);
            self.0.update(length(bytes.len()));
            self.0.update(bytes);
        }
    }

    /// Returns the digest over the rows.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis_record;
    use registry_core::Timestamp;

    fn digest(rows: &[AdoptedRow<'_>]) -> Digest {
        let mut all = AdoptedDigest::new();
        for row in rows {
            all.push(row);
        }
        all.finish().1
    }

    #[test]
    fn any_change_to_an_adopted_row_changes_the_digest() {
        let row =
            AdoptedRow { id: 1, path: Some("/intents"), status_code: Some(200), ..AdoptedRow::default() };
        let rows = [
            row,
            AdoptedRow { id: 2, ..row },
            AdoptedRow { timestamp: Some(""), ..row },
            AdoptedRow { api_key: Some(""), ..row },
            AdoptedRow { agent_id: Some(""), ..row },
            AdoptedRow { path: None, ..row },
            AdoptedRow { method: Some(""), ..row },
            AdoptedRow { status_code: Some(-200), ..row },
            AdoptedRow { ip: Some(""), ..row },
            AdoptedRow { body: Some(""), ..row },
        ];
        let digests: std::collections::HashSet<_> = rows.iter().map(|row| digest(&[*row])).collect();
        assert_eq!(digests.len(), rows.len());
        assert_ne!(digest(&rows[..2]), digest(&[rows[1], rows[0]]));
        assert_ne!(digest(&rows[..1]), digest(&rows[..2]));
    }

    #[test]
    fn the_exact_digest_tells_types_and_the_ends_of_columns_and_rows_apart() {
        let digest = |rows: &[&[StoredCell<'_>]]| {
            let mut all = ExactDigest::new();
            for row in rows {
                all.push(row);
            }
            all.finish()
        };
        let rows: [&[&[StoredCell<'_>]]; 11] = [
            &[],
            &[&[]],
            &[&[StoredCell::Null]],
            &[&[StoredCell::Integer(0)]],
            &[&[StoredCell::Real(0.0)]],
            &[&[StoredCell::Text(b"")]],
            &[&[StoredCell::Blob(b"")]],
            &[&[StoredCell::Text(b"a"), StoredCell::Text(b"")]],
            &[&[StoredCell::Text(b""), StoredCell::Text(b"a")]],
            &[&[StoredCell::Text(b"a")], &[StoredCell::Text(b"")]],
            &[&[StoredCell::Blob(&[0; 8])]],
        ];
        let digests: std::collections::HashSet<_> = rows.iter().map(|rows| digest(rows)).collect();
        assert_eq!(digests.len(), rows.len());
    }

    #[test]
    fn genesis_vouches_for_exactly_what_was_adopted() {
        let mut all = AdoptedDigest::new();
        all.push(&AdoptedRow { id: 9, ..AdoptedRow::default() });
        let genesis = genesis_record(Timestamp::EPOCH, "log", &all.clone().finish_as_claim(), None);
        assert_eq!(Adopted::claimed_by(&genesis), Some(all.finish_as_claim()));
        let nothing = AdoptedDigest::new().finish_as_claim();
        let empty = genesis_record(Timestamp::EPOCH, "log", &nothing, None);
        assert_eq!(Adopted::claimed_by(&empty), Some(AdoptedDigest::new().finish_as_claim()));
    }
}
