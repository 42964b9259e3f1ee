//! The calls of an admin, blocking.

use api_types::{
    AuditRow, AuditVerdict, CreateKey, Health, KeyCreated, KeyView, OpenHoldView, PatchKey, Revoked,
    RotateKey, UsageLineView, UsageTotalView,
};

use super::Runner;
use crate::{AuditFilter, Builder, Error, UsageFilter, UsageGroup};

/// An admin's client, blocking: every call of the async [`crate::AdminClient`]. It may be used where [`super::Client`]
/// may.
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
    /// for key in admin.list_keys()? {
    ///     println!("{} {}", key.key_id, key.agent_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes a key: [`crate::AdminClient::create_key`].
    ///
    /// # Errors
    /// As there, and [`Error::InAsyncContext`]; so of every call.
    pub fn create_key(&self, key: CreateKey) -> Result<KeyCreated, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.create_key(key).await })
    }

    /// Every key, without its secret: [`crate::AdminClient::list_keys`].
    ///
    /// # Errors
    /// As there.
    pub fn list_keys(&self) -> Result<Vec<KeyView>, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.list_keys().await })
    }

    /// One key: [`crate::AdminClient::show_key`].
    ///
    /// # Errors
    /// As there.
    pub fn show_key(&self, key_id: &str) -> Result<Option<KeyView>, Error> {
        let (client, key_id) = (self.inner.clone(), key_id.to_owned());
        self.runner.run(async move { client.show_key(&key_id).await })
    }

    /// Changes a key: [`crate::AdminClient::patch_key`].
    ///
    /// # Errors
    /// As there.
    pub fn patch_key(&self, key_id: &str, patch: PatchKey) -> Result<KeyView, Error> {
        let (client, key_id) = (self.inner.clone(), key_id.to_owned());
        self.runner.run(async move { client.patch_key(&key_id, patch).await })
    }

    /// Gives a key a new secret: [`crate::AdminClient::rotate_key`].
    ///
    /// # Errors
    /// As there.
    pub fn rotate_key(&self, key_id: &str, rotate: RotateKey) -> Result<KeyCreated, Error> {
        let (client, key_id) = (self.inner.clone(), key_id.to_owned());
        self.runner.run(async move { client.rotate_key(&key_id, rotate).await })
    }

    /// Revokes a key: [`crate::AdminClient::revoke_key`].
    ///
    /// # Errors
    /// As there.
    pub fn revoke_key(&self, key_id: &str) -> Result<Revoked, Error> {
        let (client, key_id) = (self.inner.clone(), key_id.to_owned());
        self.runner.run(async move { client.revoke_key(&key_id).await })
    }

    /// Rows of the audit log: [`crate::AdminClient::audit`].
    ///
    /// # Errors
    /// As there.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
        let (client, filter) = (self.inner.clone(), filter.clone());
        self.runner.run(async move { client.audit(&filter).await })
    }

    /// Has the server verify its audit log: [`crate::AdminClient::verify_audit`].
    ///
    /// # Errors
    /// As there.
    pub fn verify_audit(&self) -> Result<AuditVerdict, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.verify_audit().await })
    }

    /// Whether the registry answers: [`crate::AdminClient::health`].
    ///
    /// # Errors
    /// As there.
    pub fn health(&self) -> Result<Health, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.health().await })
    }

    /// What everybody has used: [`crate::AdminClient::usage`].
    ///
    /// # Errors
    /// As there.
    pub fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageLineView>, Error> {
        let (client, filter) = (self.inner.clone(), filter.clone());
        self.runner.run(async move { client.usage(&filter).await })
    }

    /// What everybody has used, summed up: [`crate::AdminClient::usage_summary`].
    ///
    /// # Errors
    /// As there.
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
    /// As there.
    pub fn holds(&self) -> Result<Vec<OpenHoldView>, Error> {
        let client = self.inner.clone();
        self.runner.run(async move { client.holds().await })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names of public functions whose declarations begin so.
    fn names<'s>(source: &'s str, begin: &str) -> BTreeSet<&'s str> {
        let calls = source.split("#[cfg(test)]").next().unwrap_or_default().split(begin).skip(1);
        calls.filter_map(|rest| rest.split('(').next()).filter(|name| *name != "builder").collect()
    }

    #[test]
    fn every_call_of_an_admin_has_its_blocking_twin() {
        let mut asynchronous = names(include_str!("../admin.rs"), "pub async fn ");
        asynchronous.extend(names(include_str!("../admin_llm.rs"), "pub async fn "));
        assert_eq!(names(include_str!("admin.rs"), "pub fn "), asynchronous);
        assert!(asynchronous.len() >= 12, "{asynchronous:?}");
    }
}
