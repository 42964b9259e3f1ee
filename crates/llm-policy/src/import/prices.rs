//! The prices of one model of the table, including its tiers by length of input.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::book::{MAX_TOKENS, Price, PriceError};
use crate::{LongRates, Operation, Rates};

const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";
const REASONING: &str = "output_cost_per_reasoning_token";
const IMAGE_OUTPUT: &str = "output_cost_per_image_token";
const CACHED: &str = "cache_read_input_token_cost";
const WRITE: &str = "cache_creation_input_token_cost";

/// The fields of one model, or of one of its tiers.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a Map<String, Value>);

/// The prices of one tier.
#[derive(Clone, Copy, Default)]
struct TierPrices<P> {
    input: P,
    output: P,
    cached: P,
    write: P,
}

/// The prices that the table states for a tier. Some may be absent.
type Sparse = TierPrices<Option<Price>>;

/// The prices of a tier after absent ones are filled in.
type Full = TierPrices<Price>;

/// Converts the prices of a model.
pub fn read_rates(fields: Fields<'_>, operation: Operation) -> Result<Rates, String> {
    let mut base = fields.sparse("")?;
    let mut tiers = fields.named_tiers()?;
    for (above, tier) in fields.listed_tiers()? {
        if above == 0 {
            base = base.dearer(tier);
        } else {
            let slot = tiers.entry(above).or_default();
            *slot = slot.dearer(tier);
        }
    }
    let base = base.complete(None, operation)?;
    let mut long: Option<(u64, Full)> = None;
    for (above, tier) in tiers {
        let tier = tier.complete(Some(base), operation)?;
        // The map is sorted, so the first threshold is the lowest. Above it the highest price of all tiers applies.
        long = Some(long.map_or((above, tier), |(lowest, dearest)| (lowest, dearest.dearer(tier))));
    }
    Ok(Rates {
        input: base.input.pico(),
        cached_input: base.cached.pico(),
        cache_write: base.write.pico(),
        output: base.output.pico(),
        long: long.map(|(above, tier)| LongRates {
            above,
            input: tier.input.pico(),
            cached_input: tier.cached.pico(),
            cache_write: tier.write.pico(),
            output: tier.output.pico(),
        }),
    })
}

impl Fields<'_> {
    /// Returns the prices whose field names end with this text.
    fn sparse(self, end: &str) -> Result<Sparse, String> {
        let read = |name: &str| self.price(&format!("{name}{end}"));
        let text = read(OUTPUT)?;
        // The most expensive kind of output is an upper bound for the others.
        let dearest = text.max(read(REASONING)?).max(read(IMAGE_OUTPUT)?);
        Ok(Sparse {
            input: read(INPUT)?,
            // The lowest tier must state the price of text output; prices of other output do not replace it.
            output: if end.is_empty() { text.and(dearest) } else { dearest },
            cached: read(CACHED)?,
            write: read(WRITE)?,
        })
    }

    fn price(self, name: &str) -> Result<Option<Price>, String> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            // A float holds 15 significant digits; further digits are rounding noise.
            Some(Value::Number(number)) => {
                number.as_f64().map(|price| format!("{price:.14e}")).unwrap_or_default()
            }
            Some(other) => other.to_string(),
        };
        Price::per_token(&text).map(Some).map_err(|cause| {
            let shown = self.0.get(name).map(ToString::to_string).unwrap_or_default();
            match cause {
                PriceError::NotANumber => format!("`{name}` is {shown}, which is not a number"),
                PriceError::Negative => format!("`{name}` is {shown}, which is negative"),
                PriceError::Outlier => {
                    format!("`{name}` is {shown}, which is above $1,000 per million tokens")
                }
            }
        })
    }

    /// Returns the tiers in field names such as `input_cost_per_token_above_200k_tokens`.
    fn named_tiers(self) -> Result<BTreeMap<u64, Sparse>, String> {
        let mut tiers = BTreeMap::new();
        for name in self.0.keys() {
            let Some(thousands) = [INPUT, OUTPUT, REASONING, CACHED, WRITE].iter().find_map(|price| {
                name.strip_prefix(price)?.strip_prefix("_above_")?.strip_suffix("k_tokens")
            }) else {
                continue;
            };
            // The price for longer cache writes, `cache_creation_input_token_cost_above_1hr_above_200k_tokens`, does
            // not parse as a number here and is ignored.
            if let Ok(bound) = thousands.parse::<u64>() {
                let above = bound.saturating_mul(1000);
                check_bound(above)?;
                tiers.insert(above, self.sparse(&format!("_above_{thousands}k_tokens"))?);
            }
        }
        Ok(tiers)
    }

    /// Returns the tiers in the list `tiered_pricing`. Each has a `range` of input tokens.
    fn listed_tiers(self) -> Result<Vec<(u64, Sparse)>, String> {
        let list = match self.0.get("tiered_pricing") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err("`tiered_pricing` is not a list".to_owned()),
        };
        list.iter()
            .map(|tier| {
                let fields = tier.as_object().ok_or("a tier of `tiered_pricing` is not an object")?;
                let above = fields
                    .get("range")
                    .and_then(|range| range.get(0))
                    .and_then(whole)
                    .ok_or("a tier of `tiered_pricing` has no `range` of input tokens")?;
                if above > 0 {
                    check_bound(above)?;
                }
                Ok((above, Fields(fields).sparse("")?))
            })
            .collect()
    }
}

fn check_bound(above: u64) -> Result<(), String> {
    if (1..=MAX_TOKENS).contains(&above) {
        return Ok(());
    }
    Err(format!("a tier above {above} input tokens is implausible"))
}

/// Returns a whole number, even if it is written as a float.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().and_then(|number| format!("{number}").parse().ok()))
}

impl<P: Ord> TierPrices<P> {
    /// Returns the higher of each two prices. An absent price is lower than any other.
    fn dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cached: self.cached.max(other.cached),
            write: self.write.max(other.write),
        }
    }
}

impl Sparse {
    /// Fills in absent prices: input and output from the lowest tier, the cache from input. The prices of input and
    /// output are at least those of the lowest tier, because real prices rise with the length of the input.
    fn complete(self, lowest: Option<Full>, operation: Operation) -> Result<Full, String> {
        let input = positive(self.input.max(lowest.map(|tier| tier.input)), INPUT)?;
        let output = self.output.max(lowest.map(|tier| tier.output));
        let output = match operation {
            Operation::Chat => positive(output, OUTPUT)?,
            Operation::Embeddings => output.unwrap_or(Price::ZERO),
        };
        Ok(Full {
            input,
            output,
            // In this table, zero means that the price is unknown. Reading the cache then costs as much as input.
            cached: self.cached.filter(|price| *price > Price::ZERO).unwrap_or(input),
            // Tokens written to the cache are input too, so they never cost less.
            write: self.write.map_or(input, |price| price.max(input)),
        })
    }
}

fn positive(price: Option<Price>, name: &str) -> Result<Price, String> {
    match price {
        Some(Price::ZERO) => {
            Err(format!("`{name}` is 0; for a free model, write an entry with `free = true` yourself"))
        }
        Some(price) => Ok(price),
        None => Err(format!("`{name}` is missing")),
    }
}
