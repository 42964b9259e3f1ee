//! Encodings behind which a secret is recognised.

use super::automaton::Span;

/// Text with one level of escapes decoded, and the source position of each byte.
pub(super) struct Decoded {
    bytes: Vec<u8>,
    /// Source position of each byte, then the source's length. A source is far smaller than 4 GiB.
    places: Vec<u32>,
}

impl Decoded {
    /// Decodes one level of escapes; `None` when there is none. `earlier` is the text from which `text` was decoded,
    /// so that positions refer to the first source.
    pub(super) fn of(text: &[u8], earlier: Option<&Self>) -> Option<Self> {
        if !(text.contains(&b'%') || text.contains(&b'\\') || text.contains(&b'&')) {
            return None;
        }
        let place =
            |at: usize| u32::try_from(earlier.map_or(at, |earlier| earlier.place(at))).unwrap_or(u32::MAX);
        let mut decoded =
            Self { bytes: Vec::with_capacity(text.len()), places: Vec::with_capacity(text.len() + 1) };
        let (mut at, mut any) = (0, false);
        while let Some(&byte) = text.get(at) {
            let rest = text.get(at..).unwrap_or_default();
            if let Some(escape) = matches!(byte, b'%' | b'\\' | b'&').then(|| escape(rest)).flatten() {
                any = true;
                for byte in escape.bytes.iter().take(escape.count) {
                    decoded.bytes.push(*byte);
                    decoded.places.push(place(at));
                }
                at += escape.length;
            } else {
                decoded.bytes.push(byte);
                decoded.places.push(place(at));
                at += 1;
            }
        }
        decoded.places.push(place(text.len()));
        any.then_some(decoded)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Converts a range of the decoded text to a range of the source.
    pub(super) fn source(&self, span: Span) -> Span {
        Span { start: self.place(span.start), end: self.place(span.end) }
    }

    fn place(&self, at: usize) -> usize {
        self.places.get(at).or(self.places.last()).map_or(0, |place| *place as usize)
    }
}

/// Escape sequence.
struct Escape {
    /// Its length in bytes of the text.
    length: usize,
    /// The bytes that it encodes.
    bytes: [u8; 4],
    /// How many of `bytes` are used.
    count: usize,
}

impl Escape {
    const fn byte(length: usize, byte: u8) -> Self {
        Self { length, bytes: [byte, 0, 0, 0], count: 1 }
    }

    fn character(length: usize, code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { length, bytes, count })
    }
}

/// Returns the escape sequence at the beginning of a text.
fn escape(text: &[u8]) -> Option<Escape> {
    match text {
        [b'%', high, low, ..] => Some(Escape::byte(3, byte_of(*high, *low)?)),
        [b'\\', b'x', high, low, ..] => Some(Escape::byte(4, byte_of(*high, *low)?)),
        [b'\\', b'u', b'{', rest @ ..] => {
            let (digits, code) = number(rest, 16)?;
            let closed = rest.get(digits) == Some(&b'}');
            closed.then(|| Escape::character(digits + 4, code)).flatten()
        }
        [b'\\', b'u', a, b, c, d, ..] => {
            let (high, low) = (byte_of(*a, *b)?, byte_of(*c, *d)?);
            Escape::character(6, u32::from(high) << 8 | u32::from(low))
        }
        [b'\\', byte @ (b'\\' | b'/' | b'"' | b'\''), ..] => Some(Escape::byte(2, *byte)),
        [b'&', b'#', b'x' | b'X', rest @ ..] => {
            let (digits, code) = number(rest, 16)?;
            let closed = rest.get(digits) == Some(&b';');
            closed.then(|| Escape::character(digits + 4, code)).flatten()
        }
        [b'&', b'#', rest @ ..] => {
            let (digits, code) = number(rest, 10)?;
            let closed = rest.get(digits) == Some(&b';');
            closed.then(|| Escape::character(digits + 3, code)).flatten()
        }
        [b'&', ..] => {
            const NAMED: [(&[u8], u8); 5] =
                [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
            let (name, byte) = NAMED.iter().find(|(name, _)| text.starts_with(name))?;
            Some(Escape::byte(name.len(), *byte))
        }
        _ => None,
    }
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Parses a number of at most 7 digits at the beginning of a text; returns it with its length.
fn number(text: &[u8], radix: u32) -> Option<(usize, u32)> {
    const MOST_DIGITS: usize = 7;
    let digits = text.iter().map_while(|byte| char::from(*byte).to_digit(radix)).take(MOST_DIGITS);
    let (count, number) =
        digits.fold((0, 0_u32), |(count, number), digit| (count + 1, number * radix + digit));
    (count > 0).then_some((count, number))
}

/// Returns the base64 digits that any text containing `value` has, for each alignment and both alphabets of RFC 4648.
/// Digits that depend on neighbouring bytes are left out.
pub(super) fn base64_forms(value: &[u8]) -> Vec<Vec<u8>> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut forms = Vec::with_capacity(6);
    for before in 0..3_usize {
        let bits = (before + value.len()) * 8;
        let digit_at = |digit: usize| {
            (0..6).fold(0_usize, |number, bit| {
                let bit = digit * 6 + bit - before * 8;
                let byte = value.get(bit / 8).copied().unwrap_or_default();
                number << 1 | usize::from(byte >> (7 - bit % 8) & 1)
            })
        };
        let whole = (before * 8).div_ceil(6)..bits / 6;
        let numbers: Vec<usize> = whole.map(digit_at).collect();
        for alphabet in [STANDARD, URL_SAFE] {
            let form = numbers.iter().filter_map(|number| alphabet.get(*number).copied()).collect();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}
