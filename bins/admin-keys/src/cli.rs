//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};

/// Make, show, change and take back the API keys of a T4 registry.
///
/// Works on the database file, also while a server runs on it (the server obeys within a second), or over HTTP
/// with --api. A new key is printed alone on stdout, so that KEY=$(admin-keys create --agent-id A) works; talk
/// goes to stderr.
///
/// Exit codes: 0 fine; 1 there is no such key; 2 wrong usage; 3 file, network or server trouble.
#[derive(Parser)]
#[command(name = "admin-keys", version, max_term_width = 80)]
pub struct Cli {
    #[command(flatten)]
    pub target: RegistryTarget,
    #[command(subcommand)]
    pub command: Command,
}

/// Which registry, and how its answers are printed.
#[derive(Args)]
#[command(next_help_heading = "Registry and output")]
pub struct RegistryTarget {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// A file with the key pepper [`T4_KEY_PEPPER_FILE`; `T4_KEY_PEPPER` has the pepper itself]
    #[arg(long, global = true, value_name = "FILE", alias = "key_pepper_file")]
    pub key_pepper_file: Option<PathBuf>,
    /// Talk to the server at this URL instead of opening the database file
    #[arg(long, global = true, value_name = "URL")]
    pub api: Option<String>,
    /// With --api: a file with the admin token [`T4_ADMIN_TOKEN` has the token itself]
    #[arg(long, global = true, value_name = "FILE", alias = "admin_token_file")]
    pub admin_token_file: Option<PathBuf>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

/// One variant per command.
#[derive(Subcommand)]
pub enum Command {
    /// Make a key and print it: this once, because it is stored nowhere
    Create(Create),
    /// List every key, without secrets
    List,
    /// Show one key, without its secret
    Show(Which),
    /// Take a key back; a running server refuses it within a second
    Revoke(Which),
    /// Give a key a new secret and print it, this once
    Rotate(Rotate),
    /// Change what a key may do; "none" clears a value
    #[command(override_usage = "admin-keys set [OPTIONS] <KEY_ID>")]
    Set(Set),
    /// Read an admin token from stdin and print the hash for `T4_ADMIN_TOKEN_HASH`
    HashToken,
}

/// Which key.
#[derive(Args)]
pub struct Which {
    /// The key id, such as `t4_4fJ2mZ8qLw1a`; a whole key names itself as well
    #[arg(value_name = "KEY_ID", value_parser = NonEmptyStringValueParser::new())]
    pub key: String,
}

/// A new key.
#[derive(Args)]
pub struct Create {
    /// The agent that will use it
    #[arg(long, alias = "agent_id", value_name = "A")]
    pub agent_id: String,
    /// The team or person that answers for the agent
    #[arg(long, value_name = "O", value_parser = NonEmptyStringValueParser::new())]
    pub owner: Option<String>,
    /// Days until it expires, 1 to 3650 [default: 365]
    #[arg(long, alias = "expires_days", value_name = "N", allow_negative_numbers = true)]
    pub expires_days: Option<i64>,
    /// Dollars a day for LLM calls; 0 lets it spend nothing [default: 100]
    #[arg(long, alias = "daily_limit", value_name = "USD", allow_negative_numbers = true, value_parser = dollars)]
    pub daily_limit: Option<f64>,
    /// What it may do, such as intents:read; "none" for nothing [default: the usual rights of an agent]
    #[arg(long, value_name = "SCOPE", num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    pub scopes: Option<Vec<String>>,
    /// Roles for the policy
    #[arg(long, value_name = "ROLE", num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    pub roles: Option<Vec<String>>,
    /// Requests in any 60 seconds [default: the server's]
    #[arg(long, alias = "rate_per_minute", value_name = "N")]
    pub rate_per_minute: Option<u32>,
    /// Intents at a time [default: the server's]
    #[arg(long, alias = "max_intents", value_name = "N")]
    pub max_intents: Option<u64>,
    /// Bytes of its intents and of the answers kept for its idempotency keys [default: the server's]
    #[arg(long, alias = "max_stored_bytes", value_name = "N")]
    pub max_stored_bytes: Option<u64>,
    /// Idempotency keys remembered at a time [default: the server's]
    #[arg(long, alias = "max_idempotency_rows", value_name = "N")]
    pub max_idempotency_rows: Option<u64>,
    /// Bytes of audit rows in a day of UTC [default: the server's]
    #[arg(long, alias = "max_audit_bytes_per_day", value_name = "N")]
    pub max_audit_bytes_per_day: Option<u64>,
    /// The IANA zone of its budget day, such as Europe/Berlin [default: UTC]
    #[arg(long, alias = "time_zone", value_name = "Z", value_parser = NonEmptyStringValueParser::new())]
    pub time_zone: Option<String>,
}

/// How to rotate.
#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    pub which: Which,
    /// How long the old secret still works, up to 30 days [default: 0]
    #[arg(long, alias = "overlap_seconds", value_name = "N", allow_negative_numbers = true)]
    pub overlap_seconds: Option<i64>,
}

/// Which key, and what changes.
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub changes: KeyChanges,
}

/// What changes; at least one of them.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct KeyChanges {
    /// The team or person that answers for the agent
    #[arg(long, value_name = "O", value_parser = to::<String>)]
    pub owner: Option<To<String>>,
    /// What it may do, such as intents:read; "none" takes every right
    #[arg(long, value_name = "SCOPE", num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    pub scopes: Option<Vec<String>>,
    /// Roles for the policy
    #[arg(long, value_name = "ROLE", num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    pub roles: Option<Vec<String>>,
    /// Dollars a day for LLM calls; every key has such a limit, and 0 lets it spend nothing
    #[arg(long, alias = "daily_limit", value_name = "USD", allow_negative_numbers = true, value_parser = dollars)]
    pub daily_limit: Option<f64>,
    /// Requests in any 60 seconds; "none" for the server's default
    #[arg(long, alias = "rate_per_minute", value_name = "N", value_parser = to::<u32>)]
    pub rate_per_minute: Option<To<u32>>,
    /// Intents at a time; "none" for the server's default
    #[arg(long, alias = "max_intents", value_name = "N", value_parser = to::<u64>)]
    pub max_intents: Option<To<u64>>,
    /// Bytes of its intents and of the answers kept for its idempotency keys; "none" for the server's default
    #[arg(long, alias = "max_stored_bytes", value_name = "N", value_parser = to::<u64>)]
    pub max_stored_bytes: Option<To<u64>>,
    /// Idempotency keys remembered at a time; "none" for the server's default
    #[arg(long, alias = "max_idempotency_rows", value_name = "N", value_parser = to::<u64>)]
    pub max_idempotency_rows: Option<To<u64>>,
    /// Bytes of audit rows in a day of UTC; "none" for the server's default
    #[arg(long, alias = "max_audit_bytes_per_day", value_name = "N", value_parser = to::<u64>)]
    pub max_audit_bytes_per_day: Option<To<u64>>,
    /// The IANA zone of its budget day; "none" for UTC
    #[arg(long, alias = "time_zone", value_name = "Z", value_parser = to::<String>)]
    pub time_zone: Option<To<String>>,
}

/// What a value becomes: `None` is the word `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To<T>(pub Option<T>);

/// The word that clears a value.
const NONE: &str = "none";

fn to<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<To<T>, String> {
    match text {
        NONE => Ok(To(None)),
        "" => Err(format!("say `{NONE}` to clear it")),
        text => text.parse().map(|value| To(Some(value))).map_err(|problem: T::Err| problem.to_string()),
    }
}

/// `nan` and `inf` are numbers to the parser, but JSON has no such thing.
fn dollars(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|dollars: &f64| dollars.is_finite())
        .ok_or_else(|| "takes dollars such as 25 or 0.50; 0 lets the key spend nothing".to_owned())
}

/// The words of a list that may come as several values, or as one with spaces or commas; `none` is no word.
pub fn words(values: &[String]) -> Vec<String> {
    let words: Vec<_> = values
        .iter()
        .flat_map(|value| value.split([' ', ',']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words == [NONE] { Vec::new() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_come_in_every_usual_form() {
        let given = |values: &[&str]| words(&values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
        assert_eq!(given(&["a,b", "c d"]), ["a", "b", "c", "d"]);
        assert!(given(&["none"]).is_empty());
        assert_eq!(given(&["none", "a"]), ["none", "a"]);
    }

    #[test]
    fn numbers_that_json_can_not_carry_are_refused() {
        for text in ["nan", "inf", "-inf", "", "1,5", "none"] {
            assert!(dollars(text).is_err(), "{text}");
        }
        assert_eq!(dollars("0.5"), Ok(0.5));
    }
}
