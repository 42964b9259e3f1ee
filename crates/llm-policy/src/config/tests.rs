use super::*;
use crate::PriceBook;

const EXAMPLE: &str = include_str!("../../../../docs/llm-config.example.toml");

const PROVIDER: &str = r#"
[[provider]]
name = "openai"
kind = "openai"
base_url = "https://api.openai.com/v1/"
api_key_env = "OPENAI_API_KEY"
models = ["gpt-4o", "gpt-4o-mini"]
"#;

fn parse(text: &str) -> LlmConfig {
    LlmConfig::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns the error of a file that consists of `PROVIDER` and this text.
fn refusal(more: &str) -> String {
    LlmConfig::parse(&format!("{PROVIDER}{more}")).unwrap_err().to_string()
}

#[test]
fn the_example_file_parses_to_the_values_it_states() {
    let config = parse(EXAMPLE);
    let names: Vec<_> = config.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["openai", "azure-east", "anthropic", "ollama"]);
    assert_eq!(config.providers[1].priced_as, "openai");
    assert_eq!(config.providers[2].kind, ProviderKind::Anthropic);
    assert_eq!(config.providers[3].api_key_env, None);
    assert_eq!(config.routes[0].to, ["openai", "azure-east"]);
    assert_eq!(config.limits, CallLimits::default());
    assert_eq!(config.default_model.as_deref(), Some("gpt-4o-mini"));
    assert!(!config.keep_prompts);
    let owner = &config.budgets[0];
    assert_eq!(
        (owner.scope, owner.id.as_str(), owner.window),
        (BudgetScope::Owner, "platform-team", WindowKind::Month)
    );
    assert_eq!(
        (owner.limit_pico_usd, &owner.zone),
        (500_000_000_000_000, &Zone::parse("Europe/Berlin").unwrap())
    );
    assert_eq!((config.budgets[2].id.as_str(), &config.budgets[2].zone), ("*", &Zone::UTC));
}

#[test]
fn the_defaults_in_the_example_file_are_the_real_ones() {
    // Removing the `#` before each default changes nothing.
    let shown = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains([' ', '`'])) => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(shown.matches("_timeout_ms").count(), 4);
    assert_eq!(parse(&shown), parse(EXAMPLE));
}

#[test]
fn all_models_of_the_example_except_those_of_ollama_have_prices() {
    let book = PriceBook::builtin();
    for provider in parse(EXAMPLE).providers {
        for model in &provider.models {
            let known = book.find(&provider.priced_as, model).is_some();
            assert_eq!(known, provider.name != "ollama", "{model}");
        }
    }
}

#[test]
fn omitted_fields_have_their_defaults() {
    let config = parse(PROVIDER);
    let provider = &config.providers[0];
    assert_eq!(provider.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(
        (provider.priced_as.as_str(), provider.max_tokens_field.as_str()),
        ("openai", "max_completion_tokens")
    );
    let times = [
        provider.connect_timeout_ms,
        provider.first_byte_timeout_ms,
        provider.idle_timeout_ms,
        provider.total_timeout_ms,
    ];
    assert_eq!(times, [2000, 60_000, 60_000, 600_000]);
    assert_eq!((config.limits, config.default_model.as_deref()), (CallLimits::default(), Some("gpt-4o")));
    assert!(config.routes.is_empty() && config.budgets.is_empty() && !config.keep_prompts);
}

#[test]
fn only_the_host_of_openai_gets_max_completion_tokens() {
    for (url, field) in [
        ("https://API.openai.com:443/v1", "max_completion_tokens"),
        ("https://api.openai.com.example.org/v1", "max_tokens"),
        ("http://[::1]:8080/v1", "max_tokens"),
        ("http://127.0.0.1:9", "max_tokens"),
    ] {
        let config = parse(&PROVIDER.replace("https://api.openai.com/v1/", url));
        assert_eq!(config.providers[0].max_tokens_field, field, "{url}");
    }
}

#[test]
fn an_empty_file_has_no_provider() {
    let config = parse("");
    assert!(config.providers.is_empty());
    assert_eq!(config.default_model, None);
}

#[test]
fn providers_are_checked() {
    for (from, to, said) in [
        ("\"openai\"\nkind", "\"open ai\"\nkind", "`name` must be"),
        ("\"openai\"\nkind", "\"\"\nkind", "`name` must be"),
        ("kind = \"openai\"", "kind = \"azure\"", "unknown variant `azure`"),
        ("https://", "ftp://", "`http://`"),
        ("https://", "", "`http://`"),
        ("https://api.openai.com/v1/", "https:///v1", "no host"),
        ("https://api", "https://me:secret@api", "has a user name"),
        ("/v1/", "/v1?key=1", "has `?`"),
        ("/v1/", "/v 1", "has spaces"),
        ("\"OPENAI_API_KEY\"", "\"sk-proj-abc\"", "not the key itself"),
        ("\"OPENAI_API_KEY\"", "\"gsk_sk-projSecret\"", "not the key itself"),
        ("\"OPENAI_API_KEY\"", "\"gsk_secret1\"", "not the key itself"),
        ("\"OPENAI_API_KEY\"", "\"\"", "`api_key_env` must be"),
        ("[\"gpt-4o\", \"gpt-4o-mini\"]", "[]", "`models` is empty"),
        ("\"gpt-4o-mini\"]", "\"gpt-4o\"]", "`gpt-4o` twice"),
        ("\"gpt-4o-mini\"]", "\"a b\"]", "names of models"),
        ("models =", "model =", "unknown field `model`"),
        ("models =", "priced_as = \"\"\nmodels =", "`priced_as` must be"),
        ("models =", "max_tokens_field = \"n\"\nmodels =", "`max_tokens_field` must be"),
        ("models =", "connect_timeout_ms = 0\nmodels =", "`connect_timeout_ms` must be"),
        ("models =", "total_timeout_ms = -5\nmodels =", "`total_timeout_ms` must be"),
        ("models =", "idle_timeout_ms = 3600001\nmodels =", "`idle_timeout_ms` must be"),
        ("models =", "first_byte_timeout_ms = 1.5\nmodels =", "invalid type"),
    ] {
        assert!(PROVIDER.contains(from));
        let error = LlmConfig::parse(&PROVIDER.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(said), "{to}: {error}");
        assert!(!error.contains("sk-proj") && !error.contains("secret"), "{error}");
    }
    assert_eq!(refusal(PROVIDER), "provider `openai`: another provider has the same name");
}

#[test]
fn routes_name_providers_that_list_the_model() {
    for (route, said) in [
        ("model = \"gpt-4o\"\nto = [\"azure\"]", "there is no provider `azure`"),
        ("model = \"gpt-4\"\nto = [\"openai\"]", "does not list this model"),
        ("model = \"gpt-4o\"\nto = []", "`to` is empty"),
        ("model = \"gpt-4o\"\nto = [\"openai\", \"openai\"]", "`openai` twice"),
        ("model = \"gpt-4o\"\nto = [\"openai\"]\nweight = 1", "unknown field `weight`"),
    ] {
        let error = refusal(&format!("[[route]]\n{route}"));
        assert!(error.contains(said), "{route}: {error}");
    }
    let route = "[[route]]\nmodel = \"gpt-4o\"\nto = [\"openai\"]\n";
    assert!(refusal(&format!("{route}{route}")).contains("another route for this model"));
}

#[test]
fn limits_out_of_range_are_refused() {
    for (limit, said) in [
        ("max_tokens = 0", "`limits.max_tokens` must be 1 to"),
        ("max_tokens = -1", "`limits.max_tokens` must be 1 to"),
        ("max_tokens = 10000001", "`limits.max_tokens` must be 1 to"),
        ("concurrent_calls_per_key = 0", "`limits.concurrent_calls_per_key` must be 1 to"),
        ("drain_seconds = 0", "`limits.drain_seconds` must be 1 to"),
        ("lease_seconds = 1", "`limits.lease_seconds` must be 2 to"),
        ("lease_seconds = 4294967297", "`limits.lease_seconds` must be 2 to"),
        ("leases = 3", "unknown field `leases`"),
    ] {
        let error = refusal(&format!("[limits]\n{limit}"));
        assert!(error.contains(said), "{limit}: {error}");
    }
    let config =
        parse("[limits]\nmax_tokens = 1\nconcurrent_calls_per_key = 2\ndrain_seconds = 3\nlease_seconds = 4");
    let limits =
        CallLimits { max_tokens: 1, concurrent_calls_per_key: 2, drain_seconds: 3, lease_seconds: 4 };
    assert_eq!(config.limits, limits);
}

#[test]
fn budgets_are_checked() {
    for (budget, said) in [
        ("scope = \"key\"\nid = \"k\"", "`daily_limit`"),
        ("scope = \"platform\"\nid = \"all\"", "has no `id`"),
        ("scope = \"agent\"", "`id` is missing"),
        ("scope = \"owner\"\nid = \"\"", "`id` must be"),
        ("scope = \"owner\"\nid = \" team\"", "`id` must be"),
        ("scope = \"team\"\nid = \"a\"", "unknown variant `team`"),
        ("scope = \"agent\"\nid = \"a\"\ntime_zone = \"Mars/Olympus\"", "`Mars/Olympus`"),
        ("scope = \"agent\"\nid = \"a\"\nlimits = 3", "unknown field `limits`"),
    ] {
        let error = refusal(&format!("[[budget]]\nwindow = \"day\"\nlimit_usd = 5\n{budget}"));
        assert!(error.contains(said), "{budget}: {error}");
    }
    for limit in ["-0.01", "9000000.01", "nan", "inf"] {
        let error =
            refusal(&format!("[[budget]]\nscope = \"platform\"\nwindow = \"day\"\nlimit_usd = {limit}"));
        assert!(error.starts_with("budget 1 (`platform`): `limit_usd`: "), "{error}");
    }
    assert!(refusal("[[budget]]\nscope = \"platform\"\nwindow = \"year\"\nlimit_usd = 1").contains("`year`"));
}

#[test]
fn an_account_has_only_one_limit() {
    let budget = |scope: &str, id: &str, window: &str| {
        format!("[[budget]]\nscope = \"{scope}\"\nid = \"{id}\"\nwindow = \"{window}\"\nlimit_usd = 5\n")
    };
    let a_day = budget("agent", "a", "day");
    let twice = format!("{a_day}time_zone = \"Asia/Tokyo\"\n{a_day}");
    assert!(refusal(&twice).starts_with("budget 2 (`agent`): `a` already has a budget for each day"));
    let others = [
        budget("agent", "b", "day"),
        budget("agent", "a", "week"),
        budget("owner", "a", "day"),
        budget("agent", "*", "day"),
    ];
    assert_eq!(parse(&format!("{a_day}{}", others.join(""))).budgets.len(), 5);
}

#[test]
fn limits_in_dollars_are_exact() {
    for (written, pico) in [("0.1", 100_000_000_000), ("500", 500_000_000_000_000), ("0", 0)] {
        let text =
            format!("[[budget]]\nscope = \"platform\"\nid = \"*\"\nwindow = \"week\"\nlimit_usd = {written}");
        assert_eq!(parse(&text).budgets[0].limit_pico_usd, pico, "{written}");
    }
}

#[test]
fn the_default_model_must_be_listed_by_a_provider() {
    assert_eq!(
        refusal("[defaults]\nmodel = \"gpt-9\""),
        "`defaults.model` is `gpt-9`, which no provider lists"
    );
    assert_eq!(
        parse(&format!("{PROVIDER}[defaults]\nmodel = \"gpt-4o-mini\"")).default_model.unwrap(),
        "gpt-4o-mini"
    );
    assert!(parse("[audit]\nkeep_prompts = true").keep_prompts);
    assert!(refusal("[audit]\nkeep = true").contains("unknown field `keep`"));
    assert!(refusal("[server]").contains("unknown field `server`"));
}

#[test]
fn without_a_file_each_key_makes_a_provider_with_all_models_of_the_book() {
    let book = PriceBook::builtin();
    let models = |name: &str| -> Vec<String> {
        book.entries().filter(|entry| entry.provider == name).map(|entry| entry.model.clone()).collect()
    };
    let config = LlmConfig::from_keys(&book, Some(OpenaiKey::default()), Some(GroqKey)).unwrap();
    let [openai, groq] = config.providers.as_slice() else { panic!("two providers") };
    assert_eq!(
        (openai.base_url.as_str(), openai.api_key_env.as_deref()),
        ("https://api.openai.com/v1", Some("OPENAI_API_KEY"))
    );
    assert_eq!(openai.max_tokens_field, "max_completion_tokens");
    assert_eq!(openai.models, models("openai"));
    assert_eq!(
        (groq.base_url.as_str(), groq.api_key_env.as_deref()),
        ("https://api.groq.com/openai/v1", Some("GROQ_API_KEY"))
    );
    assert_eq!((groq.models.clone(), groq.max_tokens_field.as_str()), (models("groq"), "max_tokens"));
    assert_eq!(config.default_model.as_deref(), Some("gpt-4o-mini"));
    // The defaults are among the models.
    assert!(openai.models.contains(&"gpt-4o-mini".to_owned()));
    assert!(groq.models.contains(&"llama-3.3-70b-versatile".to_owned()));
}

#[test]
fn another_base_url_still_has_the_prices_of_openai() {
    let book = PriceBook::builtin();
    let key = OpenaiKey { base_url: Some("http://127.0.0.1:9000/v1/") };
    let config = LlmConfig::from_keys(&book, Some(key), None).unwrap();
    let [openai] = config.providers.as_slice() else { panic!("one provider") };
    assert_eq!((openai.base_url.as_str(), openai.priced_as.as_str()), ("http://127.0.0.1:9000/v1", "openai"));
    assert_eq!(openai.max_tokens_field, "max_tokens");
    let wrong = OpenaiKey { base_url: Some("localhost:9000") };
    assert!(LlmConfig::from_keys(&book, Some(wrong), None).is_err());
}

#[test]
fn without_a_key_there_is_no_provider() {
    let book = PriceBook::builtin();
    let none = LlmConfig::from_keys(&book, None, None).unwrap();
    assert!(none.providers.is_empty() && none.default_model.is_none());
    let groq = LlmConfig::from_keys(&book, None, Some(GroqKey)).unwrap();
    assert_eq!(groq.default_model.as_deref(), Some("llama-3.3-70b-versatile"));
}

#[test]
fn a_provider_made_in_code_equals_one_from_a_file() {
    let made = ProviderConfig::new(
        "openai",
        ProviderKind::Openai,
        "https://api.openai.com/v1/",
        ["gpt-4o", "gpt-4o-mini"],
    );
    let made = made.unwrap().key_from("OPENAI_API_KEY").unwrap();
    let file = LlmConfig::parse(
        "[[provider]]\nname = \"openai\"\nkind = \"openai\"\nbase_url = \"https://api.openai.com/v1/\"\n\
         api_key_env = \"OPENAI_API_KEY\"\nmodels = [\"gpt-4o\", \"gpt-4o-mini\"]\n",
    );
    assert_eq!(file.unwrap().providers, [made]);
    let new = |name: &str, url: &str, models: &[&str]| {
        ProviderConfig::new(name, ProviderKind::Openai, url, models.iter().copied()).is_ok()
    };
    assert!(
        !new("a b", "https://x", &["m"]) && !new("a", "no address", &["m"]) && !new("a", "https://x", &[])
    );
    let pasted =
        ProviderConfig::new("a", ProviderKind::Openai, "https://x", ["m"]).unwrap().key_from("sk-secret");
    assert!(!pasted.unwrap_err().to_string().contains("sk-secret"));
}
