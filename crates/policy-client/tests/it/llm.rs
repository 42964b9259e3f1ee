//! The calls around model calls: what each sends, and what is repeated.

use crate::support::{Canned, Reply, error, json, reply};
use api_types::{Code, CreateHold, LlmUsage, ReleaseHold, SettleHold};
use policy_client::{Error, QuotaQuestion, UsageFilter, UsageGroup, UsageRows};
use serde_json::{Value, json as value};

pub fn hold() -> Value {
    value!({
        "hold_id": "c.1", "call_id": "c", "attempt": 1, "max_tokens": 400, "held_usd": 0.01,
        "held_pico_usd": 10_000_000_000_i64, "remaining_usd": 4.99, "remaining_pico_usd": 4_990_000_000_000_i64,
        "price_version": "0123456789ab",
        "rates": {"input": 1, "cached_input": 2, "cache_write": 3, "output": 4},
        "lease_until": "2026-11-21T10:00:00.000000Z",
    })
}

pub fn settled() -> Value {
    value!({
        "hold_id": "c.1", "cost_usd": 0.001, "cost_pico_usd": 1_000_000_000, "source": "reported", "overrun": true,
        "usage": {"prompt_tokens": 5, "cached_tokens": 1, "completion_tokens": 7, "reasoning_tokens": 2},
        "remaining_usd": 5.0, "remaining_pico_usd": 5_000_000_000_000_i64,
    })
}

fn line() -> Value {
    value!({
        "timestamp": "2026-11-21T10:00:00.000000Z", "key_id": "t4_000000000001", "agent_id": "a", "model": "m",
        "usage": {"prompt_tokens": 5}, "cost_usd": 0.5, "cost_pico_usd": 500_000_000_000_i64, "overrun": false,
        "late": false,
    })
}

fn total() -> Value {
    value!({"group": "m", "calls": 1, "usage": {"prompt_tokens": 5}, "cost_usd": 0.0, "cost_pico_usd": 0, "flagged": 0})
}

fn call() -> CreateHold {
    CreateHold { provider: "openai".into(), model: "m".into(), input_tokens: 9, ..CreateHold::default() }
}

#[tokio::test]
async fn usage_is_asked_for_by_what_the_filter_names_and_followed_to_its_end() {
    let server = Canned::serve(|n, _| {
        let next = "Link: </llm/usage?model=a%26b&limit=1000&cursor=c>; rel=\"next\"";
        let more: &[&str] = if n == 0 { &[next] } else { &[] };
        reply(200, more, value!([line()]).to_string())
    });
    let filter = UsageFilter {
        model: Some("a&b".into()),
        since: Some("2026-11-01T00:00:00Z".into()),
        rows: UsageRows::Flagged,
        ..UsageFilter::default()
    };
    assert_eq!(server.client().usage(&filter).await.unwrap().len(), 2);
    let all = UsageFilter {
        agent_id: Some("a".into()),
        owner: Some("o".into()),
        key_id: Some("k".into()),
        call_id: Some("c".into()),
        until: Some("u".into()),
        at_most: 1,
        ..UsageFilter::default()
    };
    let admin = server.builder().build_admin().unwrap();
    assert_eq!(admin.usage(&all).await.unwrap().len(), 1);
    let targets: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        [
            "/llm/usage?model=a%26b&since=2026-11-01T00%3A00%3A00Z&flagged=true&limit=1000",
            "/llm/usage?model=a%26b&limit=1000&cursor=c",
            "/admin/llm/usage?agent_id=a&owner=o&key_id=k&call_id=c&until=u&limit=1",
        ]
    );
}

#[tokio::test]
async fn sums_holds_and_questions_go_to_their_routes_with_the_right_credential() {
    let server = Canned::serve(|_, seen| match seen.target.as_str() {
        "/llm/status" => {
            json(200, &value!({"configured": false, "price_version": "0123456789ab", "providers": []}))
        }
        target if target.starts_with("/llm/quota") => json(200, &value!({"budgets": []})),
        target if target.contains("/summary?") => json(200, &value!([total()])),
        _ => json(200, &value!([])),
    });
    let (client, admin) = (server.client(), server.builder().build_admin().unwrap());
    assert!(!client.llm_status().await.unwrap().configured);
    client.quota(&QuotaQuestion::default()).await.unwrap();
    let question =
        QuotaQuestion { model: Some("a b".into()), input_tokens: Some(0), max_tokens: Some(u64::MAX) };
    client.quota(&question).await.unwrap();
    for by in UsageGroup::ALL {
        assert_eq!(client.usage_summary(by, None, Some("2026")).await.unwrap()[0].group, "m");
    }
    admin.usage_summary(UsageGroup::Day, Some("2025"), None).await.unwrap();
    assert!(admin.holds().await.unwrap().is_empty());
    let seen: Vec<_> = server
        .seen()
        .into_iter()
        .map(|seen| (seen.target.clone(), seen.header("x-t4-admin-token").is_some()))
        .collect();
    let expected = [
        ("/llm/status", false),
        ("/llm/quota", false),
        ("/llm/quota?model=a%20b&input_tokens=0&max_tokens=18446744073709551615", false),
        ("/llm/usage/summary?by=agent&until=2026&limit=1000", false),
        ("/llm/usage/summary?by=model&until=2026&limit=1000", false),
        ("/llm/usage/summary?by=owner&until=2026&limit=1000", false),
        ("/llm/usage/summary?by=day&until=2026&limit=1000", false),
        ("/admin/llm/usage/summary?by=day&since=2025&limit=1000", true),
        ("/admin/llm/holds?limit=1000", true),
    ];
    assert_eq!(seen, expected.map(|(target, admin)| (target.to_owned(), admin)));
}

#[tokio::test]
async fn a_repeated_hold_names_the_same_call_and_another_one_another() {
    let troubles = [Reply::Cut, error(Code::StoreUnavailable, &["Retry-After: 0"])];
    let server = Canned::serve(move |n, _| troubles.get(n).cloned().unwrap_or_else(|| json(201, &hold())));
    let client = server.client();
    assert_eq!(client.create_hold(call()).await.unwrap().max_tokens, Some(400));
    client.create_hold(call()).await.unwrap();
    client.create_hold(CreateHold { call_id: Some("mine".into()), ..call() }).await.unwrap();
    let seen = server.seen();
    let ids: Vec<_> = seen.iter().map(|seen| seen.json()["call_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids[0].starts_with("call_"), "{ids:?}");
    assert_eq!((&ids[0], &ids[0]), (&ids[1], &ids[2]));
    assert_ne!(ids[0], ids[3], "another call");
    assert_eq!(ids[4], "mine");
    assert!(seen.iter().all(|seen| seen.header("idempotency-key").is_none()), "not honoured under /llm/");
    assert!(seen.iter().all(|seen| seen.target == "/llm/holds" && seen.method == "POST"));
}

#[tokio::test]
async fn settlements_and_releases_are_repeated_as_they_were_sent() {
    let server = Canned::serve(|n, seen| match n {
        0 | 2 => error(Code::StoreBusy, &["Retry-After: 0"]),
        _ if seen.target.ends_with("/settle") => json(200, &settled()),
        _ => json(200, &value!({"released": true})),
    });
    let client = server.client();
    let usage = LlmUsage { prompt_tokens: 5, completion_tokens: 7, ..LlmUsage::default() };
    let end = SettleHold { usage: Some(usage), total_micros: 12, ..SettleHold::default() };
    assert!(client.settle_hold("a/b.1", &end).await.unwrap().overrun);
    assert!(client.release_hold("c.2", &ReleaseHold::default()).await.unwrap().released);
    let seen = server.seen();
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[1].json()["usage"]["completion_tokens"], 7);
    let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    let (settle, release) = ("/llm/holds/a%2Fb.1/settle", "/llm/holds/c.2/release");
    assert_eq!(targets, [settle, settle, release, release]);
    assert!(matches!(client.settle_hold("..", &end).await, Err(Error::InvalidArgument { .. })));
}

#[tokio::test]
async fn a_spent_budget_is_a_refusal_with_its_facts_and_asked_once() {
    let server = Canned::serve(|_, _| error(Code::InsufficientQuota, &["Retry-After: 0"]));
    let refused = server.client().create_hold(call()).await.unwrap_err();
    assert!(!refused.is_undecided(), "{refused}");
    match refused {
        Error::Api { status: 429, code: Some(Code::InsufficientQuota), details, .. } => {
            assert_eq!(details.as_deref(), Some(&value!({"a": 1})));
        }
        other => panic!("{other}"),
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_blocking_clients_make_the_same_calls() {
    let server = Canned::serve(|_, seen| match seen.target.as_str() {
        "/llm/holds" => json(201, &hold()),
        "/llm/holds/c.1/settle" => json(200, &settled()),
        "/llm/holds/c.1/release" => json(200, &value!({"released": true})),
        "/llm/quota" => json(200, &value!({"budgets": []})),
        "/llm/status" => {
            json(200, &value!({"configured": true, "price_version": "0123456789ab", "providers": []}))
        }
        target if target.contains("/summary") => json(200, &value!([total()])),
        "/admin/llm/holds?limit=1000" => json(200, &value!([])),
        _ => json(200, &value!([line()])),
    });
    let client = server.builder().build_blocking().unwrap();
    let admin = server.builder().build_admin_blocking().unwrap();
    assert_eq!(client.create_hold(call()).unwrap().hold_id, "c.1");
    assert_eq!(client.settle_hold("c.1", &SettleHold::default()).unwrap().hold_id, "c.1");
    assert!(client.release_hold("c.1", &ReleaseHold::default()).unwrap().released);
    assert!(client.quota(&QuotaQuestion::default()).unwrap().budgets.is_empty());
    assert!(client.llm_status().unwrap().configured);
    assert_eq!(client.usage(&UsageFilter::default()).unwrap()[0].agent_id, "a");
    assert_eq!(client.usage_summary(UsageGroup::Model, None, None).unwrap()[0].group, "m");
    assert_eq!(admin.usage(&UsageFilter::default()).unwrap()[0].agent_id, "a");
    assert_eq!(admin.usage_summary(UsageGroup::Model, None, None).unwrap()[0].group, "m");
    assert!(admin.holds().unwrap().is_empty());
    let ways: Vec<_> = server.seen().iter().map(|seen| seen.target.starts_with("/admin/")).collect();
    assert_eq!(ways, [false, false, false, false, false, false, false, true, true, true]);
}
