//! Registers one planned intent for each file named, all or none, with the key and the server of the environment:
//! `T4_API_KEY=... cargo run -p policy-client --example register -- OWNER TICKET FILES...`

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use policy_client::api_types::CreateIntent;
use policy_client::{Error, Status, blocking};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(owner), Some(ticket)) = (arguments.next(), arguments.next()) else {
        drop(writeln!(stderr(), "usage: register OWNER TICKET FILES..."));
        return ExitCode::from(2);
    };
    match register(&owner, &ticket, arguments) {
        Ok(lines) => {
            drop(stdout().write_all(lines.as_bytes()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(stderr(), "register: {error}"));
            ExitCode::from(3)
        }
    }
}

fn register(owner: &str, ticket: &str, files: impl Iterator<Item = String>) -> Result<String, Error> {
    let planned = |file| CreateIntent {
        code: "F821".to_owned(),
        file: Some(file),
        line: Some(1),
        status: Some(Status::Planned.into()),
        owner: Some(owner.to_owned()),
        ticket: Some(ticket.to_owned()),
        ..CreateIntent::default()
    };
    let intents = blocking::Client::from_env()?.register_batch(files.map(planned).collect())?;
    let line = |intent: policy_client::api_types::IntentView| {
        format!("{}  {}  {}\n", intent.id, intent.status, intent.file.unwrap_or_default())
    };
    Ok(intents.into_iter().map(line).collect())
}
