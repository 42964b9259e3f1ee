//! Conversion between dollars, which people write, and pico-dollars, in which costs are counted.

/// Highest limit that can be set, in dollars.
pub const MAX_DOLLARS: f64 = 9_000_000.0;

/// Pico-dollars in a dollar.
pub const PICO_PER_DOLLAR: i64 = 1_000_000_000_000;

/// Reason why an amount of dollars can't be a limit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MoneyError {
    /// It is not a number.
    #[error("the amount is not a number")]
    NotANumber,
    /// It is below zero.
    #[error("`{0}` dollars are less than nothing")]
    Negative(f64),
    /// It is above [`MAX_DOLLARS`].
    #[error("`{0}` dollars are more than the largest amount, 9000000")]
    TooMuch(f64),
}

/// Converts dollars to pico-dollars.
///
/// The result is what the shortest decimal form of the number says, rounded half up at the twelfth decimal. So the
/// error of the binary fraction does not count: `0.1` is exactly 100,000,000,000.
///
/// # Errors
/// [`MoneyError`] for anything but 0 to [`MAX_DOLLARS`] dollars.
pub fn dollars_to_pico(dollars: f64) -> Result<i64, MoneyError> {
    if dollars.is_nan() {
        return Err(MoneyError::NotANumber);
    }
    if dollars < 0.0 {
        return Err(MoneyError::Negative(dollars));
    }
    if dollars > MAX_DOLLARS {
        return Err(MoneyError::TooMuch(dollars));
    }
    let written = dollars.abs().to_string();
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let mut digits = fraction.bytes().chain(std::iter::repeat(b'0')).map(|digit| i64::from(digit - b'0'));
    let picos = digits.by_ref().take(12).fold(0_i64, |sum, digit| sum * 10 + digit);
    let round_up = i64::from(digits.next().is_some_and(|digit| digit >= 5));
    // INVARIANT: `Display` of a finite float writes decimal digits and at most one point, and the amount is at
    // most 9 million, so the sum is at most 9e18 and fits.
    let whole: i64 = whole.parse().map_err(|_| MoneyError::NotANumber)?;
    Ok(whole.saturating_mul(PICO_PER_DOLLAR).saturating_add(picos + round_up))
}

/// Converts pico-dollars to the nearest float of dollars. For display, never for computing.
#[must_use]
pub fn pico_to_dollars(pico: i64) -> f64 {
    let size = pico.unsigned_abs();
    let unit = PICO_PER_DOLLAR.unsigned_abs();
    let sign = if pico < 0 { "-" } else { "" };
    // Parsing the decimal form rounds once; dividing floats would round twice.
    format!("{sign}{}.{:012}", size / unit, size % unit).parse().unwrap_or(0.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the promise is the exact float")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_amounts_are_exact() {
        let cases = [
            (0.0, 0),
            (-0.0, 0),
            (0.1, 100_000_000_000),
            (100.0, 100_000_000_000_000),
            (100.10, 100_100_000_000_000),
            (0.000_000_000_001, 1),
            (0.000_000_000_000_5, 1),
            (0.000_000_000_000_49, 0),
            (1e-300, 0),
            (0.999_999_999_999_9, 1_000_000_000_000),
            (123_456.789_012, 123_456_789_012_000_000),
            (8_999_999.99, 8_999_999_990_000_000_000),
            (9_000_000.0, 9_000_000_000_000_000_000),
        ];
        for (dollars, pico) in cases {
            assert_eq!(dollars_to_pico(dollars), Ok(pico), "{dollars}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(dollars_to_pico(f64::NAN), Err(MoneyError::NotANumber));
        assert_eq!(dollars_to_pico(-0.01), Err(MoneyError::Negative(-0.01)));
        assert_eq!(dollars_to_pico(f64::NEG_INFINITY), Err(MoneyError::Negative(f64::NEG_INFINITY)));
        assert_eq!(dollars_to_pico(9_000_000.01), Err(MoneyError::TooMuch(9_000_000.01)));
        assert_eq!(dollars_to_pico(f64::INFINITY), Err(MoneyError::TooMuch(f64::INFINITY)));
    }

    #[test]
    fn pico_dollars_read_as_the_nearest_float() {
        assert_eq!(pico_to_dollars(100_100_000_000_000), 100.1);
        assert_eq!(pico_to_dollars(1), 1e-12);
        assert_eq!(pico_to_dollars(-500_000_000_000), -0.5);
        assert_eq!(pico_to_dollars(i64::MIN), -9_223_372.036_854_775);
    }

    proptest! {
        #[test]
        fn an_amount_with_few_decimals_survives_both_ways(micros in 0_i64..=9_000_000_000_000) {
            let pico = micros * 1_000_000;
            prop_assert_eq!(dollars_to_pico(pico_to_dollars(pico)), Ok(pico));
        }

        #[test]
        fn every_float_in_range_is_taken_within_half_a_pico(dollars in 0.0..=1000.0_f64) {
            let pico = dollars_to_pico(dollars).unwrap();
            // Half a pico-dollar, and half a step of the float on the way in and out.
            let bound = 0.5e-12 + dollars * f64::EPSILON;
            prop_assert!((pico_to_dollars(pico) - dollars).abs() <= bound);
        }
    }
}
