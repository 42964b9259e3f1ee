//! Branch protection: what GitHub takes, and what it gives back, which has another shape.

use serde_json::{Map, Value, json};

/// The members that a body must have, and those that it may have.
const NEEDED: [&str; 4] =
    ["required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions"];
const SWITCHES: [&str; 7] = [
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
];

/// Why a body is refused, in GitHub's words.
type Refusal = String;

/// A body of `PUT .../protection`.
pub fn validate(body: &Value) -> Result<(), Refusal> {
    let members = body.as_object().ok_or("Body should be a JSON object")?;
    keys(members, &NEEDED, &SWITCHES)?;
    nullable(&body["required_status_checks"], status_checks)?;
    nullable(&body["enforce_admins"], boolean)?;
    nullable(&body["required_pull_request_reviews"], reviews)?;
    nullable(&body["restrictions"], |value| {
        let members = object(value)?;
        keys(members, &["users", "teams"], &["apps"])?;
        members.values().try_for_each(texts)
    })?;
    for name in SWITCHES {
        if let Some(value) = members.get(name) {
            if ["allow_force_pushes", "lock_branch", "allow_fork_syncing"].contains(&name) {
                nullable(value, boolean)?;
            } else {
                boolean(value)?;
            }
        }
    }
    Ok(())
}

fn status_checks(value: &Value) -> Result<(), Refusal> {
    let members = object(value)?;
    keys(members, &["strict"], &["contexts", "checks"])?;
    boolean(&value["strict"])?;
    match (members.get("contexts"), members.get("checks")) {
        (Some(_), Some(_)) => Err("More than one subschema in \"oneOf\" matched.".to_owned()),
        (None, None) => Err("No subschema in \"oneOf\" matched.".to_owned()),
        (Some(contexts), None) => texts(contexts),
        (None, Some(checks)) => {
            let checks = checks.as_array().ok_or_else(|| is_not(checks, "an array"))?;
            checks.iter().try_for_each(|check| {
                keys(object(check)?, &["context"], &["app_id"])?;
                text(&check["context"])?;
                match check.get("app_id") {
                    Some(id) if !id.is_i64() => Err(is_not(id, "an integer")),
                    _ => Ok(()),
                }
            })
        }
    }
}

fn reviews(value: &Value) -> Result<(), Refusal> {
    let members = object(value)?;
    let switches = ["dismiss_stale_reviews", "require_code_owner_reviews", "require_last_push_approval"];
    let people = ["dismissal_restrictions", "bypass_pull_request_allowances"];
    let count = "required_approving_review_count";
    keys(members, &[], &[switches.as_slice(), &people, &[count]].concat())?;
    for name in switches {
        members.get(name).map_or(Ok(()), boolean)?;
    }
    for name in people {
        let Some(value) = members.get(name) else { continue };
        let lists = object(value)?;
        keys(lists, &[], &["users", "teams", "apps"])?;
        lists.values().try_for_each(texts)?;
    }
    match members.get(count) {
        Some(value) if !value.is_i64() => Err(is_not(value, "an integer")),
        Some(value) if !(0..=6).contains(&value.as_i64().unwrap_or(-1)) => {
            Err(format!("{value} must be less than or equal to 6."))
        }
        _ => Ok(()),
    }
}

fn keys(members: &Map<String, Value>, needed: &[&str], more: &[&str]) -> Result<(), Refusal> {
    let quoted = |names: Vec<&str>| names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    let missing: Vec<_> = needed.iter().copied().filter(|name| !members.contains_key(*name)).collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "wasn't" } else { "weren't" };
        return Err(format!("{} {verb} supplied.", quoted(missing)));
    }
    let known = |name: &&str| needed.contains(name) || more.contains(name);
    let foreign: Vec<_> = members.keys().map(String::as_str).filter(|name| !known(name)).collect();
    match foreign.len() {
        0 => Ok(()),
        1 => Err(format!("{} is not a permitted key.", quoted(foreign))),
        _ => Err(format!("{} are not permitted keys.", quoted(foreign))),
    }
}

fn nullable(value: &Value, check: impl FnOnce(&Value) -> Result<(), Refusal>) -> Result<(), Refusal> {
    if value.is_null() {
        return Ok(());
    }
    check(value).map_err(|problem| {
        let null = is_not(value, "a null").replace("For 'anyOf/0'", "For 'anyOf/1'");
        format!("No subschema in \"anyOf\" matched.\n{problem}\n{null}")
    })
}

fn is_not(value: &Value, what: &str) -> Refusal {
    format!("For 'anyOf/0', {value} is not {what}.")
}

fn boolean(value: &Value) -> Result<(), Refusal> {
    value.as_bool().map(drop).ok_or_else(|| is_not(value, "a boolean"))
}

fn text(value: &Value) -> Result<(), Refusal> {
    value.as_str().map(drop).ok_or_else(|| is_not(value, "a string"))
}

fn texts(value: &Value) -> Result<(), Refusal> {
    value.as_array().ok_or_else(|| is_not(value, "an array"))?.iter().try_for_each(text)
}

fn object(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| is_not(value, "an object"))
}

/// What `GET .../protection` shows of a body that was taken.
pub fn shown(body: &Value, url: &str) -> Value {
    let mut shown = json!({
        "url": url,
        "required_signatures": { "url": format!("{url}/required_signatures"), "enabled": false },
        "enforce_admins": { "url": format!("{url}/enforce_admins"), "enabled": body["enforce_admins"] == true },
    });
    for name in SWITCHES {
        shown[name] = json!({ "enabled": body[name] == true });
    }
    if let Some(checks) = body["required_status_checks"].as_object() {
        let checks: Vec<_> = match checks.get("checks").and_then(Value::as_array) {
            Some(checks) => checks
                .iter()
                .map(|check| {
                    let id = check.get("app_id").filter(|id| id.as_i64() != Some(-1));
                    json!({ "context": check["context"], "app_id": id })
                })
                .collect(),
            None => {
                let contexts = checks["contexts"].as_array().into_iter().flatten();
                contexts.map(|context| json!({ "context": context, "app_id": null })).collect()
            }
        };
        shown["required_status_checks"] = json!({
            "url": format!("{url}/required_status_checks"),
            "strict": body["required_status_checks"]["strict"],
            "contexts": checks.iter().map(|check| check["context"].clone()).collect::<Vec<_>>(),
            "contexts_url": format!("{url}/required_status_checks/contexts"),
            "checks": checks,
        });
    }
    if let Some(reviews) = body["required_pull_request_reviews"].as_object() {
        let url = format!("{url}/required_pull_request_reviews");
        let mut answer = json!({
            "url": url,
            "dismiss_stale_reviews": false,
            "require_code_owner_reviews": false,
            "require_last_push_approval": false,
            "required_approving_review_count": 1,
        });
        for (name, value) in reviews {
            if !value.is_object() {
                answer[name] = value.clone();
            } else if value.as_object().is_some_and(|lists| !lists.is_empty()) {
                answer[name] = people(value, &url);
            }
        }
        shown["required_pull_request_reviews"] = answer;
    }
    if body["restrictions"].is_object() {
        shown["restrictions"] = people(&body["restrictions"], &format!("{url}/restrictions"));
    }
    shown
}

/// Lists of names as lists of accounts.
fn people(lists: &Value, url: &str) -> Value {
    let list = |name: &str, key: &str| -> Vec<Value> {
        let names = lists[name].as_array().into_iter().flatten();
        names.map(|value| json!({ key: value, "id": 1, "type": "account" })).collect()
    };
    json!({
        "url": url,
        "users_url": format!("{url}/users"),
        "teams_url": format!("{url}/teams"),
        "apps_url": format!("{url}/apps"),
        "users": list("users", "login"),
        "teams": list("teams", "slug"),
        "apps": list("apps", "slug"),
    })
}
