//! `t4 llm prices`: the price book and imports, without a server.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Folder};

const OVERLAY: &str = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-4o-mini\"\ninput_usd_per_mtok = \"0.15\"\n\
                       output_usd_per_mtok = \"0.60\"\nsource = \"a price page\"\ndate = \"2026-11-01\"\n";

fn prices(folder: &Path, arguments: &[&str], overlay: Option<&str>) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_t4"));
    command.args(["llm", "prices"]).args(arguments).current_dir(folder).stdin(Stdio::null());
    match overlay {
        Some(path) => command.env("T4_PRICES", path),
        None => command.env_remove("T4_PRICES"),
    };
    command.output().unwrap().into()
}

fn table() -> String {
    let model = |input: f64| {
        json!({
            "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": input,
            "output_cost_per_token": 6e-7, "max_output_tokens": 4096,
        })
    };
    let table = json!({"gpt-4o-mini": model(1.5e-7), "brand-new": model(1e-6), "typo": model(0.05), "free": model(0.0)});
    table.to_string()
}

#[test]
fn the_book_is_listed_and_a_file_is_laid_over_it() {
    let folder = Folder::plain();
    folder.write("prices.toml", OVERLAY);
    let builtin = prices(&folder.path(), &["list", "--json"], None);
    let builtin: Value = serde_json::from_str(&builtin.out).unwrap();
    let of = |book: &Value| -> Value {
        let all = book["prices"].as_array().unwrap();
        all.iter()
            .find(|price| price["model"] == "gpt-4o-mini" && price["provider"] == "openai")
            .unwrap()
            .clone()
    };
    assert_eq!(of(&builtin)["rates"]["input"], 5_000_000);
    let path = folder.path();
    for (arguments, variable) in [
        (&["list", "--json", "--prices", "prices.toml"][..], None),
        (&["list", "--json"], Some("prices.toml")),
    ] {
        let told: Value = serde_json::from_str(&prices(&path, arguments, variable).out).unwrap();
        assert_eq!(of(&told)["rates"]["input"], 150_000);
        assert_ne!(told["version"], builtin["version"]);
    }
    let listed = prices(&path, &["list", "--provider", "openai"], Some("prices.toml"));
    assert_eq!(listed.code, Some(0));
    assert!(listed.out.contains("gpt-4o-mini") && listed.out.contains("0.15"), "{}", listed.out);
    assert!(!listed.out.contains("anthropic"), "{}", listed.out);
    assert!(listed.out.lines().all(|line| line.chars().count() <= 80), "{}", listed.out);
}

#[test]
fn a_model_is_shown_with_its_source_and_one_without_a_price_ends_with_1() {
    let folder = Folder::plain();
    folder.write("prices.toml", OVERLAY);
    let shown = prices(&folder.path(), &["show", "gpt-4o-mini"], Some("prices.toml"));
    assert_eq!(shown.code, Some(0));
    for word in ["a price page", "2026-11-01", "$0.15", "$0.60", "dollars per million tokens"] {
        assert!(shown.out.contains(word), "{word} {}", shown.out);
    }
    let unknown = prices(&folder.path(), &["show", "gpt-99"], None);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("`gpt-99` has no price"), "{}", unknown.err);
    let json = prices(&folder.path(), &["show", "gpt-99", "--json"], None);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["prices"], json!([]));
}

#[test]
fn an_import_is_a_file_that_can_be_laid_over_and_tells_what_it_refused() {
    let folder = Folder::plain();
    folder.write("table.json", &table());
    let arguments = ["import", "table.json", "--out", "new.toml", "--date", "2026-11-21"];
    let ended = prices(&folder.path(), &arguments, None);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.out, "");
    for line in ["added openai brand-new: input $1.00", "changed openai gpt-4o-mini: input $5.00 -> $0.15"] {
        assert!(ended.err.contains(line), "{line}\n{}", ended.err);
    }
    assert!(ended.err.contains("refused typo: ") && ended.err.contains("refused free: "), "{}", ended.err);
    assert!(ended.err.contains("1 added, 1 changed, 0 unchanged, 2 refused"), "{}", ended.err);

    let shown = prices(&folder.path(), &["show", "brand-new", "--prices", "new.toml"], None);
    assert!(shown.code == Some(0) && shown.out.contains("2026-11-21"), "{shown:?}");
    // Against the book that has them already, nothing is new; to stdout when no file is named.
    let again = prices(&folder.path(), &["import", "table.json", "--date", "2026-11-22"], Some("new.toml"));
    assert!(again.err.contains("0 added, 0 changed, 2 unchanged, 2 refused"), "{}", again.err);
    assert!(again.out.contains("[[price]]") && again.out.contains("brand-new"), "{}", again.out);
}

#[test]
fn an_import_without_refusals_is_fine_and_trouble_is_told_apart() {
    let folder = Folder::plain();
    let mut good: Value = serde_json::from_str(&table()).unwrap();
    good.as_object_mut().unwrap().retain(|name, _| name.contains('-'));
    folder
        .write("good.json", &good.to_string())
        .write("bad.json", "[1")
        .write("bad.toml", "[[price]]\nmodel = 1\n");
    let path = folder.path();
    assert_eq!(prices(&path, &["import", "good.json"], None).code, Some(0));
    assert_eq!(prices(&path, &["import", "bad.json"], None).code, Some(3));
    assert_eq!(prices(&path, &["import", "none.json"], None).code, Some(3));
    assert_eq!(prices(&path, &["import", "good.json", "--out", "no/such.toml"], None).code, Some(3));
    assert_eq!(prices(&path, &["import", "good.json", "--date", "tomorrow"], None).code, Some(2));
    let refused = prices(&path, &["list"], Some("bad.toml"));
    assert!(refused.code == Some(3) && refused.err.contains("`bad.toml` is refused"), "{refused:?}");
    assert_eq!(prices(&path, &["list", "--prices", "none.toml"], None).code, Some(3));
}
