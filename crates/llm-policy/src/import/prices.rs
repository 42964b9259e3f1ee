//! The prices of one model of the table, with its tiers.

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

/// The fields of one model.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a Map<String, Value>);

/// Prices of one tier.
#[derive(Clone, Copy, Default)]
struct TierPrices<P> {
    input: P,
    output: P,
    cached: P,
    write: P,
}

/// Prices of one tier, as far as the table has them.
type Sparse = TierPrices<Option<Price>>;

/// Prices of one tier, complete.
type Full = TierPrices<Price>;

/// Reads the prices of a model.
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
        // The map is sorted: the first bound is the lowest, and from there the dearest holds.
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
    /// The prices whose names end like this.
    fn sparse(self, end: &str) -> Result<Sparse, String> {
        let read = |name: &str| self.price(&format!("{name}{end}"));
        let text = read(OUTPUT)?;
        // The dearest kind of output bounds the others.
        let dearest = text.max(read(REASONING)?).max(read(IMAGE_OUTPUT)?);
        Ok(Sparse {
            input: read(INPUT)?,
            // A lowest tier needs the price of text itself: the others do not stand in for it.
            output: if end.is_empty() { text.and(dearest) } else { dearest },
            cached: read(CACHED)?,
            write: read(WRITE)?,
        })
    }

    fn price(self, name: &str) -> Result<Option<Price>, String> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            // 15 significant digits are what every float holds; those beyond them are noise of arithmetic.
            Some(Value::Number(number)) => {
                number.as_f64().map(|price| format!("{price:.14e}")).unwrap_or_default()
            }
            Some(other) => other.to_string(),
        };
        Price::per_token(&text).map(Some).map_err(|cause| {
            let shown = self.0.get(name).map(ToString::to_string).unwrap_or_default();
            match cause {
                PriceError::NotANumber => format!("`{name}` is {shown}, which is no number"),
                PriceError::Negative => format!("`{name}` is {shown}, which is less than nothing"),
                PriceError::Outlier => {
                    format!("`{name}` is {shown}, which is above $1,000 per million tokens")
                }
            }
        })
    }

    /// Tiers by name: `input_cost_per_token_above_200k_tokens`.
    fn named_tiers(self) -> Result<BTreeMap<u64, Sparse>, String> {
        let mut tiers = BTreeMap::new();
        for name in self.0.keys() {
            let Some(thousands) = [INPUT, OUTPUT, REASONING, CACHED, WRITE].iter().find_map(|price| {
                name.strip_prefix(price)?.strip_prefix("_above_")?.strip_suffix("k_tokens")
            }) else {
                continue;
            };
            // `cache_creation_input_token_cost_above_1hr_above_200k_tokens` is a price of another thing.
            if let Ok(bound) = thousands.parse::<u64>() {
                let above = bound.saturating_mul(1000);
                check_bound(above)?;
                tiers.insert(above, self.sparse(&format!("_above_{thousands}k_tokens"))?);
            }
        }
        Ok(tiers)
    }

    /// Tiers by list: `tiered_pricing`, each with a `range` of input tokens.
    fn listed_tiers(self) -> Result<Vec<(u64, Sparse)>, String> {
        let list = match self.0.get("tiered_pricing") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err("`tiered_pricing` is no list".to_owned()),
        };
        list.iter()
            .map(|tier| {
                let fields = tier.as_object().ok_or("a tier of `tiered_pricing` is no object")?;
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
    Err(format!("a tier above {above} input tokens is beyond belief"))
}

/// A whole number, also where it is written as a float.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().and_then(|number| format!("{number}").parse().ok()))
}

impl<P: Ord> TierPrices<P> {
    /// The higher of each two prices; a price that is missing is the lowest.
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
    /// Fills in what is missing from the lowest tier, and what the cache costs from the input. No tier is
    /// cheaper than the lowest: prices rise with the length, and a part of a tier may be missing.
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
            // Zero says that nothing is known: a cache is cheaper only where the table has its price.
            cached: self.cached.filter(|price| *price > Price::ZERO).unwrap_or(input),
            // Tokens that are written to a cache are input as well.
            write: self.write.map_or(input, |price| price.max(input)),
        })
    }
}

fn positive(price: Option<Price>, name: &str) -> Result<Price, String> {
    match price {
        Some(Price::ZERO) => Err(format!(
            "`{name}` is 0; a model that costs nothing needs an entry of its own with `free = true`"
        )),
        Some(price) => Ok(price),
        None => Err(format!("it has no `{name}`")),
    }
}
