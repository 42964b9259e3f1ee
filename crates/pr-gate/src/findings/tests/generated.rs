//! Property tests: generated output of linters is read back, and malformed output names no file outside the root.

use std::io::Read;

use annotations::Place;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::*;

/// A finding in a linter's output. `said` is the file's name there; `named` is its name relative to the root.
#[derive(Debug, Clone)]
struct Found {
    said: String,
    named: Option<String>,
    code: Option<String>,
    message: String,
    start: Place,
    end: Place,
    url: Option<String>,
}

const ROOT: &str = "/r";

/// The expected name of a file relative to the root; `None` when it is outside or skipped.
fn named(said: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let below = if said.starts_with('/') { said.strip_prefix("/r/")? } else { said };
    for part in below.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let skipped = parts.iter().any(|part| ["labs", ".git", ".t4"].contains(part));
    (!parts.is_empty() && !skipped).then(|| parts.join("/"))
}

fn files() -> impl Strategy<Value = String> {
    let part = prop_oneof![4 => "[a-zé %\"]{1,3}", 1 => select(vec!["..", ".", "labs", "", ".git", "-x"]).prop_map(str::to_owned)];
    (select(vec!["", "/r/", "/r/", "/other/", "./"]), vec(part, 1..4))
        .prop_map(|(start, parts)| start.to_owned() + &parts.join("/"))
}

fn places() -> impl Strategy<Value = Place> {
    let number = prop_oneof![4 => 0_u32..9, 1 => Just(u32::MAX)];
    (number.clone(), number).prop_map(|(row, column)| Place { row, column })
}

fn found() -> impl Strategy<Value = Found> {
    let code = prop::option::of(select(vec!["F401", "E999", "a/b-c", ""]).prop_map(str::to_owned));
    (files(), code, ".{0,8}", places(), places(), prop::option::of("https://[a-z]{1,3}")).prop_map(
        |(said, code, message, start, end, url)| Found {
            named: named(&said),
            said,
            code,
            message,
            start,
            end,
            url,
        },
    )
}

/// The expected result of reading a finding.
fn read_as(found: &Found) -> Option<Finding> {
    let row = |place: Place| Place { row: place.row.max(1), ..place };
    let start = row(found.start);
    Some(Finding {
        file: found.named.clone()?,
        code: found.code.clone().unwrap_or_else(|| "invalid-syntax".to_owned()),
        message: found.message.clone(),
        start,
        end: row(found.end).max(start),
        url: found.url.clone(),
    })
}

fn ruff(all: &[Found]) -> Value {
    let one = |found: &Found| {
        json!({
            "code": found.code, "message": found.message, "filename": found.said, "url": found.url, "fix": { "edits": [1] },
            "location": { "row": found.start.row, "column": found.start.column },
            "end_location": { "row": found.end.row, "column": found.end.column }, "noqa_row": 1,
        })
    };
    all.iter().map(one).collect()
}

/// Writes a path as a URI with escapes.
fn uri(path: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'/' | b'.' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    path.bytes().map(one).collect::<Vec<_>>().concat()
}

fn sarif(all: &[Found]) -> Value {
    let one = |found: &Found| {
        json!({
            "ruleId": found.code, "message": { "text": found.message },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": uri(&found.said) },
                "region": {
                    "startLine": found.start.row, "startColumn": found.start.column,
                    "endLine": found.end.row, "endColumn": found.end.column,
                },
            } }],
        })
    };
    json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "x" } }, "results": all.iter().map(one).collect::<Value>() }] })
}

/// A reader that returns at most 3 bytes at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = to.len().min(3).min(self.0.len());
        to[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Checks properties of every output that is read.
fn sound(output: &Output) -> Result<(), TestCaseError> {
    for finding in &output.findings {
        let parts: Vec<_> = finding.file.split('/').collect();
        prop_assert!(
            parts.iter().all(|part| !["", ".", "..", ".git", ".t4", "labs"].contains(part)),
            "{:?}",
            finding
        );
        prop_assert!(finding.start.row >= 1 && finding.end >= finding.start, "{:?}", finding);
        prop_assert!(output.rules.contains(&finding.code));
    }
    let places: Vec<_> = output.findings.iter().map(|finding| (&finding.file, finding.start)).collect();
    prop_assert!(places.is_sorted());
    Ok(())
}

/// Returns a document with one value replaced.
fn replaced(document: &Value, at: &mut usize, other: &Value) -> Value {
    if *at == 0 {
        *at = usize::MAX;
        return other.clone();
    }
    *at = at.wrapping_sub(1);
    match document {
        Value::Array(items) => items.iter().map(|item| replaced(item, at, other)).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), replaced(value, at, other)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        plain => plain.clone(),
    }
}

proptest! {
    #[test]
    fn output_of_ruff_is_read_back(all in vec(found(), 0..6), at in any::<Index>()) {
        let project = project(Path::new(ROOT));
        let text = ruff(&all).to_string();
        let mut expected: Vec<_> = all.iter().filter_map(read_as).collect();
        let mut names = Names::new(&project);
        prop_assert_eq!(&ruff_json::read(text.as_bytes(), &mut names).unwrap(), &expected);
        prop_assert_eq!(&ruff_json::stream(Slow(text.as_bytes()), &mut Names::new(&project)).unwrap(), &expected);
        if let Ok(output) = read(&project, text.as_bytes()) {
            sort(&mut expected);
            prop_assert_eq!(&output.findings, &expected);
            sound(&output)?;
        } else {
            // It is refused because every file is outside the root.
            prop_assert!(expected.is_empty() && !all.is_empty());
        }
        // Truncated output is refused.
        let cut = at.index(text.len());
        let part = text.as_bytes().get(..cut).unwrap();
        prop_assert!(read(&project, part).is_err());
        prop_assert!(ruff_json::stream(Slow(part), &mut Names::new(&project)).is_err());
    }

    #[test]
    fn results_of_sarif_are_read_back(all in vec(found(), 0..6), at in any::<Index>()) {
        let project = project(Path::new(ROOT));
        let text = sarif(&all).to_string();
        let mut expected: Vec<_> = all
            .iter()
            .filter_map(|found| {
                let code = found.code.clone().unwrap_or_else(|| "unknown".to_owned());
                let start = Place { row: found.start.row.max(1), ..found.start };
                Some(Finding { code, url: None, start, end: found.end.max(start), ..read_as(found)? })
            })
            .collect();
        sort(&mut expected);
        if let Ok(output) = read(&project, text.as_bytes()) {
            prop_assert_eq!(&output.findings, &expected);
            sound(&output)?;
        } else {
            prop_assert!(expected.is_empty() && !all.is_empty());
        }
        prop_assert!(read(&project, text.as_bytes().get(..at.index(text.len())).unwrap()).is_err());
    }

    #[test]
    fn malformed_output_names_no_file_outside_the_root(
        all in vec(found(), 1..4), is_ruff in any::<bool>(), at in any::<Index>(), edits in vec((any::<Index>(), any::<u8>()), 0..3),
        other in select(vec![
            json!(null), json!(-1), json!(1.5), json!(4_294_967_296_u64), json!(""), json!("../x"), json!("/etc/passwd"),
            json!("file:///etc/passwd"), json!("%2e%2e/x"), json!([]), json!({}), json!([null]), json!({ "uri": "../../x" }),
            json!({ "index": -1 }), json!("{0}{1}{9999999999999999999999}"), json!(true), json!("pass"), json!("a\u{0}b"),
        ]),
    ) {
        let project = project(Path::new(ROOT));
        let document = if is_ruff { ruff(&all) } else { sarif(&all) };
        let mut bytes = replaced(&document, &mut at.index(40), &other).to_string().into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(output) = read(&project, &bytes) {
            sound(&output)?;
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..60), start in select(vec!["", "[", "{", "\u{feff}[", "[{\"a\":"])) {
        if let Ok(output) = read(&project(Path::new(ROOT)), &[start.as_bytes(), &bytes].concat()) {
            sound(&output)?;
        }
    }
}
