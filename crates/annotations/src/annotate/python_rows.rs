//! Rows of a Python source that can't end with a comment, or that no line can follow.

use std::collections::BTreeSet;

/// What a place in the source is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// An f-string or t-string.
    Template { quote: u8, triple: bool, raw: bool },
    /// A replacement field of one, so many brackets deep.
    Field { depth: u32 },
    /// The format after the `:` of such a field.
    Format,
}

/// The rows that end inside a string, or with a backslash that goes on in the next row. The fields of f-strings count
/// as strings: before Python 3.12, no comment can stand there.
pub(super) fn open_rows(source: &str) -> BTreeSet<u32> {
    let mut reader =
        PythonReader { bytes: source.as_bytes(), at: 0, row: 1, open: BTreeSet::new(), inside: Vec::new() };
    reader.run();
    reader.open
}

struct PythonReader<'a> {
    bytes: &'a [u8],
    at: usize,
    row: u32,
    open: BTreeSet<u32>,
    inside: Vec<Inside>,
}

impl PythonReader<'_> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn run(&mut self) {
        while let Some(byte) = self.byte(0) {
            match self.inside.last().copied() {
                Some(Inside::Template { quote, triple, raw }) => self.template(byte, quote, triple, raw),
                Some(Inside::Format) => self.format(byte),
                Some(Inside::Field { depth }) => self.code(byte, Some(depth)),
                None => self.code(byte, None),
            }
        }
        if !self.inside.is_empty() {
            self.open.insert(self.row);
        }
    }

    /// Steps over one byte, or a line end.
    fn step(&mut self, open: bool) {
        match self.byte(0) {
            Some(b'\n' | b'\r') => {
                if open || !self.inside.is_empty() {
                    self.open.insert(self.row);
                }
                self.at += if self.byte(0) == Some(b'\r') && self.byte(1) == Some(b'\n') { 2 } else { 1 };
                self.row += 1;
            }
            _ => self.at += 1,
        }
    }

    fn code(&mut self, byte: u8, field: Option<u32>) {
        match byte {
            b'#' => {
                while self.byte(0).is_some_and(|byte| !matches!(byte, b'\n' | b'\r')) {
                    self.at += 1;
                }
            }
            b'"' | b'\'' => self.quote(byte),
            b'\\' => {
                self.at += 1;
                if matches!(self.byte(0), Some(b'\n' | b'\r')) {
                    self.step(true);
                } else if self.byte(0).is_none() {
                    self.open.insert(self.row);
                }
            }
            b'(' | b'[' | b'{' => self.deeper(field.map(|depth| depth + 1)),
            b')' | b']' | b'}' => match field {
                Some(0) if byte == b'}' => {
                    self.inside.pop();
                    self.at += 1;
                }
                Some(depth) => self.deeper(Some(depth.saturating_sub(1))),
                None => self.at += 1,
            },
            b':' if field == Some(0) => {
                self.inside.push(Inside::Format);
                self.at += 1;
            }
            _ => self.step(false),
        }
    }

    fn deeper(&mut self, depth: Option<u32>) {
        if let (Some(Inside::Field { depth: now }), Some(depth)) = (self.inside.last_mut(), depth) {
            *now = depth;
        }
        self.at += 1;
    }

    /// A string begins.
    fn quote(&mut self, quote: u8) {
        let word = self.bytes.get(..self.at).unwrap_or_default();
        let word = word.rsplit(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte > 127)).next();
        let is_prefix =
            |word: &&[u8]| word.len() <= 2 && word.iter().all(|byte| b"bBfFrRtTuU".contains(byte));
        let prefix = word.filter(is_prefix).unwrap_or_default();
        let has = |one: u8| prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&one));
        let (raw, template) = (has(b'r'), has(b'f') || has(b't'));
        let triple = self.byte(1) == Some(quote) && self.byte(2) == Some(quote);
        self.at += if triple { 3 } else { 1 };
        if template {
            self.inside.push(Inside::Template { quote, triple, raw });
            return;
        }
        while let Some(byte) = self.byte(0) {
            match byte {
                b'\\' => {
                    self.at += 1;
                    self.step(true);
                }
                b'\n' | b'\r' if !triple => return,
                _ if self.ends(byte, quote, triple) => return,
                _ => self.step(true),
            }
        }
        self.open.insert(self.row);
    }

    /// Whether a string ends here; steps over its quotes when it does.
    fn ends(&mut self, byte: u8, quote: u8, triple: bool) -> bool {
        let ends = byte == quote && (!triple || (self.byte(1) == Some(quote) && self.byte(2) == Some(quote)));
        if ends {
            self.at += if triple { 3 } else { 1 };
        }
        ends
    }

    fn template(&mut self, byte: u8, quote: u8, triple: bool, raw: bool) {
        match byte {
            b'\\' if self.byte(1) == Some(b'{') => self.at += 1,
            b'\\' if !raw && self.byte(1) == Some(b'N') && self.byte(2) == Some(b'{') => self.at += 3,
            b'\\' => {
                self.at += 1;
                self.step(true);
            }
            b'{' if self.byte(1) == Some(b'{') => self.at += 2,
            b'{' => {
                self.inside.push(Inside::Field { depth: 0 });
                self.at += 1;
            }
            b'\n' | b'\r' if !triple => {
                self.inside.pop();
            }
            _ if self.ends(byte, quote, triple) => {
                self.inside.pop();
            }
            _ => self.step(true),
        }
    }

    fn format(&mut self, byte: u8) {
        match byte {
            b'{' => {
                self.inside.push(Inside::Field { depth: 0 });
                self.at += 1;
            }
            b'}' => {
                self.inside.pop();
                self.inside.pop();
                self.at += 1;
            }
            // The string around it is over without its quotes: the source does not parse.
            b'\n' | b'\r' if self.single() => self.inside.clear(),
            _ => self.step(true),
        }
    }

    fn single(&self) -> bool {
        self.inside.iter().rev().any(|one| matches!(one, Inside::Template { triple: false, .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(source: &str) -> Vec<u32> {
        open_rows(source).into_iter().collect()
    }

    #[test]
    fn rows_inside_strings_and_before_continued_ones_are_open() {
        for (source, rows) in [
            ("x = 1\ny = 2\n", vec![]),
            ("x = '''a\nb\n''' + 'c'\n", vec![1, 2]),
            ("x = 'a\\\nb'\ny = 1\n", vec![1]),
            ("x = 1 + \\\n    2\n", vec![1]),
            ("x = 1  # a comment \\\ny = '#'\n", vec![]),
            ("x = (\n    1,\n)\n", vec![]),
            ("x = r'\\'\ny = '\\\\'\nz = \"\"\"\\\"\"\"\n\"\"\"\n", vec![3]),
            ("x = f'{a[\"b\"]!r:>{w}}' + f'{{'\ny = 1\n", vec![]),
            ("x = f'''{\na}\n'''\ny = 1\n", vec![1, 2]),
            ("x = f'{'a' + f'{b}'}'\ny = f'{\"(\"}'\nz = 1\n", vec![]),
            ("x = f'\\N{DASH}'\ny = rf'\\{a}'\nz = 1\n", vec![]),
            ("x = 'broken\ny = f'{broken\nz = 1\n", vec![2, 3, 4]),
            ("x = '''never\nends", vec![1, 2]),
            ("x = '''a\r\nb\r''' \\\r\n+ 1", vec![1, 2, 3]),
            ("xf''\nbr'''\n'''\n", vec![2]),
        ] {
            assert_eq!(open(source), rows, "{source:?}");
        }
    }
}
