//! Bodies of the intent routes.

use std::collections::BTreeMap;

use registry_core::{Change, Intent, IntentPatch, NewIntent, QualitySummary};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::object::objects;

/// Maximum number of intents of one batch.
pub const MAX_BATCH: usize = 1000;

/// Body of a new intent. Only `code` is required; unknown members are refused. Names (`id`, `code`, `type`,
/// `reason_category`, `owner`, `ticket`) have no invisible characters and no white space around them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIntent {
    /// Id; minted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub id: Option<String>,
    /// Lint code or kind of work, such as `F821`.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub code: String,
    /// Kind of intent; `lint` when absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub kind: Option<String>,
    /// File, relative to the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub line: Option<i64>,
    /// Text of the import statement, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub import_text: Option<String>,
    /// Category of the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub reason_category: Option<String>,
    /// Reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub reason: Option<String>,
    /// Suggested fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub suggestion: Option<String>,
    /// Team or person that answers for it. Required for planned and committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<String>,
    /// Ticket that tracks it. Required for planned and committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub ticket: Option<String>,
    /// A date such as `2026-01-31`, or RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "2026-01-31",
        pattern = r"^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt][0-9:.]+([Zz]|[+-][0-9:]+))?)?$"
    )]
    pub eta: Option<String>,
    /// `reserved` when absent. `documented` is read as `accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "reserved",
        pattern = "^(reserved|planned|committed|implemented|accepted|documented|expired)?$"
    )]
    pub status: Option<String>,
    /// Ignored: the registry sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Further members: a JSON object of at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub raw: Option<Box<RawValue>>,
    /// Agent of the key, if it is sent at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub agent_id: Option<String>,
}

impl CreateIntent {
    /// Converts to the type of `registry-core`. `agent_id` is left to the use case, which compares it with the key's
    /// agent.
    ///
    /// # Errors
    /// A sentence when `raw` is not a JSON object, or one that some readers of JSON can't read.
    pub fn into_core(self) -> Result<NewIntent, String> {
        let raw = self.raw.map(|raw| raw.get().to_owned()).filter(|raw| raw != "null");
        if raw.as_ref().is_some_and(|raw| !raw.starts_with('{')) {
            return Err("`raw` takes a JSON object".to_owned());
        }
        // It is returned to every reader unchanged, so it must not contain what readers of JSON fail on: lone
        // surrogates, numbers beyond any range, thousands of nested brackets.
        if let Some(Err(problem)) = raw.as_deref().map(serde_json::from_str::<serde_json::Value>) {
            return Err(format!("`raw` takes a JSON object that readers of JSON can read: {problem}"));
        }
        Ok(NewIntent {
            id: self.id,
            code: self.code,
            kind: self.kind,
            file: self.file,
            line: self.line,
            import_text: self.import_text,
            reason_category: self.reason_category,
            reason: self.reason,
            suggestion: self.suggestion,
            owner: self.owner,
            ticket: self.ticket,
            eta: self.eta,
            status: self.status,
            raw,
        })
    }
}

/// Body of a batch: up to [`MAX_BATCH`] intents; all are created or none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBatch {
    /// The intents.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 1000)]
    pub intents: Vec<CreateIntent>,
}

/// Body of a change. Absent members keep their value, null clears it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchIntent {
    /// Team or person that answers for it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<Option<String>>,
    /// Ticket that tracks it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub ticket: Option<Option<String>>,
    /// Status. Can't be cleared.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, example = "planned", pattern = "^(reserved|planned|committed|implemented|accepted|documented|expired)$")]
    pub status: Option<Option<String>>,
    /// Reason.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10_000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub reason: Option<Option<String>>,
    /// A date such as `2026-01-31`, or RFC 3339.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2026-01-31", pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt][0-9:.]+([Zz]|[+-][0-9:]+))?$")]
    pub eta: Option<Option<String>>,
    /// Suggested fix.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10_000, pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
    pub suggestion: Option<Option<String>>,
}

impl From<PatchIntent> for IntentPatch {
    fn from(body: PatchIntent) -> Self {
        let change = |field: Option<Option<String>>| match field {
            None => Change::Keep,
            Some(None) => Change::Clear,
            Some(Some(text)) => Change::Set(text),
        };
        Self {
            owner: change(body.owner),
            ticket: change(body.ticket),
            status: change(body.status),
            reason: change(body.reason),
            eta: change(body.eta),
            suggestion: change(body.suggestion),
        }
    }
}

/// Reads a member that is present: null is `Some(None)`.
#[expect(clippy::option_option, reason = "absent, null and a value mean three things")]
pub(crate) fn given<'de, T, D>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// Intent as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IntentView {
    /// Id.
    pub id: String,
    /// Lint code or kind of work.
    pub code: String,
    /// Kind of intent.
    #[serde(rename = "type")]
    pub kind: String,
    /// File.
    pub file: Option<String>,
    /// Line.
    pub line: Option<i64>,
    /// Text of the import statement, if it is about one.
    pub import_text: Option<String>,
    /// Category of the reason.
    pub reason_category: Option<String>,
    /// Reason.
    pub reason: Option<String>,
    /// Suggested fix.
    pub suggestion: Option<String>,
    /// Team or person that answers for it.
    pub owner: Option<String>,
    /// Ticket that tracks it.
    pub ticket: Option<String>,
    /// Expected date of completion.
    pub eta: Option<String>,
    /// Status.
    pub status: String,
    /// Time of creation, RFC 3339 UTC.
    pub created_at: String,
    /// Time of the last change.
    pub modified_at: String,
    /// Time at which it became implemented or accepted.
    pub resolved_at: Option<String>,
    /// Further members that the creator sent.
    #[schema(value_type = Option<Object>)]
    pub raw: Option<Box<RawValue>>,
    /// Agent that created it.
    pub agent_id: Option<String>,
}

impl From<Intent> for IntentView {
    fn from(intent: Intent) -> Self {
        let status = intent.status_text().to_owned();
        Self {
            id: intent.id.into_string(),
            code: intent.code,
            kind: intent.kind,
            file: intent.file,
            line: intent.line,
            import_text: intent.import_text,
            reason_category: intent.reason_category,
            reason: intent.reason,
            suggestion: intent.suggestion,
            owner: intent.owner.map(registry_core::Owner::into_string),
            ticket: intent.ticket,
            eta: intent.eta,
            status,
            created_at: intent.created_at.to_string(),
            modified_at: intent.modified_at.to_string(),
            resolved_at: intent.resolved_at.map(|at| at.to_string()),
            raw: intent.raw.and_then(raw_object),
            agent_id: intent.agent_id.map(registry_core::AgentId::into_string),
        }
    }
}

/// Returns a stored text as JSON. An adopted row may hold a text that is not JSON: it is shown under `text`.
fn raw_object(text: String) -> Option<Box<RawValue>> {
    let shown = serde_json::json!({ "text": text }).to_string();
    RawValue::from_string(text).or_else(|_| RawValue::from_string(shown)).ok()
}

/// Answer to a creation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IntentCreated {
    /// Always `ok`.
    pub status: String,
    /// Intent as it is now.
    pub intent: IntentView,
}

/// Answer with several intents.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Intents {
    /// Intents, in the order of the request.
    pub intents: Vec<IntentView>,
}

/// Answer to a deletion.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Deleted {
    /// Always `deleted`.
    pub status: String,
}

/// Figures of the whole registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummaryView {
    /// Number of all intents.
    pub total: u64,
    /// Number of intents by status.
    pub by_status: BTreeMap<String, u64>,
    /// Number of intents by code, for the 20 most frequent codes.
    pub by_code: BTreeMap<String, u64>,
    /// Percentage of planned and committed intents that have an owner and a ticket.
    pub quality_score: f64,
    /// Mean days from creation to resolution.
    pub avg_time_to_resolve_days: Option<f64>,
}

impl From<QualitySummary> for SummaryView {
    fn from(summary: QualitySummary) -> Self {
        Self {
            total: summary.total,
            by_status: summary.by_status,
            by_code: summary.by_code.into_iter().collect(),
            quality_score: summary.quality_score,
            avg_time_to_resolve_days: summary.avg_time_to_resolve_days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_refused() {
        let error = serde_json::from_str::<CreateIntent>(r#"{"code":"F821","colour":1}"#).unwrap_err();
        assert!(error.to_string().contains("colour"));
    }

    #[test]
    fn absent_null_and_a_value_are_three_things_in_a_patch() {
        let patch: PatchIntent = serde_json::from_str(r#"{"owner":null,"ticket":"X"}"#).unwrap();
        let core = IntentPatch::from(patch);
        assert_eq!(core.owner, Change::Clear);
        assert_eq!(core.ticket, Change::Set("X".into()));
        assert_eq!(core.reason, Change::Keep);
    }

    #[test]
    fn raw_must_be_an_object() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
        let cases = [
            (r#"{"a":1}"#, true),
            ("null", true),
            ("[]", false),
            ("5", false),
            (r#"{"a":"\ud800"}"#, false),
            (r#"{"a":1e400}"#, false),
            (deep.as_str(), false),
        ];
        for (text, fits) in cases {
            let body = format!(r#"{{"code":"F821","raw":{text}}}"#);
            let create: CreateIntent = serde_json::from_str(&body).unwrap();
            assert_eq!(create.into_core().is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_stored_text_that_is_no_json_is_still_shown() {
        assert_eq!(raw_object("not json".into()).unwrap().get(), r#"{"text":"not json"}"#);
    }
}
