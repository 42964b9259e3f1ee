use super::*;

/// A protection as GitHub returns it, made on GitHub's pages.
fn shown() -> Value {
    let accounts = |key: &str, names: &[&str]| -> Value {
        names.iter().map(|name| json!({ key: name, "id": 7, "url": "https://api.github.com/x" })).collect()
    };
    json!({
        "url": "https://api.github.com/repos/o/r/branches/main/protection",
        "required_status_checks": {
            "url": "u", "contexts_url": "c", "strict": false, "contexts": ["build", "ci/tests"],
            "checks": [{ "context": "build", "app_id": 15368 }, { "context": "ci/tests", "app_id": null }],
        },
        "required_pull_request_reviews": {
            "url": "u", "dismiss_stale_reviews": true, "require_code_owner_reviews": false,
            "require_last_push_approval": true, "required_approving_review_count": 2,
            "dismissal_restrictions": {
                "url": "u", "users": accounts("login", &["b", "a"]), "teams": accounts("slug", &["t"]), "apps": [],
            },
        },
        "required_signatures": { "url": "u", "enabled": true },
        "enforce_admins": { "url": "u", "enabled": false },
        "restrictions": {
            "url": "u", "users": [], "teams": accounts("slug", &["core"]), "apps": accounts("slug", &["bot"]),
        },
        "required_linear_history": { "enabled": true },
        "allow_force_pushes": { "enabled": false },
        "allow_deletions": { "enabled": false },
        "block_creations": { "enabled": true },
        "required_conversation_resolution": { "enabled": true },
        "lock_branch": { "enabled": false },
        "allow_fork_syncing": { "enabled": true },
    })
}

#[test]
fn a_returned_protection_is_converted_to_the_body_that_restores_it() {
    let expected = json!({
        "required_status_checks": {
            "strict": false,
            "checks": [{ "context": "build", "app_id": 15368 }, { "context": "ci/tests", "app_id": -1 }],
        },
        "enforce_admins": false,
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": true, "require_code_owner_reviews": false,
            "require_last_push_approval": true, "required_approving_review_count": 2,
            "dismissal_restrictions": { "users": ["a", "b"], "teams": ["t"], "apps": [] },
        },
        "restrictions": { "users": [], "teams": ["core"], "apps": ["bot"] },
        "required_linear_history": true,
        "allow_force_pushes": false,
        "allow_deletions": false,
        "block_creations": true,
        "required_conversation_resolution": true,
        "lock_branch": false,
        "allow_fork_syncing": true,
    });
    assert_eq!(as_request(&shown()), expected);
}

#[test]
fn existing_rules_stay_and_the_checks_and_enforcement_for_admins_are_added() {
    let before = as_request(&shown());
    let body = wanted(Some(&shown()));
    assert_eq!(contexts(&body), ["build", "ci/tests", "t4-validator", "t4-intent-api-health"]);
    assert_eq!(body["enforce_admins"], true);
    for (name, value) in before.as_object().unwrap() {
        if name != "required_status_checks" && name != "enforce_admins" {
            assert_eq!(&body[name], value, "{name}");
        }
    }
    assert_eq!(body["required_status_checks"]["strict"], false, "kept");
}

#[test]
fn a_branch_without_protection_gets_every_required_member() {
    let expected = json!({
        "required_status_checks": {
            "strict": true,
            "checks": [
                { "context": "t4-validator" }, { "context": "t4-intent-api-health" }, { "context": "ci/tests" },
            ],
        },
        "enforce_admins": true,
        "required_pull_request_reviews": {
            "required_approving_review_count": 1, "require_code_owner_reviews": true,
        },
        "restrictions": null,
    });
    assert_eq!(wanted(None), expected);
}

#[test]
fn a_server_without_app_ids_gets_the_list_of_names() {
    let shown = json!({ "required_status_checks": { "strict": true, "contexts": ["build"] } });
    let body = wanted(Some(&shown));
    let names = json!(["build", "t4-validator", "t4-intent-api-health", "ci/tests"]);
    assert_eq!(body["required_status_checks"], json!({ "strict": true, "contexts": names }));
}

#[test]
fn missing_parts_of_a_protection_are_named() {
    let body = wanted(Some(&shown()));
    let told = lacking(&shown(), &body);
    assert_eq!(
        told,
        [
            "the required check `t4-validator`",
            "the required check `t4-intent-api-health`",
            "`enforce_admins`",
        ]
    );
    assert_eq!(lacking(&shown(), &as_request(&shown())), Vec::<String>::new());
}
