//! Dollars as exact text.

use registry_core::PICO_PER_DOLLAR;

/// The exact decimal text of an amount of pico-dollars: no exponent, no zeros at the end.
pub(crate) fn dollars_text(pico_usd: i64) -> String {
    let (size, unit) = (pico_usd.unsigned_abs(), PICO_PER_DOLLAR.unsigned_abs());
    let sign = if pico_usd < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:012}", size / unit, size % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_exactly_and_plainly() {
        for (pico, text) in [
            (0, "0"),
            (1, "0.000000000001"),
            (-1, "-0.000000000001"),
            (23_000_000, "0.000023"),
            (999_977_000_000, "0.999977"),
            (1_000_000_000_000, "1"),
            (10_000_000_000_000, "10"),
            (100_500_000_000_000, "100.5"),
            (i64::MAX, "9223372.036854775807"),
            (i64::MIN, "-9223372.036854775808"),
        ] {
            assert_eq!(dollars_text(pico), text);
        }
    }
}
