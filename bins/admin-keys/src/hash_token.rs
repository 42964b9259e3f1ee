//! `admin-keys hash-token`: the hash of an admin token, for `T4_ADMIN_TOKEN_HASH`.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, anyhow};
use argon2::password_hash::{PasswordHasher as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use cli_support::{Failure, out};
use registry_core::{Entropy as _, SystemEntropy};

/// Memory in KiB, passes and lanes: the least that OWASP's password storage cheat sheet names for argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// The longest token that is read, in bytes.
const MAX_BYTES: u64 = 4096;
/// What a token that somebody made up, rather than a machine, tends to be shorter than.
const SHORT: usize = 20;
/// The token of the original's examples: everybody knows it.
const WELL_KNOWN: &str = "CHANGE_ME_ADMIN_TOKEN";

/// Reads the token from stdin and prints its hash.
pub fn run() -> Result<(), Failure> {
    let stdin = io::stdin().lock();
    let mut text = String::new();
    let read = if stdin.is_terminal() {
        out::say("type the admin token (it will be seen), then Enter:");
        let mut stdin = stdin;
        io::BufRead::read_line(&mut stdin, &mut text)
    } else {
        stdin.take(MAX_BYTES + 1).read_to_string(&mut text)
    };
    read.context("the token can't be read from stdin").map_err(Failure::trouble)?;
    let token = text.trim();
    check(token)?;
    if token.len() < SHORT {
        out::say(&format!(
            "warning: a token of under {SHORT} characters can be guessed; try `openssl rand -hex 32`"
        ));
    }
    let mut salt = [0; 16];
    SystemEntropy.fill(&mut salt);
    out::print(&format!("{}\n", hash(token, &salt)?), "the answer")
}

fn check(token: &str) -> Result<(), Failure> {
    let refuse = |problem: &str| Err(Failure::usage(anyhow!("{problem}")));
    if token.is_empty() {
        return refuse("no token came: give it on stdin, as in `admin-keys hash-token < FILE`");
    }
    if u64::try_from(token.len()).is_ok_and(|bytes| bytes > MAX_BYTES) {
        return refuse("the token is longer than 4096 bytes");
    }
    // What no HTTP header carries could never be presented.
    if !token.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return refuse("the token has a character that is not printable ASCII, or more than one line");
    }
    if token == WELL_KNOWN {
        return refuse(
            "everybody knows this token: make another one, with `openssl rand -hex 32` for example",
        );
    }
    Ok(())
}

fn hash(token: &str, salt: &[u8]) -> Result<PasswordHash, Failure> {
    let (memory, passes, lanes) = COST;
    let hash =
        Params::new(memory, passes, lanes, None).map_err(|error| error.to_string()).and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_with_salt(token.as_bytes(), salt)
                .map_err(|error| error.to_string())
        });
    hash.map_err(|problem| Failure::trouble(anyhow!("the token can't be hashed: {problem}")))
}
