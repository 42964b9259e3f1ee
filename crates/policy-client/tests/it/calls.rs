//! What each call sends, and what it makes of the answer.

use crate::support::{Canned, KEY, error, intent, json, reply};
use api_types::{Code, CreateIntent, CreateKey, PatchIntent, RotateKey};
use policy_client::{AuditFilter, Client, Error, Placeholders};
use serde_json::json as value;

#[tokio::test]
async fn ids_arrive_as_they_are() {
    let server = Canned::serve(|_, _| json(200, &intent("x")));
    let client = server.builder().base_url(format!("{}/t4/", server.url)).build().unwrap();
    for (id, target) in [
        ("T4-1.2", "/t4/intents/T4-1.2"),
        ("a/b", "/t4/intents/a%2Fb"),
        ("a%2Fb", "/t4/intents/a%252Fb"),
        ("ein Käse?#", "/t4/intents/ein%20K%C3%A4se%3F%23"),
        ("../../admin", "/t4/intents/..%2F..%2Fadmin"),
    ] {
        client.get(id).await.unwrap().unwrap();
        assert_eq!(server.seen().last().unwrap().target, target);
    }
    assert!(matches!(client.get("..").await, Err(Error::InvalidArgument { .. })));
    assert!(matches!(client.by_owner("").await, Err(Error::InvalidArgument { .. })));
}

#[tokio::test]
async fn get_gives_the_version_and_update_if_sends_it() {
    let server = Canned::serve(|n, seen| match n {
        0 => reply(200, &["ETag: \"7\""], intent("x").to_string()),
        1 => reply(200, &["ETag: \"8\""], value!({"status": "ok", "intent": intent("x")}).to_string()),
        2 => error(Code::VersionMismatch, &[]),
        _ => panic!("{seen:?}"),
    });
    let client = server.client();
    let found = client.get("x").await.unwrap().unwrap();
    assert_eq!(found.etag.as_deref(), Some("\"7\""));
    assert_eq!(found.value.raw.unwrap().get(), "{\"n\":1.5}");
    let changed = client.update("x", PatchIntent::default()).await.unwrap();
    assert_eq!((changed.value.id.as_str(), changed.etag.as_deref()), ("x", Some("\"8\"")));
    let stale = client.update_if("x", PatchIntent::default(), "\"7\"").await.unwrap_err();
    assert_eq!(stale.code(), Some(Code::VersionMismatch));
    let seen = server.seen();
    assert_eq!((seen[1].method.as_str(), seen[1].header("if-match")), ("PATCH", None));
    assert_eq!(seen[2].header("if-match"), Some("\"7\""));
    let broken = client.update_if("x", PatchIntent::default(), "a\nb").await;
    assert!(matches!(broken, Err(Error::InvalidArgument { .. })));
}

#[tokio::test]
async fn an_unknown_intent_is_none_but_an_unknown_route_is_an_error() {
    let server = Canned::serve(|n, _| match n {
        0 => error(Code::IntentNotFound, &[]),
        1 => error(Code::RouteNotFound, &[]),
        _ => reply(404, &[], "<html>"),
    });
    let client = server.client();
    assert!(client.get("x").await.unwrap().is_none());
    assert_eq!(client.get("x").await.unwrap_err().code(), Some(Code::RouteNotFound));
    assert!(matches!(client.get("x").await, Err(Error::Api { status: 404, code: None, .. })));
}

#[tokio::test]
async fn lists_are_followed_to_their_end() {
    let server = Canned::serve(|n, _| {
        let next = format!("Link: </elsewhere?file=a%20b&cursor=c{n}>; rel=\"next\"");
        let more: &[&str] = if n < 2 { &[&next] } else { &["Link: </intents>; rel=\"prev\""] };
        reply(200, more, value!([intent(&format!("T4-{n}"))]).to_string())
    });
    let intents = server.client().by_file("a b&c").await.unwrap();
    let ids: Vec<_> = intents.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["T4-0", "T4-1", "T4-2"]);
    let targets: Vec<_> = server.seen().into_iter().map(|s| s.target).collect();
    assert_eq!(
        targets,
        [
            "/intents/by_file?file=a%20b%26c&limit=1000",
            "/intents/by_file?file=a%20b&cursor=c0",
            "/intents/by_file?file=a%20b&cursor=c1",
        ]
    );
}

#[tokio::test]
async fn a_next_page_elsewhere_or_in_a_circle_is_refused() {
    for link in ["<http://127.0.0.1:1/intents/stale?cursor=1>", "<//evil/?cursor=1>", "<?days=3&limit=1000>"]
    {
        let line = format!("Link: {link}; rel=\"next\"");
        let server = Canned::serve(move |_, _| reply(200, &[&line], "[]"));
        let error = server.client().stale(3).await.unwrap_err();
        assert!(matches!(error, Error::InvalidAnswer { .. }), "{link}: {error}");
        assert_eq!(server.seen().len(), 1, "{link}");
    }
}

#[tokio::test]
async fn a_batch_too_large_is_refused_unsent() {
    let server = Canned::serve(|_, _| json(201, &value!({"intents": [intent("a"), intent("b")]})));
    let client = server.client();
    let new = |n| vec![CreateIntent { code: "F821".into(), ..CreateIntent::default() }; n];
    let error = client.register_batch(new(1001)).await.unwrap_err();
    assert!(matches!(error, Error::TooMany { got: 1001, max: 1000, .. }));
    assert!(server.seen().is_empty());
    assert_eq!(client.register_batch(new(2)).await.unwrap().len(), 2);
    assert_eq!(server.seen()[0].json(), value!({"intents": [{"code": "F821"}, {"code": "F821"}]}));
}

#[tokio::test]
async fn a_check_takes_one_round_trip_and_placeholders_do_not_make_it_ok() {
    let answer = value!({"ok": false, "missing": ["b"], "reserved": [intent("T4-9")]});
    let server = Canned::serve(move |_, _| json(200, &answer));
    let files = ["a", "b", "a"].map(str::to_owned).to_vec();
    let check =
        server.client().pre_pr_check(files, vec!["F821".into()], Placeholders::Reserve).await.unwrap();
    assert!(!check.ok);
    assert_eq!(check.reserved[0].id, "T4-9");
    let sent = value!({"files": ["a", "b"], "critical_codes": ["F821"], "auto_create_reserved": true});
    assert_eq!(server.seen().iter().map(crate::support::Seen::json).collect::<Vec<_>>(), [sent]);
}

#[tokio::test]
async fn a_check_of_many_files_is_one_answer() {
    let server = Canned::serve(|_, seen| {
        let files = seen.json()["files"].as_array().unwrap().clone();
        let missing: Vec<_> = files.into_iter().filter(|f| f == "f4999" || f == "f5000").collect();
        json(200, &value!({"ok": missing.is_empty(), "missing": missing, "reserved": []}))
    });
    let files = (0..12_000).map(|n| format!("f{n}")).collect();
    let check = server.client().pre_pr_check(files, vec![], Placeholders::Leave).await.unwrap();
    assert_eq!((check.ok, check.missing), (false, vec!["f4999".to_owned(), "f5000".to_owned()]));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_ne!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    let codes = vec!["X".to_owned(); 201];
    let refused = server.client().pre_pr_check(vec![], codes, Placeholders::Leave).await;
    assert!(matches!(refused, Err(Error::TooMany { .. })));
}

#[tokio::test]
async fn an_answer_that_says_ok_beside_missing_files_is_not_ok() {
    let server = Canned::serve(|_, _| json(200, &value!({"ok": true, "missing": ["a"], "reserved": []})));
    assert!(!server.client().pre_pr_check(vec!["a".into()], vec![], Placeholders::Leave).await.unwrap().ok);
}

#[tokio::test]
async fn admin_calls_carry_the_token_in_its_header_alone() {
    let view = value!({
        "key_id": "t4_000000000001", "agent_id": "a", "owner": null, "scopes": [], "roles": [],
        "created_at": "t", "expires_at": null, "revoked": false, "daily_limit": 1.0, "daily_used": 0.0,
        "used_on": null, "time_zone": null, "rate_per_minute": null, "previous_secret_until": null,
    });
    let mut with_key = view.clone();
    with_key["key"] = value!("t4_secret");
    let server = Canned::serve(move |_, seen| match (seen.method.as_str(), seen.target.as_str()) {
        ("POST", _) => json(201, &with_key),
        ("PATCH", _) => json(200, &view),
        ("DELETE", _) => json(200, &value!({"revoked": true})),
        (_, target) if target.starts_with("/admin/audit") => json(200, &value!([])),
        _ => json(200, &value!([view])),
    });
    let admin = server.builder().build_admin().unwrap();
    let id = "t4_000000000001";
    let new = CreateKey { agent_id: "a".into(), ..CreateKey::default() };
    assert_eq!(admin.create_key(new).await.unwrap().key, "t4_secret");
    admin.rotate_key(id, RotateKey { overlap_seconds: Some(60) }).await.unwrap();
    assert_eq!(admin.show_key(id).await.unwrap().unwrap().key_id, id);
    assert!(admin.show_key("t4_000000000002").await.unwrap().is_none());
    assert!(admin.patch_key(id, api_types::PatchKey::default()).await.unwrap().owner.is_none());
    assert!(admin.revoke_key(id).await.unwrap().revoked);
    let filter =
        AuditFilter { path: Some("/a b".into()), status: Some(403), at_most: 5, ..AuditFilter::default() };
    admin.audit(&filter).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].target, format!("/admin/api_keys/{id}/rotate"));
    assert_eq!(seen.last().unwrap().target, "/admin/audit?path=%2Fa%20b&status=403&limit=5");
    for request in seen {
        assert_eq!(request.header("x-t4-admin-token"), Some("geheim"));
        assert!(request.header("x-t4-api-key").is_none() && !request.target.contains("geheim"));
        assert_eq!(
            request.header("idempotency-key").is_some(),
            matches!(request.method.as_str(), "POST" | "PATCH")
        );
    }
}

#[tokio::test]
async fn the_key_goes_in_its_header_but_not_to_the_probe() {
    let server = Canned::serve(|_, seen| match seen.target.as_str() {
        "/health" => json(200, &value!({"status": "ok", "time": "t", "version": "1"})),
        _ => json(
            200,
            &value!({"total": 1, "by_status": {}, "by_code": {}, "quality_score": 0.0,
            "avg_time_to_resolve_days": null}),
        ),
    });
    let client = server.client();
    client.health().await.unwrap();
    assert_eq!(client.summary().await.unwrap().total, 1);
    let seen = server.seen();
    assert_eq!(seen[0].header("x-t4-api-key"), None);
    assert_eq!(seen[1].header("x-t4-api-key"), Some(KEY));
    assert_eq!(seen[1].header("x-t4-admin-token"), None);
}

#[test]
fn no_secret_is_in_debug_output_or_errors() {
    let builder = Client::builder().base_url("http://h:1").api_key("geheim-1").admin_token("geheim-2");
    let texts = [
        format!("{builder:?}"),
        format!("{:?}", builder.clone().build().unwrap()),
        format!("{:?}", builder.clone().build_admin().unwrap()),
        format!("{:?}", builder.clone().build_blocking().unwrap()),
        format!("{:?}", builder.clone().api_key("geheim\u{7f}x").build().unwrap_err()),
        format!("{:?}", builder.base_url("http://u:geheim@h").build().unwrap_err()),
    ];
    assert!(texts.iter().all(|text| !text.contains("geheim")), "{texts:?}");
}

#[test]
fn a_missing_secret_is_named() {
    assert!(matches!(Client::builder().build(), Err(Error::MissingKey)));
    assert!(matches!(Client::builder().api_key(" \n").build(), Err(Error::MissingKey)));
    assert!(matches!(Client::builder().build_admin(), Err(Error::MissingAdminToken)));
}

#[test]
fn an_https_client_finds_the_roots_of_the_system() {
    Client::builder().base_url("https://intent-api.internal:8001").api_key("k").build().unwrap();
}
