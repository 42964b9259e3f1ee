//! Columns of tokens and cost, which the rows and the sums of usage share.

use api_types::LlmUsage;

use crate::llm::csv::Cell;
use crate::llm::money::exact_dollars;

/// The names of the columns.
pub const COST_COLUMNS: [&str; 7] = [
    "prompt_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_usd",
    "cost_pico_usd",
];

/// The cells of one line, in the order of [`COST_COLUMNS`].
pub fn cost_cells(usage: &LlmUsage, cost_pico_usd: i64) -> [Cell; COST_COLUMNS.len()] {
    [
        Cell::plain(&usage.prompt_tokens),
        Cell::plain(&usage.cached_tokens),
        Cell::plain(&usage.cache_write_tokens),
        Cell::plain(&usage.completion_tokens),
        Cell::plain(&usage.reasoning_tokens),
        Cell::Plain(exact_dollars(cost_pico_usd)),
        Cell::plain(&cost_pico_usd),
    ]
}
