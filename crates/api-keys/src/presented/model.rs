//! Reference model of the key format: digits are a number, and the checksum is divided bit by bit. The parser must
//! agree with it on any text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The CRC of IEEE 802.3, one bit at a time.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A number in base 62, of this many digits.
fn digits(mut value: u64, count: usize) -> String {
    let mut text = Vec::new();
    for _ in 0..count {
        text.push(DIGITS.as_bytes()[usize::try_from(value % 62).unwrap()]);
        value /= 62;
    }
    text.reverse();
    String::from_utf8(text).unwrap()
}

/// Whether a text of base 62 stands for a number below 2^256.
fn is_below(text: &str) -> bool {
    let mut number = [0_u8; 32];
    text.chars().all(|char| {
        let mut carry = u32::try_from(DIGITS.find(char).unwrap()).unwrap();
        for byte in number.iter_mut().rev() {
            carry += u32::from(*byte) * 62;
            *byte = u8::try_from(carry & 255).unwrap();
            carry >>= 8;
        }
        carry == 0
    })
}

/// What a text is by the description of the form.
fn expected(text: &str) -> Result<bool, KeyParseError> {
    let Some(rest) = text.strip_prefix("t4_") else {
        return match text {
            "" => Err(KeyParseError::Empty),
            text if text.len() > 512 => Err(KeyParseError::TooLong),
            text if text.trim_matches(' ') != text => Err(KeyParseError::NotPrintable),
            text if text.chars().any(|char| !(' '..='~').contains(&char)) => Err(KeyParseError::NotPrintable),
            _ => Ok(false),
        };
    };
    let parts = rest.split_once('_').ok_or(KeyParseError::Malformed)?;
    let all_digits = |text: &str| text.chars().all(|char| DIGITS.contains(char));
    if parts.0.len() != 12 || parts.1.len() != 49 || !all_digits(parts.0) || !all_digits(parts.1) {
        return Err(KeyParseError::Malformed);
    }
    let (secret, sum) = parts.1.split_at(43);
    if !is_below(secret) {
        return Err(KeyParseError::Malformed);
    }
    let covered = text.strip_suffix(sum).unwrap();
    if digits(crc(covered.as_bytes()).into(), 6) == sum { Ok(true) } else { Err(KeyParseError::Checksum) }
}

/// Keys, harmed keys with a checksum that fits again, and texts that are none.
fn texts() -> impl Strategy<Value = String> {
    let id = || "[0-9A-Za-z]{12}";
    // Secrets around the largest number that 256 bits hold.
    let edge = select(vec![
        "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
        "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2",
        "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp0",
        "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xoz",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "0000000000000000000000000000000000000000000",
    ]);
    let secret = prop_oneof![2 => "[0-9A-Za-z]{43}", 1 => edge.prop_map(str::to_owned)];
    let key = (id(), secret).prop_map(|(id, secret)| format!("t4_{id}_{secret}"));
    let edits = vec((any::<Index>(), any::<char>(), 0_u8..3), 0..3);
    let harmed = (key, edits, any::<bool>()).prop_map(|(key, edits, late)| {
        let summed = |text: &str| format!("{text}{}", digits(crc(text.as_bytes()).into(), 6));
        // Before the checksum is taken the shape is harmed, and after it the text.
        let mut chars: Vec<char> = if late { summed(&key) } else { key }.chars().collect();
        for (at, other, edit) in edits {
            let at = at.index(chars.len());
            match edit {
                0 => chars[at] = other,
                1 => chars.insert(at, other),
                _ => drop(chars.remove(at)),
            }
        }
        let text: String = chars.into_iter().collect();
        if late { text } else { summed(&text) }
    });
    prop_oneof![
        6 => harmed,
        1 => "t4_[ -~]{0,70}",
        1 => "[ -~]{0,20}",
        1 => "\\PC{0,8}",
        1 => (505_usize..520).prop_map(|length| "k".repeat(length)),
    ]
}

proptest! {
    #[test]
    fn a_text_is_a_key_exactly_when_the_description_says_so(text in texts()) {
        let parsed = PresentedKey::parse(&text);
        prop_assert_eq!(parsed.as_ref().map(PresentedKey::is_native).map_err(|error| *error), expected(&text), "{:?}", text);
        let pepper = Pepper::from_text("a pepper for tests of 32 chars!!").unwrap();
        if let Ok(key) = parsed {
            let (id, mac) = key.identify(&pepper);
            prop_assert_eq!(&id, &key.key_id(&pepper));
            prop_assert!(mac.matches(&key.mac(&pepper)));
            // A name of a key is its own name, and never has the secret in it.
            let named = key_id_of_text(id.as_str(), &pepper);
            prop_assert_eq!(named.as_ref(), Some(&id));
            prop_assert_eq!(key_id_of_text(&text, &pepper).filter(|_| text != id.as_str()), Some(id.clone()).filter(|_| text != id.as_str()));
            prop_assert_eq!(id.as_str().len(), 15);
            prop_assert!(!key.is_native() || text.starts_with(id.as_str()));
        } else {
            prop_assert!(key_id_of_text(&text, &pepper).is_none_or(|id| id.as_str() == text));
        }
    }

    #[test]
    fn exactly_the_secrets_of_keys_are_hidden_and_only_once(parts in vec(prop_oneof![texts(), "[ ,é_]{0,3}"], 0..5)) {
        let text = parts.concat();
        let hidden = hide_keys(&text);
        // From the left, a key wherever one begins.
        let (mut plain, mut rest) = (String::new(), text.as_str());
        while let Some(first) = rest.chars().next() {
            let key = rest.get(..65).filter(|key| expected(key) == Ok(true));
            let taken = if key.is_some() { 65 } else { first.len_utf8() };
            match key {
                Some(key) => plain.extend([key.get(..16).unwrap(), REDACTED]),
                None => plain.push(first),
            }
            rest = rest.get(taken..).unwrap();
        }
        prop_assert_eq!(&hidden, &plain);
        prop_assert_eq!(hide_keys(&hidden), hidden.clone());
    }
}
