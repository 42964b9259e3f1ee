//! Prices per token, and the cost of a call at these prices.

use serde::{Deserialize, Serialize};

use crate::Usage;

/// Prices in pico-dollars per token. $1 per million tokens is 1,000,000 pico-dollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Input.
    pub input: u64,
    /// Input from the provider's cache.
    pub cached_input: u64,
    /// Input written to the provider's cache.
    pub cache_write: u64,
    /// Output, including reasoning.
    pub output: u64,
    /// Prices of calls with long input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongRates>,
}

/// Prices of calls with long input. They apply to all tokens of such a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongRates {
    /// The number of input tokens above which these prices apply.
    pub above: u64,
    /// Input.
    pub input: u64,
    /// Input from the provider's cache.
    pub cached_input: u64,
    /// Input written to the provider's cache.
    pub cache_write: u64,
    /// Output.
    pub output: u64,
}

/// The prices that apply to one call.
#[derive(Clone, Copy)]
struct Tier {
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
}

impl Rates {
    /// Prices of a free model.
    pub const FREE: Self = Self { input: 0, cached_input: 0, cache_write: 0, output: 0, long: None };

    fn tier(&self, input_tokens: u64) -> Tier {
        match self.long {
            Some(long) if input_tokens > long.above => Tier {
                input: long.input,
                cached_input: long.cached_input,
                cache_write: long.cache_write,
                output: long.output,
            },
            Some(_) | None => Tier {
                input: self.input,
                cached_input: self.cached_input,
                cache_write: self.cache_write,
                output: self.output,
            },
        }
    }

    /// Returns the highest prices that can apply to a call with at most this many input tokens.
    fn dearest(&self, input_tokens: u64) -> Tier {
        let base = self.tier(0);
        let long = self.tier(input_tokens);
        Tier {
            input: base
                .input
                .max(base.cached_input)
                .max(base.cache_write)
                .max(long.input.max(long.cached_input).max(long.cache_write)),
            cached_input: 0,
            cache_write: 0,
            output: base.output.max(long.output),
        }
    }

    /// Returns the cost of a call, in pico-dollars.
    ///
    /// Cached and written tokens are capped at the total input, so that no token is billed twice. Amounts above
    /// `i64::MAX` become `i64::MAX`.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> i64 {
        let tier = self.tier(usage.prompt_tokens);
        let cached = usage.cached_tokens.min(usage.prompt_tokens);
        let written = usage.cache_write_tokens.min(usage.prompt_tokens - cached);
        let plain = usage.prompt_tokens - cached - written;
        let parts = [
            (plain, tier.input),
            (cached, tier.cached_input),
            (written, tier.cache_write),
            (usage.completion_tokens, tier.output),
        ];
        sum(&parts)
    }

    /// Returns the maximum cost of a call, in pico-dollars. It is never less than [`Rates::cost`] of any usage with at
    /// most this many input and output tokens.
    #[must_use]
    pub fn worst_case(&self, input_tokens: u64, output_tokens: u64) -> i64 {
        let tier = self.dearest(input_tokens);
        sum(&[(input_tokens, tier.input), (output_tokens, tier.output)])
    }

    /// Returns how many output tokens each of `choices` answers may have so that the worst case fits the amount.
    /// `None` when the input alone does not fit or its cost overflows; `u64::MAX` when output is free.
    #[must_use]
    pub fn affordable_output(&self, input_tokens: u64, choices: u32, amount_pico_usd: i64) -> Option<u64> {
        let tier = self.dearest(input_tokens);
        // `sum` saturates at `i64::MAX`, so a cost of `i64::MAX` may be an overflow and fits no amount.
        let input = Some(sum(&[(input_tokens, tier.input)])).filter(|cost| *cost < i64::MAX)?;
        let left = amount_pico_usd.checked_sub(input).filter(|left| *left >= 0)?;
        let per_token = u128::from(tier.output) * u128::from(choices.max(1));
        if per_token == 0 {
            return Some(u64::MAX);
        }
        Some(u64::try_from(u128::from(left.unsigned_abs()) / per_token).unwrap_or(u64::MAX))
    }
}

fn sum(parts: &[(u64, u64)]) -> i64 {
    let total = parts.iter().fold(0_u128, |total, (tokens, price)| {
        total.saturating_add(u128::from(*tokens).saturating_mul(u128::from(*price)))
    });
    i64::try_from(total).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
