//! Writer of comma-separated values (RFC 4180) that are safe to open in a spreadsheet.

use std::borrow::Cow;

use cli_support::Failure;
use csv::{Terminator, WriterBuilder};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text, whoever wrote it.
    Text(String),
    /// A number or a truth value of this program's own writing.
    Plain(String),
}

impl Cell {
    /// A text; empty when there is none.
    pub fn text(text: Option<&str>) -> Self {
        Self::Text(text.unwrap_or_default().to_owned())
    }

    /// A number or a truth value.
    pub fn plain(value: &impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    /// The value before it is quoted. A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`,
    /// `@`, a tab or a carriage return) gets an apostrophe in front.
    fn guarded(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                Cow::Owned(format!("'{text}"))
            }
            Self::Plain(text) | Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// A header and its rows; every line ends with CR and LF.
///
/// # Errors
/// When rows differ in their number of cells, which is a fault of this program.
pub fn write(header: &[&str], rows: &[Vec<Cell>]) -> Result<String, Failure> {
    let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let mut written = out.write_record(header);
    for row in rows {
        written = written.and_then(|()| out.write_record(row.iter().map(|cell| cell.guarded().into_owned())));
    }
    written.map_err(Failure::trouble)?;
    let bytes = out.into_inner().map_err(|error| Failure::trouble(error.into_error()))?;
    String::from_utf8(bytes).map_err(Failure::trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_quotes_stay_inside_their_cell() {
        let text = |text: &str| Cell::Text(text.to_owned());
        for (cell, written) in [
            (text("plain text"), "plain text"),
            (text(""), ""),
            (text("a,b"), "\"a,b\""),
            (text("say \"hi\""), "\"say \"\"hi\"\"\""),
            (text("two\r\nlines"), "\"two\r\nlines\""),
            (text("it's"), "it's"),
        ] {
            assert_eq!(
                write(&["a", "b"], &[vec![cell, Cell::plain(&1)]]).unwrap(),
                format!("a,b\r\n{written},1\r\n")
            );
        }
    }

    #[test]
    fn a_text_is_never_a_formula_and_a_number_stays_one() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=HYPERLINK(\"a,b\")", "\"'=HYPERLINK(\"\"a,b\"\")\""),
            ("a=1", "a=1"),
        ] {
            let row = vec![Cell::text(Some(text)), Cell::plain(&1)];
            assert_eq!(write(&["a", "b"], &[row]).unwrap(), format!("a,b\r\n{written},1\r\n"));
        }
        assert_eq!(Cell::plain(&-5).guarded(), "-5");
    }

    #[test]
    fn lines_end_as_the_rfc_has_it() {
        let rows = [vec![Cell::text(None), Cell::plain(&1)], vec![Cell::text(Some("x")), Cell::plain(&true)]];
        assert_eq!(write(&["a", "b"], &rows).unwrap(), "a,b\r\n,1\r\nx,true\r\n");
        assert_eq!(write(&["a"], &[]).unwrap(), "a\r\n");
    }
}
