//! Intents of the registry for findings without an answer in the tree.

use std::collections::BTreeSet;

use annotations::{Annotated, Registered};
use cli_support::Failure;
use pr_gate::ingest::{self, KnownIntent};
use registry_core::normal_path;

use crate::{config, out, registry};

/// Asks for the intents of the files with such findings. With `reserve`, findings that have none get a reserved one.
pub fn ask(open: &[Annotated], api: Option<&str>, reserve: bool) -> Result<Vec<Registered>, Failure> {
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let client = config::registry(api)?;
    let files: BTreeSet<_> = open.iter().map(|one| one.finding.file.clone()).collect();
    let known = registry::known(&client, &files)?;
    let registered: Vec<_> = known.iter().filter_map(KnownIntent::answers).collect();
    if reserve {
        let (mut missing, mut refused) = (Vec::new(), Vec::new());
        for one in open.iter().filter(|one| !is_known(one, &known, &registered)) {
            match ingest::reserve(one) {
                Ok(new) => missing.push(new),
                Err(why) => refused.push(format!("{}: {why}", out::plain(&one.finding.file))),
            }
        }
        missing.dedup_by(|one, other| one.id == other.id);
        registry::create(&client, &missing)?;
        let what = if missing.len() == 1 { "intent" } else { "intents" };
        out::say(&format!("{} {what} reserved", missing.len()));
        for why in refused {
            out::say(&format!("not reserved: {why}"));
        }
    }
    Ok(registered)
}

fn is_known(one: &Annotated, known: &[KnownIntent], registered: &[Registered]) -> bool {
    let rows = one.finding.start.row..=one.finding.last_row();
    let answers = |intent: &Registered| {
        normal_path(&intent.file) == normal_path(&one.finding.file)
            && intent.code == one.finding.code
            && intent.line.is_none_or(|line| rows.contains(&line))
    };
    let id = ingest::id_of(one);
    known.iter().any(|intent| intent.id == id) || registered.iter().any(answers)
}
