//! What an admin reads of the ledger.

use api_types::{OpenHoldView, UsageLineView, UsageTotalView};

use super::Runner;
use crate::{Builder, Error, UsageFilter, UsageGroup};

/// An admin's way to the ledger, blocking: everybody's usage, and holds. Keys and the audit log are the async
/// [`crate::AdminClient`]'s. It may be used where [`super::Client`] may.
#[derive(Debug, Clone)]
pub struct AdminClient {
    inner: crate::AdminClient,
    runner: Runner,
}

impl AdminClient {
    pub(crate) fn over(inner: crate::AdminClient) -> Result<Self, Error> {
        Ok(Self { inner, runner: Runner::start()? })
    }

    /// Settings of a client; end with [`Builder::build_admin_blocking`].
    ///
    /// ```no_run
    /// # fn example(token: String) -> Result<(), policy_client::Error> {
    /// let admin = policy_client::blocking::AdminClient::builder().admin_token(token).build_admin_blocking()?;
    /// # drop(admin); Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What everybody has used: [`crate::AdminClient::usage`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(admin: policy_client::blocking::AdminClient) -> Result<(), policy_client::Error> {
    /// println!("{} rows", admin.usage(&Default::default())?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        let (client, filter) = (self.inner.clone(), filter.clone());
        self.runner.run(async move { client.usage(&filter).await })
    }

    /// What everybody has used, summed up: [`crate::AdminClient::usage_summary`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(admin: policy_client::blocking::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::UsageGroup;
    /// println!("{} owners", admin.usage_summary(UsageGroup::Owner, None, None)?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn usage_summary(
        &self,
        by: UsageGroup,
        since: Option<&str>,
        until: Option<&str>,
    ) -> Result<Vec<UsageTotalView>, Error> {
        let (client, since, until) = (self.inner.clone(), since.map(str::to_owned), until.map(str::to_owned));
        self.runner.run(async move { client.usage_summary(by, since.as_deref(), until.as_deref()).await })
    }

    /// Every call under way, and every orphan: [`crate::AdminClient::holds`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(admin: policy_client::blocking::AdminClient) -> Result<(), policy_client::Error> {
    /// println!("{} holds", admin.holds()?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn holds(&self) -> Result<Vec<OpenHoldView>, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.holds().await })
    }
}
