//! The cost of an attempt under the terms of its hold. Only this module turns a measurement into money.

use crate::{Measured, Rates, Usage, UsageSource};

/// The terms of a hold on which the cost of its attempt depends.
#[derive(Debug, Clone, Copy)]
pub struct HeldTerms<'h> {
    /// The prices at the time of the hold.
    pub rates: &'h Rates,
    /// The held amount, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The upper bound of the input, in tokens.
    pub input_tokens: u64,
    /// The maximum output of each choice, in tokens; `None` when the operation has no output.
    pub max_tokens: Option<u64>,
    /// The number of answers asked for.
    pub choices: u32,
}

/// The usage and cost of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Its usage.
    pub usage: Usage,
    /// The source of these numbers.
    pub source: UsageSource,
    /// Its cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Whether there was more output than was asked for, or the cost exceeds the hold.
    pub overrun: bool,
}

impl HeldTerms<'_> {
    /// Returns the charge for a measurement. An attempt whose usage is unknown is charged the held amount, which is its
    /// worst case.
    #[must_use]
    pub fn charge(&self, measured: &Measured) -> Charge {
        let most_output = self.max_tokens.unwrap_or(0).saturating_mul(u64::from(self.choices.max(1)));
        let (usage, source, cost_pico_usd) = match measured {
            Measured::Tokens(usage, source) => (*usage, *source, self.rates.cost(usage)),
            Measured::WorstCase => {
                let usage = Usage {
                    prompt_tokens: self.input_tokens,
                    completion_tokens: most_output,
                    ..Usage::default()
                };
                (usage, UsageSource::WorstCase, self.amount_pico_usd)
            }
        };
        let overrun = usage.completion_tokens > most_output || cost_pico_usd > self.amount_pico_usd;
        Charge { usage, source, cost_pico_usd, overrun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(rates: &Rates) -> HeldTerms<'_> {
        HeldTerms { rates, amount_pico_usd: 100, input_tokens: 10, max_tokens: Some(5), choices: 2 }
    }

    #[test]
    fn an_attempt_of_unknown_usage_costs_the_held_amount() {
        let rates = Rates::default();
        let charge = terms(&rates).charge(&Measured::WorstCase);
        assert_eq!(
            (charge.cost_pico_usd, charge.source, charge.overrun),
            (100, UsageSource::WorstCase, false)
        );
        assert_eq!((charge.usage.prompt_tokens, charge.usage.completion_tokens), (10, 10));
    }

    #[test]
    fn more_output_than_was_asked_for_or_more_cost_than_is_held_is_an_overrun() {
        let rates = Rates { output: 10, ..Rates::default() };
        for (completion_tokens, overrun) in [(10, false), (11, true)] {
            let usage = Usage { completion_tokens, ..Usage::default() };
            let charge = terms(&rates).charge(&Measured::Tokens(usage, UsageSource::Provider));
            assert_eq!((charge.overrun, charge.cost_pico_usd), (overrun, rates.cost(&usage)));
        }
        let dear = Rates { output: 11, ..Rates::default() };
        let usage = Usage { completion_tokens: 10, ..Usage::default() };
        assert!(terms(&dear).charge(&Measured::Tokens(usage, UsageSource::Provider)).overrun);
    }
}
