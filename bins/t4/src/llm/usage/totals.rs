//! Usage summed up.

use std::cmp::Reverse;

use api_types::{UsageGroup, UsageTotalView};
use cli_support::Failure;
use cli_support::table::{Column, Lines, lay_out};

use super::cost::{COST_COLUMNS, cost_cells};
use crate::llm::csv::{self, Cell};
use crate::llm::money::dollars;

/// A table, the dearest first, or the days in their order; the last row is the sum of all.
pub fn human(mut totals: Vec<UsageTotalView>, by: UsageGroup) -> String {
    if totals.is_empty() {
        return "No usage.\n".to_owned();
    }
    match by {
        UsageGroup::Day => totals.sort_by(|a, b| a.group.cmp(&b.group)),
        UsageGroup::Agent | UsageGroup::Model | UsageGroup::Owner => {
            totals.sort_by_key(|total| Reverse(total.cost_pico_usd));
        }
    }
    let columns = [
        Column::Text(heading(by)),
        Column::Number("Calls"),
        Column::Number("Input"),
        Column::Number("Output"),
        Column::Number("Cost"),
        Column::Number("Flagged"),
    ];
    let rows = totals.iter().map(|total| {
        let group = if total.group.is_empty() { "-" } else { &total.group };
        let usage = total.usage;
        row(
            group,
            [total.calls, usage.prompt_tokens, usage.completion_tokens, total.flagged],
            total.cost_pico_usd,
        )
    });
    let add = |value: fn(&UsageTotalView) -> u64| {
        totals.iter().fold(0_u64, |sum, total| sum.saturating_add(value(total)))
    };
    let cost = totals.iter().fold(0_i64, |sum, total| sum.saturating_add(total.cost_pico_usd));
    let all = [
        add(|total| total.calls),
        add(|total| total.usage.prompt_tokens),
        add(|total| total.usage.completion_tokens),
        add(|total| total.flagged),
    ];
    lay_out(&columns, rows.chain([row("all", all, cost)]).collect())
}

fn row(group: &str, [calls, input, output, flagged]: [u64; 4], cost_pico_usd: i64) -> Vec<Lines> {
    vec![
        Lines::from(group),
        Lines::from(calls),
        Lines::from(input),
        Lines::from(output),
        Lines::from(dollars(cost_pico_usd)),
        Lines::from(flagged),
    ]
}

const fn heading(by: UsageGroup) -> &'static str {
    match by {
        UsageGroup::Agent => "Agent",
        UsageGroup::Model => "Model",
        UsageGroup::Owner => "Owner",
        UsageGroup::Day => "Day (UTC)",
    }
}

/// Every field of every sum, in the server's order.
pub fn csv(totals: &[UsageTotalView], by: UsageGroup) -> Result<String, Failure> {
    let header = [&[by.as_str(), "calls"], &COST_COLUMNS[..], &["flagged"]].concat();
    let rows: Vec<_> = totals
        .iter()
        .map(|total| {
            let mut cells = vec![Cell::text(Some(&total.group)), Cell::plain(&total.calls)];
            cells.extend(cost_cells(&total.usage, total.cost_pico_usd));
            cells.push(Cell::plain(&total.flagged));
            cells
        })
        .collect();
    csv::write(&header, &rows)
}

#[cfg(test)]
mod tests {
    use api_types::LlmUsage;

    use super::*;
    use cli_support::table::width;

    fn total(group: &str, cost_pico_usd: i64) -> UsageTotalView {
        let usage = LlmUsage { prompt_tokens: 900_000_000_000, completion_tokens: 7, ..LlmUsage::default() };
        UsageTotalView { group: group.to_owned(), calls: 3, usage, cost_usd: 0.0, cost_pico_usd, flagged: 1 }
    }

    fn groups(text: &str) -> Vec<&str> {
        text.lines()
            .filter(|line| line.contains('$'))
            .filter_map(|line| line.split_whitespace().next())
            .collect()
    }

    #[test]
    fn the_dearest_come_first_the_days_in_order_and_the_sum_last() {
        let totals = || vec![total("b", 10_000_000_000_000), total("", 5), total("a", 30_000_000_000_000)];
        let text = human(totals(), UsageGroup::Agent);
        assert_eq!(groups(&text), ["a", "b", "-", "all"], "{text}");
        assert!(width(&text) <= 80, "{text}");
        let last = text.lines().rfind(|line| line.contains('$')).unwrap();
        let figures: Vec<_> = last.split_whitespace().collect();
        assert_eq!(figures, ["all", "9", "2700000000000", "21", "$40.000000", "3"]);
        assert_eq!(groups(&human(totals(), UsageGroup::Day)), ["-", "a", "b", "all"]);
        assert_eq!(human(vec![], UsageGroup::Day), "No usage.\n");
        let long = human(vec![total(&"漢字".repeat(40), i64::MAX)], UsageGroup::Owner);
        assert!(width(&long) <= 80, "{long}");
    }

    #[test]
    fn the_file_has_the_groups_name_as_its_first_column() {
        let text = csv(&[total("@all", 150_000_000)], UsageGroup::Owner).unwrap();
        let (header, line) = text.split_once("\r\n").unwrap();
        assert!(header.starts_with("owner,calls,prompt_tokens,"), "{header}");
        assert_eq!(line, "'@all,3,900000000000,0,0,7,0,0.00015,150000000,1\r\n");
    }
}
