//! The repository: its branches, labels and pull requests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::protection;
use crate::wire::Answer;

const NAME: &str = "acme/widgets";
const BRANCHES: [&str; 2] = ["main", "release/1.0"];

#[derive(Default)]
pub struct Repository {
    /// The bodies that were taken, by branch.
    protections: BTreeMap<String, Value>,
    labels: Vec<Value>,
    pulls: Vec<Value>,
    /// The labels of each issue or pull request.
    labelled: BTreeMap<u64, Vec<Value>>,
}

impl Repository {
    /// `admin` is the right to administrate: without it GitHub says of settings that they are not there.
    pub fn answer(&mut self, method: &str, path: &str, body: &Value, admin: bool) -> Answer {
        let not_found = || Answer::message(404, "Not Found");
        let Some(rest) = path.strip_prefix("/repos/").and_then(|path| strip_prefix_ignoring_case(path, NAME))
        else {
            return not_found();
        };
        let parts: Vec<String> = rest.split('/').skip(1).map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (method, parts.as_slice()) {
            ("GET", []) => Answer::new(
                200,
                json!({
                    "id": 1, "name": "widgets", "full_name": NAME, "private": false, "default_branch": "main",
                    "owner": { "login": "acme", "type": "Organization" },
                    "permissions": { "admin": admin, "push": true, "pull": true },
                }),
            ),
            (_, ["branches", branch, "protection"]) if admin => self.protection(method, branch, body),
            ("POST", ["pulls"]) => self.open(body),
            ("GET", ["pulls"]) => Answer::new(200, json!(self.pulls)),
            ("GET", ["labels"]) => Answer::new(200, json!(self.labels)),
            ("GET", ["labels", name]) => {
                let label = self.labels.iter().find(|label| label["name"] == *name);
                label.map_or_else(not_found, |label| Answer::new(200, label.clone()))
            }
            ("POST", ["labels"]) => self.label(body),
            ("POST", ["issues", number, "labels"]) => self.attach(number.parse().unwrap_or(0), body),
            _ => not_found(),
        }
    }

    fn protection(&mut self, method: &str, branch: &str, body: &Value) -> Answer {
        if !BRANCHES.contains(&branch) {
            return Answer::message(404, "Branch not found");
        }
        let url = format!("https://api.github.com/repos/{NAME}/branches/{branch}/protection");
        match method {
            "PUT" => match protection::validate(body) {
                Ok(()) => {
                    self.protections.insert(branch.to_owned(), body.clone());
                    Answer::new(200, protection::shown(body, &url))
                }
                Err(problem) => Answer::message(422, &format!("Invalid request.\n\n{problem}")),
            },
            "GET" => match self.protections.get(branch) {
                Some(body) => Answer::new(200, protection::shown(body, &url)),
                None => Answer::message(404, "Branch not protected"),
            },
            "DELETE" => match self.protections.remove(branch) {
                Some(_) => Answer::new(204, Value::Null),
                None => Answer::message(404, "Branch not protected"),
            },
            _ => Answer::message(404, "Not Found"),
        }
    }

    fn open(&mut self, body: &Value) -> Answer {
        for field in ["head", "base", "title"] {
            if body[field].as_str().is_none_or(str::is_empty) {
                return invalid("PullRequest", field, "missing_field");
            }
        }
        if !BRANCHES.contains(&body["base"].as_str().unwrap_or_default()) {
            return invalid("PullRequest", "base", "invalid");
        }
        let same = |pull: &Value| pull["head"]["ref"] == body["head"] && pull["base"]["ref"] == body["base"];
        if self.pulls.iter().any(same) {
            let head = body["head"].as_str().unwrap_or_default();
            let message = format!("A pull request already exists for acme:{head}.");
            return failed(json!({ "resource": "PullRequest", "code": "custom", "message": message }));
        }
        let number = self.pulls.len() + 1;
        let pull = json!({
            "number": number, "state": "open", "draft": body["draft"] == true,
            "title": body["title"], "body": body["body"],
            "url": format!("https://api.github.com/repos/{NAME}/pulls/{number}"),
            "html_url": format!("https://github.com/{NAME}/pull/{number}"),
            "head": { "ref": body["head"] }, "base": { "ref": body["base"] }, "labels": [],
        });
        self.pulls.push(pull.clone());
        Answer::new(201, pull)
    }

    fn label(&mut self, body: &Value) -> Answer {
        let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) else {
            return invalid("Label", "name", "missing_field");
        };
        let color = body["color"].as_str().unwrap_or("ededed");
        if color.len() != 6 || !color.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return invalid("Label", "color", "invalid");
        }
        let taken =
            |label: &Value| label["name"].as_str().is_some_and(|label| label.eq_ignore_ascii_case(name));
        if self.labels.iter().any(taken) {
            return invalid("Label", "name", "already_exists");
        }
        let label = json!({
            "id": self.labels.len() + 1, "name": name, "color": color, "default": false,
            "description": body["description"],
        });
        self.labels.push(label.clone());
        Answer::new(201, label)
    }

    /// GitHub makes labels that are not there on the way.
    fn attach(&mut self, number: u64, body: &Value) -> Answer {
        if !self.pulls.iter().any(|pull| pull["number"] == number) {
            return Answer::message(404, "Not Found");
        }
        let Some(names) = body["labels"].as_array().filter(|names| names.iter().all(Value::is_string)) else {
            return Answer::message(422, "Invalid request.\n\n\"labels\" wasn't supplied.");
        };
        for name in names {
            if !self.labels.iter().any(|label| label["name"] == *name) {
                self.labels.push(json!({ "name": name, "color": "ededed", "default": false }));
            }
        }
        let attached = self.labelled.entry(number).or_default();
        attached.extend(self.labels.iter().filter(|label| names.contains(&label["name"])).cloned());
        let attached = json!(attached);
        if let Some(pull) = self.pulls.iter_mut().find(|pull| pull["number"] == number) {
            pull["labels"] = attached.clone();
        }
        Answer::new(200, attached)
    }
}

fn invalid(resource: &str, field: &str, code: &str) -> Answer {
    failed(json!({ "resource": resource, "field": field, "code": code }))
}

fn failed(error: Value) -> Answer {
    let mut answer = Answer::message(422, "Validation Failed");
    answer.body["errors"] = json!([error]);
    answer
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    (head.eq_ignore_ascii_case(prefix) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// A part of a path without its percent-encoding.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, escaped) {
            (b'%', Some(escaped)) => {
                bytes.push(escaped);
                rest = &more[2..];
            }
            _ => {
                bytes.push(byte);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
