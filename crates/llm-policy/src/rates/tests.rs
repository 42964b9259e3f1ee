use proptest::prelude::*;

use super::{LongRates, Rates};
use crate::Usage;

/// $2.50, $1.25, $3.125 and $10 per million tokens; double above 200,000.
const SAMPLE: Rates = Rates {
    input: 2_500_000,
    cached_input: 1_250_000,
    cache_write: 3_125_000,
    output: 10_000_000,
    long: Some(LongRates {
        above: 200_000,
        input: 5_000_000,
        cached_input: 2_500_000,
        cache_write: 6_250_000,
        output: 20_000_000,
    }),
};

fn usage(prompt: u64, cached: u64, written: u64, completion: u64) -> Usage {
    Usage {
        prompt_tokens: prompt,
        cached_tokens: cached,
        cache_write_tokens: written,
        completion_tokens: completion,
        reasoning_tokens: 0,
    }
}

#[test]
fn each_part_costs_its_own_price() {
    assert_eq!(SAMPLE.cost(&usage(1000, 0, 0, 0)), 2_500_000_000);
    assert_eq!(SAMPLE.cost(&usage(1000, 400, 100, 0)), 500 * 2_500_000 + 400 * 1_250_000 + 100 * 3_125_000);
    assert_eq!(SAMPLE.cost(&usage(0, 0, 0, 7)), 70_000_000);
    assert_eq!(SAMPLE.cost(&usage(0, 0, 0, 0)), 0);
}

#[test]
fn reasoning_is_part_of_the_output_and_not_billed_twice() {
    let mut used = usage(0, 0, 0, 10);
    used.reasoning_tokens = 10;
    assert_eq!(SAMPLE.cost(&used), 100_000_000);
}

#[test]
fn prices_of_long_input_apply_to_the_whole_call_and_only_above_the_threshold() {
    assert_eq!(SAMPLE.cost(&usage(200_000, 0, 0, 1)), 200_000 * 2_500_000 + 10_000_000);
    assert_eq!(
        SAMPLE.cost(&usage(200_001, 1, 2, 1)),
        199_998 * 5_000_000 + 2_500_000 + 12_500_000 + 20_000_000
    );
}

#[test]
fn cached_parts_above_the_input_are_not_billed_twice() {
    assert_eq!(SAMPLE.cost(&usage(10, 1000, 1000, 0)), 10 * 1_250_000);
    assert_eq!(SAMPLE.cost(&usage(10, 4, 1000, 0)), 4 * 1_250_000 + 6 * 3_125_000);
}

#[test]
fn the_worst_case_uses_the_highest_price_that_can_apply() {
    // A cache write is the most expensive kind of input here.
    assert_eq!(SAMPLE.worst_case(1000, 10), 1000 * 3_125_000 + 10 * 10_000_000);
    assert_eq!(SAMPLE.worst_case(200_000, 1), 200_000 * 3_125_000 + 10_000_000);
    assert_eq!(SAMPLE.worst_case(200_001, 1), 200_001 * 6_250_000 + 20_000_000);
    assert_eq!(Rates::FREE.worst_case(u64::MAX, u64::MAX), 0);
}

#[test]
fn the_worst_case_covers_a_call_with_less_input_than_its_upper_bound() {
    // Long calls are cheaper here, and each kind of input is the most expensive one once.
    let long = Some(LongRates { above: 100, input: 1, cached_input: 1, cache_write: 1, output: 1 });
    let part = |input, cached_input, cache_write| Rates { input, cached_input, cache_write, output: 5, long };
    for (rates, used) in [
        (part(9, 1, 1), usage(100, 0, 0, 1)),
        (part(1, 9, 1), usage(100, 100, 0, 1)),
        (part(1, 1, 9), usage(100, 0, 100, 1)),
    ] {
        assert_eq!(rates.cost(&used), 905);
        assert_eq!(rates.worst_case(101, 1), 914);
    }
}

#[test]
fn amounts_saturate_at_i64_max() {
    assert_eq!(SAMPLE.worst_case(u64::MAX, u64::MAX), i64::MAX);
    assert_eq!(SAMPLE.cost(&usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX)), i64::MAX);
    let dear = Rates {
        input: u64::MAX,
        cached_input: u64::MAX,
        cache_write: u64::MAX,
        output: u64::MAX,
        long: None,
    };
    assert_eq!(dear.worst_case(u64::MAX, u64::MAX), i64::MAX);
    assert_eq!(dear.affordable_output(u64::MAX, u32::MAX, i64::MAX), None);
}

#[test]
fn affordable_output_is_divided_among_all_choices() {
    let left = 1000 * 3_125_000;
    assert_eq!(SAMPLE.affordable_output(1000, 1, left - 1), None);
    assert_eq!(SAMPLE.affordable_output(1000, 1, left), Some(0));
    assert_eq!(SAMPLE.affordable_output(1000, 1, left + 10_000_000), Some(1));
    assert_eq!(SAMPLE.affordable_output(1000, 4, left + 79_999_999), Some(1));
    assert_eq!(SAMPLE.affordable_output(1000, 4, left + 80_000_000), Some(2));
    assert_eq!(SAMPLE.affordable_output(0, 0, 10_000_000), Some(1));
    assert_eq!(Rates::FREE.affordable_output(1000, 1, 0), Some(u64::MAX));
    assert_eq!(Rates::FREE.affordable_output(1000, 1, -1), None);
    assert_eq!(Rates::FREE.affordable_output(0, 1, i64::MIN), None);
}

fn rates() -> impl Strategy<Value = Rates> {
    let price = || prop_oneof![0..4_u64, 0..1_000_000_000_u64];
    let long = (0..3000_u64, price(), price(), price(), price()).prop_map(
        |(above, input, cached_input, cache_write, output)| LongRates {
            above,
            input,
            cached_input,
            cache_write,
            output,
        },
    );
    (price(), price(), price(), price(), prop::option::of(long)).prop_map(
        |(input, cached_input, cache_write, output, long)| Rates {
            input,
            cached_input,
            cache_write,
            output,
            long,
        },
    )
}

fn any_tokens() -> impl Strategy<Value = u64> {
    prop_oneof![0..5000_u64, 0..5_000_000_000_u64, any::<u64>()]
}

proptest! {
    #[test]
    fn no_usage_within_the_upper_bounds_costs_more_than_the_worst_case(
        rates in rates(),
        input in any_tokens(),
        output in any_tokens(),
        (prompt, completion) in (any_tokens(), any_tokens()),
        (cached, written) in (any_tokens(), any_tokens()),
    ) {
        let used = usage(prompt.min(input), cached, written, completion.min(output));
        prop_assert!(rates.cost(&used) <= rates.worst_case(input, output));
        prop_assert!(rates.cost(&used) >= 0);
    }

    #[test]
    fn the_worst_case_never_falls_when_a_bound_rises(
        rates in rates(),
        (input, output) in (any_tokens(), any_tokens()),
        (more_input, more_output) in (any_tokens(), any_tokens()),
    ) {
        let small = rates.worst_case(input, output);
        let large = rates.worst_case(input.max(more_input), output.max(more_output));
        prop_assert!(small <= large);
    }

    #[test]
    fn the_affordable_output_is_the_largest_that_fits(
        rates in rates(),
        input in 0..5000_u64,
        choices in 1..129_u32,
        amount in prop_oneof![0..10_000_i64, 0..1_000_000_000_000_000_i64],
    ) {
        let worst = |tokens: u64| rates.worst_case(input, tokens * u64::from(choices));
        match rates.affordable_output(input, choices, amount) {
            None => prop_assert!(worst(0) > amount),
            Some(u64::MAX) => prop_assert_eq!(worst(1), worst(0)),
            Some(tokens) => {
                prop_assert!(worst(tokens) <= amount);
                prop_assert!(worst(tokens + 1) > amount);
            }
        }
    }
}
