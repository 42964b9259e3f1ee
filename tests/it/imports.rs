//! Imports between the files of a crate go one way: a cycle of files can't be read, or changed, one file at a time.
//! A parent and its children may use each other, and what a parent re-exports counts as the parent's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Module = Vec<String>;

/// The files of a crate by their modules; tests have none.
fn modules(src: &Path) -> BTreeMap<Module, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.strip_prefix(src).expect("a file below it").with_extension("");
            let mut module: Module =
                module.iter().map(|part| part.to_str().expect("a name").to_owned()).collect();
            if module == ["lib"] || module == ["main"] {
                module.clear();
            }
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if is_source && !module.iter().any(|part| part == "tests") {
                found.insert(module, path);
            }
        }
    }
    found
}

/// A source without comments, up to its unit tests. Other items of tests count: that costs nothing.
fn code(text: &str) -> String {
    let is_module = |at: &usize| {
        let after = text[*at..].trim_start_matches("#[cfg(test)]").trim_start();
        after.starts_with("mod ") && after.lines().next().is_some_and(|line| line.contains('{'))
    };
    let end = text.match_indices("#[cfg(test)]").map(|(at, _)| at).find(is_module);
    text[..end.unwrap_or(text.len())]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Reads `a::b`, `a::{b, c::d}` or `*`; returns the paths and what follows them.
fn paths(text: &str) -> (Vec<Module>, &str) {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut all = Vec::new();
        loop {
            let (some, after) = paths(rest);
            all.extend(some);
            let after = after.trim_start();
            // `as` and what follows it names nothing of ours.
            let end = after.find([',', '}']).unwrap_or(after.len());
            match after.get(end..).and_then(|text| text.chars().next()) {
                Some(',') => rest = &after[end + 1..],
                Some(_) => return (all, &after[end + 1..]),
                None => return (all, ""),
            }
        }
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    if name.is_empty() {
        return (Vec::new(), rest);
    }
    let below = match rest.strip_prefix("::") {
        Some(below) => paths(below),
        None => (Vec::new(), rest),
    };
    let with = |path: &Module| std::iter::once(name.to_owned()).chain(path.iter().cloned()).collect();
    let all =
        if below.0.is_empty() { vec![vec![name.to_owned()]] } else { below.0.iter().map(with).collect() };
    (all, below.1)
}

/// The modules that a file names.
fn named(text: &str, module: &Module) -> BTreeSet<Module> {
    let mut all = BTreeSet::new();
    for (word, base) in [
        ("crate::", Vec::new()),
        ("super::", module.iter().take(module.len().saturating_sub(1)).cloned().collect::<Module>()),
        ("self::", module.clone()),
    ] {
        for (at, _) in text.match_indices(word) {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            for path in paths(&text[at + word.len()..]).0 {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let mut full: Module = base.iter().take(base.len().saturating_sub(ups)).cloned().collect();
                full.extend(path.into_iter().skip(ups));
                all.insert(full);
            }
        }
    }
    all
}

/// Which file uses which, but for parents and children.
fn uses(modules: &BTreeMap<Module, PathBuf>) -> BTreeMap<&Module, BTreeSet<&Module>> {
    let of = |(module, path): (&'_ Module, &PathBuf)| {
        let text = code(&fs::read_to_string(path).expect("a source"));
        let file_of = |mut path: Module| {
            while !modules.contains_key(&path) {
                path.pop()?;
            }
            modules.get_key_value(&path).map(|(module, _)| module)
        };
        let other = |used: &&Module| !module.starts_with(used) && !used.starts_with(module);
        named(&text, module).into_iter().filter_map(file_of).filter(other).collect::<BTreeSet<_>>()
    };
    modules.iter().map(|entry| (entry.0, of(entry))).collect()
}

/// The files that are on a cycle: each that comes back to itself.
fn on_cycles(uses: &BTreeMap<&Module, BTreeSet<&Module>>) -> Vec<String> {
    let reached = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = uses.get(from).into_iter().flatten().copied().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(uses.get(module).into_iter().flatten());
            }
        }
        seen
    };
    uses.keys().filter(|module| reached(module).contains(**module)).map(|module| module.join("/")).collect()
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let (mut crates, mut files) = (0, 0);
    for group in ["crates", "bins"] {
        for package in fs::read_dir(root.join(group)).expect("a folder") {
            let src = package.expect("a package").path().join("src");
            let modules = modules(&src);
            assert_eq!(on_cycles(&uses(&modules)), Vec::<String>::new(), "{}", src.display());
            (crates, files) = (crates + 1, files + modules.len());
        }
    }
    assert!(crates > 20 && files > 300, "{crates} crates, {files} files");
}

#[test]
fn a_circle_is_found_through_every_form_of_an_import() {
    let folder = tempfile::tempdir().expect("a folder");
    for (a, b, circle) in [
        ("use crate::b::B;", "use crate::a::A;", true),
        ("use crate::{c, b::{B, Other as Else}};", "fn f() { crate::a::run() }", true),
        ("use super::b;", "use super::{c::C, a};", true),
        ("use crate::b::B;", "use crate::c::C;", false),
        ("use crate::b::B;", "#[cfg(test)]\nmod tests { use crate::a::A; }", false),
        ("use crate::b::B;", "// use crate::a::A;", false),
        ("#[cfg(test)]\nmod tests;\nuse crate::b::B;", "use crate::a::A;", true),
    ] {
        for (name, text) in [("a", a), ("b", b), ("c", ""), ("lib", "mod a; mod b; mod c;")] {
            fs::write(folder.path().join(format!("{name}.rs")), text).expect("a file");
        }
        let found = on_cycles(&uses(&modules(folder.path())));
        assert_eq!(found, if circle { vec!["a", "b"] } else { vec![] }, "{a} {b}");
    }
}
