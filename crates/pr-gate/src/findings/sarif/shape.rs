//! The parts of SARIF that T4 reads. serde skips everything else.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Log {
    pub runs: Vec<SarifRun>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifRun {
    pub tool: Tool,
    /// `None` when the tool failed before it checked anything.
    pub results: Option<Vec<ResultItem>>,
    pub invocations: Option<Vec<Invocation>>,
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    #[serde(default)]
    pub original_uri_base_ids: BTreeMap<String, ArtifactLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    pub execution_successful: Option<bool>,
}

#[derive(Deserialize)]
pub struct Tool {
    pub driver: Component,
    #[serde(default)]
    pub extensions: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    pub name: String,
    pub version: Option<String>,
    pub semantic_version: Option<String>,
    #[serde(default)]
    pub rules: Vec<SarifRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SarifRule {
    pub id: String,
    pub help_uri: Option<String>,
    pub short_description: Option<Text>,
    #[serde(default)]
    pub message_strings: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
pub struct Text {
    pub text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultItem {
    pub rule_id: Option<String>,
    pub rule_index: Option<i64>,
    pub rule: Option<RuleReference>,
    pub message: SarifMessage,
    pub kind: Option<String>,
    pub baseline_state: Option<String>,
    #[serde(default)]
    pub locations: Vec<Location>,
    pub suppressions: Option<Vec<Suppression>>,
}

impl ResultItem {
    /// Whether the result is a finding: it reports a problem that is present and that no accepted suppression covers.
    pub fn counts(&self) -> bool {
        let fine = matches!(self.kind.as_deref(), Some("pass" | "notApplicable"));
        let gone = self.baseline_state.as_deref() == Some("absent");
        let suppressed = self.suppressions.as_ref().is_some_and(|all| {
            !all.is_empty() && all.iter().all(|one| one.status.as_deref().unwrap_or("accepted") == "accepted")
        });
        !(fine || gone || suppressed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReference {
    pub id: Option<String>,
    pub index: Option<i64>,
    pub tool_component: Option<ComponentReference>,
}

#[derive(Deserialize)]
pub struct ComponentReference {
    pub index: Option<i64>,
}

#[derive(Deserialize)]
pub struct SarifMessage {
    pub text: Option<String>,
    pub id: Option<String>,
    #[serde(default)]
    pub arguments: Vec<String>,
}

#[derive(Deserialize)]
pub struct Suppression {
    pub status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub physical_location: Option<PhysicalLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalLocation {
    #[serde(default)]
    pub artifact_location: ArtifactLocation,
    pub region: Option<Region>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactLocation {
    pub uri: Option<String>,
    pub uri_base_id: Option<String>,
    pub index: Option<i64>,
}

#[derive(Deserialize)]
pub struct Artifact {
    pub location: Option<ArtifactLocation>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    pub start_line: Option<u32>,
    pub start_column: Option<u32>,
    pub end_line: Option<u32>,
    pub end_column: Option<u32>,
}
