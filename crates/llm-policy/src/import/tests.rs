use super::*;
use crate::{Operation, Usage};
use proptest::prelude::*;
use serde_json::json;

const DAY: &str = "2026-11-21";

fn import(table: &Value) -> PriceImport {
    import_litellm(&table.to_string(), &PriceBook::builtin(), DAY).unwrap()
}

/// Imports one model and returns its entry.
fn one(fields: &Value) -> PriceEntry {
    let import = import(&json!({ "acme/m": fields }));
    assert_eq!(import.refused, []);
    assert_eq!(import.added.len(), 1);
    import.added[0].clone()
}

/// Imports one model and returns the reason why it is refused.
fn why(fields: &Value) -> String {
    let import = import(&json!({ "acme/m": fields }));
    assert_eq!(import.toml, "");
    let [refused] = import.refused.as_slice() else { panic!("{import:?}") };
    assert_eq!(refused.model, "acme/m");
    refused.why.clone()
}

/// Returns a chat model at $1 and $2 per million tokens with these additional fields.
fn chat(more: &Value) -> Value {
    let mut fields = json!({
        "litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
    });
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

#[test]
fn a_model_is_imported_with_its_prices_and_limits() {
    let entry = one(&chat(&json!({
        "input_cost_per_token": 1.5e-7, "output_cost_per_token": 6e-7, "cache_read_input_token_cost": 7.5e-8,
        "cache_creation_input_token_cost": 1.875e-7, "max_output_tokens": 16384, "supports_reasoning": true,
        "source": "https://acme.example/pricing", "supports_vision": true,
    })));
    assert_eq!(
        (entry.provider.as_str(), entry.model.as_str(), entry.operation),
        ("acme", "m", Operation::Chat)
    );
    let rates =
        Rates { input: 150_000, cached_input: 75_000, cache_write: 187_500, output: 600_000, long: None };
    assert_eq!(entry.rates, rates);
    assert_eq!((entry.max_output, entry.reasoning, entry.free), (Some(16384), true, false));
    assert_eq!((entry.source.as_str(), entry.date.as_str()), ("https://acme.example/pricing", DAY));
    assert_eq!((entry.encoding, entry.image_tokens), (None, None));
}

#[test]
fn float_noise_is_dropped_and_fractions_of_a_pico_dollar_are_rounded_up() {
    for (price, pico) in [
        ("3.0000000000000004e-07", 300_000),
        ("2.9999999999999997e-07", 300_000),
        ("\"3e-7\"", 300_000),
        ("0.000001", 1_000_000),
        ("1.0000001e-12", 2),
        ("1e-13", 1),
    ] {
        let table = format!(
            "{{\"acme/m\":{{\"litellm_provider\":\"acme\",\"mode\":\"chat\",\"input_cost_per_token\":{price},\
             \"output_cost_per_token\":1e-6}}}}"
        );
        let import = import_litellm(&table, &PriceBook::builtin(), DAY).unwrap();
        assert_eq!(import.added[0].rates.input, pico, "{price}");
    }
}

#[test]
fn only_text_and_embeddings_are_imported() {
    let import = import(&json!({
        "sample_spec": chat(&json!({})),
        "a": chat(&json!({"mode": "image_generation"})),
        "b": chat(&json!({"mode": "rerank"})),
        "c": {"litellm_provider": "acme", "input_cost_per_token": 1e-6},
        "d": chat(&json!({"mode": "completion"})),
        "e": chat(&json!({"mode": "responses"})),
        "f": {"litellm_provider": "acme", "mode": "embedding", "input_cost_per_token": 1e-7, "output_cost_per_token": 0.0},
    }));
    assert_eq!((import.skipped, import.refused.len()), (4, 0));
    let names: Vec<_> = import.added.iter().map(|entry| (entry.model.as_str(), entry.operation)).collect();
    assert_eq!(names, [("d", Operation::Chat), ("e", Operation::Chat), ("f", Operation::Embeddings)]);
    assert_eq!((import.added[2].rates.input, import.added[2].rates.output), (100_000, 0));
}

#[test]
fn implausible_values_are_refused_with_the_name_of_their_field() {
    for (fields, said) in [
        (json!({"output_cost_per_token": 0.54}), "`output_cost_per_token` is 0.54, which is above $1,000"),
        (json!({"cache_read_input_token_cost": 0.0011}), "`cache_read_input_token_cost`"),
        (json!({"output_cost_per_reasoning_token": 1}), "`output_cost_per_reasoning_token` is 1, "),
        (json!({"input_cost_per_token_above_200k_tokens": 1}), "`input_cost_per_token_above_200k_tokens`"),
        (json!({"input_cost_per_token": -1e-6}), "negative"),
        (json!({"input_cost_per_token": "much"}), "not a number"),
        (json!({"input_cost_per_token": null}), "`input_cost_per_token` is missing"),
        (
            json!({"output_cost_per_token": null, "output_cost_per_reasoning_token": 1e-6}),
            "`output_cost_per_token` is missing",
        ),
        (json!({"input_cost_per_token": 0}), "`input_cost_per_token` is 0"),
        (json!({"output_cost_per_token": 0.0}), "`output_cost_per_token` is 0"),
        (json!({"input_cost_per_request": 0.005}), "`input_cost_per_request`"),
        (json!({"output_cost_per_second": 0.005}), "`output_cost_per_second`"),
        (json!({"litellm_provider": null}), "`litellm_provider`"),
        (json!({"litellm_provider": "a b"}), "`litellm_provider`"),
        (json!({"input_cost_per_token_above_9000000k_tokens": 1e-6}), "implausible"),
        (json!({"tiered_pricing": {}}), "`tiered_pricing` is not a list"),
        (json!({"tiered_pricing": [{"input_cost_per_token": 1e-6}]}), "no `range`"),
    ] {
        let said_so = why(&chat(&fields));
        assert!(said_so.contains(said), "{fields}: {said_so}");
    }
    assert_eq!(why(&json!(7)), "it is not a JSON object");
}

#[test]
fn prices_per_search_refuse_only_models_that_always_search() {
    let price = json!({"search_context_cost_per_query": {"search_context_size_low": 0.03}});
    let import = import(&json!({
        "acme/m": chat(&price),
        "acme/m-search-preview": chat(&price),
        "perplexity/sonar": chat(&json!({
            "litellm_provider": "perplexity", "search_context_cost_per_query": {"search_context_size_low": 0.005},
        })),
    }));
    let refused: Vec<_> = import.refused.iter().map(|refused| refused.model.as_str()).collect();
    assert_eq!(refused, ["acme/m-search-preview", "perplexity/sonar"]);
    assert_eq!(import.added.len(), 1);
}

#[test]
fn only_the_prefix_of_the_models_provider_is_removed_from_a_name() {
    for (name, provider, model) in [
        ("groq/llama-3.3", "groq", "llama-3.3"),
        ("groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        ("openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        ("groq-2/x", "groq", "groq-2/x"),
        ("claude-x", "anthropic", "claude-x"),
    ] {
        let import = import(&json!({ name: chat(&json!({ "litellm_provider": provider })) }));
        let entry =
            import.added.iter().chain(import.changed.iter().map(|changed| &changed.after)).next().unwrap();
        assert_eq!((entry.provider.as_str(), entry.model.as_str()), (provider, model));
    }
}

#[test]
fn the_highest_price_of_output_is_used() {
    assert_eq!(one(&chat(&json!({"output_cost_per_reasoning_token": 3e-6}))).rates.output, 3_000_000);
    assert_eq!(one(&chat(&json!({"output_cost_per_image_token": 3e-5}))).rates.output, 30_000_000);
    assert_eq!(one(&chat(&json!({"output_cost_per_reasoning_token": 1e-6}))).rates.output, 2_000_000);
    assert!(one(&chat(&json!({"output_cost_per_reasoning_token": 1e-6}))).reasoning);
}

#[test]
fn the_cache_is_not_cheaper_than_input_unless_its_price_is_stated() {
    let rates =
        one(&chat(&json!({"cache_read_input_token_cost": 0, "cache_creation_input_token_cost": 1e-7}))).rates;
    assert_eq!((rates.cached_input, rates.cache_write), (1_000_000, 1_000_000));
}

#[test]
fn above_the_lowest_threshold_the_highest_price_of_all_tiers_applies() {
    let entry = one(&chat(&json!({
        "input_cost_per_token_above_128k_tokens": 2e-6, "output_cost_per_token_above_128k_tokens": 9e-6,
        "input_cost_per_token_above_512k_tokens": 4e-6, "output_cost_per_token_above_512k_tokens": 8e-6,
        "cache_read_input_token_cost_above_512k_tokens": 5e-7,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1e-3,
        "input_cost_per_token_above_200k_tokens_priority": 1e-3,
    })));
    let long = LongRates {
        above: 128_000,
        input: 4_000_000,
        cached_input: 2_000_000,
        cache_write: 4_000_000,
        output: 9_000_000,
    };
    assert_eq!(entry.rates.long, Some(long));
    assert_eq!((entry.rates.input, entry.rates.output), (1_000_000, 2_000_000));
}

#[test]
fn a_tier_is_never_cheaper_than_the_lowest_tier() {
    let rates = one(&chat(&json!({"output_cost_per_reasoning_token_above_200k_tokens": 5e-6}))).rates;
    let long = rates.long.unwrap();
    assert_eq!((long.above, long.input, long.output), (200_000, 1_000_000, 5_000_000));
    let cheaper = json!({
        "input_cost_per_token_above_200k_tokens": 5e-7, "output_cost_per_token_above_200k_tokens": 5e-7,
    });
    let long = one(&chat(&cheaper)).rates.long.unwrap();
    assert_eq!((long.input, long.output), (1_000_000, 2_000_000));
}

#[test]
fn tiers_are_also_read_from_tiered_pricing() {
    let fields = json!({
        "litellm_provider": "acme", "mode": "chat",
        "tiered_pricing": [
            {"range": [0, 32_000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 5e-6},
            {"range": [32_000.0, 128_000.0], "input_cost_per_token": 2e-6, "output_cost_per_token": 1e-5,
             "output_cost_per_reasoning_token": 2e-5},
            {"range": [128_000, 256_000], "input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5},
        ],
    });
    let rates = one(&fields).rates;
    assert_eq!((rates.input, rates.output), (1_000_000, 5_000_000));
    let long = rates.long.unwrap();
    assert_eq!((long.above, long.input, long.output), (32_000, 3_000_000, 20_000_000));
}

#[test]
fn two_entries_of_one_model_are_merged_with_the_higher_prices() {
    let import = import(&json!({
        "m": chat(&json!({"output_cost_per_token": 9e-6, "max_output_tokens": 100})),
        "acme/m": chat(&json!({
            "input_cost_per_token": 3e-6, "input_cost_per_token_above_200k_tokens": 4e-6, "max_output_tokens": 200,
        })),
    }));
    let [entry] = import.added.as_slice() else { panic!("{import:?}") };
    assert_eq!((entry.rates.input, entry.rates.output, entry.max_output), (3_000_000, 9_000_000, Some(200)));
    let long = entry.rates.long.unwrap();
    assert_eq!((long.above, long.input, long.output), (200_000, 4_000_000, 9_000_000));
    let other = json!({"m": chat(&json!({"mode": "embedding"})), "acme/m": chat(&json!({}))});
    assert_eq!(super::tests::import(&other).refused[0].model, "m");
}

#[test]
fn the_result_compares_the_table_with_the_book() {
    let book = PriceBook::builtin();
    let openai = |input: f64, output: f64| {
        chat(&json!({
            "litellm_provider": "openai", "input_cost_per_token": input, "output_cost_per_token": output,
            "max_output_tokens": 16384, "source": "somebody",
        }))
    };
    let import = import(&json!({
        "gpt-4o": openai(3e-5, 6e-5), "gpt-4o-mini": openai(1.5e-7, 6e-7), "gpt-9": openai(1e-6, 1e-6),
    }));
    assert_eq!(import.unchanged, 1);
    let [changed] = import.changed.as_slice() else { panic!("{import:?}") };
    assert_eq!(Some(&changed.before), book.find("openai", "gpt-4o-mini"));
    assert_eq!((changed.after.rates.input, changed.after.rates.output), (150_000, 600_000));
    // Values that the table does not have are copied from the book.
    assert_eq!(changed.after.encoding, changed.before.encoding);
    assert_eq!(changed.after.image_tokens, Some(48_169));
    assert_eq!(import.added[0].model, "gpt-9");
    let after = book.with_overlay(&import.toml).unwrap();
    // An unchanged model keeps its source.
    assert_eq!(after.find("openai", "gpt-4o"), book.find("openai", "gpt-4o"));
    assert_eq!(after.find("openai", "gpt-4o-mini"), Some(&changed.after));
}

#[test]
fn reasoning_is_kept_as_the_book_has_it() {
    let fields = |provider: &str| chat(&json!({"litellm_provider": provider, "supports_reasoning": true}));
    let import = import(&json!({"claude-haiku-4-5": fields("anthropic"), "acme/m": fields("acme")}));
    assert!(!import.changed[0].after.reasoning && import.added[0].reasoning);
}

#[test]
fn an_invalid_table_or_date_is_refused() {
    let book = PriceBook::builtin();
    assert!(matches!(import_litellm("[]", &book, DAY), Err(BookError::Syntax(_))));
    assert!(matches!(import_litellm("{", &book, DAY), Err(BookError::Syntax(_))));
    let twice = r#"{"m":{"mode":"chat","mode":"embedding"}}"#;
    assert!(matches!(import_litellm(twice, &book, DAY), Err(BookError::Syntax(_))));
    assert_eq!(import_litellm("{}", &book, "today"), Err(BookError::Date("today".to_owned())));
}

/// Generates a table of models with plausible and implausible values.
fn tables() -> impl Strategy<Value = Value> {
    let price = || {
        prop_oneof![
            30 => (1_u32..=1_000_000_000).prop_map(|pico| json!(f64::from(pico) / 1e12)),
            1 => (-1.0..10.0_f64).prop_map(|price| json!(price)),
            4 => Just(Value::Null),
            1 => Just(json!(0)),
        ]
    };
    let names = [
        "input_cost_per_token",
        "output_cost_per_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "output_cost_per_reasoning_token",
        "input_cost_per_token_above_200k_tokens",
        "output_cost_per_token_above_272k_tokens",
    ];
    let list = proptest::collection::vec(price(), names.len());
    let uses = proptest::sample::select(vec!["chat", "chat", "embedding", "image_generation"]);
    let providers = proptest::sample::select(vec!["openai", "anthropic", "acme"]);
    let model = (list, uses, providers, 0_u64..3, any::<bool>()).prop_map(
        move |(costs, used, provider, most, thinks)| {
            let mut fields = Map::new();
            for (name, price) in names.into_iter().zip(costs) {
                // Like most real models, two of three have no tiers.
                if most == 0 || !name.contains("above") {
                    fields.insert(name.to_owned(), price);
                }
            }
            fields.insert("litellm_provider".to_owned(), json!(provider));
            fields.insert("mode".to_owned(), json!(used));
            fields.insert("max_output_tokens".to_owned(), json!(most * 1000));
            fields.insert("supports_reasoning".to_owned(), json!(thinks));
            (provider, Value::Object(fields))
        },
    );
    let called = proptest::sample::select(vec!["gpt-4o", "gpt-4", "claude-opus-5", "a\"b\\c", "ü/x", "m"]);
    proptest::collection::vec((called, any::<bool>(), model), 0..12).prop_map(|chosen| {
        let table = chosen.into_iter().map(|(name, prefixed, (provider, fields))| {
            (if prefixed { format!("{provider}/{name}") } else { name.to_owned() }, fields)
        });
        Value::Object(table.collect())
    })
}

proptest! {
    #[test]
    fn an_imported_file_yields_the_entries_that_the_import_reported(table in tables()) {
        let book = PriceBook::builtin();
        let import = import(&table);
        let after = book.with_overlay(&import.toml).unwrap();
        for entry in import.added.iter().chain(import.changed.iter().map(|changed| &changed.after)) {
            prop_assert_eq!(after.find(&entry.provider, &entry.model), Some(entry));
        }
        let nothing_new = import.added.is_empty() && import.changed.is_empty();
        prop_assert_eq!(after.version() == book.version(), nothing_new);
        // A second import on another day changes nothing and writes the same file.
        let again = import_litellm(&table.to_string(), &after, "2027-01-01").unwrap();
        prop_assert!(again.added.is_empty() && again.changed.is_empty());
        prop_assert_eq!(again.unchanged, import.added.len() + import.changed.len() + import.unchanged);
        prop_assert_eq!(again.toml, import.toml);
        prop_assert_eq!(again.refused, import.refused);
    }

    #[test]
    fn no_imported_price_is_implausible_free_or_below_the_table(table in tables()) {
        let import = import(&table);
        for entry in import.added.iter().chain(import.changed.iter().map(|changed| &changed.after)) {
            let rates = &entry.rates;
            let tiers = rates.long.map(|long| [long.input, long.cached_input, long.cache_write, long.output]);
            for price in [rates.input, rates.cached_input, rates.cache_write, rates.output]
                .into_iter()
                .chain(tiers.into_iter().flatten())
            {
                prop_assert!(price <= 1_000_000_000);
                prop_assert!(price > 0 || entry.operation == Operation::Embeddings);
            }
            prop_assert!(!entry.free && rates.input > 0);
            // A plain call costs at least as much as with any entry of the table for its model.
            let usage = Usage { prompt_tokens: 1000, completion_tokens: 1000, ..Usage::default() };
            for name in [entry.model.clone(), format!("{}/{}", entry.provider, entry.model)] {
                let Some(fields) = table.get(&name).filter(|fields| fields["litellm_provider"] == entry.provider) else {
                    continue;
                };
                if import.refused.iter().any(|refused| refused.model == name) || fields["mode"] == "image_generation" {
                    continue;
                }
                let price = |name: &str| fields[name].as_f64().unwrap_or(0.0) * 1e15;
                let said = price("input_cost_per_token") + price("output_cost_per_token");
                #[expect(clippy::cast_precision_loss, reason = "the sums are far below 2^53")]
                let cost = rates.cost(&usage) as f64;
                prop_assert!(cost >= said - 1.0, "{cost} {said} {entry:?}");
            }
        }
    }
}
