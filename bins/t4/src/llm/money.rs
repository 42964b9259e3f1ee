//! Pico-dollars as text for people and spreadsheets.

/// Pico-dollars in a dollar.
const DOLLAR: u64 = 1_000_000_000_000;

/// An amount for a table: six decimals, more where fewer would not show three digits that count, two from $1,000 on.
pub fn dollars(pico_usd: i64) -> String {
    let size = pico_usd.unsigned_abs();
    let places = match size.checked_ilog10() {
        None => 6,
        Some(_) if size >= 1000 * DOLLAR => 2,
        Some(magnitude) => 14_u32.saturating_sub(magnitude).clamp(6, 12),
    };
    let step = 10_u64.pow(12 - places);
    let rounded = size / step + u64::from(size % step * 2 >= step);
    let unit = 10_u64.pow(places);
    let fraction = digits(rounded % unit, places, 6);
    format!("{}${}.{fraction}", sign(pico_usd), rounded / unit)
}

/// An amount for a spreadsheet: dollars with all digits that count, no sign of the currency.
pub fn exact_dollars(pico_usd: i64) -> String {
    let size = pico_usd.unsigned_abs();
    let fraction = digits(size % DOLLAR, 12, 0);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{}{point}{fraction}", sign(pico_usd), size / DOLLAR)
}

/// A price in pico-dollars per token as dollars per million tokens, exactly.
pub fn per_million(pico_per_token: u64) -> String {
    format!("{}.{}", pico_per_token / 1_000_000, digits(pico_per_token % 1_000_000, 6, 2))
}

fn sign(pico_usd: i64) -> &'static str {
    if pico_usd < 0 { "-" } else { "" }
}

/// A fraction of this many decimal places, without the zeros at its end that come after the first `least` places.
fn digits(fraction: u64, places: u32, least: usize) -> String {
    let width = usize::try_from(places).unwrap_or_default();
    let mut text = format!("{fraction:0width$}");
    while text.len() > least && text.ends_with('0') {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_keep_the_digits_that_count() {
        for (pico, shown) in [
            (0, "$0.000000"),
            (1, "$0.000000000001"),
            (50_000, "$0.00000005"),
            (12_345_678, "$0.0000123"),
            (99_999_999, "$0.000100"),
            (150_000_000, "$0.000150"),
            (1_234_567_890, "$0.001235"),
            (-150_000_000, "-$0.000150"),
            (4_990_000_000_000, "$4.990000"),
            (999_999_999_600_000, "$1000.000000"),
            (1_000_000_000_000_000, "$1000.00"),
            (9_000_000_000_000_000_000, "$9000000.00"),
            (i64::MAX, "$9223372.04"),
            (i64::MIN, "-$9223372.04"),
        ] {
            assert_eq!(dollars(pico), shown, "{pico}");
        }
    }

    #[test]
    fn spreadsheets_get_every_digit() {
        for (pico, shown) in [
            (0, "0"),
            (1, "0.000000000001"),
            (150_000_000, "0.00015"),
            (-5_000_000_000_000, "-5"),
            (i64::MAX, "9223372.036854775807"),
        ] {
            assert_eq!(exact_dollars(pico), shown);
        }
    }

    #[test]
    fn prices_are_shown_exactly() {
        for (pico, shown) in [
            (0, "0.00"),
            (150_000, "0.15"),
            (75_000, "0.075"),
            (30_000_000, "30.00"),
            (1, "0.000001"),
            (1_000_000_000, "1000.00"),
        ] {
            assert_eq!(per_million(pico), shown);
        }
    }
}
