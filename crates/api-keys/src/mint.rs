//! Creation of new keys.

use std::fmt;

use registry_core::{Entropy, KeyId};
use zeroize::Zeroizing;

use crate::base62;
use crate::mac::KeyMac;
use crate::pepper::Pepper;

/// Index of `x` in the alphabet. Ids of opaque keys begin with it, so minted ids do not.
const PLACE_OF_X: u64 = 59;

/// New key. Its text is a secret and is shown once; it is wiped when this is dropped.
pub struct NewKey {
    text: Zeroizing<String>,
    key_id: KeyId,
    mac: KeyMac,
}

impl NewKey {
    /// Returns the whole key, for its owner only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns its key id.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Returns its stored form.
    #[must_use]
    pub fn mac(&self) -> &KeyMac {
        &self.mac
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({}, ..)", self.key_id)
    }
}

/// Key id that no native key can have, such as one that was written into the database by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key_id}` does not have the form of a key id: `t4_` and 12 letters or digits")]
pub struct NotMintable {
    /// The id.
    pub key_id: KeyId,
}

/// Creates a random key id: `t4_` and 12 digits, the first of which is not `x`, so that it is never the id of an
/// opaque key.
#[must_use]
pub fn mint_key_id(entropy: &dyn Entropy) -> KeyId {
    let mut random = [0_u8; 16];
    entropy.fill(&mut random);
    // Two halves of six digits each; 64 bits over 62^6 values leave a bias of at most 2^-28.
    let (halves, _) = random.as_chunks::<8>();
    let mut digits = [b'0'; KeyId::DIGITS];
    for (six, half) in digits.chunks_exact_mut(6).zip(halves) {
        base62::write_low_digits(six, u64::from_le_bytes(*half));
    }
    if let (Some(first), Some(half)) = (digits.first_mut(), halves.first()) {
        // One of the 61 other digits, from the bits above those that the other five digits use.
        let value = (u64::from_le_bytes(*half) / 62_u64.pow(5)) % 61;
        *first = base62::digit(if value >= PLACE_OF_X { value + 1 } else { value });
    }
    KeyId::from_stored(format!("{}{}", KeyId::PREFIX, String::from_utf8_lossy(&digits)))
}

/// Derives the key of a pepper, a key id and a nonce. The same three always give the same key, so that a repeated
/// request gets the same answer while no secret is stored.
///
/// # Errors
/// [`NotMintable`] when the id is not `t4_` and 12 letters or digits.
pub fn derive_secret(pepper: &Pepper, key_id: &KeyId, nonce: &[u8; 16]) -> Result<NewKey, NotMintable> {
    let id = key_id.digits().ok_or_else(|| NotMintable { key_id: key_id.clone() })?.as_bytes();
    let secret = base62::encode_256(&pepper.secret_of(key_id.as_str(), nonce));
    let mac = pepper.native_mac(&Zeroizing::new([id, secret.as_slice()].concat()));
    // All memory is reserved at once: growing would leave copies of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(65));
    text.push_str(key_id.as_str());
    text.push('_');
    text.extend(secret.iter().copied().map(char::from));
    let sum = base62::encode_32(crc32fast::hash(text.as_bytes()));
    text.extend(sum.into_iter().map(char::from));
    Ok(NewKey { text, key_id: key_id.clone(), mac })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PresentedKey;
    use proptest::prelude::*;
    use registry_core::SeededEntropy;
    use std::collections::HashSet;

    fn pepper(text: &str) -> Pepper {
        Pepper::from_text(&text.repeat(32)).unwrap()
    }

    fn id(text: &str) -> KeyId {
        KeyId::from_stored(text.to_owned())
    }

    #[test]
    fn the_same_nonce_gives_the_same_key_and_another_nonce_another() {
        let make = |pepper: &Pepper, key: &str, nonce: u8| {
            derive_secret(pepper, &id(key), &[nonce; 16]).unwrap().expose().to_owned()
        };
        let first = make(&pepper("a"), "t4_0123456789ab", 1);
        assert_eq!(first, make(&pepper("a"), "t4_0123456789ab", 1));
        let others = [
            make(&pepper("a"), "t4_0123456789ab", 2),
            make(&pepper("b"), "t4_0123456789ab", 1),
            make(&pepper("a"), "t4_0123456789ac", 1),
        ];
        for other in others {
            assert_ne!(first.as_bytes()[16..59], other.as_bytes()[16..59]);
        }
        assert_eq!(first.len(), 65);
    }

    #[test]
    fn an_opaque_id_can_be_given_a_native_key() {
        let new = derive_secret(&pepper("a"), &id("t4_x0123456789a"), &[3; 16]).unwrap();
        let presented = PresentedKey::parse(new.expose()).unwrap();
        assert_eq!(presented.key_id(&pepper("a")), id("t4_x0123456789a"));
    }

    #[test]
    fn an_id_of_another_form_gets_no_key() {
        for text in ["", "t4_", "t4_short", "t4_0123456789abc", "t4_0123456789a_", "xx_0123456789ab"] {
            assert!(derive_secret(&pepper("a"), &id(text), &[0; 16]).is_err(), "{text}");
        }
    }

    #[test]
    fn printing_it_for_a_log_shows_the_id_alone() {
        let new = derive_secret(&pepper("a"), &id("t4_0123456789ab"), &[3; 16]).unwrap();
        assert_eq!(format!("{new:?}"), "NewKey(t4_0123456789ab, ..)");
    }

    #[test]
    fn minted_ids_use_the_whole_alphabet_but_never_begin_with_x() {
        let entropy = SeededEntropy::new(7);
        let ids: HashSet<KeyId> = (0..5000).map(|_| mint_key_id(&entropy)).collect();
        assert_eq!(ids.len(), 5000);
        for place in 0..KeyId::DIGITS {
            let seen: HashSet<u8> = ids.iter().map(|id| id.as_str().as_bytes()[3 + place]).collect();
            assert_eq!(seen.len(), if place == 0 { 61 } else { 62 }, "place {place}");
            assert_eq!(seen.contains(&b'x'), place != 0);
        }
    }

    proptest! {
        #[test]
        fn a_minted_id_has_the_form_of_one(seed: u64) {
            let id = mint_key_id(&SeededEntropy::new(seed));
            prop_assert!(id.digits().is_some());
        }
    }
}
