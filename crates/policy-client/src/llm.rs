//! The calls of an agent around model calls: what it may spend, what it has spent, and holds made by hand.

use api_types::{
    CreateHold, HoldView, LlmStatus, QuotaView, ReleaseHold, Released, SettleHold, SettledView,
    UsageLineView, UsageTotalView,
};
use http_out::reqwest::Method;
use llm_policy::CallId;

use crate::encoding::{query, segment};
use crate::transport::{ApiCall, Transport};
use crate::{Client, Error, UsageFilter, UsageGroup};

/// A call that an agent thinks of making. Without a model the answer has the budgets alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaQuestion {
    /// The model.
    pub model: Option<String>,
    /// An upper bound of its input, in tokens.
    pub input_tokens: Option<u64>,
    /// The `max_tokens` of its answer; what would be filled in when absent.
    pub max_tokens: Option<u64>,
}

impl Client {
    /// Whether calls to models can be made, and where they would go.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// for provider in client.llm_status().await?.providers {
    ///     println!("{} {}", provider.name, provider.breaker);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn llm_status(&self) -> Result<LlmStatus, Error> {
        self.transport.send(&ApiCall::get("/llm/status")).await?.json()
    }

    /// Whether a call would run, and what each of the caller's budgets has left. Asking changes nothing.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::ModelNotFound`] or [`api_types::Code::ModelNotPriced`]; a budget that
    /// the call does not fit is no error, but an answer whose `would_run` is false.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::QuotaQuestion;
    /// let question = QuotaQuestion { model: Some("gpt-4o-mini".into()), input_tokens: Some(1000), max_tokens: None };
    /// let quota = client.quota(&question).await?;
    /// println!("{:?}, {} budgets", quota.would_run, quota.budgets.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn quota(&self, question: &QuotaQuestion) -> Result<QuotaView, Error> {
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let fields = [
            ("model", question.model.clone()),
            ("input_tokens", number(question.input_tokens)),
            ("max_tokens", number(question.max_tokens)),
        ];
        let given: Vec<_> =
            fields.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let call = ApiCall::get("/llm/quota");
        let call = if given.is_empty() { call } else { call.query(query(&given)) };
        self.transport.send(&call).await?.json()
    }

    /// What the caller's agent has used, a row for each attempt that reached a provider, newest first.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::InvalidQuery`] for a time that can't be read.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::UsageFilter;
    /// for row in client.usage(&UsageFilter { at_most: 10, ..Default::default() }).await? {
    ///     println!("{} {} ${}", row.timestamp, row.model, row.cost_usd);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        self.transport.usage("/llm/usage", filter).await
    }

    /// What the caller's agent has used, summed up. `since` (inclusive) and `until` (exclusive) are RFC 3339.
    ///
    /// # Errors
    /// As [`Client::usage`].
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::UsageGroup;
    /// for total in client.usage_summary(UsageGroup::Day, Some("2026-11-01T00:00:00Z"), None).await? {
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
        self.transport.usage_summary("/llm/usage/summary", by, since, until).await
    }

    /// Holds the worst case of a call that the agent is about to make itself. The call may leave when this has
    /// answered, with the `max_tokens` of the answer.
    ///
    /// A `call_id` is minted where there is none, so that a repeat after a lost answer finds the same hold.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::InsufficientQuota`], [`api_types::Code::ModelNotPriced`],
    /// [`api_types::Code::MaxTokensAboveCap`], or [`api_types::Code::CallExists`] when another call has the id.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateHold;
    /// let hold = client
    ///     .create_hold(CreateHold {
    ///         provider: "openai".into(),
    ///         model: "gpt-4o-mini".into(),
    ///         input_tokens: 1200,
    ///         ..Default::default()
    ///     })
    ///     .await?;
    /// println!("{}: send max_tokens {:?}", hold.hold_id, hold.max_tokens);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_hold(&self, hold: CreateHold) -> Result<HoldView, Error> {
        let mut hold = hold;
        hold.call_id.get_or_insert_with(|| {
            CallId::mint(self.transport.clock.now(), &*self.transport.entropy).as_str().to_owned()
        });
        let call = Transport::repeatable(Method::POST, "/llm/holds", &hold)?;
        self.transport.send(&call).await?.json()
    }

    /// Writes what a call used, and frees the rest of its hold. The same numbers again give the same answer.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::HoldNotFound`], or [`api_types::Code::HoldSettled`] when it was
    /// settled with other numbers.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::{LlmUsage, SettleHold};
    /// let usage = LlmUsage { prompt_tokens: 1180, completion_tokens: 310, ..Default::default() };
    /// let settled = client
    ///     .settle_hold("nightly-7.1", &SettleHold { usage: Some(usage), ..Default::default() })
    ///     .await?;
    /// println!("${}", settled.cost_usd);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn settle_hold(&self, hold_id: &str, end: &SettleHold) -> Result<SettledView, Error> {
        let path = format!("/llm/holds/{}/settle", segment("hold id", hold_id)?);
        let call = Transport::repeatable(Method::POST, path, end)?;
        self.transport.send(&call).await?.json()
    }

    /// Gives a hold back because the request surely never reached the provider.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::HoldNotFound`] when there is no such hold, also because it was given
    /// back before (the answer may have been lost on the way); [`api_types::Code::HoldSettled`] when it was settled.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// client.release_hold("nightly-7.1", &Default::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn release_hold(&self, hold_id: &str, why: &ReleaseHold) -> Result<Released, Error> {
        let path = format!("/llm/holds/{}/release", segment("hold id", hold_id)?);
        let call = Transport::repeatable(Method::POST, path, why)?;
        self.transport.send(&call).await?.json()
    }
}
