//! Intent of a list, written as JSON straight from the row that was read.

use registry_core::IntentRow;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Writes a row exactly as [`crate::IntentView`] is written, without creating one.
#[derive(Debug, Clone, Copy)]
pub struct IntentRowView<'a>(pub &'a IntentRow<'a>);

impl Serialize for IntentRowView<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut object = to.serialize_struct("IntentView", 18)?;
        object.serialize_field("id", &row.id)?;
        object.serialize_field("code", &row.code)?;
        object.serialize_field("type", &row.kind)?;
        object.serialize_field("file", &row.file)?;
        object.serialize_field("line", &row.line)?;
        object.serialize_field("import_text", &row.import_text)?;
        object.serialize_field("reason_category", &row.reason_category)?;
        object.serialize_field("reason", &row.reason)?;
        object.serialize_field("suggestion", &row.suggestion)?;
        object.serialize_field("owner", &row.owner)?;
        object.serialize_field("ticket", &row.ticket)?;
        object.serialize_field("eta", &row.eta)?;
        object.serialize_field("status", &row.status)?;
        object.serialize_field("created_at", &row.created_at)?;
        object.serialize_field("modified_at", &row.modified_at)?;
        object.serialize_field("resolved_at", &row.resolved_at)?;
        object.serialize_field("raw", &row.raw.as_deref().map(RawText))?;
        object.serialize_field("agent_id", &row.agent_id)?;
        object.end()
    }
}

/// Writes a stored text as JSON. A text that is not JSON, which an adopted row may hold, is shown under `text`.
struct RawText<'a>(&'a str);

impl Serialize for RawText<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Ok(raw) = serde_json::from_str::<&RawValue>(self.0) {
            return raw.serialize(to);
        }
        let mut object = to.serialize_struct("Text", 1)?;
        object.serialize_field("text", self.0)?;
        object.end()
    }
}
