//! A stand-in for the GitHub API: one repository, whose branch protection, labels and pull requests behave as GitHub's
//! do, bodies validated with the words that GitHub refuses them with.
//!
//! `fake-github [--bind ADDR:PORT] [--log FILE]`; the first line on stdout is `{"listening":"ADDR:PORT"}`. The
//! repository is `acme/widgets` with the branches `main` (the default) and `release/1.0`; the token is
//! `ghp_of_the_tests`, and `ghp_without_rights` may read but not administrate. For tests:
//! `GET /fake/log` gives every request as a JSON array (also appended to FILE, one per line), `POST /fake/log/clear`
//! empties it, `POST /fake/limit {"kind":"primary"|"secondary","calls":N}` lets the next N calls hit a rate limit, and
//! `POST /fake/refuse {"method":"PUT","status":500,"calls":N}` lets the next N calls of a method fail.

mod log;
mod protection;
mod repository;
mod wire;

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use log::Log;
use repository::Repository;
use wire::{Answer, Request, Wire};

const TOKEN: &str = "ghp_of_the_tests";
const WEAK_TOKEN: &str = "ghp_without_rights";

#[derive(Default)]
struct State {
    log: Log,
    repository: Repository,
    /// Calls that hit a limit from here on, and whether it is the secondary one.
    limited: (u64, bool),
    /// Calls of a method that fail from here on.
    refused: (u64, String, u16),
}

fn main() -> std::io::Result<()> {
    let mut bind = "127.0.0.1:0".to_owned();
    let mut state = State::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        match (flag.as_str(), arguments.next()) {
            ("--bind", Some(address)) => bind = address,
            ("--log", Some(file)) => state.log = Log::to(file.as_ref())?,
            _ => {
                eprintln!("usage: fake-github [--bind ADDR:PORT] [--log FILE]");
                std::process::exit(2);
            }
        }
    }
    let listener = TcpListener::bind(bind)?;
    println!("{{\"listening\":\"{}\"}}", listener.local_addr()?);
    let state = Arc::new(Mutex::new(state));
    loop {
        let (stream, _) = listener.accept()?;
        let state = Arc::clone(&state);
        thread::spawn(move || {
            // A connection that breaks is the caller's doing.
            let _ = serve(stream, &state);
        });
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    while let Some(request) = wire.receive()? {
        let answer = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.answer(&request)?
        };
        wire.send(&answer)?;
    }
    Ok(())
}

impl State {
    fn answer(&mut self, request: &Request) -> std::io::Result<Answer> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        match (request.method.as_str(), request.path()) {
            ("GET", "/fake/log") => return Ok(Answer::new(200, self.log.all())),
            ("POST", "/fake/log/clear") => {
                self.log.clear();
                return Ok(Answer::new(200, json!({})));
            }
            ("POST", "/fake/limit") => {
                self.limited = (body["calls"].as_u64().unwrap_or(1), body["kind"] == "secondary");
                return Ok(Answer::new(200, json!({})));
            }
            ("POST", "/fake/refuse") => {
                let method = body["method"].as_str().unwrap_or("PUT").to_owned();
                let status = body["status"].as_u64().and_then(|status| u16::try_from(status).ok());
                self.refused = (body["calls"].as_u64().unwrap_or(1), method, status.unwrap_or(500));
                return Ok(Answer::new(200, json!({})));
            }
            _ => {}
        }
        let answer = self.github(request, &body);
        self.log.keep(request, &body, answer.status)?;
        Ok(answer)
    }

    /// What GitHub checks before it looks at the call itself.
    fn github(&mut self, request: &Request, body: &Value) -> Answer {
        if request.header("user-agent").is_none() {
            return Answer::message(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
            );
        }
        let authorization = request.header("authorization").unwrap_or_default();
        let token = authorization.strip_prefix("Bearer ").or_else(|| authorization.strip_prefix("token "));
        let admin = match token {
            Some(TOKEN) => true,
            Some(WEAK_TOKEN) => false,
            Some(_) => return Answer::message(401, "Bad credentials"),
            None => return Answer::message(401, "Requires authentication"),
        };
        if self.limited.0 > 0 {
            self.limited.0 -= 1;
            return limit(self.limited.1);
        }
        if self.refused.0 > 0 && self.refused.1 == request.method {
            self.refused.0 -= 1;
            return Answer::message(self.refused.2, "Server Error");
        }
        if !request.body.is_empty() && !body.is_object() {
            return Answer::message(400, "Problems parsing JSON");
        }
        self.repository.answer(&request.method, request.path(), body, admin)
    }
}

fn limit(secondary: bool) -> Answer {
    if secondary {
        let text =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        return Answer::message(403, text).with("retry-after", "60");
    }
    Answer::message(403, "API rate limit exceeded for user ID 1.")
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", "1800000000")
}
