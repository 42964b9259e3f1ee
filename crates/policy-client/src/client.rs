//! The calls of an agent.

use std::sync::Arc;

use api_types::{
    Code, CreateBatch, CreateIntent, Health, IntentCreated, IntentView, Intents, MAX_BATCH, PatchIntent,
    SummaryView,
};
use http_out::reqwest::Method;
use registry_core::Status;

use crate::answer::ApiAnswer;
use crate::encoding::{intent_segment, segment};
use crate::transport::{ApiCall, Transport};
use crate::{Builder, Error};

/// A value and the version that it has on the server.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its `ETag`, as it came: hand it to [`Client::update_if`].
    pub etag: Option<String>,
}

/// Which intents are asked for. Every one by default; all that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentFilter {
    /// In this status.
    pub status: Option<Status>,
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
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("status", self.status.map(Status::as_str)),
            ("code", self.code.as_deref()),
            ("file", self.file.as_deref()),
            ("owner", self.owner.as_deref()),
            ("agent_id", self.agent_id.as_deref()),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// An agent's way to the registry, async. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
}

impl Client {
    pub(crate) fn over(transport: Arc<Transport>) -> Self {
        Self { transport }
    }

    /// Settings of a client, all at their defaults.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::builder().api_key("t4_...").build()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Registers one intent and gives it back as it is now.
    ///
    /// A later call with the same `id` and body finds the intent that is there; without an `id`, each call makes
    /// another one. So give an `id` when the program itself may repeat the call.
    ///
    /// # Errors
    /// [`Error::Api`] with [`Code::IntentExists`] when another intent has the id, or with the rule that is broken.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateIntent;
    /// let new = CreateIntent { code: "F821".into(), file: Some("src/a.py".into()), ..Default::default() };
    /// let intent = client.register(new).await?;
    /// println!("{} is {}", intent.id, intent.status);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn register(&self, intent: CreateIntent) -> Result<IntentView, Error> {
        let call = self.transport.change(Method::POST, "/intents", &intent)?;
        let created: IntentCreated = self.transport.send(&call).await?.json()?;
        Ok(created.intent)
    }

    /// Registers up to 1,000 intents, all or none, and gives them back in the same order.
    ///
    /// # Errors
    /// [`Error::TooMany`] for more: splitting them here would break the promise of all or none.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateIntent;
    /// let new = |file: &str| CreateIntent { code: "F401".into(), file: Some(file.into()), ..Default::default() };
    /// let intents = client.register_batch(vec![new("a.py"), new("b.py")]).await?;
    /// assert_eq!(intents.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn register_batch(&self, intents: Vec<CreateIntent>) -> Result<Vec<IntentView>, Error> {
        if intents.len() > MAX_BATCH {
            return Err(Error::TooMany { what: "intents", got: intents.len(), max: MAX_BATCH });
        }
        let call = self.transport.change(Method::POST, "/intents/batch", &CreateBatch { intents })?;
        let created: Intents = self.transport.send(&call).await?.json()?;
        Ok(created.intents)
    }

    /// Every intent that fits a filter, by id.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::{IntentFilter, Status};
    /// let filter = IntentFilter { status: Some(Status::Reserved), ..Default::default() };
    /// println!("{} wait for somebody", client.intents(&filter).await?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn intents(&self, filter: &IntentFilter) -> Result<Vec<IntentView>, Error> {
        self.transport.list("/intents", &filter.pairs(), usize::MAX).await
    }

    /// Every intent of a file, by line.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// for intent in client.by_file("src/a.py").await? {
    ///     println!("{} {}", intent.code, intent.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn by_file(&self, path: &str) -> Result<Vec<IntentView>, Error> {
        self.transport.list("/intents/by_file", &[("file", path)], usize::MAX).await
    }

    /// Every intent of an owner, newest change first.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an owner that no path can carry (empty, `.` or `..`).
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.by_owner("platform").await?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn by_owner(&self, owner: &str) -> Result<Vec<IntentView>, Error> {
        let path = format!("/intents/by_owner/{}", segment("owner", owner)?);
        self.transport.list(&path, &[], usize::MAX).await
    }

    /// Every reserved, planned or committed intent that has not changed for more than `days`, oldest first.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// println!("{} are stale", client.stale(30).await?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stale(&self, days: u32) -> Result<Vec<IntentView>, Error> {
        self.transport.list("/intents/stale", &[("days", &days.to_string())], usize::MAX).await
    }

    /// One intent with its version; `None` when the registry has none of this id.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a text that can't be an id.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// if let Some(found) = client.get("T4-1").await? {
    ///     println!("{} {:?}", found.value.status, found.etag);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, id: &str) -> Result<Option<Versioned<IntentView>>, Error> {
        let call = ApiCall::get(format!("/intents/{}", intent_segment(id)?));
        match self.transport.send(&call).await {
            Ok(answer) => versioned(&answer).map(Some),
            Err(Error::Api { code: Some(Code::IntentNotFound), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes an intent, whatever its version. Absent fields stay, `Some(None)` clears.
    ///
    /// # Errors
    /// [`Error::Api`] with [`Code::IntentNotFound`], [`Code::NotYours`], [`Code::IllegalTransition`] or another
    /// rule of the registry's.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::PatchIntent;
    /// let patch = PatchIntent { status: Some(Some("implemented".into())), ..Default::default() };
    /// client.update("T4-1", patch).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(&self, id: &str, patch: PatchIntent) -> Result<Versioned<IntentView>, Error> {
        let call = self.patch(id, &patch)?;
        changed(&self.transport.send(&call).await?)
    }

    /// Changes an intent if it still has the version `etag`, which [`Client::get`] gave.
    ///
    /// # Errors
    /// As [`Client::update`], and [`Error::Api`] with [`Code::VersionMismatch`] when it has changed since.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::PatchIntent;
    /// if let Some(found) = client.get("T4-1").await? {
    ///     let patch = PatchIntent { ticket: Some(Some("OPS-7".into())), ..Default::default() };
    ///     client.update_if("T4-1", patch, found.etag.as_deref().unwrap_or("*")).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_if(
        &self,
        id: &str,
        patch: PatchIntent,
        etag: &str,
    ) -> Result<Versioned<IntentView>, Error> {
        let call = self.patch(id, &patch)?.if_match(etag)?;
        changed(&self.transport.send(&call).await?)
    }

    fn patch(&self, id: &str, patch: &PatchIntent) -> Result<ApiCall, Error> {
        self.transport.change(Method::PATCH, format!("/intents/{}", intent_segment(id)?), patch)
    }

    /// Figures over the whole registry.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.summary().await?.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn summary(&self) -> Result<SummaryView, Error> {
        self.transport.send(&ApiCall::get("/metrics/summary")).await?.json()
    }

    /// Whether the registry answers. The key is not sent.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::TimedOut`] when it does not.
    ///
    /// ```no_run
    /// # async fn example(client: policy_client::Client) -> Result<(), policy_client::Error> {
    /// println!("registry {}", client.health().await?.version);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Result<Health, Error> {
        self.transport.send(&ApiCall::public("/health")).await?.json()
    }
}

fn versioned(answer: &ApiAnswer) -> Result<Versioned<IntentView>, Error> {
    Ok(Versioned { value: answer.json()?, etag: answer.etag() })
}

/// A change is answered like a creation: the intent stands under `intent`.
fn changed(answer: &ApiAnswer) -> Result<Versioned<IntentView>, Error> {
    let IntentCreated { intent, .. } = answer.json()?;
    Ok(Versioned { value: intent, etag: answer.etag() })
}
