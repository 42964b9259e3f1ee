//! Thresholds at which the spending of a budget raises an alert.

/// Percentages of a limit. Each one raises one alert in a window, when the settled cost reaches it.
pub const ALERT_PERCENTS: [u8; 3] = [50, 80, 100];

/// Returns the percentages of a limit that spending reached when it rose from `before` to `after`, in ascending order.
/// All amounts are in pico-dollars. A limit of zero is reached before anything is spent, so it never yields one.
pub fn crossed(limit_pico_usd: i64, before_pico_usd: i64, after_pico_usd: i64) -> impl Iterator<Item = u8> {
    ALERT_PERCENTS.into_iter().filter(move |percent| {
        let threshold = i128::from(limit_pico_usd) * i128::from(*percent);
        let reached = |spent: i64| i128::from(spent) * 100 >= threshold;
        !reached(before_pico_usd) && reached(after_pico_usd)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(limit: i64, before: i64, after: i64) -> Vec<u8> {
        crossed(limit, before, after).collect()
    }

    #[test]
    fn a_threshold_is_crossed_when_it_is_reached() {
        assert_eq!(all(1000, 0, 499), [0_u8; 0]);
        assert_eq!(all(1000, 499, 500), [50]);
        assert_eq!(all(1000, 500, 501), [0_u8; 0]);
        assert_eq!(all(1000, 799, 1000), [80, 100]);
        assert_eq!(all(1000, 0, i64::MAX), [50, 80, 100]);
        assert_eq!(all(1000, 1000, 5000), [0_u8; 0]);
    }

    #[test]
    fn odd_limits_are_not_rounded() {
        assert_eq!(all(3, 0, 1), [0_u8; 0]);
        assert_eq!(all(3, 1, 2), [50]);
        assert_eq!(all(i64::MAX, 0, i64::MAX / 2), [0_u8; 0]);
        assert_eq!(all(i64::MAX, 0, i64::MAX / 2 + 1), [50]);
    }

    #[test]
    fn nothing_is_crossed_under_a_limit_of_zero_or_when_spending_falls() {
        assert_eq!(all(0, 0, 10), [0_u8; 0]);
        assert_eq!(all(-5, 0, 10), [0_u8; 0]);
        assert_eq!(all(1000, 900, 100), [0_u8; 0]);
    }

    proptest! {
        #[test]
        fn each_threshold_is_crossed_once_however_spending_rises(
            limit in 1_i64..1_000_000, steps in proptest::collection::vec(0_i64..200_000, 0..40)
        ) {
            let mut spent = 0;
            let mut seen = Vec::new();
            for step in steps {
                seen.extend(crossed(limit, spent, spent + step));
                spent += step;
            }
            let reached = |percent: &u8| i128::from(spent) * 100 >= i128::from(limit) * i128::from(*percent);
            let expected: Vec<u8> = ALERT_PERCENTS.into_iter().filter(reached).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
