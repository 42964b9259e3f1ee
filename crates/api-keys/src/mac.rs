//! Stored form of a key: its MAC.

use std::fmt;

use subtle::ConstantTimeEq;

/// MAC of a key: HMAC-SHA-256 under the pepper, which the database stores in place of the secret.
///
/// A comparison takes the same time wherever two MACs differ, also with `==`.
#[derive(Clone, Copy)]
pub struct KeyMac([u8; 32]);

impl KeyMac {
    /// Creates it from 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Parses 64 hexadecimal digits of either case; `None` for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).is_ok().then_some(Self(bytes))
    }

    /// Compares two MACs in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl PartialEq for KeyMac {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for KeyMac {}

impl fmt::Debug for KeyMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMac(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_64_hexadecimal_digits_are_a_mac() {
        for text in ["", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert!(KeyMac::from_hex(text).is_none(), "{text}");
        }
        assert_eq!(KeyMac::from_hex(&"AB".repeat(32)), Some(KeyMac::from_bytes([0xab; 32])));
    }

    #[test]
    fn printing_it_for_a_log_shows_nothing() {
        assert_eq!(format!("{:?}", KeyMac::from_bytes([7; 32])), "KeyMac(..)");
    }

    proptest! {
        #[test]
        fn hexadecimal_digits_read_back(bytes: [u8; 32]) {
            let mac = KeyMac::from_bytes(bytes);
            prop_assert_eq!(KeyMac::from_hex(&mac.to_hex()), Some(mac));
        }

        #[test]
        fn one_flipped_bit_does_not_match(bytes: [u8; 32], bit in 0_usize..256) {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!KeyMac::from_bytes(bytes).matches(&KeyMac::from_bytes(other)));
        }
    }
}
