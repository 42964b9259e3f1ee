//! Keys behind a server.

use anyhow::anyhow;
use api_keys::PresentedKey;
use api_types::{Code, CreateKey, KeyCreated, KeyView, PatchKey, RotateKey};
use cli_support::{Failure, out};
use policy_client::{AdminClient, Error};
use registry_core::KeyId;

use crate::failure::no_such_key;

/// A server's admin routes.
pub struct HttpRegistry {
    client: AdminClient,
}

impl HttpRegistry {
    pub fn new(url: &str, token: String) -> Result<Self, Failure> {
        let client = AdminClient::builder().base_url(url).admin_token(token).build_admin();
        let client = client.map_err(failure)?;
        if in_clear(url) {
            out::say("warning: the admin token goes to another machine over plain http; use https");
        }
        Ok(Self { client })
    }

    /// A whole key is reduced to its id here, because it must not go into a URL. That takes a key of the native
    /// form: the ids of others come from the server's pepper.
    pub fn key_id(text: &str) -> Result<KeyId, Failure> {
        let public = match PresentedKey::parse(text) {
            Ok(key) if key.is_native() => KeyId::split(text).map_or(text, |(id, _)| id),
            _ => text,
        };
        KeyId::new(public).map_err(|_| {
            let what = "KEY_ID takes `t4_` and 12 letters or digits; `admin-keys list` shows the key ids";
            Failure::usage(anyhow!(what))
        })
    }

    pub async fn create(&self, body: CreateKey) -> Result<KeyCreated, Failure> {
        self.client.create_key(body).await.map_err(failure)
    }

    pub async fn list(&self) -> Result<Vec<KeyView>, Failure> {
        self.client.list_keys().await.map_err(failure)
    }

    pub async fn revoke(&self, key_id: &KeyId) -> Result<(), Failure> {
        self.client.revoke_key(key_id.as_str()).await.map(drop).map_err(failure)
    }

    pub async fn rotate(&self, key_id: &KeyId, body: RotateKey) -> Result<KeyCreated, Failure> {
        self.client.rotate_key(key_id.as_str(), body).await.map_err(failure)
    }

    pub async fn patch(&self, key_id: &KeyId, body: PatchKey) -> Result<KeyView, Failure> {
        self.client.patch_key(key_id.as_str(), body).await.map_err(failure)
    }
}

/// The client's sentences name the agents' variables; here the server comes from a flag.
fn failure(error: Error) -> Failure {
    match error {
        Error::InvalidUrl { problem } => Failure::usage(anyhow!(
            "the URL of --api {problem}: give one such as `https://intent-api.internal:8001`"
        )),
        Error::InvalidArgument { .. }
        | Error::TooMany { .. }
        | Error::Api { status: 400 | 409 | 412 | 413 | 415 | 422, .. } => Failure::usage(error),
        Error::Unreachable { origin, source } => Failure::trouble(anyhow!(source).context(format!(
            "the registry at {origin} can't be reached: check that it runs and that --api names it"
        ))),
        Error::InvalidAnswer { status, problem, .. } => Failure::trouble(anyhow!(
            "the answer (status {status}) {problem}: check that --api names the intent registry"
        )),
        Error::TimedOut { .. } => Failure::trouble(
            anyhow!(error).context("it is not known whether it was done: look with `admin-keys list` first"),
        ),
        Error::Api { status: 404, code: Some(Code::KeyNotFound), .. } => no_such_key(),
        other => Failure::trouble(other),
    }
}

/// Whether others on the way can read what is sent.
fn in_clear(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(host, _)| host);
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    scheme.eq_ignore_ascii_case("http") && !loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_spoken_to_in_clear_without_a_word() {
        for url in ["http://127.0.0.1:8001", "http://localhost/t4", "http://[::1]:8001", "https://t4.example"]
        {
            assert!(!in_clear(url), "{url}");
        }
        for url in ["http://t4.example:8001", "HTTP://10.0.0.1", "http://[2001:db8::1]", "http://127x"] {
            assert!(in_clear(url), "{url}");
        }
    }

    #[test]
    fn a_whole_key_is_cut_to_its_id_and_nothing_else_goes_into_a_url() {
        let key = format!("t4_000000000001_{}10dLTI1", "0".repeat(42));
        assert_eq!(HttpRegistry::key_id(&key).unwrap().as_str(), "t4_000000000001");
        assert_eq!(HttpRegistry::key_id("t4_00000000000z").unwrap().as_str(), "t4_00000000000z");
        let mistyped = format!("{}2", key.strip_suffix('1').unwrap());
        for text in
            [mistyped.as_str(), "", "t4_", "t4_0000000000/x", "Zk3-_v0bq8nYI1xJt9Rr7mS5dQwE2aUcHfLgPoKiNjB"]
        {
            assert!(HttpRegistry::key_id(text).is_err(), "{text}");
        }
    }
}
