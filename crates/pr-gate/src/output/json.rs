//! The report for machines. Its JSON Schema is `docs/schemas/check.schema.json`.

use annotations::CheckReport;
use registry_core::inert_json;
use serde::Serialize;

use super::Header;

/// The version of the format: a member may be added to it; a member that goes or changes its meaning makes a new one.
const FORMAT: &str = "t4.check/1";

#[derive(Serialize)]
struct CheckDocument<'a> {
    format: &'static str,
    #[serde(flatten)]
    header: &'a Header<'a>,
    #[serde(flatten)]
    report: &'a CheckReport,
}

/// One JSON object, indented, with a line end. It is inert ([`inert_json`]), because it is also served.
///
/// # Errors
/// When a number of the report is not finite, which the check never makes.
pub fn render(header: &Header<'_>, report: &CheckReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&CheckDocument { format: FORMAT, header, report })?;
    text.push('\n');
    Ok(inert_json(&text))
}
