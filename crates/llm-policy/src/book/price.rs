//! Exact conversion of decimal prices to whole pico-dollars per token, without floats.

use std::fmt;

/// The highest price that is accepted: $1,000 per million tokens. Published tables contain higher prices that are
/// wrong by five orders of magnitude.
pub const MAX_PICO_PER_TOKEN: u64 = 1_000_000_000;

/// The maximum number of characters of a price before its exponent. More of them carry no information.
const MAX_DIGITS: usize = 400;

/// The price of one token, in pico-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

/// Reason why a text is not a valid price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceError {
    /// It is not a decimal number.
    NotANumber,
    /// It is negative.
    Negative,
    /// It is above [`MAX_PICO_PER_TOKEN`].
    Outlier,
}

impl Price {
    /// A price of zero.
    pub const ZERO: Self = Self(0);

    /// Makes a price from pico-dollars per token.
    pub const fn from_pico(pico: u64) -> Self {
        Self(pico)
    }

    /// Returns the price in pico-dollars per token.
    pub const fn pico(self) -> u64 {
        self.0
    }

    /// Parses dollars per million tokens, such as `0.15`. $0.000001 per million tokens is one pico-dollar per token.
    pub fn per_million(text: &str) -> Result<Self, PriceError> {
        Self::scaled(text, 6)
    }

    /// Parses dollars per token, such as `1.5e-7`.
    pub fn per_token(text: &str) -> Result<Self, PriceError> {
        Self::scaled(text, 12)
    }

    /// Parses a decimal number, multiplies it by ten to the `power`, and rounds up to a whole number.
    fn scaled(text: &str, power: i32) -> Result<Self, PriceError> {
        let decimal = Decimal::read(text)?;
        if decimal.digits.iter().all(|digit| *digit == 0) {
            return Ok(Self::ZERO);
        }
        if decimal.negative {
            return Err(PriceError::Negative);
        }
        let point = decimal.point.saturating_add(power);
        let whole = usize::try_from(point).unwrap_or(0);
        let mut pico = 0_u64;
        for place in 0..whole {
            // Places after the last stated digit are zeros.
            let digit = decimal.digits.get(place).copied().unwrap_or(0);
            pico = pico * 10 + u64::from(digit);
            if pico > MAX_PICO_PER_TOKEN {
                return Err(PriceError::Outlier);
            }
        }
        let rest = decimal.digits.get(whole.min(decimal.digits.len())..).unwrap_or_default();
        let rounded = pico + u64::from(rest.iter().any(|digit| *digit != 0));
        if rounded > MAX_PICO_PER_TOKEN { Err(PriceError::Outlier) } else { Ok(Self(rounded)) }
    }
}

/// A decimal number: its digits without leading zeros, and the number of digits before the decimal point.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i32,
}

impl Decimal {
    fn read(text: &str) -> Result<Self, PriceError> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| PriceError::NotANumber)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        if whole.is_empty() || fraction.is_empty() || mantissa.len() > MAX_DIGITS || exponent.abs() > 400 {
            return Err(PriceError::NotANumber);
        }
        let digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|byte| if byte.is_ascii_digit() { Ok(byte - b'0') } else { Err(PriceError::NotANumber) })
            .collect::<Result<_, _>>()?;
        let point = i32::try_from(whole.len()).map_err(|_| PriceError::NotANumber)?.saturating_add(exponent);
        // Dropping a leading zero moves the point by one.
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let digits = digits.get(zeros..).unwrap_or_default().to_vec();
        let point = point.saturating_sub(i32::try_from(zeros).unwrap_or(i32::MAX));
        Ok(Self { negative, digits, point })
    }
}

impl fmt::Display for Price {
    /// Dollars per million tokens, exactly, with at least one decimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % 1_000_000);
        let shown = fraction.trim_end_matches('0');
        write!(f, "{}.{}", self.0 / 1_000_000, if shown.is_empty() { "0" } else { shown })
    }
}
