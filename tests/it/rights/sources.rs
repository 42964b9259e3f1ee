//! Which use cases write without asking for a right.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every file of sources below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else {
            found.push(entry);
        }
    }
}

/// The files of the use cases that have one of these words.
fn with(words: &[&str]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/control-plane/src");
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() > 50, "{} files", found.len());
    let has = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("sources");
        words.iter().any(|word| text.contains(word))
    };
    let name = |path: PathBuf| path.strip_prefix(&root).expect("below it").display().to_string();
    found.into_iter().filter(has).map(name).collect()
}

#[test]
fn only_what_is_held_and_the_platforms_own_jobs_are_written_without_a_right() {
    let settling = with(&["SettlingAuthority(", "JobClass::settlement("]);
    let expected = ["auth/rights.rs", "llm/holds/release.rs", "llm/holds/settle.rs", "llm/ledger.rs"];
    assert_eq!(settling, expected.map(str::to_owned).into());
    assert_eq!(with(&["PlatformAuthority", "impl Authority for"]), ["auth/rights.rs".to_owned()].into());
    let own = with(&[".upkeep(", ".submit("]);
    assert!(own.iter().all(|file| file.starts_with("jobs/")), "{own:?}");
}
