//! Configurations that are refused, and secrets that do not appear in errors.

use std::sync::Arc;

use llm_gate::provider_of;
use llm_policy::{ProviderConfig, ProviderKind};
use registry_core::SystemClock;

use super::server::{config, provider};

#[test]
fn an_invalid_base_url_is_refused_and_not_repeated_in_the_error() {
    for url in [
        "",
        "localhost",
        "ftp://geheim.example",
        "http://user:geheim@localhost/v1",
        "http://geheim@localhost/v1",
        "http://localhost/v1?key=geheim",
        "http://localhost/v1#geheim",
    ] {
        for kind in [ProviderKind::Openai, ProviderKind::Anthropic] {
            let error = ProviderConfig::new("test", kind, url, ["m"]);
            let error = error.err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(!format!("{error} {error:?}").contains("geheim"), "{error}");
        }
    }
}

#[test]
fn an_invalid_key_is_refused_and_not_repeated_in_the_error() {
    for kind in [ProviderKind::Openai, ProviderKind::Anthropic] {
        let config = config(kind, "http://localhost/v1/");
        let error = provider_of(&config, Some("sk\ngeheim"), Arc::new(SystemClock::new())).err().unwrap();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("geheim") && text.contains("test"), "{text}");
    }
}

#[test]
fn a_provider_has_the_name_of_its_configuration() {
    for kind in [ProviderKind::Openai, ProviderKind::Anthropic] {
        assert_eq!(provider(&config(kind, "http://localhost")).name(), "test");
    }
}

#[test]
fn a_provider_lists_its_key_among_its_secrets() {
    for kind in [ProviderKind::Openai, ProviderKind::Anthropic] {
        let config = config(kind, "http://localhost");
        let clock = Arc::new(SystemClock::new());
        let provider = provider_of(&config, Some("sk-of-the-provider"), clock).unwrap();
        assert!(provider.secrets().are_in(b"the key sk-of-the-provider is wrong"));
    }
}
