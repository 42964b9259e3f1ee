//! Base 62, big-endian and zero-padded, over `0-9A-Za-z`.

use zeroize::Zeroizing;

/// Digits in the order of their ASCII codes, so that texts of one length sort like their values.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Number of digits of 256 bits.
pub(crate) const DIGITS_256: usize = 43;

/// Number of digits of 32 bits.
pub(crate) const DIGITS_32: usize = 6;

/// 2^256 − 1. A text of 43 digits above it is not a 256-bit value.
const MAX_256: &[u8; DIGITS_256] = b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

/// 62^5: five digits at a time fit the division of one 32-bit limb.
const FIVE_DIGITS: u64 = 62 * 62 * 62 * 62 * 62;

/// Returns the digit for a value below 62.
pub(crate) fn digit(value: u64) -> u8 {
    usize::try_from(value).ok().and_then(|place| ALPHABET.get(place)).copied().unwrap_or(b'0')
}

/// Whether a text consists of digits.
pub(crate) fn is_base62(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether 43 digits are a value of at most 256 bits.
pub(crate) fn fits_256(digits: &[u8]) -> bool {
    digits.len() == DIGITS_256 && is_base62(digits) && digits <= MAX_256.as_slice()
}

/// Writes 256 bits as 43 digits.
pub(crate) fn encode_256(bytes: &[u8; 32]) -> Zeroizing<[u8; DIGITS_256]> {
    let mut limbs = [0_u32; 8];
    let (words, _) = bytes.as_chunks::<4>();
    for (limb, word) in limbs.iter_mut().zip(words) {
        *limb = u32::from_be_bytes(*word);
    }
    let mut digits = Zeroizing::new([b'0'; DIGITS_256]);
    // The limbs are divided down to zero, so no copy of the value remains in them.
    for group in digits.rchunks_mut(5) {
        let mut rest = 0_u64;
        for limb in &mut limbs {
            let value = (rest << 32) | u64::from(*limb);
            // INVARIANT: rest < 62^5 < 2^32, so the quotient is below 2^32.
            *limb = u32::try_from(value / FIVE_DIGITS).unwrap_or(u32::MAX);
            rest = value % FIVE_DIGITS;
        }
        write_low_digits(group, rest);
    }
    digits
}

/// Writes 32 bits as 6 digits.
pub(crate) fn encode_32(value: u32) -> [u8; DIGITS_32] {
    let mut digits = [b'0'; DIGITS_32];
    write_low_digits(&mut digits, u64::from(value));
    digits
}

/// Fills `out` with the lowest digits of `value`.
pub(crate) fn write_low_digits(out: &mut [u8], mut value: u64) {
    for place in out.iter_mut().rev() {
        *place = digit(value % 62);
        value /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Schoolbook decoder to compare the encoder with.
    fn decode(digits: &[u8]) -> [u8; 32] {
        let mut bytes = [0_u8; 32];
        for digit in digits {
            let mut carry = ALPHABET.iter().position(|a| a == digit).unwrap();
            for byte in bytes.iter_mut().rev() {
                carry += usize::from(*byte) * 62;
                *byte = u8::try_from(carry % 256).unwrap();
                carry /= 256;
            }
            assert_eq!(carry, 0, "more than 256 bits");
        }
        bytes
    }

    #[test]
    fn the_largest_value_is_the_bound() {
        assert_eq!(*encode_256(&[0xff; 32]), *MAX_256);
        assert!(fits_256(MAX_256));
        let mut above = *MAX_256;
        above[42] += 1;
        assert!(!fits_256(&above));
        assert!(!fits_256(&[b'z'; 43]));
        assert!(!fits_256(&[b'0'; 42]));
    }

    #[test]
    fn small_values_are_zero_padded() {
        assert_eq!(encode_32(0), *b"000000");
        assert_eq!(encode_32(62), *b"000010");
        assert_eq!(encode_32(u32::MAX), *b"4gfFC3");
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(encode_256(&one).as_slice(), format!("{}1", "0".repeat(42)).as_bytes());
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(bytes: [u8; 32]) {
            let digits = encode_256(&bytes);
            prop_assert!(fits_256(digits.as_slice()));
            prop_assert_eq!(decode(digits.as_slice()), bytes);
        }

        #[test]
        fn digits_sort_as_their_values(left: [u8; 32], right: [u8; 32]) {
            prop_assert_eq!(encode_256(&left).cmp(&encode_256(&right)), left.cmp(&right));
        }
    }
}
