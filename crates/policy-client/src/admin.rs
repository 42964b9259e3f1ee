//! The calls that take the admin token.

use std::sync::Arc;

use api_types::{
    AuditRow, AuditVerdict, CreateKey, Health, KeyCreated, KeyView, PatchKey, Revoked, RotateKey,
};
use http_out::reqwest::Method;
use registry_core::KeyId;

use crate::transport::{ApiCall, Transport};
use crate::{Builder, Error};

/// An admin's way to the registry, async. The token goes in `X-T4-Admin-Token`, never in a URL.
#[derive(Debug, Clone)]
pub struct AdminClient {
    pub(crate) transport: Arc<Transport>,
}

/// Which rows of the audit log are asked for. Everything, up to 1,000 rows, by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this agent.
    pub agent_id: Option<String>,
    /// Of this path.
    pub path: Option<String>,
    /// With this HTTP status.
    pub status: Option<u16>,
    /// At this time or later, RFC 3339.
    pub since: Option<String>,
    /// Before this time, RFC 3339.
    pub until: Option<String>,
    /// How many rows at most; pages are followed until then.
    pub at_most: usize,
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self { agent_id: None, path: None, status: None, since: None, until: None, at_most: 1000 }
    }
}

impl AdminClient {
    pub(crate) fn over(transport: Arc<Transport>) -> Self {
        Self { transport }
    }

    /// Settings of a client; end with [`Builder::build_admin`].
    ///
    /// ```no_run
    /// # fn example(token: String) -> Result<(), policy_client::Error> {
    /// let admin = policy_client::AdminClient::builder().admin_token(token).build_admin()?;
    /// # drop(admin); Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes a key. Its secret is in the answer, this once.
    ///
    /// # Errors
    /// [`Error::Api`] when the registry refuses a field.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::CreateKey;
    /// let new = CreateKey { agent_id: "claude-agent-1".into(), ..Default::default() };
    /// println!("{}", admin.create_key(new).await?.key);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_key(&self, key: CreateKey) -> Result<KeyCreated, Error> {
        let call = self.transport.change(Method::POST, "/admin/api_keys", &key)?;
        self.transport.send(&call).await?.json()
    }

    /// Every key, without its secret.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// for key in admin.list_keys().await? {
    ///     println!("{} {}", key.key_id, key.agent_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_keys(&self) -> Result<Vec<KeyView>, Error> {
        self.transport.list("/admin/api_keys", &[], usize::MAX).await
    }

    /// One key, looked for in the list; `None` when there is none of this id.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// let revoked = admin.show_key("t4_000000000001").await?.map(|key| key.revoked);
    /// println!("{revoked:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn show_key(&self, key_id: &str) -> Result<Option<KeyView>, Error> {
        Ok(self.list_keys().await?.into_iter().find(|key| key.key_id == key_id))
    }

    /// Changes a key's limits, scopes, owner or roles.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::KeyNotFound`]; [`Error::InvalidArgument`] when `key_id` is none.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::PatchKey;
    /// let patch = PatchKey { daily_limit: Some(25.0), ..Default::default() };
    /// admin.patch_key("t4_000000000001", patch).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn patch_key(&self, key_id: &str, patch: PatchKey) -> Result<KeyView, Error> {
        let call = self.transport.change(Method::PATCH, key_path(key_id)?, &patch)?;
        self.transport.send(&call).await?.json()
    }

    /// Gives a key a new secret; the old one lives for the overlap. The secret is in the answer, this once.
    ///
    /// # Errors
    /// As [`AdminClient::patch_key`].
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::api_types::RotateKey;
    /// let rotate = RotateKey { overlap_seconds: Some(3600) };
    /// println!("{}", admin.rotate_key("t4_000000000001", rotate).await?.key);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate_key(&self, key_id: &str, rotate: RotateKey) -> Result<KeyCreated, Error> {
        let path = format!("{}/rotate", key_path(key_id)?);
        let call = self.transport.change(Method::POST, path, &rotate)?;
        self.transport.send(&call).await?.json()
    }

    /// Revokes a key. It stays in the list, revoked; doing it twice does no harm.
    ///
    /// # Errors
    /// As [`AdminClient::patch_key`].
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// admin.revoke_key("t4_000000000001").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke_key(&self, key_id: &str) -> Result<Revoked, Error> {
        self.transport.send(&ApiCall::delete(key_path(key_id)?)).await?.json()
    }

    /// Rows of the audit log, in the server's order.
    ///
    /// # Errors
    /// [`Error::Api`] with [`api_types::Code::InvalidQuery`] for a time that can't be read.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// use policy_client::AuditFilter;
    /// let filter = AuditFilter { agent_id: Some("my-agent".into()), at_most: 10, ..Default::default() };
    /// for row in admin.audit(&filter).await? {
    ///     println!("{} {}", row.timestamp, row.outcome);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
        let status = filter.status.map(|status| status.to_string());
        let fields = [
            ("agent_id", &filter.agent_id),
            ("path", &filter.path),
            ("status", &status),
            ("since", &filter.since),
            ("until", &filter.until),
        ];
        let given: Vec<_> =
            fields.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        self.transport.list("/admin/audit", &given, filter.at_most).await
    }

    /// Has the server verify its audit log. The verdict is in the answer: look at `ok`.
    ///
    /// # Errors
    /// As every call: [`Error`] says what to do. A long log may take longer than the client's timeout.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// let verdict = admin.verify_audit().await?;
    /// assert!(verdict.ok, "first bad row: {:?}", verdict.first_bad);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify_audit(&self) -> Result<AuditVerdict, Error> {
        self.transport.send(&ApiCall::get("/admin/audit/verify")).await?.json()
    }

    /// Whether the registry answers. The token is not sent.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::TimedOut`] when it does not.
    ///
    /// ```no_run
    /// # async fn example(admin: policy_client::AdminClient) -> Result<(), policy_client::Error> {
    /// println!("registry {}", admin.health().await?.version);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Result<Health, Error> {
        self.transport.send(&ApiCall::public("/health")).await?.json()
    }
}

/// The path of a key. A text that is no key id is refused unsent and unrepeated: it may well be a secret, and
/// paths are written to logs.
fn key_path(key_id: &str) -> Result<String, Error> {
    let key_id = KeyId::new(key_id).map_err(|_| Error::InvalidArgument {
        what: "key id",
        problem: "is not `t4_` and 12 letters or digits: take it from the list of keys, not the key itself",
    })?;
    Ok(format!("/admin/api_keys/{key_id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_key_is_never_put_into_a_path() {
        let key = format!("t4_000000000001_{}0dLTI1", "0".repeat(43));
        for text in [key.as_str(), "", "t4_", "t4_00000000000/", "t4_0000000000001", "x4_000000000001"] {
            let error = key_path(text).unwrap_err();
            assert!(text.len() < 20 || !format!("{error} {error:?}").contains(text));
        }
        assert_eq!(key_path("t4_00000000000z").unwrap(), "/admin/api_keys/t4_00000000000z");
    }
}
