//! The fake GitHub as a process.

use std::net::SocketAddr;
use std::process::Child;

use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::process::serving;

/// The repository that is there.
pub const REPO: &str = "acme/widgets";
/// A token that may do everything.
pub const TOKEN: &str = "ghp_of_the_tests";
/// A token that may not administrate.
pub const WEAK_TOKEN: &str = "ghp_without_rights";

/// A running fake; killed by its pid when dropped.
pub struct FakeGitHub {
    child: Child,
    address: SocketAddr,
}

impl FakeGitHub {
    pub fn start() -> Self {
        let (child, address) = serving("fake-github");
        Self { child, address }
    }

    /// What stands in the place of `https://api.github.com`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A call with the token that may do everything; it is in the log as well.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("user-agent", "tests")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut connection = Connection::open(self.address).expect("the fake listens");
        connection.call(method, path, &headers, &body).expect("the fake answers")
    }

    /// The protection of a branch as GitHub shows it; `None` when there is none.
    pub fn protection(&self, branch: &str) -> Option<Value> {
        let answer = self.call("GET", &protection(branch), &Value::Null);
        (answer.status == 200).then(|| answer.json())
    }

    /// Protects a branch, as somebody did before.
    pub fn protect(&self, branch: &str, body: &Value) {
        let answer = self.call("PUT", &protection(branch), body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Every request that it saw, in the order of their arrival: method, path, body, status and some headers.
    pub fn log(&self) -> Vec<Value> {
        self.call("GET", "/fake/log", &Value::Null).json().as_array().expect("a list").clone()
    }

    pub fn clear_log(&self) {
        self.call("POST", "/fake/log/clear", &json!({}));
    }

    /// Lets the next calls hit a rate limit: `primary` or `secondary`.
    pub fn limit(&self, kind: &str, calls: u64) {
        self.call("POST", "/fake/limit", &json!({ "kind": kind, "calls": calls }));
    }

    /// Lets the next calls of a method fail with a status.
    pub fn refuse(&self, method: &str, status: u16, calls: u64) {
        self.call("POST", "/fake/refuse", &json!({ "method": method, "status": status, "calls": calls }));
    }
}

fn protection(branch: &str) -> String {
    format!("/repos/{REPO}/branches/{}/protection", branch.replace('/', "%2F"))
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
