//! The same calls for programs without async. See [`crate::Client`] for what each promises.

mod admin;
mod llm;
mod runner;

use api_types::{CreateIntent, Health, IntentView, PatchIntent, PrePrResult, SummaryView};

use crate::{Builder, Error, Placeholders, Versioned};
pub use admin::AdminClient;
use runner::Runner;

/// An agent's way to the registry, blocking. Clones share one thread, which makes the calls.
///
/// It may be used anywhere but inside an async task, which it would hold up: there every call is
/// [`Error::InAsyncContext`]. A thread of `tokio::task::spawn_blocking` is fine.
#[derive(Debug, Clone)]
pub struct Client {
    inner: crate::Client,
    runner: Runner,
}

impl Client {
    pub(crate) fn over(inner: crate::Client) -> Result<Self, Error> {
        Ok(Self { inner, runner: Runner::start()? })
    }

    /// Settings of a client; end with [`Builder::build_blocking`].
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::blocking::Client::builder().api_key("t4_...").build_blocking()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Registers one intent: [`crate::Client::register`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateIntent;
    /// let intent = client.register(CreateIntent { code: "F821".into(), ..Default::default() })?;
    /// println!("{}", intent.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn register(&self, intent: CreateIntent) -> Result<IntentView, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.register(intent).await })
    }

    /// Registers up to 1,000 intents, all or none: [`crate::Client::register_batch`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateIntent;
    /// client.register_batch(vec![CreateIntent { code: "F821".into(), ..Default::default() }])?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_batch(&self, intents: Vec<CreateIntent>) -> Result<Vec<IntentView>, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.register_batch(intents).await })
    }

    /// Every intent that fits a filter: [`crate::Client::intents`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.intents(&Default::default())?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn intents(&self, filter: &crate::IntentFilter) -> Result<Vec<IntentView>, Error> {
        let (client, filter) = (self.inner.clone(), filter.clone());
        self.runner.run(async move { client.intents(&filter).await })
    }

    /// Every intent of a file: [`crate::Client::by_file`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.by_file("src/a.py")?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn by_file(&self, path: &str) -> Result<Vec<IntentView>, Error> {
        let (client, path) = (self.inner.clone(), path.to_owned());
        self.runner.run(async move { client.by_file(&path).await })
    }

    /// Every intent of an owner: [`crate::Client::by_owner`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.by_owner("platform")?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn by_owner(&self, owner: &str) -> Result<Vec<IntentView>, Error> {
        let (client, owner) = (self.inner.clone(), owner.to_owned());
        self.runner.run(async move { client.by_owner(&owner).await })
    }

    /// Every stale intent: [`crate::Client::stale`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} are stale", client.stale(30)?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stale(&self, days: u32) -> Result<Vec<IntentView>, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.stale(days).await })
    }

    /// One intent with its version: [`crate::Client::get`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{}", client.get("T4-1")?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, id: &str) -> Result<Option<Versioned<IntentView>>, Error> {
        let (client, id) = (self.inner.clone(), id.to_owned());
        self.runner.run(async move { client.get(&id).await })
    }

    /// Changes an intent: [`crate::Client::update`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::PatchIntent;
    /// client.update("T4-1", PatchIntent { owner: Some(None), ..Default::default() })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, id: &str, patch: PatchIntent) -> Result<Versioned<IntentView>, Error> {
        let (client, id) = (self.inner.clone(), id.to_owned());
        self.runner.run(async move { client.update(&id, patch).await })
    }

    /// Changes an intent if it still has a version: [`crate::Client::update_if`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::PatchIntent;
    /// client.update_if("T4-1", PatchIntent::default(), "\"1\"")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_if(
        &self,
        id: &str,
        patch: PatchIntent,
        etag: &str,
    ) -> Result<Versioned<IntentView>, Error> {
        let (client, id, etag) = (self.inner.clone(), id.to_owned(), etag.to_owned());
        self.runner.run(async move { client.update_if(&id, patch, &etag).await })
    }

    /// Asks whether every file is covered by an intent: [`crate::Client::pre_pr_check`]. Placeholders do not
    /// make `ok` true.
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// use policy_client::Placeholders;
    /// let check = client.pre_pr_check(vec!["src/a.py".into()], vec!["F821".into()], Placeholders::Reserve)?;
    /// std::process::exit(i32::from(!check.ok));
    /// # }
    /// ```
    pub fn pre_pr_check(
        &self,
        files: Vec<String>,
        critical_codes: Vec<String>,
        placeholders: Placeholders,
    ) -> Result<PrePrResult, Error> {
        let client = self.inner.clone();
        let call = async move { client.pre_pr_check(files, critical_codes, placeholders).await };
        self.runner.run(call)
    }

    /// Figures over the whole registry: [`crate::Client::summary`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("{} intents", client.summary()?.total);
    /// # Ok(())
    /// # }
    /// ```
    pub fn summary(&self) -> Result<SummaryView, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.summary().await })
    }

    /// Whether the registry answers: [`crate::Client::health`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`].
    ///
    /// ```no_run
    /// # fn example(client: policy_client::blocking::Client) -> Result<(), policy_client::Error> {
    /// println!("registry {}", client.health()?.version);
    /// # Ok(())
    /// # }
    /// ```
    pub fn health(&self) -> Result<Health, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.health().await })
    }
}
