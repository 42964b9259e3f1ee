//! Calls to the registry about the findings of a tree.

use std::collections::BTreeSet;

use anyhow::anyhow;
use cli_support::Failure;
use policy_client::api_types::{CreateIntent, IntentView, MAX_BATCH, PatchIntent};
use policy_client::{IntentFilter, blocking};
use pr_gate::ingest::{KnownIntent, MARK, Update};
use registry_core::{NewIntent, normal_path};

use crate::config;

/// Up to so many files are asked for one by one; for more the whole list is read, a thousand intents a call, so that
/// the calls of one minute suffice.
const ASKED_ONE_BY_ONE: usize = 40;

/// The intents of some files.
pub fn known(client: &blocking::Client, files: &BTreeSet<String>) -> Result<Vec<KnownIntent>, Failure> {
    let mut found = Vec::new();
    if files.len() <= ASKED_ONE_BY_ONE {
        for file in files {
            found.extend(client.by_file(file).map_err(config::failure)?.into_iter().map(view));
        }
    } else {
        found = all(client)?;
        let files: BTreeSet<_> = files.iter().map(|file| normal_path(file)).collect();
        found.retain(|one| one.file.as_ref().is_some_and(|file| files.contains(&normal_path(file))));
    }
    Ok(found)
}

/// Every intent of the registry.
pub fn all(client: &blocking::Client) -> Result<Vec<KnownIntent>, Failure> {
    let all = client.intents(&IntentFilter::default()).map_err(config::failure)?;
    Ok(all.into_iter().map(view).collect())
}

/// Creates intents, a thousand a call.
pub fn create(client: &blocking::Client, intents: &[NewIntent]) -> Result<(), Failure> {
    for batch in intents.chunks(MAX_BATCH) {
        let batch = batch.iter().map(body).collect::<Result<_, _>>()?;
        client.register_batch(batch).map_err(config::failure)?;
    }
    Ok(())
}

/// Changes one intent. The text is why the registry refused this one.
pub fn update(client: &blocking::Client, change: &Update) -> Result<Result<(), String>, Failure> {
    let patch = PatchIntent {
        owner: change.owner.clone().map(Some),
        ticket: change.ticket.clone().map(Some),
        status: change.status.map(|status| Some(status.as_str().to_owned())),
        reason: change.reason.clone().map(Some),
        eta: change.eta.clone().map(Some),
        ..PatchIntent::default()
    };
    match client.update(&change.id, patch) {
        Ok(_) => Ok(Ok(())),
        // A refusal of this intent; what concerns the key or the server concerns all.
        Err(error) if error.code().is_some() && !error.is_undecided() => Ok(Err(error.to_string())),
        Err(error) => Err(config::failure(error)),
    }
}

fn body(new: &NewIntent) -> Result<CreateIntent, Failure> {
    let raw = new.raw.as_ref().map(|raw| serde_json::value::RawValue::from_string(raw.clone())).transpose();
    Ok(CreateIntent {
        id: new.id.clone(),
        code: new.code.clone(),
        kind: new.kind.clone(),
        file: new.file.clone(),
        line: new.line,
        reason: new.reason.clone(),
        owner: new.owner.clone(),
        ticket: new.ticket.clone(),
        eta: new.eta.clone(),
        status: new.status.clone(),
        raw: raw.map_err(|error| Failure::trouble(anyhow!(error)))?,
        ..CreateIntent::default()
    })
}

fn view(intent: IntentView) -> KnownIntent {
    KnownIntent {
        id: intent.id,
        code: intent.code,
        file: intent.file,
        line: intent.line,
        status: intent.status,
        owner: intent.owner,
        ticket: intent.ticket,
        reason: intent.reason,
        eta: intent.eta,
        ingested: intent.raw.is_some_and(|raw| same_json(raw.get(), MARK)),
    }
}

/// Whether two texts are the same JSON: the server may write blanks elsewhere.
fn same_json(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    read(one).is_some_and(|one| Some(one) == read(other))
}
