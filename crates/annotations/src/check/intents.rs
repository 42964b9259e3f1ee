//! Matching of findings to intents of the registry.

use std::borrow::Cow;
use std::collections::HashMap;

use registry_core::normal_path;

use super::Registered;
use crate::Finding;

/// Statuses with which an intent answers.
const ANSWERING: [&str; 4] = ["planned", "committed", "implemented", "accepted"];

/// The intents that can answer, by the form of their file and by code: sorted by row, those without one first.
pub struct AnsweringIntents<'a> {
    by_key: HashMap<(Cow<'a, str>, &'a str), Vec<&'a Registered>>,
}

impl<'a> AnsweringIntents<'a> {
    /// The intents that can answer.
    pub fn new(registered: &'a [Registered]) -> Self {
        let mut by_key: HashMap<_, Vec<&Registered>> = HashMap::new();
        for intent in registered {
            if ANSWERING.contains(&intent.status.as_str()) {
                by_key.entry((normal_path(&intent.file), intent.code.as_str())).or_default().push(intent);
            }
        }
        for intents in by_key.values_mut() {
            intents.sort_by(|a, b| (a.line, &a.id).cmp(&(b.line, &b.id)));
        }
        Self { by_key }
    }

    /// The intent for a finding: one for its rows, the nearest to the first row, else one for any row.
    pub fn by(&self, finding: &Finding) -> Option<&'a Registered> {
        let intents = self.by_key.get(&(normal_path(&finding.file), finding.code.as_str()))?;
        let near = intents.partition_point(|intent| intent.line < Some(finding.start.row));
        let in_rows = intents.get(near).filter(|intent| intent.line <= Some(finding.last_row()));
        in_rows.or_else(|| intents.first().filter(|intent| intent.line.is_none())).copied()
    }
}
