//! Cursor in a source, and rules that all languages share.

use super::Comment;

/// A place in a source.
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub found: Vec<Comment>,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        Self { bytes, at, found: Vec::new() }
    }

    /// The byte here.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte so many further on.
    pub fn ahead(&self, count: usize) -> Option<u8> {
        self.bytes.get(self.at + count).copied()
    }

    /// The byte before this place.
    pub fn before(&self) -> Option<u8> {
        self.bytes.get(self.at.checked_sub(1)?).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text.as_bytes())
    }

    /// Where the line ends: before its CR or LF.
    pub fn line_end(&self) -> usize {
        memchr::memchr2(b'\n', b'\r', self.rest()).map_or(self.bytes.len(), |length| self.at + length)
    }

    /// Goes behind the next line end.
    pub fn next_line(&mut self) {
        self.at = self.line_end();
        self.line_break();
    }

    /// Goes behind the LF, CR LF or CR here.
    pub fn line_break(&mut self) {
        self.at += if self.starts_with("\r\n") { 2 } else { usize::from(self.peek().is_some()) };
    }

    /// Goes behind a backslash and what it escapes: one byte, or a CR LF.
    pub fn escaped(&mut self) {
        self.at += 1;
        self.line_break();
    }

    /// Takes the comment from here, whose marker has this many bytes, to the end of the line.
    pub fn line_comment(&mut self, marker: usize) {
        let end = self.line_end();
        let whole = self.at..end;
        self.found.push(Comment { row: 0, body: (self.at + marker).min(end)..end, whole, block: false });
        self.at = end;
    }

    /// Takes the comment from here, whose opening mark has this many bytes, through its closing mark. Comments nest
    /// where `nested` opens one inside another.
    pub fn block_comment(&mut self, open: usize, close: &str, nested: Option<&str>) {
        let start = self.at;
        self.at += open;
        let first = |mark: &str| mark.as_bytes().first().copied().unwrap_or_default();
        let (closes, opens) = (first(close), first(nested.unwrap_or(close)));
        let mut depth = 1_usize;
        while let Some(length) = memchr::memchr2(closes, opens, self.rest()) {
            self.at += length;
            if self.starts_with(close) {
                depth -= 1;
                self.at += close.len();
                if depth == 0 {
                    let body = start + open..self.at - close.len();
                    self.found.push(Comment { row: 0, whole: start..self.at, body, block: true });
                    return;
                }
            } else if let Some(mark) = nested.filter(|mark| self.starts_with(mark)) {
                depth += 1;
                self.at += mark.len();
            } else {
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
    }

    /// Goes behind a string from behind its opening quote: a backslash escapes when `escapes`, and it ends with its
    /// line when `one_line`.
    pub fn string(&mut self, quote: u8, escapes: bool, one_line: bool) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' if escapes => self.escaped(),
                b'\n' | b'\r' if one_line => return,
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
    }

    /// Goes behind the next of these marks, or to the end of the source.
    pub fn skip_through(&mut self, mark: &[u8]) {
        self.at = memchr::memmem::find(self.rest(), mark)
            .map_or(self.bytes.len(), |length| self.at + length + mark.len());
    }

    /// Goes behind a string that ends with three quotes, from behind its opening ones.
    pub fn triple(&mut self, quote: u8, escapes: bool) {
        let close = [quote; 3];
        loop {
            let Some(length) = memchr::memchr2(quote, b'\\', self.rest()) else {
                self.at = self.bytes.len();
                return;
            };
            self.at += length;
            if self.rest().starts_with(&close) {
                self.at += 3;
                return;
            }
            if self.peek() == Some(b'\\') && escapes {
                self.escaped();
            } else {
                self.at += 1;
            }
        }
    }

    /// Goes behind the word here (letters, digits, `_`, anything that is not ASCII), and gives it.
    pub fn word(&mut self) -> &'a [u8] {
        let length = self.rest().iter().take_while(|byte| is_word(**byte)).count();
        let word = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        word
    }
}

/// Whether a byte belongs to a word.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
