//! ruff's JSON.

use std::fmt;

use annotations::{Finding, Place};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::file_names::Names;

/// One finding in ruff's JSON. Other members, such as the fix, are skipped without being stored.
#[derive(Deserialize)]
struct RawFinding {
    /// Versions before 0.12 write `null` for a source that does not parse.
    code: Option<String>,
    message: String,
    filename: String,
    location: Option<RawPlace>,
    end_location: Option<RawPlace>,
    url: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
struct RawPlace {
    row: u32,
    column: u32,
}

/// Reads the findings of a text, in its order.
pub fn read(text: &[u8], names: &mut Names<'_>) -> serde_json::Result<Vec<Finding>> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let findings = all(&mut json, names)?;
    json.end()?;
    Ok(findings)
}

/// Reads findings while a program writes them.
pub fn stream(from: impl std::io::Read, names: &mut Names<'_>) -> serde_json::Result<Vec<Finding>> {
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(1 << 16, from));
    let findings = all(&mut json, names)?;
    json.end()?;
    Ok(findings)
}

fn all<'de, D: Deserializer<'de>>(json: D, names: &mut Names<'_>) -> Result<Vec<Finding>, D::Error> {
    json.deserialize_seq(Each { names })
}

struct Each<'a, 'b> {
    names: &'a mut Names<'b>,
}

impl<'de> Visitor<'de> for Each<'_, '_> {
    type Value = Vec<Finding>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut findings = Vec::new();
        while let Some(raw) = list.next_element::<RawFinding>()? {
            let Some(file) = self.names.name(&raw.filename) else { continue };
            let start = raw.location.map_or(Place { row: 1, column: 0 }, place);
            let end = raw.end_location.map_or(start, place).max(start);
            findings.push(Finding {
                file,
                code: raw.code.unwrap_or_else(|| "invalid-syntax".to_owned()),
                message: raw.message,
                start,
                end,
                url: raw.url,
            });
        }
        Ok(findings)
    }
}

fn place(raw: RawPlace) -> Place {
    Place { row: raw.row.max(1), column: raw.column }
}
