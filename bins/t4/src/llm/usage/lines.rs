//! Usage row by row.

use api_types::UsageLineView;
use cli_support::Failure;
use cli_support::table::{Column, Lines, lay_out, moment};

use super::cost::{COST_COLUMNS, cost_cells};
use crate::llm::csv::{self, Cell};
use crate::llm::money::dollars;

/// A table; with the agents when the rows are everybody's.
pub fn human(rows: &[UsageLineView], everybody: bool) -> String {
    if rows.is_empty() {
        return "No usage.\n".to_owned();
    }
    let columns = [
        Column::Whole("Time (UTC)"),
        Column::Text(if everybody { "Model, agent" } else { "Model" }),
        Column::Number("Input"),
        Column::Number("Output"),
        Column::Number("Cost"),
        Column::Text("Remarks"),
    ];
    let cells = rows.iter().map(|row| {
        vec![
            Lines::from(moment(&row.timestamp)),
            Lines::of([&row.model, if everybody { row.agent_id.as_str() } else { "" }]),
            Lines::from(row.usage.prompt_tokens),
            Lines::from(row.usage.completion_tokens),
            Lines::from(dollars(row.cost_pico_usd)),
            Lines::from(remarks(row)),
        ]
    });
    lay_out(&columns, cells.collect())
}

/// What is not as it is with most rows: where the numbers come from, how the attempt ended, and what is odd.
pub fn remarks(row: &UsageLineView) -> String {
    let source = row.source.as_deref().filter(|source| *source != "provider");
    let outcome = row.outcome.as_deref().filter(|outcome| *outcome != "ok");
    let odd = [row.overrun.then_some("overrun"), row.late.then_some("late")];
    let words: Vec<_> = [source, outcome].into_iter().chain(odd).flatten().map(readable).collect();
    words.join(", ")
}

fn readable(word: &str) -> String {
    word.replace('_', " ")
}

/// Columns before [`COST_COLUMNS`].
const CALL: [&str; 8] =
    ["timestamp", "key_id", "agent_id", "owner", "model", "provider", "call_id", "attempt"];
/// Columns after [`COST_COLUMNS`].
const SETTLEMENT: [&str; 5] = ["price_version", "source", "outcome", "overrun", "late"];

/// Every field of every row.
pub fn csv(rows: &[UsageLineView]) -> Result<String, Failure> {
    let rows: Vec<_> = rows.iter().map(cells).collect();
    csv::write(&[&CALL[..], &COST_COLUMNS, &SETTLEMENT].concat(), &rows)
}

fn cells(row: &UsageLineView) -> Vec<Cell> {
    let attempt = row.attempt.map_or(String::new(), |attempt| attempt.to_string());
    let mut cells = vec![
        Cell::text(Some(&row.timestamp)),
        Cell::text(Some(&row.key_id)),
        Cell::text(Some(&row.agent_id)),
        Cell::text(row.owner.as_deref()),
        Cell::text(Some(&row.model)),
        Cell::text(row.provider.as_deref()),
        Cell::text(row.call_id.as_deref()),
        Cell::Plain(attempt),
    ];
    cells.extend(cost_cells(&row.usage, row.cost_pico_usd));
    cells.extend([
        Cell::text(row.price_version.as_deref()),
        Cell::text(row.source.as_deref()),
        Cell::text(row.outcome.as_deref()),
        Cell::plain(&row.overrun),
        Cell::plain(&row.late),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use api_types::LlmUsage;

    use super::*;
    use cli_support::table::width;

    fn row() -> UsageLineView {
        UsageLineView {
            timestamp: "2026-11-21T10:00:03.000001Z".to_owned(),
            key_id: "t4_000000000001".to_owned(),
            agent_id: "=cmd|'/c calc'!A1".to_owned(),
            owner: None,
            model: "a-model-with-quite-a-long-name-2026-11-21".to_owned(),
            provider: Some("openai".to_owned()),
            call_id: Some("-1".to_owned()),
            attempt: Some(2),
            usage: LlmUsage {
                prompt_tokens: 10_000_000,
                completion_tokens: 1_000_000,
                ..LlmUsage::default()
            },
            cost_usd: 0.0,
            cost_pico_usd: 150_000_000,
            price_version: Some("0123456789ab".to_owned()),
            source: Some("worst_case".to_owned()),
            outcome: Some("client_gone".to_owned()),
            overrun: true,
            late: true,
        }
    }

    #[test]
    fn a_table_is_at_most_80_columns_wide_whatever_is_in_it() {
        let mut dear = row();
        dear.cost_pico_usd = i64::MAX;
        dear.model = "漢字".repeat(40);
        for text in [human(&[row(), dear.clone()], true), human(&[dear], false)] {
            assert!(width(&text) <= 80, "{} {text}", width(&text));
            assert!(text.contains("2026-11-21 10:00:03") && text.contains("$9223372.04"), "{text}");
        }
        assert!(human(&[row()], true).contains("$0.000150"));
    }

    #[test]
    fn what_is_as_usual_needs_no_remark() {
        let usual = UsageLineView {
            source: Some("provider".to_owned()),
            outcome: Some("ok".to_owned()),
            overrun: false,
            late: false,
            ..row()
        };
        assert_eq!(remarks(&usual), "");
        assert_eq!(remarks(&UsageLineView { source: None, outcome: None, ..usual }), "");
        assert_eq!(remarks(&row()), "worst case, client gone, overrun, late");
    }

    #[test]
    fn every_field_is_in_the_file_and_none_is_a_formula() {
        let text = csv(&[row()]).unwrap();
        let (header, line) = text.split_once("\r\n").unwrap();
        assert_eq!(header.split(',').count(), line.trim_end().split(',').count());
        assert!(line.starts_with("2026-11-21T10:00:03.000001Z,t4_000000000001,'=cmd|'/c calc'!A1,,a-model"));
        assert!(line.contains(",'-1,2,10000000,0,0,1000000,0,0.00015,150000000,0123456789ab,worst_case,"));
        assert!(line.ends_with("client_gone,true,true\r\n"), "{line}");
    }
}
