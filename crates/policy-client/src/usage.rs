//! What was used: which rows are asked for, and what they are summed up by.

use api_types::{UsageGroup, UsageLineView, UsageTotalView};

use crate::Error;
use crate::transport::Transport;

/// Which rows of usage are asked for. Everything, up to 1,000 rows, by default. All that are given must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of this agent; for admins, as an agent sees its own rows alone.
    pub agent_id: Option<String>,
    /// Of this owner; for admins.
    pub owner: Option<String>,
    /// Of this key (`t4_` and 12 characters, never a whole key); for admins.
    pub key_id: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// Of this call.
    pub call_id: Option<String>,
    /// At this time or later, RFC 3339.
    pub since: Option<String>,
    /// Before this time, RFC 3339.
    pub until: Option<String>,
    /// Which of these rows.
    pub rows: UsageRows,
    /// How many rows at most; pages are followed until then.
    pub at_most: usize,
}

/// Which rows of usage a [`UsageFilter`] lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UsageRows {
    /// Every row.
    #[default]
    All,
    /// Only rows that a person should look at: estimated, at their worst case, overrun or late.
    Flagged,
}

impl Default for UsageFilter {
    fn default() -> Self {
        Self {
            agent_id: None,
            owner: None,
            key_id: None,
            model: None,
            call_id: None,
            since: None,
            until: None,
            rows: UsageRows::All,
            at_most: 1000,
        }
    }
}

impl UsageFilter {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("agent_id", &self.agent_id),
            ("owner", &self.owner),
            ("key_id", &self.key_id),
            ("model", &self.model),
            ("call_id", &self.call_id),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        given.chain((self.rows == UsageRows::Flagged).then_some(("flagged", "true"))).collect()
    }
}

impl Transport {
    /// Rows of usage, of an agent or of everybody, as the route has it.
    pub(crate) async fn usage(&self, path: &str, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        self.list(path, &filter.pairs(), filter.at_most).await
    }

    /// Sums of usage.
    pub(crate) async fn usage_summary(
        &self,
        path: &str,
        by: UsageGroup,
        since: Option<&str>,
        until: Option<&str>,
    ) -> Result<Vec<UsageTotalView>, Error> {
        let times = [("since", since), ("until", until)];
        let times = times.into_iter().filter_map(|(name, time)| Some((name, time?)));
        let pairs: Vec<_> = std::iter::once(("by", by.as_str())).chain(times).collect();
        self.list(path, &pairs, usize::MAX).await
    }
}
