//! Tables of at most 80 columns.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width, presets,
};

use crate::out::plain;

/// The width that a table fits in, whatever the terminal: logs of CI have none.
const WIDTH: u16 = 80;
/// Rules above, below and between rows, and none between columns.
const RULED: TableStyle = presets::UTF8_HORIZONTAL_ONLY;

/// How a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Breaks over lines when there is no room.
    Text(&'static str),
    /// Breaks as well, but not before this many characters.
    Wide(&'static str, u16),
    /// What is copied or compared: stays on one line.
    Whole(&'static str),
    /// Stays on one line, at the right.
    Number(&'static str),
}

/// The lines of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(Vec<String>);

impl Lines {
    /// These lines, but for empty ones.
    #[must_use]
    pub fn of<const N: usize>(lines: [&str; N]) -> Self {
        Self(lines.into_iter().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }
}

impl From<String> for Lines {
    fn from(line: String) -> Self {
        Self(vec![line])
    }
}

impl From<&str> for Lines {
    fn from(line: &str) -> Self {
        Self(vec![line.to_owned()])
    }
}

impl From<u64> for Lines {
    fn from(number: u64) -> Self {
        Self(vec![number.to_string()])
    }
}

/// Lays out a table and ends it with a line end. What could steer a terminal is shown by its escapes. Rows of one
/// line each need no rules between them.
#[must_use]
pub fn lay_out(columns: &[Column], rows: Vec<Vec<Lines>>) -> String {
    let tall = rows.iter().flatten().any(|Lines(lines)| lines.len() > 1);
    filled(columns, rows, if tall { RULED } else { RULED.row_separator(LineStyle::none()) })
}

/// The same with rules between all rows.
#[must_use]
pub fn lay_out_ruled(columns: &[Column], rows: Vec<Vec<Lines>>) -> String {
    filled(columns, rows, RULED)
}

fn filled(columns: &[Column], rows: Vec<Vec<Lines>>, style: TableStyle) -> String {
    let mut table = empty(style);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(name) | Column::Wide(name, _) | Column::Whole(name) | Column::Number(name) => *name,
    }));
    for row in rows {
        table.add_row(row.into_iter().map(|Lines(lines)| {
            let lines: Vec<_> = lines.iter().map(|line| plain(line)).collect();
            lines.join("\n")
        }));
    }
    for (index, kind) in columns.iter().enumerate() {
        let Some(column) = table.column_mut(index) else { continue };
        match kind {
            Column::Text(_) => {}
            Column::Wide(_, least) => {
                let least = Width::Fixed(least + column.padding_width());
                column.set_constraint(ColumnConstraint::LowerBoundary(least));
            }
            Column::Whole(_) => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            Column::Number(_) => {
                column.set_constraint(ColumnConstraint::ContentWidth);
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    format!("{}\n", table.trim_fmt())
}

/// Lays out names and their values, a row for each.
#[must_use]
pub fn fields(rows: Vec<(&'static str, String)>) -> String {
    let mut table = empty(presets::NOTHING);
    for (name, value) in rows {
        table.add_row([name.to_owned(), plain(&value)]);
    }
    format!("{}\n", table.trim_fmt())
}

fn empty(style: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}

/// A time to the second, as `2026-11-21 10:00:03`: the date and the time of RFC 3339.
#[must_use]
pub fn moment(time: &str) -> String {
    time.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// How many columns of a terminal the widest line takes, for tests: one per character, two for one of Chinese or
/// Japanese.
#[must_use]
pub fn width(text: &str) -> usize {
    let wide = |c: char| ('\u{3000}'..'\u{a000}').contains(&c);
    text.lines().map(|line| line.chars().map(|c| 1 + usize::from(wide(c))).sum()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_breaks_and_a_number_stays_whole_at_the_right() {
        let columns = [Column::Text("Name"), Column::Whole("Id"), Column::Number("Cost")];
        let rows = vec![
            vec![Lines::from("名前".repeat(60)), Lines::from("x".repeat(30)), Lines::from(u64::MAX)],
            vec![Lines::of(["a\u{1b}[2J", "", "b"]), Lines::from(""), Lines::from(7)],
        ];
        let text = lay_out(&columns, rows);
        assert!(width(&text) <= 80, "{text}");
        assert!(text.contains(&u64::MAX.to_string()) && text.contains(&"x".repeat(30)), "{text}");
        assert!(text.contains("\n a\\u{1b}[2J") && text.contains("\n b\n"), "{text}");
        let ends: Vec<_> = text.lines().filter(|line| line.ends_with(['5', '7'])).map(width).collect();
        assert_eq!(ends.len(), 2, "{text}");
        assert_eq!(ends[0], ends[1], "{text}");
    }

    #[test]
    fn rules_stand_between_rows_of_several_lines_alone() {
        let rules = |rows: Vec<Vec<Lines>>| {
            lay_out(&[Column::Text("Name")], rows).lines().filter(|line| line.starts_with('─')).count()
        };
        assert_eq!(rules(vec![vec!["a".into()], vec!["b".into()], vec!["c".into()]]), 2);
        assert_eq!(rules(vec![vec![Lines::of(["a", "b"])], vec!["c".into()]]), 3);
    }

    #[test]
    fn fields_fit_in_80_columns() {
        let text = fields(vec![("Name", "x".repeat(100)), ("Other", "a\u{1b}b".to_owned())]);
        assert!(width(&text) <= 80 && text.contains("a\\u{1b}b"), "{text}");
    }

    #[test]
    fn a_moment_is_the_date_and_the_second() {
        assert_eq!(moment("2026-11-21T10:00:03.123456Z"), "2026-11-21 10:00:03");
        assert_eq!(moment("soon"), "soon");
    }
}
