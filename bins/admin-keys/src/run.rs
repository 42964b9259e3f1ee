//! What each command does and says.

use anyhow::Context as _;
use api_types::{CreateKey, KeyCreated, KeyView, PatchKey, RotateKey, ScopeList};
use cli_support::{Failure, out};
use registry_core::{Clock as _, SystemClock};
use serde::Serialize;

use crate::cli::{Cli, Command, Create, KeyChanges, Rotate, Set, words};
use crate::config::RegistryChoice;
use crate::failure::no_such_key;
use crate::registry::Registry;
use crate::{hash_token, table};

/// Runs the command.
pub fn run(cli: Cli) -> Result<(), Failure> {
    if matches!(cli.command, Command::HashToken) {
        return hash_token::run();
    }
    let config = RegistryChoice::read(&cli.target)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::trouble)?.block_on(async {
        let make = matches!(cli.command, Command::Create(_));
        let registry = Registry::open(config, make).await?;
        let ended = on(&registry, cli.command, cli.target.json).await;
        registry.close().await;
        ended
    })
}

async fn on(registry: &Registry, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Create(create) => self::create(registry, create, json).await,
        Command::List => {
            let keys = registry.list().await?;
            print(&if json { json_line(&keys)? } else { table::list(&keys, SystemClock::new().now()) })
        }
        Command::Show(which) => {
            let key_id = registry.key_id(&which.key)?;
            let keys = registry.list().await?;
            let key = keys.into_iter().find(|key| key.key_id == key_id.as_str());
            show(&key.ok_or_else(no_such_key)?, json)
        }
        Command::Revoke(which) => {
            let key_id = registry.key_id(&which.key)?;
            registry.revoke(&key_id).await?;
            out::say(&format!("revoked key {key_id}"));
            if json {
                print(&json_line(&RevokedJson { key_id: key_id.as_str(), revoked: true })?)
            } else {
                Ok(())
            }
        }
        Command::Rotate(rotate) => self::rotate(registry, rotate, json).await,
        Command::Set(set) => self::set(registry, set, json).await,
        // It needs no registry, so it has run already.
        Command::HashToken => Ok(()),
    }
}

/// What `revoke --json` prints.
#[derive(Serialize)]
struct RevokedJson<'a> {
    key_id: &'a str,
    revoked: bool,
}

async fn create(registry: &Registry, create: Create, json: bool) -> Result<(), Failure> {
    let Create {
        agent_id,
        owner,
        expires_days,
        daily_limit,
        scopes,
        roles,
        rate_per_minute,
        max_intents,
        max_stored_bytes,
        max_idempotency_rows,
        max_audit_bytes_per_day,
        time_zone,
    } = create;
    let body = CreateKey {
        agent_id,
        owner,
        scopes: scopes.map(|scopes| ScopeList::List(words(&scopes))),
        roles: roles.map(|roles| words(&roles)),
        expires_in_days: expires_days,
        daily_limit,
        time_zone,
        rate_per_minute,
        max_intents,
        max_stored_bytes,
        max_idempotency_rows,
        max_audit_bytes_per_day,
    };
    let made = registry.create(body).await?;
    let expires = made.view.expires_at.as_deref().map_or("never", table::day);
    out::say(&format!(
        "created key {} for agent {}, expires {expires}",
        made.view.key_id, made.view.agent_id
    ));
    reveal(&made, json)
}

async fn rotate(registry: &Registry, rotate: Rotate, json: bool) -> Result<(), Failure> {
    let key_id = registry.key_id(&rotate.which.key)?;
    let made = registry.rotate(&key_id, RotateKey { overlap_seconds: rotate.overlap_seconds }).await?;
    let old = match &made.view.previous_secret_until {
        Some(until) => format!("the old secret works until {until}"),
        None => "the old secret no longer works".to_owned(),
    };
    out::say(&format!("rotated key {} of agent {}, {old}", made.view.key_id, made.view.agent_id));
    reveal(&made, json)
}

/// The one time that a key is shown.
fn reveal(made: &KeyCreated, json: bool) -> Result<(), Failure> {
    let text = if json { json_line(made)? } else { format!("{}\n", made.key) };
    let key_id = &made.view.key_id;
    out::print_once(&text, || {
        format!("the key could not be written to stdout and is lost; rotate or revoke {key_id}")
    })
}

async fn set(registry: &Registry, set: Set, json: bool) -> Result<(), Failure> {
    let key_id = registry.key_id(&set.which.key)?;
    let KeyChanges {
        owner,
        scopes,
        roles,
        daily_limit,
        rate_per_minute,
        max_intents,
        max_stored_bytes,
        max_idempotency_rows,
        max_audit_bytes_per_day,
        time_zone,
    } = set.changes;
    let patch = PatchKey {
        owner: owner.map(|owner| owner.0),
        scopes: scopes.map(|scopes| ScopeList::List(words(&scopes))),
        roles: roles.map(|roles| words(&roles)),
        daily_limit,
        time_zone: time_zone.map(|zone| zone.0),
        rate_per_minute: rate_per_minute.map(|rate| rate.0),
        max_intents: max_intents.map(|most| most.0),
        max_stored_bytes: max_stored_bytes.map(|most| most.0),
        max_idempotency_rows: max_idempotency_rows.map(|most| most.0),
        max_audit_bytes_per_day: max_audit_bytes_per_day.map(|most| most.0),
    };
    let key = registry.patch(&key_id, patch).await?;
    out::say(&format!("changed key {key_id}"));
    show(&key, json)
}

fn show(key: &KeyView, json: bool) -> Result<(), Failure> {
    print(&if json { json_line(key)? } else { table::show(key, SystemClock::new().now()) })
}

/// Writes an answer to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    out::print(text, "the answer")
}

/// A value as one line of JSON.
fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    out::json(value).context("the answer can't be written as JSON").map_err(Failure::trouble)
}
