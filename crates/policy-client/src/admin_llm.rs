//! The calls of an admin that read the ledger: everybody's usage, and holds.

use api_types::{OpenHoldView, UsageLineView, UsageTotalView};

use crate::{AdminClient, Error, UsageFilter, UsageGroup};

impl AdminClient {
    /// What everybody has used, a row for each attempt that reached a provider, newest first.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::InvalidQuery`] for a time that can't be read.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::{UsageFilter, UsageRows};
    /// for row in admin.usage(&UsageFilter { rows: UsageRows::Flagged, ..Default::default() }).await? {
    ///     println!("{} {} {:?}", row.timestamp, row.agent_id, row.source);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        self.transport.usage("/admin/llm/usage", filter).await
    }

    /// What everybody has used, summed up. `since` (inclusive) and `until` (exclusive) are RFC 3339.
    ///
    /// # Errors
    /// As [`AdminClient::usage`].
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::UsageGroup;
    /// for total in admin.usage_summary(UsageGroup::Owner, Some("2026-11-01T00:00:00Z"), None).await? {
    ///     println!("{} ${}", total.group, total.cost_usd);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn usage_summary(
        &self,
        by: UsageGroup,
        since: Option<&str>,
        until: Option<&str>,
    ) -> Result<Vec<UsageTotalView>, Error> {
        self.transport.usage_summary("/admin/llm/usage/summary", by, since, until).await
    }

    /// Every call under way, and every orphan that can still be put right by a late settlement.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// let orphans = admin.holds().await?.into_iter().filter(|hold| hold.orphaned).count();
    /// println!("{orphans} were settled at their worst case");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn holds(&self) -> Result<Vec<OpenHoldView>, Error> {
        self.transport.list("/admin/llm/holds", &[], usize::MAX).await
    }
}
