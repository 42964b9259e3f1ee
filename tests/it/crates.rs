//! The layers of `ARCHITECTURE.md`, held over what cargo says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A crate depends only on crates of a lower layer.
const LAYERS: [(&str, u8); 26] = [
    ("registry-core", 0),
    ("canonical", 0),
    ("api-types", 1),
    ("api-keys", 1),
    ("audit", 1),
    ("rate-limit", 1),
    ("llm-policy", 1),
    ("annotations", 1),
    ("codemods", 1),
    ("http-out", 1),
    ("source-tree", 1),
    ("storage", 2),
    ("rate-limit-redis", 2),
    ("policy-client", 2),
    ("llm-gate", 2),
    ("outbound", 2),
    ("pr-gate", 2),
    ("storage-sqlite", 3),
    ("control-plane", 3),
    ("http-kit", 4),
    ("http-api", 5),
    ("instance", 4),
    ("cli-support", 4),
    ("intent-api", 6),
    ("admin-keys", 6),
    ("t4", 6),
];

/// Who may use which outside crate. One that is not listed may be used by any crate.
const OWNERS: [(&str, &[&str]); 30] = [
    ("rusqlite", &["storage-sqlite"]),
    ("r2d2", &["storage-sqlite"]),
    ("r2d2_sqlite", &["storage-sqlite"]),
    ("deadpool-redis", &["rate-limit-redis"]),
    ("reqwest", &["http-out"]),
    ("rustls", &["http-out"]),
    ("toml", &["llm-policy", "pr-gate"]),
    ("libcst", &["codemods"]),
    ("serde-saphyr", &["annotations"]),
    ("similar", &["pr-gate"]),
    ("ignore", &["pr-gate"]),
    ("maud", &["pr-gate"]),
    ("indicatif", BINS),
    ("jiff", &["llm-policy"]),
    ("bpe-openai", &["llm-policy"]),
    ("unicode-normalization", &["registry-core"]),
    ("actix-web", &["http-kit", "http-api", "intent-api", "t4"]),
    ("actix-http", &["http-kit"]),
    ("actix-service", &["http-kit"]),
    ("socket2", &["http-kit"]),
    ("utoipa", &["api-types", "http-kit", "http-api"]),
    ("utoipa-swagger-ui", &["http-api"]),
    ("prometheus", &["http-kit", "http-api"]),
    ("rand", &["registry-core"]),
    ("argon2", &["control-plane", "admin-keys"]),
    ("clap", BINS),
    ("anyhow", COMMAND_LINES),
    ("comfy-table", &["cli-support"]),
    ("tracing-subscriber", BINS),
    ("tracing-appender", BINS),
];
const BINS: &[&str] = &["intent-api", "admin-keys", "t4"];
/// What command lines are made of.
const COMMAND_LINES: &[&str] = &["intent-api", "admin-keys", "t4", "cli-support"];

/// Packages of tests alone: nobody may depend on them.
const TEST_PACKAGES: [&str; 3] = ["t4-tests", "t4-bench", "t4-crash-api"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Each package with its folder and its normal and build dependencies.
fn packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let shipped = |dependency: &&Value| dependency["kind"] != "dev";
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter().filter(shipped);
        let names = dependencies.map(|dependency| text(&dependency["name"])).collect();
        let folder = manifest.parent().expect("a folder").to_owned();
        packages.insert(text(&package["name"]), (folder, names));
    }
    packages
}

/// What breaks the table of layers.
fn breaches(packages: &BTreeMap<String, (PathBuf, BTreeSet<String>)>) -> Vec<String> {
    let layers: BTreeMap<_, _> = LAYERS.into_iter().collect();
    let mut found = Vec::new();
    for (name, (_, dependencies)) in packages {
        let Some(layer) = layers.get(name.as_str()) else {
            if !TEST_PACKAGES.contains(&name.as_str()) {
                found.push(format!("`{name}` has no layer"));
            }
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| packages.contains_key(*dependency)) {
            if layers.get(dependency.as_str()).is_none_or(|below| below >= layer) {
                found.push(format!("`{name}` (layer {layer}) may not depend on `{dependency}`"));
            }
        }
        for (outside, owners) in OWNERS {
            if dependencies.contains(outside) && !owners.contains(&name.as_str()) {
                found.push(format!("`{name}` may not use `{outside}`"));
            }
        }
    }
    found.extend(
        layers.keys().filter(|name| !packages.contains_key(**name)).map(|name| format!("no `{name}`")),
    );
    found
}

#[test]
fn a_crate_depends_only_on_lower_layers_and_outside_crates_have_owners() {
    assert_eq!(breaches(&packages()), Vec::<String>::new());
}

#[test]
fn a_breach_of_the_layers_is_found() {
    let with = |name: &str, dependency: &str| {
        let mut packages = packages();
        packages.entry(name.to_owned()).or_default().1.insert(dependency.to_owned());
        breaches(&packages)
    };
    for (name, dependency) in
        [("audit", "storage"), ("api-keys", "audit"), ("storage", "t4-tests"), ("llm-gate", "storage")]
    {
        assert_eq!(with(name, dependency).len(), 1, "{name} -> {dependency}");
    }
    assert_eq!(with("control-plane", "rusqlite"), ["`control-plane` may not use `rusqlite`"]);
    assert_eq!(with("newcomer", "serde"), ["`newcomer` has no layer"]);
}

#[test]
fn a_folder_has_the_name_of_its_package() {
    for (name, (folder, _)) in packages() {
        if TEST_PACKAGES.contains(&name.as_str()) {
            continue;
        }
        let above = if BINS.contains(&name.as_str()) { "bins" } else { "crates" };
        assert_eq!(folder, root().join(above).join(&name));
    }
}

#[test]
fn every_crate_says_what_it_owns_and_inherits_the_lints() {
    for (name, (folder, _)) in packages() {
        if TEST_PACKAGES.contains(&name.as_str()) {
            continue;
        }
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true\n"), "{name}");
        let roots: Vec<_> = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)).into_iter().collect();
        let roots: Vec<_> = roots.into_iter().filter(|file| file.exists()).collect();
        assert!(!roots.is_empty(), "{name}");
        for file in roots {
            let text = std::fs::read_to_string(&file).expect("a source");
            assert!(text.starts_with("//! "), "{}", file.display());
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_environment_is_read_in_the_configuration_alone() {
    let mut read = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for (name, (folder, _)) in packages() {
        if TEST_PACKAGES.contains(&name.as_str()) {
            continue;
        }
        let mut files = Vec::new();
        sources(&folder.join("src"), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source");
            let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
            let file = file.strip_prefix(root()).expect("inside").display().to_string();
            if has(&["std::env", "env::var", "env::vars", "env::args"]) {
                read.insert(file.clone());
            }
            if name != "cli-support" && has(&["environment::", "Environment::", "Environment;"]) {
                asked.insert(file);
            }
        }
    }
    let readers = ["crates/cli-support/src/environment.rs", "crates/policy-client/src/from_env.rs"];
    assert!(read.iter().map(String::as_str).eq(readers), "{read:?}");
    let configurations = BINS.iter().map(|name| format!("bins/{name}/src/config.rs")).collect();
    assert_eq!(asked, configurations);
}

/// Type names that may be declared in several places: by convention of clap and of error types, or because a blocking
/// client mirrors the asynchronous one.
const SHARED_NAMES: [&str; 6] = ["AdminClient", "Args", "Cli", "Client", "Command", "Error"];

/// The name that a line of source declares as a type, if it stands at the left margin. Associated types are indented.
fn declared_type(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| line.strip_prefix(word))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

#[test]
fn a_type_name_means_one_thing_in_the_workspace() {
    let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, (folder, _)) in packages() {
        if TEST_PACKAGES.contains(&name.as_str()) {
            continue;
        }
        let mut files = Vec::new();
        sources(&folder.join("src"), &mut files);
        for file in files {
            let path = file.strip_prefix(root()).expect("inside").display().to_string();
            if path.contains("/tests") || path.contains("/testing") {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("a source");
            for name in text.lines().filter_map(declared_type) {
                declared.entry(name.to_owned()).or_default().insert(path.clone());
            }
        }
    }
    assert!(declared.contains_key("Draft"), "the search finds what it should");
    declared.retain(|name, files| files.len() > 1 && !SHARED_NAMES.contains(&name.as_str()));
    assert_eq!(declared, BTreeMap::new(), "qualify or rename all but one of each");
}
