//! Which intents are asked for.

/// Which intents are asked for. Every one by default; all that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentFilter {
    /// In this status.
    pub status: Option<String>,
    /// About this code.
    pub code: Option<String>,
    /// About this file, as the registry has it.
    pub file: Option<String>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Created by this agent.
    pub agent_id: Option<String>,
}

impl IntentFilter {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("status", &self.status),
            ("code", &self.code),
            ("file", &self.file),
            ("owner", &self.owner),
            ("agent_id", &self.agent_id),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}
