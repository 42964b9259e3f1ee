//! Parser of the key text that a caller presents.

use std::borrow::Cow;
use std::fmt;

use registry_core::{KeyId, REDACTED};
use zeroize::Zeroizing;

use crate::base62::{self, DIGITS_32, DIGITS_256};
use crate::mac::KeyMac;
use crate::pepper::Pepper;

/// Length of a native key: its id, a `_`, the secret and the checksum.
const NATIVE_LEN: usize = KeyId::LEN + 1 + DIGITS_256 + DIGITS_32;
/// Longest opaque key.
const OPAQUE_MAX: usize = 512;
/// Number of digits of its MAC that form the id of an opaque key.
const OPAQUE_ID_DIGITS: usize = 11;

/// Key as a caller presents it: well formed, not yet known to be valid.
///
/// It is a secret: it prints as nothing, and its bytes are wiped when it is dropped.
pub struct PresentedKey {
    form: KeyForm,
    // Native: the public id and the secret, which is exactly what the MAC covers. Opaque: the whole text.
    material: Zeroizing<Box<[u8]>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyForm {
    Native,
    Opaque,
}

/// Reason why a text is not a key. It is refused before any lookup; no message contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyParseError {
    /// It is empty.
    #[error("the key is empty")]
    Empty,
    /// It has more than 512 characters.
    #[error("the key has more than 512 characters")]
    TooLong,
    /// It has a character that is not printable ASCII, or a space at either end.
    #[error("the key has a character that is not printable ASCII, or a space at an end")]
    NotPrintable,
    /// It begins with `t4_`, but does not have the format of a native key.
    #[error("the key begins with `t4_` but does not have the shape of such a key")]
    Malformed,
    /// The format is right, the checksum is wrong: a typing error.
    #[error("the checksum of the key does not fit; it was mistyped or altered")]
    Checksum,
}

impl PresentedKey {
    /// Parses a native key, or accepts any other printable text as an opaque key.
    ///
    /// # Errors
    /// [`KeyParseError`] when the text can't be a key. A text that begins with `t4_` is native or refused.
    pub fn parse(text: &str) -> Result<Self, KeyParseError> {
        match text.strip_prefix(KeyId::PREFIX) {
            Some(rest) => Self::parse_native(text.as_bytes(), rest.as_bytes()),
            None => Self::parse_opaque(text),
        }
    }

    fn parse_native(whole: &[u8], rest: &[u8]) -> Result<Self, KeyParseError> {
        let shaped = || {
            let (covered, sum) = whole.split_at_checked(whole.len().checked_sub(DIGITS_32)?)?;
            let (id, tail) = rest.split_at_checked(KeyId::DIGITS)?;
            let (secret, tail) = tail.strip_prefix(b"_")?.split_at_checked(DIGITS_256)?;
            let fits = base62::is_base62(id)
                && base62::fits_256(secret)
                && tail.len() == DIGITS_32
                && base62::is_base62(tail);
            fits.then_some((covered, sum, id, secret))
        };
        let (covered, sum, id, secret) = shaped().ok_or(KeyParseError::Malformed)?;
        // No secret is compared here: anyone can compute the checksum of a text.
        if base62::encode_32(crc32fast::hash(covered)) != *sum {
            return Err(KeyParseError::Checksum);
        }
        Ok(Self { form: KeyForm::Native, material: Zeroizing::new([id, secret].concat().into_boxed_slice()) })
    }

    fn parse_opaque(text: &str) -> Result<Self, KeyParseError> {
        if text.is_empty() {
            return Err(KeyParseError::Empty);
        }
        if text.len() > OPAQUE_MAX {
            return Err(KeyParseError::TooLong);
        }
        // HTTP strips spaces around a header's value, so a key with them could never be presented.
        if text.starts_with(' ') || text.ends_with(' ') || !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Err(KeyParseError::NotPrintable);
        }
        Ok(Self { form: KeyForm::Opaque, material: Zeroizing::new(text.as_bytes().into()) })
    }

    /// Whether it has the native format, and is not adopted or static.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.form == KeyForm::Native
    }

    /// Returns the key id. For an opaque key it is computed from the MAC; use [`Self::identify`] where both are
    /// needed.
    /// [`Self::identify`].
    #[must_use]
    pub fn key_id(&self, pepper: &Pepper) -> KeyId {
        match self.form {
            KeyForm::Native => self.native_id(),
            KeyForm::Opaque => opaque_id(&self.mac(pepper)),
        }
    }

    /// Returns the MAC to compare with the stored one.
    #[must_use]
    pub fn mac(&self, pepper: &Pepper) -> KeyMac {
        match self.form {
            KeyForm::Native => pepper.native_mac(&self.material),
            KeyForm::Opaque => pepper.opaque_mac(&self.material),
        }
    }

    /// Returns the key id and the MAC, with the MAC computed once.
    #[must_use]
    pub fn identify(&self, pepper: &Pepper) -> (KeyId, KeyMac) {
        let mac = self.mac(pepper);
        let key_id = match self.form {
            KeyForm::Native => self.native_id(),
            KeyForm::Opaque => opaque_id(&mac),
        };
        (key_id, mac)
    }

    fn native_id(&self) -> KeyId {
        id_of(KeyId::PREFIX, self.material.iter().take(KeyId::DIGITS))
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(..)")
    }
}

fn opaque_id(mac: &KeyMac) -> KeyId {
    id_of("t4_x", base62::encode_256(mac.as_bytes()).iter().take(OPAQUE_ID_DIGITS))
}

fn id_of<'a>(prefix: &str, digits: impl Iterator<Item = &'a u8>) -> KeyId {
    let mut text = String::with_capacity(KeyId::LEN);
    text.push_str(prefix);
    text.extend(digits.map(|digit| char::from(*digit)));
    KeyId::from_stored(text)
}

/// Returns the key id that a text names: the text may be a key id, or a whole key of either format. `None` when it is
/// neither.
#[must_use]
pub fn key_id_of_text(text: &str, pepper: &Pepper) -> Option<KeyId> {
    let id = KeyId::new(text).ok();
    id.or_else(|| PresentedKey::parse(text).ok().map(|key| key.key_id(pepper)))
}

/// Hides the secret part of every T4 key in a text that has the native format and a right checksum. Other keys are
/// found by their value alone ([`registry_core::KnownSecrets`]).
#[must_use]
pub fn hide_keys(text: &str) -> Cow<'_, str> {
    if text.len() < NATIVE_LEN {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(KeyId::PREFIX) {
        let secret = at + KeyId::LEN + 1;
        let end = at + NATIVE_LEN;
        let is_key = text.get(at..end).is_some_and(|key| PresentedKey::parse(key).is_ok());
        if is_key && at >= copied {
            out.push_str(text.get(copied..secret).unwrap_or_default());
            out.push_str(REDACTED);
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mint::derive_secret;
    use proptest::prelude::*;

    fn pepper() -> Pepper {
        Pepper::from_text("a pepper for tests of 32 chars!!").unwrap()
    }

    fn vector() -> String {
        format!("t4_000000000001_{}10dLTI1", "0".repeat(42))
    }

    #[test]
    fn the_published_vector_is_a_key() {
        let key = PresentedKey::parse(&vector()).unwrap();
        assert!(key.is_native());
        assert_eq!(key.key_id(&pepper()).as_str(), "t4_000000000001");
    }

    #[test]
    fn a_text_with_the_prefix_but_not_the_shape_is_malformed() {
        let good = vector();
        let too_big = format!("t4_000000000001_{}", "z".repeat(43));
        let too_big = format!(
            "{too_big}{}",
            String::from_utf8_lossy(&base62::encode_32(crc32fast::hash(too_big.as_bytes())))
        );
        let cases = [
            "t4_",
            "t4_000000000001",
            good.get(..64).unwrap(),
            &format!("{good}0"),
            &too_big,
            &good.replace('1', "é"),
        ];
        for text in cases {
            assert_eq!(PresentedKey::parse(text).unwrap_err(), KeyParseError::Malformed, "{text}");
        }
    }

    #[test]
    fn an_opaque_key_is_1_to_512_printable_characters() {
        let cases = [
            ("", Some(KeyParseError::Empty)),
            ("a", None),
            (&*"k".repeat(512), None),
            (&*"k".repeat(513), Some(KeyParseError::TooLong)),
            ("Zk3-_v0bq8nYI1xJt9Rr7mS5dQwE2aUcHfLgPoKiNjB", None),
            ("T4_upper", None),
            ("two words", None),
            (" a", Some(KeyParseError::NotPrintable)),
            ("a ", Some(KeyParseError::NotPrintable)),
            ("a\tb", Some(KeyParseError::NotPrintable)),
            ("schlüssel", Some(KeyParseError::NotPrintable)),
        ];
        for (text, refusal) in cases {
            assert_eq!(PresentedKey::parse(text).err(), refusal, "{text}");
        }
    }

    #[test]
    fn an_opaque_key_is_named_by_the_first_digits_of_its_mac() {
        let key = PresentedKey::parse("static-key-of-the-configuration").unwrap();
        let (key_id, mac) = key.identify(&pepper());
        let digits = base62::encode_256(mac.as_bytes());
        assert_eq!(key_id.as_str(), format!("t4_x{}", String::from_utf8_lossy(&digits[..11])));
        assert_eq!(key_id, key.key_id(&pepper()));
    }

    #[test]
    fn the_same_secret_under_another_public_id_has_another_mac() {
        let with_id = |id: &str| {
            let text = format!("t4_{id}_{}1", "0".repeat(42));
            let sum = base62::encode_32(crc32fast::hash(text.as_bytes()));
            PresentedKey::parse(&format!("{text}{}", String::from_utf8_lossy(&sum))).unwrap().mac(&pepper())
        };
        assert!(!with_id("000000000001").matches(&with_id("000000000002")));
    }

    #[test]
    fn a_key_and_its_id_name_the_same_key() {
        let id = KeyId::from_stored("t4_000000000001".to_owned());
        assert_eq!(key_id_of_text(&vector(), &pepper()), Some(id.clone()));
        assert_eq!(key_id_of_text("t4_000000000001", &pepper()), Some(id));
        let opaque = PresentedKey::parse("an adopted key").unwrap().key_id(&pepper());
        assert_eq!(key_id_of_text("an adopted key", &pepper()), Some(opaque.clone()));
        assert_eq!(key_id_of_text(opaque.as_str(), &pepper()), Some(opaque));
        assert_eq!(key_id_of_text("t4_00000000000", &pepper()), None);
        assert_eq!(key_id_of_text("", &pepper()), None);
    }

    #[test]
    fn every_key_in_a_text_is_hidden_and_what_only_looks_like_one_stays() {
        let key = vector();
        let hidden = "t4_000000000001_[redacted]";
        let text = format!("é{key}{key} t4_{key}, {key}0");
        assert_eq!(hide_keys(&text), format!("é{hidden}{hidden} t4_{hidden}, {hidden}0"));
        for text in ["", "t4_", "t4_000000000001", &key.replace('1', "2"), key.get(..64).unwrap()] {
            assert_eq!(hide_keys(text), text);
        }
    }

    #[test]
    fn printing_it_for_a_log_shows_nothing() {
        assert_eq!(format!("{:?}", PresentedKey::parse("geheim").unwrap()), "PresentedKey(..)");
    }

    fn minted(id: &str, nonce: [u8; 16]) -> String {
        let key_id = KeyId::from_stored(format!("t4_{id}"));
        derive_secret(&pepper(), &key_id, &nonce).unwrap().expose().to_owned()
    }

    proptest! {
        #[test]
        fn a_minted_key_parses_to_its_own_id_and_mac(id in "[0-9A-Za-z]{12}", nonce: [u8; 16]) {
            let key_id = KeyId::from_stored(format!("t4_{id}"));
            let new = derive_secret(&pepper(), &key_id, &nonce).unwrap();
            let presented = PresentedKey::parse(new.expose()).unwrap();
            prop_assert!(presented.is_native());
            prop_assert_eq!(presented.identify(&pepper()), (key_id, *new.mac()));
        }

        #[test]
        fn one_changed_character_never_gives_a_key_that_matches(
            id in "[0-9A-Za-z]{12}",
            nonce: [u8; 16],
            place in 0_usize..65,
            other in proptest::char::range(' ', '~'),
        ) {
            let text = minted(&id, nonce);
            let mut changed: Vec<char> = text.chars().collect();
            prop_assume!(changed[place] != other);
            changed[place] = other;
            let changed: String = changed.into_iter().collect();
            match PresentedKey::parse(&changed) {
                // Outside the prefix, the checksum or the format detects every change.
                Err(_) => {}
                Ok(key) => {
                    prop_assert!(place < 3 && !key.is_native());
                    let original = PresentedKey::parse(&text).unwrap();
                    prop_assert!(!key.mac(&pepper()).matches(&original.mac(&pepper())));
                }
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>(), tail in any::<String>()) {
            let _ = PresentedKey::parse(&text);
            let _ = PresentedKey::parse(&format!("t4_{tail}"));
            let _ = key_id_of_text(&text, &pepper());
        }
    }
}

#[cfg(test)]
mod model;
