//! Branch protection as JSON.
//!
//! GitHub accepts it in one shape (`PUT`) and returns it in another (`GET`): switches are returned as objects, and
//! names as accounts. Here, `shown` is a protection as returned and `body` is one as sent.

use serde_json::{Map, Value, json};

use super::CHECKS;

/// The switches of a body.
const SWITCHES: [&str; 7] = [
    "required_linear_history",
    "allow_force_pushes",
    "allow_deletions",
    "block_creations",
    "required_conversation_resolution",
    "lock_branch",
    "allow_fork_syncing",
];

/// Converts a protection that GitHub returned to the body that restores it.
#[must_use]
pub fn as_request(shown: &Value) -> Value {
    Value::Object(request(shown))
}

fn request(shown: &Value) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("required_status_checks".to_owned(), checks(member(shown, "required_status_checks")));
    body.insert(
        "enforce_admins".to_owned(),
        json!(enabled(member(shown, "enforce_admins")).unwrap_or(false)),
    );
    body.insert(
        "required_pull_request_reviews".to_owned(),
        reviews(member(shown, "required_pull_request_reviews")),
    );
    body.insert("restrictions".to_owned(), people(member(shown, "restrictions")));
    for name in SWITCHES {
        if let Some(on) = enabled(member(shown, name)) {
            body.insert(name.to_owned(), json!(on));
        }
    }
    body
}

/// Returns the body that adds T4's checks to a protection; `None` stands for a branch without one.
///
/// Existing rules stay, except that administrators are no longer exempt.
#[must_use]
pub fn wanted(shown: Option<&Value>) -> Value {
    let mut body = request(shown.unwrap_or(&Value::Null));
    let required = body.entry("required_status_checks").or_insert(Value::Null);
    if required.is_null() {
        *required = json!({ "strict": true, "checks": [] });
    }
    let contexts = required_contexts(required);
    for check in CHECKS {
        if contexts.iter().any(|context| context == check) {
            continue;
        }
        let Some(required) = required.as_object_mut() else { continue };
        // Without the id of an app, GitHub expects the check from the app that last reported it.
        if let Some(Value::Array(list)) = required.get_mut("checks") {
            list.push(json!({ "context": check }));
        } else if let Some(Value::Array(list)) = required.get_mut("contexts") {
            list.push(json!(check));
        }
    }
    body.insert("enforce_admins".to_owned(), json!(true));
    let reviews = body.entry("required_pull_request_reviews").or_insert(Value::Null);
    if reviews.is_null() {
        *reviews = json!({ "required_approving_review_count": 1, "require_code_owner_reviews": true });
    }
    Value::Object(body)
}

/// Describes the parts of an accepted body that the returned protection lacks.
#[must_use]
pub fn lacking(shown: &Value, body: &Value) -> Vec<String> {
    let now = as_request(shown);
    let mut lacking = Vec::new();
    let has = contexts(&now);
    let missing = contexts(body).into_iter().filter(|context| !has.contains(context));
    lacking.extend(missing.map(|context| format!("the required check `{context}`")));
    let strict = |body: &Value| member(member(body, "required_status_checks"), "strict").clone();
    if strict(body) != strict(&now) {
        lacking.push("`strict` of `required_status_checks`".to_owned());
    }
    for (name, value) in body.as_object().into_iter().flatten() {
        if name != "required_status_checks" && !holds(member(&now, name), value) {
            lacking.push(format!("`{name}`"));
        }
    }
    lacking
}

/// Whether two protections that GitHub returned correspond to the same body.
#[must_use]
pub fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    one.map(as_request) == other.map(as_request)
}

/// Whether a review by a code owner is required.
#[must_use]
pub fn asks_code_owners(body: &Value) -> bool {
    member(member(body, "required_pull_request_reviews"), "require_code_owner_reviews") == &json!(true)
}

/// Returns the names of the required checks of a body.
#[must_use]
pub fn contexts(body: &Value) -> Vec<String> {
    required_contexts(member(body, "required_status_checks"))
}

fn required_contexts(required: &Value) -> Vec<String> {
    let list = |name: &str| member(required, name).as_array().into_iter().flatten();
    let checks = list("checks").filter_map(|check| member(check, "context").as_str());
    checks.chain(list("contexts").filter_map(Value::as_str)).map(str::to_owned).collect()
}

/// Whether a value has every member of another, with the same value.
fn holds(now: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(members) => members.iter().all(|(name, value)| holds(member(now, name), value)),
        _ => now == wanted,
    }
}

/// Returns a member of an object; null when there is none.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn enabled(switch: &Value) -> Option<bool> {
    member(switch, "enabled").as_bool()
}

fn checks(shown: &Value) -> Value {
    if !shown.is_object() {
        return Value::Null;
    }
    let strict = member(shown, "strict").as_bool().unwrap_or(false);
    // GitHub accepts only one of the two lists. Old servers have only `contexts`.
    let Some(checks) = member(shown, "checks").as_array() else {
        let contexts = member(shown, "contexts").as_array().cloned().unwrap_or_default();
        return json!({ "strict": strict, "contexts": contexts });
    };
    let mut list: Vec<Value> = Vec::new();
    for check in checks {
        // Any app is returned as null and sent as -1.
        let id = member(check, "app_id").as_i64().unwrap_or(-1);
        list.push(json!({ "context": member(check, "context"), "app_id": id }));
    }
    json!({ "strict": strict, "checks": list })
}

fn reviews(shown: &Value) -> Value {
    if !shown.is_object() {
        return Value::Null;
    }
    let mut body = Map::new();
    let plain = [
        "dismiss_stale_reviews",
        "require_code_owner_reviews",
        "require_last_push_approval",
        "required_approving_review_count",
    ];
    for name in plain {
        if !member(shown, name).is_null() {
            body.insert(name.to_owned(), member(shown, name).clone());
        }
    }
    for name in ["dismissal_restrictions", "bypass_pull_request_allowances"] {
        if member(shown, name).is_object() {
            body.insert(name.to_owned(), people(member(shown, name)));
        }
    }
    Value::Object(body)
}

/// Converts accounts to sorted lists of their names; null when there is no restriction.
fn people(shown: &Value) -> Value {
    if !shown.is_object() {
        return Value::Null;
    }
    let names = |list: &str, key: &str| {
        let accounts = member(shown, list).as_array().into_iter().flatten();
        let mut names: Vec<_> = accounts.filter_map(|account| member(account, key).as_str()).collect();
        names.sort_unstable();
        json!(names)
    };
    json!({ "users": names("users", "login"), "teams": names("teams", "slug"), "apps": names("apps", "slug") })
}

#[cfg(test)]
mod tests;
