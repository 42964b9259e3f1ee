//! Keys in the database file, by the use cases that the server runs as well.

use std::time::Duration;

use anyhow::anyhow;
use api_keys::key_id_of_text;
use api_types::{Code, CreateKey, KeyCreated, KeyView, PatchKey, RotateKey};
use audit::{Body, Draft};
use cli_support::{Failure, out};
use control_plane::{AdminCaller, OpContext, PageRequest, ServiceError};
use instance::{Instance, Options, PepperSource};
use registry_core::KeyId;
use serde::Serialize;

use crate::failure::no_such_key;

/// How long the database may take to close.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);
/// Keys per read.
const PAGE: u32 = 1000;

/// An open database file.
pub struct FileRegistry {
    instance: Instance,
}

impl FileRegistry {
    pub async fn open(options: Options, make: bool) -> Result<Self, Failure> {
        let db = options.db.clone();
        if !make && !db.exists() {
            return Err(Failure::trouble(anyhow!(
                "there is no database `{}`; name another with --db or T4_DB, or a server with --api",
                db.display()
            )));
        }
        let pepper = match &options.pepper {
            PepperSource::Beside => Some(instance::beside(&db, "pepper")),
            PepperSource::Text(_) | PepperSource::File(_) => None,
        };
        let instance = instance::open_tool(options).await.map_err(Failure::trouble)?;
        if instance.report.created {
            out::say(&format!("warning: there was no database `{}`, so a new one was made", db.display()));
            if let Some(pepper) = pepper {
                out::say(&format!(
                    "warning: no key is worth anything without `{}`: back it up",
                    pepper.display()
                ));
            }
        }
        Ok(Self { instance })
    }

    pub fn key_id(&self, text: &str) -> Result<KeyId, Failure> {
        key_id_of_text(text, &self.instance.services.auth.pepper).ok_or_else(no_such_key)
    }

    pub async fn create(&self, body: CreateKey) -> Result<KeyCreated, Failure> {
        let context = self.context("admin-keys create", &body);
        control_plane::create_key(&self.instance.services, context, body, None).await.map_err(failure)
    }

    pub fn list(&self) -> Result<Vec<KeyView>, Failure> {
        let (services, caller) = (&self.instance.services, AdminCaller::by_file_access());
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            let page = control_plane::list_keys(services, caller, &PageRequest { limit: PAGE, cursor });
            let page = page.map_err(failure)?;
            keys.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(keys);
            }
        }
    }

    pub async fn revoke(&self, key_id: &KeyId) -> Result<(), Failure> {
        let context = self.context(&format!("admin-keys revoke {key_id}"), &());
        control_plane::revoke_key(&self.instance.services, context, key_id.clone()).await.map_err(failure)
    }

    pub async fn rotate(&self, key_id: &KeyId, body: RotateKey) -> Result<KeyCreated, Failure> {
        let context = self.context(&format!("admin-keys rotate {key_id}"), &body);
        let services = &self.instance.services;
        control_plane::rotate_key(services, context, key_id.clone(), body, None).await.map_err(failure)
    }

    pub async fn patch(&self, key_id: &KeyId, body: PatchKey) -> Result<KeyView, Failure> {
        let context = self.context(&format!("admin-keys set {key_id}"), &body);
        let services = &self.instance.services;
        let changed = control_plane::update_key(services, context, key_id.clone(), body, None, None).await;
        changed.map(|changed| changed.item).map_err(failure)
    }

    pub async fn close(self) {
        if let Err(error) = self.instance.close(CLOSES_WITHIN).await {
            out::say(&format!("warning: the database was not closed in order: {error}"));
        }
    }

    /// The record says what was asked for in the words of the API, as it does for a request over HTTP.
    fn context(&self, command: &str, body: &impl Serialize) -> OpContext<AdminCaller> {
        let clock = &self.instance.services.clock;
        let now = clock.now();
        let mut draft = Draft::tool(now, command);
        draft.set_body(match serde_json::to_vec(body) {
            Ok(json) if json != b"null" => Body::json(&json),
            _ => Body::none(),
        });
        let caller = AdminCaller::by_file_access();
        OpContext { caller, now, at_micros: clock.monotonic_micros(), draft: draft.into() }
    }
}

fn failure(error: ServiceError) -> Failure {
    if error.code == Code::KeyNotFound {
        return no_such_key();
    }
    let refused = error.code.status() < 500;
    let told = match error.cause {
        Some(cause) => anyhow!("{} ({cause})", error.message),
        None => anyhow!(error.message),
    };
    if refused { Failure::usage(told) } else { Failure::trouble(told) }
}
