//! Pepper: the secret under which keys are stored, kept outside the database.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use registry_core::Entropy;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::base62;
use crate::mac::KeyMac;

/// Pepper: the secret under which keys are hashed and minted. It is kept outside the database, so that a copy of the
/// database is not enough to test guesses.
///
/// Every use has a subkey of its own: a part of the program that knows its subkey learns nothing about another.
pub struct Pepper {
    seed: Zeroizing<[u8; 32]>,
    // The keyed states for the hot path: cloning one is cheaper than keying again. Two subkeys in place of a tag in
    // the text keep the input of a native key within one block of SHA-256.
    native: Hmac<Sha256>,
    opaque: Hmac<Sha256>,
}

/// Reason why a text can't be a pepper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// It has fewer than [`Pepper::MIN_CHARS`] characters.
    #[error("the pepper has {chars} characters; it needs at least {}", Pepper::MIN_CHARS)]
    TooShort {
        /// Number of characters, without the white space around it.
        chars: usize,
    },
}

impl Pepper {
    /// Minimum number of characters of a pepper.
    pub const MIN_CHARS: usize = 32;

    /// Creates a pepper from the text of a file or a variable, without the white space around it.
    ///
    /// # Errors
    /// [`PepperError::TooShort`] below [`Self::MIN_CHARS`] characters.
    pub fn from_text(text: &str) -> Result<Self, PepperError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars < Self::MIN_CHARS {
            return Err(PepperError::TooShort { chars });
        }
        Ok(Self::of_text(text))
    }

    /// Creates a new pepper of 256 random bits, and its text for a file.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> (Zeroizing<String>, Self) {
        let mut random = Zeroizing::new([0_u8; 32]);
        entropy.fill(random.as_mut_slice());
        let text: String = base62::encode_256(&random).iter().copied().map(char::from).collect();
        let pepper = Self::of_text(&text);
        (Zeroizing::new(text), pepper)
    }

    fn of_text(text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"t4/pepper/v1\0");
        hash.update(text.as_bytes());
        let seed = Zeroizing::new(hash.finalize().into());
        let native = keyed(&subkey(&seed, "key", "mac/native/v1"));
        let opaque = keyed(&subkey(&seed, "key", "mac/opaque/v1"));
        Self { seed, native, opaque }
    }

    /// Returns a check value for the database, which shows when it is opened with another pepper: 64 hexadecimal
    /// digits that do not reveal the pepper.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex::encode(*subkey(&self.seed, "key", "check/v1"))
    }

    /// Derives a subkey for another use of the program, such as signing cursors. The same label always gives the same
    /// bytes; no label gives a subkey of this crate.
    #[must_use]
    pub fn derive(&self, label: &str) -> [u8; 32] {
        *subkey(&self.seed, "use", label)
    }

    /// Derives 256 bits for one minting of one key.
    pub(crate) fn secret_of(&self, key_id: &str, nonce: &[u8; 16]) -> Zeroizing<[u8; 32]> {
        let mut mac = keyed(&subkey(&self.seed, "key", "mint/v1"));
        mac.update(nonce);
        mac.update(key_id.as_bytes());
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Returns the MAC of a native key, over its public id and its secret.
    pub(crate) fn native_mac(&self, id_and_secret: &[u8]) -> KeyMac {
        finish(self.native.clone(), id_and_secret)
    }

    /// Returns the MAC of an opaque key, over its whole text.
    pub(crate) fn opaque_mac(&self, text: &[u8]) -> KeyMac {
        finish(self.opaque.clone(), text)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// Returns HMAC-SHA-256 of the concatenated parts under a key such as that of [`Pepper::derive`]. At most one of the
/// parts may vary in length, because nothing marks where a part ends.
#[must_use]
pub fn keyed_mac(key: &[u8; 32], parts: &[&[u8]]) -> KeyMac {
    let mut state = keyed(key);
    for part in parts {
        state.update(part);
    }
    KeyMac::from_bytes(state.finalize().into_bytes().into())
}

fn finish(mut state: Hmac<Sha256>, text: &[u8]) -> KeyMac {
    state.update(text);
    KeyMac::from_bytes(state.finalize().into_bytes().into())
}

fn subkey(seed: &[u8; 32], domain: &str, label: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(seed);
    mac.update(b"t4/subkey/");
    mac.update(domain.as_bytes());
    mac.update(b"\0");
    mac.update(label.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HMAC under a 32-byte key. The key is padded to a whole block with zeros, as RFC 2104 does with any shorter key:
/// keys of one block have no length that could be wrong.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0_u8; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    Hmac::new((&*block).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::SeededEntropy;

    const TEXT: &str = "a pepper for tests of 32 chars!!";

    #[test]
    fn hmac_meets_the_published_vector() {
        // RFC 4231, test case 1, its 20-byte key padded with zeros.
        let mut key = [0_u8; 32];
        key[..20].fill(0x0b);
        let mac = keyed_mac(&key, &[b"Hi ", b"There"]);
        assert_eq!(mac.to_hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn a_short_text_is_refused() {
        let refusal = Pepper::from_text(&format!("  {}\n", "a".repeat(31))).unwrap_err();
        assert_eq!(refusal, PepperError::TooShort { chars: 31 });
        assert!(Pepper::from_text(&"a".repeat(32)).is_ok());
    }

    #[test]
    fn white_space_around_the_text_does_not_matter() {
        let bare = Pepper::from_text(TEXT).unwrap();
        let file = Pepper::from_text(&format!("{TEXT}\n")).unwrap();
        assert_eq!(bare.check_value(), file.check_value());
    }

    #[test]
    fn a_generated_pepper_reads_back_from_its_text() {
        let (text, pepper) = Pepper::generate(&SeededEntropy::new(1));
        assert_eq!(text.len(), 43);
        assert_eq!(Pepper::from_text(&text).unwrap().check_value(), pepper.check_value());
        let (other, _) = Pepper::generate(&SeededEntropy::new(2));
        assert_ne!(*text, *other);
    }

    #[test]
    fn each_use_has_its_own_subkey() {
        let pepper = Pepper::from_text(TEXT).unwrap();
        assert_eq!(pepper.derive("cursor"), pepper.derive("cursor"));
        assert_ne!(pepper.derive("cursor"), pepper.derive("mint/v1"));
        assert_ne!(pepper.derive("mint/v1"), *subkey(&pepper.seed, "key", "mint/v1"));
        assert_ne!(hex::encode(pepper.derive("check/v1")), pepper.check_value());
        assert_ne!(pepper.native_mac(b"same").to_hex(), pepper.opaque_mac(b"same").to_hex());
    }

    #[test]
    fn another_pepper_has_another_check_value() {
        let other = Pepper::from_text("another pepper for the same tests").unwrap();
        assert_ne!(Pepper::from_text(TEXT).unwrap().check_value(), other.check_value());
    }

    #[test]
    fn the_stored_values_of_a_pepper_never_change() {
        // Databases hold these: another value here means that every key in them stops working.
        let pepper = Pepper::from_text(TEXT).unwrap();
        assert_eq!(pepper.check_value(), "fb35b5cbe7d08f69d1e980bf51b2386d42b03803f1d8751a330b145d3883f9a8");
        assert_eq!(
            pepper.native_mac(b"abc").to_hex(),
            "a295e017e45350452d4777caaf4e32223bc1fe2af9a5d7cb599101629e945b5e"
        );
        assert_eq!(
            pepper.opaque_mac(b"abc").to_hex(),
            "10fc1d995c45e065ffa621947a14f2a996785eb54b311fa5b7450a870725bfa0"
        );
        assert_eq!(
            hex::encode(*pepper.secret_of("t4_000000000001", &[1; 16])),
            "d1fc57508ab367b29b582827d42798177108c92238419195b3fa13746b235665"
        );
    }

    #[test]
    fn printing_it_for_a_log_shows_nothing() {
        assert_eq!(format!("{:?}", Pepper::from_text(TEXT).unwrap()), "Pepper(..)");
    }
}
