//! Providers of model calls: the file that `T4_LLM_CONFIG` names, or one provider for each key that is set.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use llm_policy::{GroqKey, LlmConfig, OpenaiKey, PriceBook};

/// Providers, prices and the providers' keys, checked.
pub struct LlmSetup {
    pub config: LlmConfig,
    pub prices: PriceBook,
    /// The keys by the names of their variables.
    pub keys: HashMap<String, String>,
}

/// Where the settings stand.
pub struct LlmSources<'a> {
    pub config: Option<PathBuf>,
    pub prices: Option<PathBuf>,
    pub openai_base_url: Option<String>,
    /// Reads a variable, or the file that a flag names in its place.
    pub variable: &'a dyn Fn(&str) -> Result<Option<String>>,
}

impl LlmSetup {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The name of the variable and what is wrong with it; never a key.
    pub fn read(sources: &LlmSources<'_>) -> Result<Self> {
        let mut prices = PriceBook::builtin();
        if let Some(path) = &sources.prices {
            let wrong = || format!("T4_PRICES: `{}`", path.display());
            prices = prices.with_overlay(&text(path, "T4_PRICES")?).with_context(wrong)?;
        }
        let config = match &sources.config {
            Some(path) => {
                let wrong = || format!("T4_LLM_CONFIG: `{}`", path.display());
                LlmConfig::parse(&text(path, "T4_LLM_CONFIG")?).with_context(wrong)?
            }
            None => without_file(sources, &prices)?,
        };
        let mut keys = HashMap::new();
        for provider in &config.providers {
            let Some(name) = &provider.api_key_env else { continue };
            let missing = || {
                let provider = &provider.name;
                format!("{name} is not set: the provider `{provider}` of T4_LLM_CONFIG has its key there")
            };
            keys.insert(name.clone(), (sources.variable)(name)?.with_context(missing)?);
        }
        Ok(Self { config, prices, keys })
    }
}

fn without_file(sources: &LlmSources<'_>, prices: &PriceBook) -> Result<LlmConfig> {
    let base_url = sources.openai_base_url.as_deref();
    let openai = (sources.variable)("OPENAI_API_KEY")?.map(|_| OpenaiKey { base_url });
    let groq = (sources.variable)("GROQ_API_KEY")?.map(|_| GroqKey);
    // The one thing that can be wrong.
    LlmConfig::from_keys(prices, openai, groq).context("OPENAI_BASE_URL")
}

fn text(path: &Path, name: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{name}: `{}` can't be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[[provider]]\nname = \"a\"\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
                        api_key_env = \"A_KEY\"\nmodels = [\"m\"]\n";

    fn setup(config: Option<&str>, prices: Option<&str>, variables: &[(&str, &str)]) -> Result<LlmSetup> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        LlmSetup::read(&LlmSources {
            config: config.map(|text| file("llm.toml", text)),
            prices: prices.map(|text| file("prices.toml", text)),
            openai_base_url: find("OPENAI_BASE_URL"),
            variable: &|name| Ok(find(name)),
        })
    }

    fn refusal(config: Option<&str>, prices: Option<&str>, variables: &[(&str, &str)]) -> String {
        let error = setup(config, prices, variables).err().expect("a refusal");
        format!("{error:#}")
    }

    #[test]
    fn without_file_and_keys_there_is_no_provider() {
        let setup = setup(None, None, &[]).unwrap();
        assert_eq!((setup.config.providers.len(), setup.keys.len()), (0, 0));
    }

    #[test]
    fn each_key_makes_a_provider() {
        let both =
            [("OPENAI_API_KEY", "one"), ("GROQ_API_KEY", "two"), ("OPENAI_BASE_URL", "http://x.test/v1")];
        let setup = setup(None, None, &both).unwrap();
        let urls: Vec<_> = setup.config.providers.iter().map(|p| p.base_url.as_str()).collect();
        assert_eq!(urls.first(), Some(&"http://x.test/v1"));
        assert_eq!(setup.keys.len(), 2);
        assert_eq!(setup.keys.get("GROQ_API_KEY").map(String::as_str), Some("two"));
    }

    #[test]
    fn with_a_file_the_keys_it_names_are_read_and_no_others() {
        let setup = setup(Some(FILE), None, &[("A_KEY", "one"), ("OPENAI_API_KEY", "two")]).unwrap();
        assert_eq!(setup.config.providers.len(), 1);
        assert_eq!(setup.keys.into_iter().collect::<Vec<_>>(), [("A_KEY".to_owned(), "one".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_told_with_the_name_of_its_variable() {
        let missing = refusal(Some(FILE), None, &[]);
        assert!(missing.starts_with("A_KEY"), "{missing}");
        for (told, variable) in [
            (refusal(Some("[[provider]]\nname = 1"), None, &[]), "T4_LLM_CONFIG"),
            (refusal(Some("[[provider]]\nname = sk-x"), None, &[]), "T4_LLM_CONFIG"),
            (refusal(None, Some("[[price]]\nmodel = 1"), &[]), "T4_PRICES"),
            (
                refusal(None, None, &[("OPENAI_API_KEY", "sk-x"), ("OPENAI_BASE_URL", "nowhere")]),
                "OPENAI_BASE_URL",
            ),
        ] {
            assert!(told.starts_with(variable) && !told.contains("sk-x") && !told.contains('\n'), "{told}");
        }
        let gone = LlmSources {
            config: Some(PathBuf::from("/nowhere/llm.toml")),
            prices: None,
            openai_base_url: None,
            variable: &|_| Ok(None),
        };
        let told = format!("{:#}", LlmSetup::read(&gone).err().expect("a refusal"));
        assert!(told.starts_with("T4_LLM_CONFIG: `/nowhere/llm.toml` can't be read"), "{told}");
    }
}
