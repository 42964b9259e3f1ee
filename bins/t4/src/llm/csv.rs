//! Comma-separated values (RFC 4180) that a spreadsheet may open.

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

    /// The value as it stands in the file. A text that a spreadsheet would take for a formula (it begins with `=`,
    /// `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe in front.
    fn written(&self) -> String {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                quoted(&format!("'{text}"))
            }
            Self::Text(text) => quoted(text),
        }
    }
}

/// A header and its rows; every line ends with CR and LF.
pub fn write(header: &[&str], rows: &[Vec<Cell>]) -> String {
    let header = header.join(",") + "\r\n";
    rows.iter().fold(header, |text, row| {
        let cells: Vec<_> = row.iter().map(Cell::written).collect();
        text + &cells.join(",") + "\r\n"
    })
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
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
            assert_eq!(cell.written(), written);
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
            assert_eq!(Cell::text(Some(text)).written(), written);
        }
        assert_eq!(Cell::plain(&-5).written(), "-5");
    }

    #[test]
    fn lines_end_as_the_rfc_has_it() {
        let rows = [vec![Cell::text(None), Cell::plain(&1)], vec![Cell::text(Some("x")), Cell::plain(&true)]];
        assert_eq!(write(&["a", "b"], &rows), "a,b\r\n,1\r\nx,true\r\n");
        assert_eq!(write(&["a"], &[]), "a\r\n");
    }
}
