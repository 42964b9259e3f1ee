//! What a held attempt used and costs: the one place where a measurement becomes money.

use crate::{Measured, Rates, Usage, UsageSource};

/// The terms of a hold, as far as its price depends on them.
#[derive(Debug, Clone, Copy)]
pub struct HeldTerms<'h> {
    /// The prices of its time.
    pub rates: &'h Rates,
    /// What is held, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The bound of the input, in tokens.
    pub input_tokens: u64,
    /// The most output of each choice, in tokens; `None` when the call has no output.
    pub max_tokens: Option<u64>,
    /// How many answers were asked for.
    pub choices: u32,
}

/// What an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What it used.
    pub usage: Usage,
    /// Where these numbers come from.
    pub source: UsageSource,
    /// What it costs, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Whether there was more output than was asked for, or the cost is above what was held.
    pub overrun: bool,
}

impl HeldTerms<'_> {
    /// What an attempt with this measurement comes to. One that was not measured is charged at its worst case, which is
    /// what is held.
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
    fn what_was_not_measured_costs_what_is_held() {
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
