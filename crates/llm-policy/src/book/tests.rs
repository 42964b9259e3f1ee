use super::*;
use crate::LongRates;
use proptest::prelude::*;

fn overlay(text: &str) -> Result<PriceBook, BookError> {
    PriceBook::builtin().with_overlay(text)
}

/// Returns an entry for model `m` of `acme` with these additional lines.
fn acme(lines: &str) -> String {
    format!(
        "[[price]]\nprovider = \"acme\"\nmodel = \"m\"\nsource = \"a test\"\ndate = \"2026-11-21\"\n{lines}\n"
    )
}

fn refusal(lines: &str) -> String {
    overlay(&acme(lines)).unwrap_err().to_string()
}

fn rates(lines: &str) -> Rates {
    overlay(&acme(lines)).unwrap().find("acme", "m").unwrap().rates
}

#[test]
fn builtin_book_has_the_prices_of_the_seed() {
    let book = PriceBook::builtin();
    // Dollars per 1,000 tokens: $0.03 is 30,000,000 pico-dollars per token.
    for (model, input, output) in [
        ("gpt-4", 30_000_000, 60_000_000),
        ("gpt-4o", 30_000_000, 60_000_000),
        ("gpt-4o-mini", 5_000_000, 10_000_000),
    ] {
        let entry = book.find("openai", model).unwrap();
        assert_eq!((entry.rates.input, entry.rates.output), (input, output), "{model}");
        assert_eq!((entry.rates.cached_input, entry.rates.cache_write), (input, input), "{model}");
        assert_eq!(entry.source, "T4 seed, tools/ci/llm_policy.py");
    }
}

#[test]
fn builtin_entries_have_plausible_prices_and_name_their_source() {
    let book = PriceBook::builtin();
    assert!(book.entries().count() >= 60);
    for entry in book.entries() {
        let name = format!("{}/{}", entry.provider, entry.model);
        assert!(!entry.free && entry.rates.input > 0, "{name}");
        assert_eq!(entry.rates.output == 0, entry.operation == Operation::Embeddings, "{name}");
        assert!(entry.rates.cached_input <= entry.rates.input, "{name}");
        assert!(entry.rates.cache_write >= entry.rates.input, "{name}");
        assert!(entry.source.starts_with("https://") || entry.source.starts_with("T4 seed"), "{name}");
        assert!(is_date(&entry.date) && entry.date.as_str() <= "2026-11-21", "{name}");
        if let Some(long) = entry.rates.long {
            assert!(long.input >= entry.rates.input && long.output >= entry.rates.output, "{name}");
        }
        // Only OpenAI publishes its tokenizers.
        assert!(entry.encoding.is_none() || entry.provider == "openai", "{name}");
    }
}

#[test]
fn builtin_image_tokens_follow_from_the_number_of_tiles() {
    let book = PriceBook::builtin();
    let bound = |model| book.find("openai", model).unwrap().image_tokens;
    assert_eq!(bound("gpt-4o"), Some(1445));
    assert_eq!(bound("gpt-4o-mini"), Some(48_169));
    assert_eq!(bound("o3"), Some(1275));
    assert_eq!(bound("gpt-4"), None);
}

#[test]
fn models_with_hidden_reasoning_are_marked() {
    let book = PriceBook::builtin();
    for (provider, model, hides) in [
        ("openai", "o3", true),
        ("openai", "gpt-5-mini", true),
        ("openai", "gpt-4.1", false),
        ("groq", "openai/gpt-oss-120b", true),
        ("groq", "llama-3.3-70b-versatile", false),
        ("anthropic", "claude-haiku-4-5", false),
    ] {
        assert_eq!(book.find(provider, model).unwrap().reasoning, hides, "{model}");
    }
}

#[test]
fn prices_are_exact_in_every_notation() {
    for (written, pico) in [
        ("0.15", 150_000),
        ("\"0.15\"", 150_000),
        ("3", 3_000_000),
        ("\"3\"", 3_000_000),
        ("0.1", 100_000),
        ("0.3", 300_000),
        ("1.1", 1_100_000),
        ("0.0375", 37_500),
        ("\"0.000001\"", 1),
        ("1e-6", 1),
        ("\"00.50\"", 500_000),
        ("1000.0", 1_000_000_000),
        ("\"1000.000000\"", 1_000_000_000),
        // Fractions of a pico-dollar are rounded up.
        ("\"0.0000001\"", 1),
        ("0.0000011", 2),
        ("\"0.1500000000000000000000000000000000001\"", 150_001),
    ] {
        let rates = rates(&format!("input_usd_per_mtok = {written}\noutput_usd_per_mtok = 1"));
        assert_eq!(rates.input, pico, "{written}");
    }
}

#[test]
fn an_invalid_price_is_refused_with_the_name_of_its_field() {
    for written in [
        "1000.000001",
        "\"1000.0000000001\"",
        "1001",
        "9e300",
        "inf",
        "-0.1",
        "\"-3\"",
        "nan",
        "\"\"",
        "\".5\"",
        "\"5.\"",
        "\"1,5\"",
        "\"0x10\"",
        "\"1e999999999999\"",
        "\"+1\"",
        "true",
        "[1]",
        "\"$3\"",
    ] {
        let error = refusal(&format!("input_usd_per_mtok = 1\noutput_usd_per_mtok = {written}"));
        assert!(
            error.starts_with("price of `m` of `acme`: `output_usd_per_mtok` must be"),
            "{written}: {error}"
        );
    }
}

#[test]
fn a_missing_or_zero_price_is_never_taken_as_free() {
    for (lines, named) in [
        ("output_usd_per_mtok = 1", "input_usd_per_mtok"),
        ("input_usd_per_mtok = 1", "output_usd_per_mtok"),
        ("input_usd_per_mtok = 0\noutput_usd_per_mtok = 1", "input_usd_per_mtok"),
        ("input_usd_per_mtok = 1\noutput_usd_per_mtok = 0.0", "output_usd_per_mtok"),
        ("input_usd_per_mtok = -0.0\noutput_usd_per_mtok = 1", "input_usd_per_mtok"),
        ("input_usd_per_mtok = 1\noutput_usd_per_mtok = 1\ncached_input_usd_per_mtok = 0", "cached_input"),
        ("operation = \"embeddings\"", "input_usd_per_mtok"),
        (
            "input_usd_per_mtok = 1\noutput_usd_per_mtok = 1\nlong = { above = 5, input_usd_per_mtok = 1 }",
            "in `long`",
        ),
    ] {
        let error = refusal(lines);
        assert!(error.contains(named), "{lines}: {error}");
    }
}

#[test]
fn a_free_model_has_no_prices() {
    assert_eq!(rates("free = true"), Rates::FREE);
    assert_eq!(rates("free = true\ninput_usd_per_mtok = 0\noutput_usd_per_mtok = \"0.00\""), Rates::FREE);
    assert!(refusal("free = true\ninput_usd_per_mtok = 0.1").contains("free = true"));
    let long = "free = true\nlong = { above = 5, input_usd_per_mtok = 0, output_usd_per_mtok = 0 }";
    assert!(refusal(long).contains("`long`"));
}

#[test]
fn the_cache_costs_as_much_as_input_unless_its_price_is_stated() {
    let plain = rates("input_usd_per_mtok = 2\noutput_usd_per_mtok = 8");
    assert_eq!((plain.cached_input, plain.cache_write), (2_000_000, 2_000_000));
    let known = rates(
        "input_usd_per_mtok = 2\noutput_usd_per_mtok = 8\ncached_input_usd_per_mtok = 0.5\n\
         cache_write_usd_per_mtok = 2.5\n\
         long = { above = 200000, input_usd_per_mtok = 4, output_usd_per_mtok = 16, cache_write_usd_per_mtok = 5 }",
    );
    assert_eq!((known.cached_input, known.cache_write), (500_000, 2_500_000));
    let long = LongRates {
        above: 200_000,
        input: 4_000_000,
        cached_input: 4_000_000,
        cache_write: 5_000_000,
        output: 16_000_000,
    };
    assert_eq!(known.long, Some(long));
}

#[test]
fn an_entry_of_the_file_replaces_the_whole_builtin_entry() {
    let text = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-4o\"\ninput_usd_per_mtok = 2.5\n\
                output_usd_per_mtok = 10\nsource = \"our contract\"\ndate = \"2026-01-31\"\n";
    let book = overlay(text).unwrap();
    let entry = book.find("openai", "gpt-4o").unwrap();
    assert_eq!((entry.rates.input, entry.rates.output), (2_500_000, 10_000_000));
    assert_eq!((entry.source.as_str(), entry.encoding, entry.image_tokens), ("our contract", None, None));
    // Other entries are unchanged, and so is the built-in book.
    let before = PriceBook::builtin();
    assert_eq!(book.entries().count(), before.entries().count());
    assert_eq!(book.find("openai", "gpt-4"), before.find("openai", "gpt-4"));
    assert_eq!(before.find("openai", "gpt-4o").unwrap().rates.input, 30_000_000);
    assert_ne!(book.version(), before.version());
}

#[test]
fn malformed_price_files_are_refused() {
    let entry = acme("input_usd_per_mtok = 1\noutput_usd_per_mtok = 1");
    for (text, said) in [
        ("prices = 1".to_owned(), "unknown field `prices`"),
        ("price = 1".to_owned(), "not a list of tables"),
        ("price = [1]".to_owned(), "table 1"),
        ("not toml".to_owned(), "can't be parsed"),
        (format!("{entry}{entry}"), "`m` of `acme`: the file has two entries"),
        (format!("{entry}inputs = 3"), "unknown field `inputs`"),
        (entry.replace("source = \"a test\"\n", ""), "missing field `source`"),
        (entry.replace("a test", " "), "`source`"),
        (entry.replace("2026-11-21", "2026-02-30"), "`date`"),
        (entry.replace("2026-11-21", "21.11.2026"), "`date`"),
        (entry.replace("\"acme\"", "\"a b\""), "`provider`"),
        (entry.replace("\"m\"", "\"\""), "`model`"),
        (format!("{entry}operation = \"speech\""), "unknown variant `speech`"),
        (format!("{entry}encoding = \"p50k\""), "unknown variant `p50k`"),
        (format!("{entry}max_output = 0"), "`max_output`"),
        (format!("{entry}image_tokens = 2000000000"), "`image_tokens`"),
        (format!("{entry}max_output = -1"), "`m` of `acme`"),
    ] {
        let error = overlay(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}\n{error}");
    }
}

#[test]
fn an_empty_price_file_changes_nothing() {
    assert_eq!(overlay("# nothing\n").unwrap().version(), PriceBook::builtin().version());
}

#[test]
fn the_version_is_the_start_of_the_digest_of_the_entries() {
    let book = PriceBook::builtin();
    let entries: Vec<&PriceEntry> = book.entries().collect();
    let json = to_jcs(&serde_json::to_value(entries).unwrap()).unwrap();
    assert!(Digest::sha256(json.as_bytes()).to_string().starts_with(book.version()));
    assert_eq!(book.version().len(), 12);
}

#[test]
fn entries_are_sorted_by_provider_and_model() {
    let book = overlay(&acme("input_usd_per_mtok = 1\noutput_usd_per_mtok = 1")).unwrap();
    let names: Vec<_> = book.entries().map(|entry| (&entry.provider, &entry.model)).collect();
    assert!(names.is_sorted());
    assert_eq!(names.first().unwrap().0, "acme");
}

/// Generates the lines of an entry; a change in any line changes the entry.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let price = 1_u64..=1_000_000_000;
    let shown = |pico: u64| format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
    (price.clone(), price.clone(), price, 1_u64..1000, any::<bool>(), "2026-0[1-9]-1[0-9]").prop_map(
        move |(input, output, cached, most, reasoning, date)| {
            vec![
                format!("input_usd_per_mtok = {}", shown(input)),
                format!("output_usd_per_mtok = \"{}\"", shown(output)),
                format!("cached_input_usd_per_mtok = {}", shown(cached)),
                format!("max_output = {most}"),
                format!("reasoning = {reasoning}"),
                format!("date = \"{date}\""),
            ]
        },
    )
}

fn entry_of(lines: &[String]) -> String {
    let head = "[[price]]\nprovider = \"acme\"\nmodel = \"m\"\nsource = \"a test\"\n";
    format!("{head}{}\n", lines.join("\n"))
}

proptest! {
    #[test]
    fn the_version_changes_if_and_only_if_an_entry_does(one in lines(), other in lines(), field in 0_usize..6) {
        let mut mixed = one.clone();
        mixed[field].clone_from(&other[field]);
        let (a, b) = (overlay(&entry_of(&one)).unwrap(), overlay(&entry_of(&mixed)).unwrap());
        let same = a.find("acme", "m") == b.find("acme", "m");
        prop_assert_eq!(a.version() == b.version(), same);
        prop_assert_eq!(same, one[field] == other[field]);
        // The order of lines and comments do not affect the version.
        mixed.reverse();
        let again = overlay(&format!("# again\n{}", entry_of(&mixed))).unwrap();
        prop_assert_eq!(again.version(), b.version());
    }

    #[test]
    fn a_price_is_the_stated_one_rounded_up(digits in 0_u64..1_000_000_000_000_000, scale in 0_u32..=15) {
        let unit = 10_u64.pow(scale);
        let text = format!("{}.{:0width$}", digits / unit, digits % unit, width = scale.max(1) as usize);
        // Exact comparison: pico-dollars per token times `unit`, against the digits times a million.
        let (exact, unit) = (u128::from(digits) * 1_000_000, u128::from(unit));
        match Price::per_million(&text) {
            Ok(price) => {
                let pico = u128::from(price.pico());
                prop_assert!(pico * unit >= exact && (pico * unit) - exact < unit);
                prop_assert_eq!(Price::per_million(&price.to_string()), Ok(price));
            }
            Err(error) => {
                prop_assert_eq!(error, PriceError::Outlier);
                prop_assert!(exact > 1_000_000_000 * unit);
            }
        }
    }

    #[test]
    fn no_text_makes_the_price_parser_panic(text in "[-+0-9.eE]{0,12}|\\PC{0,20}") {
        if let Ok(price) = Price::per_token(&text) {
            prop_assert!(price.pico() <= 1_000_000_000);
        }
    }
}
