//! Waiver file of the original checker.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;

/// The rows that are waived, by file; 0 is the whole file.
#[derive(Debug, Default)]
pub(super) struct WaivedRows {
    rows: BTreeMap<String, BTreeSet<i64>>,
}

impl WaivedRows {
    /// Reads a waiver file; one that is no YAML waives nothing.
    ///
    /// # Errors
    /// A text, for a file that is no list of waivers.
    pub fn read(text: &str) -> Result<Self, String> {
        // The budget stops aliases that multiply: a pull request may bring any file.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_aliases: 1_000, max_nodes: 100_000, max_depth: 32 },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
            duplicate_keys: DuplicateKeyPolicy::LastWins,
        };
        let Ok(document) = serde_saphyr::from_str_with_options::<YamlNode>(text, options) else {
            return Ok(Self::default());
        };
        let mut waived = Self::default();
        let list = match document {
            YamlNode::Null => return Ok(waived),
            YamlNode::Map(mut members) => match members.remove("waivers") {
                None => return Ok(waived),
                Some(YamlNode::List(list)) => list,
                Some(other) => return Err(expected("`waivers` must be a list", &other)),
            },
            other => return Err(expected("it must begin with `waivers:`", &other)),
        };
        for (place, item) in list.into_iter().enumerate() {
            waived.add(item).map_err(|problem| format!("waiver {}: {problem}", place + 1))?;
        }
        Ok(waived)
    }

    fn add(&mut self, item: YamlNode) -> Result<(), String> {
        let YamlNode::Map(mut members) = item else {
            return Err(expected("it must have `file: PATH`", &item));
        };
        let file = match members.remove("file") {
            Some(YamlNode::Text(file)) => plain(&file),
            Some(other) => return Err(expected("`file` must be a path", &other)),
            None => return Err("`file` is missing: write `file: PATH`".to_owned()),
        };
        let line = match members.remove("line") {
            None => 0,
            Some(YamlNode::Int(line)) => line,
            // Python's `int` takes a text of digits.
            Some(YamlNode::Text(text)) => {
                text.trim().parse().map_err(|_| format!("`line` must be a number, not `{text}`"))?
            }
            Some(other) => return Err(expected("`line` must be a number", &other)),
        };
        self.rows.entry(file).or_default().insert(line);
        Ok(())
    }

    /// Whether a finding in this row of this file is waived.
    pub fn has(&self, file: &str, row: u32) -> bool {
        self.rows.get(file).is_some_and(|rows| rows.contains(&0) || rows.contains(&i64::from(row)))
    }
}

fn expected(rule: &str, found: &YamlNode) -> String {
    format!("{rule}, but is {}", found.name())
}

/// A path without `.` and `..`, as the original resolves it.
fn plain(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// A YAML value.
#[derive(Debug)]
enum YamlNode {
    Null,
    Bool,
    Int(i64),
    Float,
    Text(String),
    List(Vec<YamlNode>),
    Map(BTreeMap<String, YamlNode>),
}

impl YamlNode {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool => "true or false",
            Self::Int(_) | Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WaivedRowsReader)
    }
}

struct WaivedRowsReader;

impl<'de> Visitor<'de> for WaivedRowsReader {
    type Value = YamlNode;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    fn visit_none<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Bool)
    }

    fn visit_i64<E>(self, number: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Int(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, _: f64) -> Result<YamlNode, E> {
        Ok(YamlNode::Float)
    }

    fn visit_str<E>(self, text: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlNode, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(YamlNode::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<YamlNode, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = members.next_entry::<YamlNode, YamlNode>()? {
            if let YamlNode::Text(key) = key {
                map.insert(key, value);
            }
        }
        Ok(YamlNode::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_rows_that_are_written_are_waived(
            all in vec(("[a-c]{1,2}(/[a-c.]{1,2}){0,2}", prop::option::of(0_i64..4), any::<bool>()), 0..5),
            asked in "[a-c]{1,2}", row in 1_u32..5,
        ) {
            let mut text = "waivers:\n".to_owned();
            for (file, line, is_text) in &all {
                let quote = if *is_text { "'" } else { "" };
                let line = line.map_or_else(String::new, |line| format!(", line: {quote}{line}{quote}"));
                text.extend(["- {file: ", file, &line, "}\n"]);
            }
            if all.is_empty() {
                text.insert_str(8, " []");
            }
            let waived = WaivedRows::read(&text).unwrap();
            let files = all.iter().map(|(file, ..)| plain(file)).chain([asked]);
            for asked in files {
                let expected = all.iter().any(|(file, line, _)| {
                    plain(file) == asked && [None, Some(0), Some(i64::from(row))].contains(line)
                });
                prop_assert_eq!(waived.has(&asked, row), expected, "{}", text);
            }
        }

        #[test]
        fn a_path_is_plain_after_one_pass(path in "(/|\\.|\\.\\.|a|b){0,8}") {
            let once = plain(&path);
            prop_assert_eq!(plain(&once), once.clone());
            let parts = once.strip_prefix('/').unwrap_or(&once).split('/');
            prop_assert!(once.is_empty() || once == "/" || parts.into_iter().all(|part| !["", ".", ".."].contains(&part)));
        }

        #[test]
        fn any_yaml_waives_or_says_what_is_expected(
            edits in vec((any::<Index>(), select(" \n-:{}[]&*!|>'\"%@#,?~0a\u{0}".chars().collect::<Vec<_>>())), 0..6)
        ) {
            let mut chars: Vec<char> = "waivers:\n- {file: a.py, line: 2}\n- file: &x b.py\n  line: '3'\n".chars().collect();
            for (at, char) in edits {
                let at = at.index(chars.len());
                chars[at] = char;
            }
            let text: String = chars.into_iter().collect();
            match WaivedRows::read(&text) {
                Ok(waived) => prop_assert!(waived.rows.len() <= 2),
                Err(problem) => prop_assert!(!problem.is_empty()),
            }
        }
    }

    #[test]
    fn rows_and_whole_files_are_waived() {
        let text = "waivers:\n- {file: ./a/../b.py, line: 2, expires: 2020-01-01}\n- {file: c.py}\n- {file: d.py, line: '3'}\n";
        let waived = WaivedRows::read(text).unwrap();
        assert!(waived.has("b.py", 2) && !waived.has("b.py", 3));
        assert!(waived.has("c.py", 7) && waived.has("d.py", 3) && !waived.has("d.py", 0));
    }

    #[test]
    fn what_is_no_list_of_waivers_says_what_is_expected() {
        for (text, problem) in [
            ("waivers:\n", "`waivers` must be a list, but is empty"),
            ("- file: a.py\n", "it must begin with `waivers:`, but is a list"),
            ("waivers:\n- line: 2\n", "waiver 1: `file` is missing: write `file: PATH`"),
            ("waivers:\n- {file: a.py, line: abc}\n", "waiver 1: `line` must be a number, not `abc`"),
            ("waivers:\n- {file: a.py, line: null}\n", "waiver 1: `line` must be a number, but is empty"),
            ("waivers:\n- a.py\n", "waiver 1: it must have `file: PATH`, but is a text"),
            ("waivers:\n- {file: 5}\n", "waiver 1: `file` must be a path, but is a number"),
        ] {
            assert_eq!(WaivedRows::read(text).unwrap_err(), problem, "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_waives_nothing() {
        for text in ["waivers: [\n", "", "other: 1\n", "a: &a [*a]\n"] {
            assert!(WaivedRows::read(text).unwrap().rows.is_empty(), "{text}");
        }
    }

    #[test]
    fn aliases_that_multiply_waive_nothing() {
        let mut text = "a0: &a0 [x]\n".to_owned();
        for level in 1..20 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(", ");
            text.extend(["a", &level.to_string(), ": &a", &level.to_string(), " [", &aliases, "]\n"]);
        }
        text += "waivers:\n- file: a.py\n";
        assert!(WaivedRows::read(&text).unwrap().rows.is_empty());
    }
}
