//! The house stays in order: layers, owners of outside crates, and where the environment is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The table of `docs/ARCHITECTURE.md`. A crate may use only crates of a lower layer.
const LAYERS: &[(&str, u32)] = &[
    ("registry-core", 0),
    ("canonical", 0),
    ("api-types", 1),
    ("api-keys", 1),
    ("audit", 1),
    ("rate-limit", 1),
    ("storage", 2),
    ("rate-limit-redis", 2),
    ("policy-client", 2),
    ("storage-sqlite", 3),
    ("intent-service", 3),
    ("intent-http", 4),
    ("instance", 4),
    ("intent-api", 5),
    ("admin-keys", 5),
    ("t4", 5),
];

const BINS: &[&str] = &["intent-api", "admin-keys", "t4"];

/// Outside crates with one owner each.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["storage-sqlite"]),
    ("r2d2", &["storage-sqlite"]),
    ("r2d2_sqlite", &["storage-sqlite"]),
    ("deadpool-redis", &["rate-limit-redis"]),
    ("reqwest", &["policy-client"]),
    ("actix-web", &["intent-http", "intent-api"]),
    ("prometheus", &["intent-http"]),
    ("utoipa-swagger-ui", &["intent-http"]),
    ("clap", BINS),
    ("anyhow", BINS),
    ("tracing-subscriber", BINS),
    ("tracing-appender", BINS),
    ("comfy-table", BINS),
    ("mimalloc", BINS),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace's packages with their normal and build dependencies.
fn packages() -> BTreeMap<String, (PathBuf, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let package = |package: &Value| {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let names = dependencies
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect();
        (package["name"].as_str().unwrap().to_owned(), (manifest.parent().unwrap().to_owned(), names))
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

#[test]
fn a_crate_uses_only_crates_of_a_lower_layer() {
    let layers: BTreeMap<&str, u32> = LAYERS.iter().copied().collect();
    let packages = packages();
    for (name, (_, dependencies)) in &packages {
        if name.starts_with("t4-") {
            continue;
        }
        let layer = layers.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` has no layer"));
        for dependency in dependencies.iter().filter(|d| packages.contains_key(*d)) {
            let below = layers[dependency.as_str()];
            assert!(below < *layer, "`{name}` (L{layer}) uses `{dependency}` (L{below})");
        }
    }
    for (name, _) in LAYERS {
        assert!(packages.contains_key(*name), "`{name}` is in the table and not in the workspace");
    }
}

#[test]
fn an_outside_crate_is_used_by_its_owner_alone() {
    for (name, (_, dependencies)) in packages() {
        for (outside, owners) in OWNERS {
            let uses = dependencies.iter().any(|dependency| dependency == outside);
            assert!(
                !uses || owners.contains(&name.as_str()) || name.starts_with("t4-"),
                "`{name}` uses `{outside}`"
            );
        }
    }
}

#[test]
fn every_crate_says_what_it_owns_and_keeps_the_lints() {
    for (name, (folder, _)) in packages() {
        if name.starts_with("t4-") {
            continue;
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "`{name}` does not inherit the lints");
        let first =
            ["src/lib.rs", "src/main.rs"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        assert!(first.unwrap().starts_with("//! "), "`{name}` does not say what it owns");
    }
}

#[test]
fn the_environment_is_read_where_the_house_says() {
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        collect(&root().join(folder), &mut files);
    }
    for file in files {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let may = path.ends_with("policy-client/src/from_env.rs")
            || (path.starts_with("bins/") && path.ends_with("src/config.rs"))
            || path.contains("/tests/")
            || path.contains("/examples/");
        let text = fs::read_to_string(&file).unwrap();
        assert!(may || !text.contains("env::var"), "{path} reads the environment");
    }
}

#[test]
fn main_files_are_short() {
    for name in BINS {
        let main = fs::read_to_string(root().join("bins").join(name).join("src/main.rs")).unwrap();
        assert!(main.lines().count() < 80, "bins/{name}/src/main.rs");
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
