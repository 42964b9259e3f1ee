//! The calls around model calls.

use api_types::{
    CreateHold, HoldView, LlmStatus, QuotaView, ReleaseHold, Released, SettleHold, SettledView,
    UsageLineView, UsageTotalView,
};

use super::Client;
use crate::{Error, QuotaQuestion, UsageFilter, UsageGroup};

impl Client {
    /// Whether calls to models can be made: [`crate::Client::llm_status`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{}", client.llm_status()?.configured);
    /// # Ok(())
    /// # }
    /// ```
    pub fn llm_status(&self) -> Result<LlmStatus, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.llm_status().await })
    }

    /// Whether a call would run, and what the budgets have left: [`crate::Client::quota`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} budgets", client.quota(&Default::default())?.budgets.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn quota(&self, question: &QuotaQuestion) -> Result<QuotaView, Error> {
        let (client, question) = (self.inner.clone(), question.clone());
        self.runner.run(async move { client.quota(&question).await })
    }

    /// What the caller's agent has used: [`crate::Client::usage`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} rows", client.usage(&Default::default())?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        let (client, filter) = (self.inner.clone(), filter.clone());
        self.runner.run(async move { client.usage(&filter).await })
    }

    /// What the caller's agent has used, summed up: [`crate::Client::usage_summary`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::UsageGroup;
    /// println!("{} models", client.usage_summary(UsageGroup::Model, None, None)?.len());
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

    /// Holds the worst case of a call: [`crate::Client::create_hold`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateHold;
    /// let call = CreateHold { provider: "openai".into(), model: "gpt-4o-mini".into(), ..Default::default() };
    /// println!("{}", client.create_hold(call)?.hold_id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_hold(&self, hold: CreateHold) -> Result<HoldView, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.create_hold(hold).await })
    }

    /// Writes what a call used: [`crate::Client::settle_hold`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::{LlmUsage, SettleHold};
    /// let usage = LlmUsage { prompt_tokens: 1180, completion_tokens: 310, ..Default::default() };
    /// client.settle_hold("nightly-7.1", &SettleHold { usage: Some(usage), ..Default::default() })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle_hold(&self, hold_id: &str, end: &SettleHold) -> Result<SettledView, Error> {
        let (client, hold_id, end) = (self.inner.clone(), hold_id.to_owned(), end.clone());
        self.runner.run(async move { client.settle_hold(&hold_id, &end).await })
    }

    /// Gives a hold back: [`crate::Client::release_hold`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// client.release_hold("nightly-7.1", &Default::default())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn release_hold(&self, hold_id: &str, why: &ReleaseHold) -> Result<Released, Error> {
        let (client, hold_id, why) = (self.inner.clone(), hold_id.to_owned(), why.clone());
        self.runner.run(async move { client.release_hold(&hold_id, &why).await })
    }
}
