use proptest::prelude::*;
use registry_core::dollars_to_pico;

use super::decide;
use crate::{
    Account, AccountKey, AccountState, BudgetScope, CallId, Encoding, Grant, HoldAsk, LedgerError, LongRates,
    Operation, OutputWish, PriceEntry, Rates, WindowKind,
};

/// The seed's price of gpt-4o: $0.03 per 1,000 tokens of input, $0.06 of output.
const INPUT: u64 = 30_000_000;
const OUTPUT: u64 = 60_000_000;

fn entry() -> PriceEntry {
    PriceEntry {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        operation: Operation::Chat,
        rates: Rates { input: INPUT, cached_input: INPUT, cache_write: INPUT, output: OUTPUT, long: None },
        free: false,
        source: "test".to_owned(),
        date: "2026-11-21".to_owned(),
        encoding: Some(Encoding::O200k),
        image_tokens: None,
        max_output: None,
        reasoning: false,
    }
}

fn ask(input_tokens: u64, output: OutputWish) -> HoldAsk {
    HoldAsk {
        call_id: CallId::sane("call_1").unwrap(),
        attempt: 1,
        operation: Operation::Chat,
        provider: "openai".to_owned(),
        priced_as: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        input_tokens,
        choices: 1,
        output,
        lease_seconds: 60,
    }
}

fn account(id: &str, limit: i64, settled: i64, held: i64) -> Account {
    Account {
        key: AccountKey {
            scope: BudgetScope::Key,
            id: id.to_owned(),
            window: WindowKind::Day,
            window_id: "2026-11-21".to_owned(),
        },
        limit_pico_usd: limit,
        state: AccountState { settled_pico_usd: settled, held_pico_usd: held },
    }
}

fn dollars(amount: f64) -> i64 {
    dollars_to_pico(amount).unwrap()
}

fn short(result: Result<Grant, LedgerError>) -> (String, i64, i64) {
    match result {
        Err(LedgerError::Quota(short)) => {
            (short.account.id.clone(), short.remaining_pico_usd, short.needed_pico_usd)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stated_output_is_held_at_the_seeds_prices() {
    // 1,000 of input are $0.03, 500 of output $0.03.
    let fits = [account("k", dollars(0.06), 0, 0)];
    let grant = decide(&entry(), &ask(1000, OutputWish::Stated(500)), 4096, &fits);
    assert_eq!(grant, Ok(Grant { amount_pico_usd: 60_000_000_000, max_tokens: Some(500) }));
}

#[test]
fn a_stated_output_is_refused_and_never_lowered() {
    let one_pico_less = [account("k", dollars(0.06) - 1, 0, 0)];
    let refused = decide(&entry(), &ask(1000, OutputWish::Stated(500)), 4096, &one_pico_less);
    assert_eq!(short(refused), ("k".to_owned(), 59_999_999_999, 60_000_000_000));
}

#[test]
fn choices_multiply_the_output_and_not_the_input() {
    let mut ask = ask(1000, OutputWish::Stated(500));
    ask.choices = 3;
    let grant = decide(&entry(), &ask, 4096, &[]).unwrap();
    assert_eq!(grant, Grant { amount_pico_usd: 120_000_000_000, max_tokens: Some(500) });
}

#[test]
fn a_missing_output_is_filled_with_the_cap_where_that_fits() {
    let accounts = [account("k", dollars(100.0), 0, 0)];
    let grant = decide(&entry(), &ask(1000, OutputWish::Fill), 4096, &accounts).unwrap();
    assert_eq!(grant, Grant { amount_pico_usd: dollars(0.03) + 4096 * 60_000_000, max_tokens: Some(4096) });
}

#[test]
fn a_missing_output_is_filled_with_what_the_tightest_account_allows() {
    let accounts = [
        account("k", dollars(100.0), 0, 0),
        account("a", dollars(1.0), dollars(0.5), dollars(0.4)),
        account("p", dollars(0.5), dollars(0.2), 0),
    ];
    // $0.10 less $0.03 are 1,166.67 tokens of output.
    let grant = decide(&entry(), &ask(1000, OutputWish::Fill), 4096, &accounts).unwrap();
    assert_eq!(grant, Grant { amount_pico_usd: 99_960_000_000, max_tokens: Some(1166) });
}

#[test]
fn a_filled_output_is_at_least_16_tokens() {
    // 16 tokens of output are $0.00096.
    let enough = [account("k", 30_960_000_000, 0, 0)];
    let grant = decide(&entry(), &ask(1000, OutputWish::Fill), 4096, &enough).unwrap();
    assert_eq!(grant, Grant { amount_pico_usd: 30_960_000_000, max_tokens: Some(16) });
    let accounts = [account("a", dollars(1.0), 0, 0), account("k", 30_959_999_999, 0, 0)];
    let refused = decide(&entry(), &ask(1000, OutputWish::Fill), 4096, &accounts);
    assert_eq!(short(refused), ("k".to_owned(), 30_959_999_999, 30_960_000_000));
}

#[test]
fn a_cap_below_16_is_all_that_is_filled() {
    let enough = [account("k", dollars(0.03) + 3 * 60_000_000, 0, 0)];
    let grant = decide(&entry(), &ask(1000, OutputWish::Fill), 3, &enough).unwrap();
    assert_eq!(grant.max_tokens, Some(3));
    let less = [account("k", dollars(0.03) + 3 * 60_000_000 - 1, 0, 0)];
    let refused = decide(&entry(), &ask(1000, OutputWish::Fill), 3, &less);
    assert_eq!(short(refused).2, dollars(0.03) + 3 * 60_000_000);
}

#[test]
fn an_output_above_the_cap_or_the_models_own_limit_is_refused() {
    let mut entry = entry();
    let stated =
        |entry: &PriceEntry, stated, cap| decide(entry, &ask(1, OutputWish::Stated(stated)), cap, &[]);
    assert!(stated(&entry, 4096, 4096).is_ok());
    assert_eq!(stated(&entry, 4097, 4096), Err(LedgerError::AboveCap { stated: 4097, cap: 4096 }));
    entry.max_output = Some(100);
    assert_eq!(stated(&entry, 101, 4096), Err(LedgerError::AboveCap { stated: 101, cap: 100 }));
    assert_eq!(stated(&entry, 100, 50), Err(LedgerError::AboveCap { stated: 100, cap: 50 }));
    let filled = decide(&entry, &ask(1, OutputWish::Fill), 4096, &[]).unwrap();
    assert_eq!(filled.max_tokens, Some(100));
    let nothing = decide(&entry, &ask(1, OutputWish::Fill), 0, &[]);
    assert_eq!(nothing, Err(LedgerError::AboveCap { stated: 1, cap: 0 }));
}

#[test]
fn a_free_model_fits_a_limit_of_zero() {
    let mut entry = entry();
    entry.rates = Rates::FREE;
    entry.free = true;
    for account in [account("k", 0, 0, 0), account("k", 10, 20, 0)] {
        for output in [OutputWish::Fill, OutputWish::Stated(4096)] {
            let mut ask = ask(u64::MAX, output);
            ask.choices = u32::MAX;
            let grant = decide(&entry, &ask, 4096, std::slice::from_ref(&account)).unwrap();
            assert_eq!(grant, Grant { amount_pico_usd: 0, max_tokens: Some(4096) });
        }
    }
}

#[test]
fn a_model_that_costs_something_does_not_fit_a_limit_of_zero() {
    let none = [account("k", 0, 0, 0)];
    for output in [OutputWish::Fill, OutputWish::Stated(1)] {
        assert!(matches!(decide(&entry(), &ask(0, output), 4096, &none), Err(LedgerError::Quota(_))));
    }
}

#[test]
fn a_model_without_prices_is_free_only_where_the_book_says_so() {
    let mut entry = entry();
    entry.rates = Rates::FREE;
    let refused = decide(&entry, &ask(1, OutputWish::Fill), 4096, &[]);
    let (provider, model) = (entry.provider, entry.model);
    assert_eq!(refused, Err(LedgerError::NotPriced { provider, model }));
}

#[test]
fn a_price_for_embeddings_does_not_price_a_chat() {
    let mut entry = entry();
    entry.operation = Operation::Embeddings;
    entry.rates.output = 0;
    let chat = decide(&entry, &ask(1, OutputWish::Fill), 4096, &[]);
    assert!(matches!(chat, Err(LedgerError::NotPriced { .. })), "{chat:?}");
}

#[test]
fn embeddings_hold_the_cost_of_their_input_only() {
    let mut entry = entry();
    entry.operation = Operation::Embeddings;
    entry.rates.output = 0;
    let mut ask = ask(1000, OutputWish::Nothing);
    ask.operation = Operation::Embeddings;
    let fits = [account("k", dollars(0.03), 0, 0)];
    let grant = decide(&entry, &ask, 0, &fits).unwrap();
    assert_eq!(grant, Grant { amount_pico_usd: dollars(0.03), max_tokens: None });
    let less = [account("k", dollars(0.03) - 1, 0, 0)];
    assert_eq!(short(decide(&entry, &ask, 0, &less)).2, dollars(0.03));
}

#[test]
fn a_chat_that_claims_no_output_is_filled_in_as_well() {
    let grant = decide(&entry(), &ask(1000, OutputWish::Nothing), 100, &[]).unwrap();
    assert_eq!(grant.max_tokens, Some(100));
    assert_eq!(grant.amount_pico_usd, dollars(0.03) + 100 * 60_000_000);
}

#[test]
fn amounts_beyond_i64_are_refused_under_any_limit() {
    let all = [account("k", i64::MAX, 0, 0)];
    let mut many = ask(0, OutputWish::Stated(u64::MAX));
    many.choices = 128;
    for (ask, cap) in [
        (ask(u64::MAX, OutputWish::Fill), 4096),
        (ask(u64::MAX, OutputWish::Stated(1)), 4096),
        (ask(0, OutputWish::Stated(u64::MAX)), u64::MAX),
        (many, u64::MAX),
    ] {
        for accounts in [&all[..], &[]] {
            assert_eq!(decide(&entry(), &ask, cap, accounts), Err(LedgerError::Uncountable));
        }
    }
    // i64::MAX / 60,000,000 is the largest number of tokens whose cost can be counted.
    let most = i64::MAX.unsigned_abs() / OUTPUT;
    let grant = decide(&entry(), &ask(0, OutputWish::Stated(most)), u64::MAX, &all).unwrap();
    assert_eq!(grant.amount_pico_usd.unsigned_abs(), most * OUTPUT);
    let filled = decide(&entry(), &ask(0, OutputWish::Fill), u64::MAX, &all).unwrap();
    assert_eq!(filled, grant);
}

fn entries() -> impl Strategy<Value = PriceEntry> {
    let price = || prop_oneof![1 => Just(0_u64), 4 => 1..1000_u64, 2 => 1..1_000_000_000_u64];
    let long = (0..2000_u64, price(), price(), price()).prop_map(|(above, input, cache_write, output)| {
        LongRates { above, input, cached_input: 0, cache_write, output }
    });
    let prices = (price(), price(), price(), prop::option::of(long));
    (prices, prop::option::of(0..3000_u64)).prop_map(|((input, cache_write, output, long), max_output)| {
        let rates = Rates { input, cached_input: 0, cache_write, output, long };
        PriceEntry { rates, free: rates == Rates::FREE, max_output, ..entry() }
    })
}

fn accounts() -> impl Strategy<Value = Vec<Account>> {
    let amount = || prop_oneof![0..100_000_i64, 0..1_000_000_000_000_i64, 0..=i64::MAX];
    let some = (amount(), amount(), amount())
        .prop_map(|(limit, settled, held)| account("k", limit, settled / 4, held / 4));
    prop::collection::vec(some, 0..5)
}

fn wishes() -> impl Strategy<Value = OutputWish> {
    prop_oneof![
        (1..5000_u64).prop_map(OutputWish::Stated),
        any::<u64>().prop_map(OutputWish::Stated),
        Just(OutputWish::Fill),
    ]
}

fn allows(accounts: &[Account], amount: i64) -> bool {
    accounts.iter().all(|account| {
        let state = account.state;
        let sum = i128::from(state.settled_pico_usd) + i128::from(state.held_pico_usd) + i128::from(amount);
        amount == 0 || sum <= i128::from(account.limit_pico_usd)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_granted_fits_every_account_and_what_is_refused_does_not(
        entry in entries(),
        input in prop_oneof![0..5000_u64, any::<u64>()],
        choices in 1..129_u32,
        output in wishes(),
        cap in prop_oneof![0..20_u64, 0..5000_u64],
        accounts in accounts(),
    ) {
        let mut ask = ask(input, output);
        ask.choices = choices;
        let cap_of_both = entry.max_output.map_or(cap, |most| most.min(cap));
        let worst = |tokens: u64| {
            let output = u128::from(tokens) * u128::from(choices);
            entry.rates.worst_case(input, u64::try_from(output).unwrap_or(u64::MAX))
        };
        match decide(&entry, &ask, cap, &accounts) {
            Ok(grant) => {
                let tokens = grant.max_tokens.unwrap();
                prop_assert!(tokens <= cap_of_both);
                prop_assert!(allows(&accounts, grant.amount_pico_usd));
                prop_assert_eq!(grant.amount_pico_usd, worst(tokens));
                match output {
                    OutputWish::Stated(stated) => prop_assert_eq!(tokens, stated),
                    OutputWish::Fill | OutputWish::Nothing => {
                        prop_assert!(tokens >= OutputWish::LEAST.min(cap_of_both));
                        let more = worst(tokens + 1);
                        prop_assert!(
                            tokens == cap_of_both || more == i64::MAX || !allows(&accounts, more),
                            "{} of {}", tokens, cap_of_both
                        );
                    }
                }
            }
            Err(LedgerError::Quota(short)) => {
                let tokens = match output {
                    OutputWish::Stated(stated) => stated,
                    OutputWish::Fill | OutputWish::Nothing => OutputWish::LEAST.min(cap_of_both),
                };
                prop_assert_eq!(short.needed_pico_usd, worst(tokens));
                prop_assert!(!allows(&accounts, worst(tokens)));
                prop_assert!(short.remaining_pico_usd < short.needed_pico_usd);
            }
            Err(LedgerError::AboveCap { stated, cap }) => {
                prop_assert_eq!(cap, cap_of_both);
                prop_assert!(stated > cap);
            }
            Err(LedgerError::Uncountable) => prop_assert_eq!(
                worst(match output { OutputWish::Stated(stated) => stated, _ => cap_of_both }),
                i64::MAX
            ),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
