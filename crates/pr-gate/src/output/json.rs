//! The report as JSON. Its JSON Schema is `docs/schemas/check.schema.json`.

use annotations::CheckReport;
use registry_core::inert_json;
use serde::Serialize;

use super::Header;

/// The version of the format. It changes when a member is removed or changes its meaning, not when one is added.
const FORMAT: &str = "t4.check/1";

#[derive(Serialize)]
struct CheckDocument<'a> {
    format: &'static str,
    #[serde(flatten)]
    header: &'a Header<'a>,
    #[serde(flatten)]
    report: &'a CheckReport,
}

/// Renders one indented JSON object with a newline at the end. [`inert_json`] escapes it here, because `t4 dashboard`
/// serves it without printing it.
///
/// # Errors
/// A value can't be written as JSON. This does not occur for a report of the check.
pub fn render(header: &Header<'_>, report: &CheckReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&CheckDocument { format: FORMAT, header, report })?;
    text.push('\n');
    Ok(inert_json(&text))
}
