//! SHA-256 digests and the leaf hash of RFC 6962.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// SHA-256 digest. It prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct DigestError;

impl Digest {
    /// Returns the digest of `bytes`.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the digest of the concatenated parts, without copying them.
    ///
    /// The first part should be a tag that is unique for each use (`t4/chain/v1\0`), so that no digest can be
    /// mistaken for one of another use. At most one of the other parts may vary in length, because nothing marks
    /// where a part ends.
    #[must_use]
    pub fn sha256_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Creates it from the bytes of a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Creates it from bytes of a database; `None` unless there are 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Parses the printed form.
    ///
    /// # Errors
    /// [`DigestError`] for anything but 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, DigestError> {
        // One digest has one form, so that it can be compared as a text.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(DigestError);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError)?;
        Ok(Self(bytes))
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 64];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Returns the hash of one leaf of a Merkle tree, SHA-256(0x00 ‖ bytes) (RFC 6962, section 2.1). The zero byte keeps
/// a leaf from being mistaken for an inner node.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    Digest::sha256_parts(&[&[0], bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bytes in any::<[u8; 32]>()) {
            let digest = Digest::from_bytes(bytes);
            prop_assert_eq!(Digest::from_hex(&digest.to_string()), Ok(digest));
            prop_assert_eq!(Digest::from_slice(&bytes), Some(digest));
        }
    }

    #[test]
    fn the_vectors_of_fips_180_hold() {
        assert_eq!(Digest::sha256(b"").to_string(), EMPTY);
        assert_eq!(Digest::sha256(b"abc").to_string(), ABC);
        assert_eq!(Digest::sha256_parts(&[b"a", b"", b"bc"]).to_string(), ABC);
    }

    #[test]
    fn the_empty_leaf_is_that_of_rfc_6962() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), expected);
    }

    #[test]
    fn texts_that_are_no_digest_are_refused() {
        let upper = ABC.to_uppercase();
        let signed = format!("+{}", ABC.trim_start_matches('b'));
        for text in
            ["", "ba78", ABC.trim_start_matches('b'), &upper, &signed, &format!("{ABC}0"), &"é".repeat(32)]
        {
            assert_eq!(Digest::from_hex(text), Err(DigestError), "{text}");
        }
        assert_eq!(Digest::from_slice(&[0; 31]), None);
    }
}
