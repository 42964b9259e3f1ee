//! Holds of agents that call a provider themselves.

use api_types::{Code, CreateHold, LlmUsage, ReleaseHold, SettleHold};
use control_plane::{create_hold, jobs, release_hold, settle_hold};
use llm_policy::{CallOutcome, HoldId, UsageSource};

use crate::support::{AMOUNT, World, at, authorised, cost, day_of};

fn body() -> CreateHold {
    CreateHold {
        provider: "openai".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        input_tokens: 1_000,
        max_tokens: Some(100),
        ..CreateHold::default()
    }
}

fn hold(text: &str) -> HoldId {
    HoldId::parse(text).unwrap()
}

fn told(prompt_tokens: u64, completion_tokens: u64) -> SettleHold {
    let usage = LlmUsage { prompt_tokens, completion_tokens, ..LlmUsage::default() };
    SettleHold { usage: Some(usage), ..SettleHold::default() }
}

#[tokio::test]
async fn a_hold_is_settled_with_the_agent_s_numbers_by_one_row_each() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let services = &world.instance.services;
    let held = create_hold(services, world.request(&key, "r1").await, body()).await.unwrap();
    assert_eq!((held.held_pico_usd, held.remaining_pico_usd), (AMOUNT, 9 * AMOUNT));
    assert_eq!((held.max_tokens, held.attempt), (Some(100), 1));
    assert_eq!((held.rates.input, held.rates.output), (5_000_000, 10_000_000));
    assert_eq!(held.lease_until, "2026-11-21T12:10:00.000000Z");
    assert!(held.call_id.starts_with("call_") && held.hold_id == format!("{}.1", held.call_id));

    world.forward(5);
    let settled = settle_hold(services, world.request(&key, "r2").await, hold(&held.hold_id), told(10, 5))
        .await
        .unwrap();
    assert_eq!((settled.cost_pico_usd, settled.source.as_str()), (cost(10, 5), "reported"));
    assert_eq!(settled.remaining_pico_usd, 10 * AMOUNT - cost(10, 5));
    let [line] = &world.usage()[..] else { panic!("not one row") };
    assert_eq!((line.source, line.outcome), (Some(UsageSource::Reported), Some(CallOutcome::Ok)));

    let rows = world.audit();
    let outcomes: Vec<_> =
        rows.iter().map(|(event, outcome, _)| (event.as_str(), outcome.as_str())).collect();
    assert_eq!(outcomes, [("request", authorised().as_str()), ("request", "ok")]);
    assert_eq!(rows[0].2["hold_id"], held.hold_id);
    assert_eq!(rows[0].2["held_pico_usd"], AMOUNT);
    assert_eq!(rows[1].2["cost_pico_usd"], cost(10, 5));
    assert_eq!(rows[1].2["source"], "reported");
}

#[tokio::test]
async fn the_same_body_gives_the_same_hold_and_the_same_settlement() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let services = &world.instance.services;
    let named = CreateHold { call_id: Some("mine".to_owned()), ..body() };
    let first = create_hold(services, world.request(&key, "r1").await, named.clone()).await.unwrap();
    let again = create_hold(services, world.request(&key, "r2").await, named.clone()).await.unwrap();
    assert_eq!((first.hold_id.as_str(), again.hold_id.as_str()), ("mine.1", "mine.1"));
    assert_eq!(first.lease_until, again.lease_until);
    let other = CreateHold { input_tokens: 1, ..named };
    let refusal = create_hold(services, world.request(&key, "r3").await, other).await.unwrap_err();
    assert_eq!(refusal.code, Code::CallExists);
    for request in ["r4", "r5"] {
        let context = world.request(&key, request).await;
        let settled = settle_hold(services, context, hold("mine.1"), SettleHold::default()).await.unwrap();
        assert_eq!((settled.cost_pico_usd, settled.source.as_str()), (AMOUNT, "worst_case"));
    }
    let refusal =
        settle_hold(services, world.request(&key, "r6").await, hold("mine.1"), told(1, 1)).await.unwrap_err();
    assert_eq!(refusal.code, Code::HoldSettled);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 0));
    // Every request has its row, and no row has two.
    assert_eq!(world.audit().len(), 6);
}

#[tokio::test]
async fn a_release_frees_the_hold_once() {
    let world = World::new().await;
    let (key, other) = (world.key(AMOUNT).await, world.key(AMOUNT).await);
    let services = &world.instance.services;
    let held = create_hold(services, world.request(&key, "r1").await, body()).await.unwrap();
    let foreign = world.request(&other, "r2").await;
    let refusal =
        release_hold(services, foreign, hold(&held.hold_id), ReleaseHold::default()).await.unwrap_err();
    assert_eq!(refusal.code, Code::HoldNotFound);
    let reason = ReleaseHold { reason: Some("not_connected".to_owned()) };
    let own = world.request(&key, "r3").await;
    assert!(release_hold(services, own, hold(&held.hold_id), reason).await.unwrap().released);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, 0));
    let again = world.request(&key, "r4").await;
    let refusal =
        release_hold(services, again, hold(&held.hold_id), ReleaseHold::default()).await.unwrap_err();
    assert_eq!(refusal.code, Code::HoldNotFound);
    let odd = ReleaseHold { reason: Some("because".to_owned()) };
    let refusal =
        release_hold(services, world.request(&key, "r5").await, hold("x.1"), odd).await.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidField);
}

#[tokio::test]
async fn a_refusal_for_want_of_budget_says_which_and_when_to_come_again() {
    let world = World::new().await;
    let key = world.key_of("a", None, AMOUNT, Some("Europe/Berlin")).await;
    let services = &world.instance.services;
    world.clock.set_wall(at("2026-11-21T22:59:00.25Z"));
    create_hold(services, world.request(&key, "r1").await, body()).await.unwrap();
    let refusal = create_hold(services, world.request(&key, "r2").await, body()).await.unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after), (Code::InsufficientQuota, Some(60)));
    let details = refusal.details.unwrap();
    assert_eq!((&details["scope"], &details["id"]), (&"key".into(), &key.view.key_id.clone().into()));
    assert_eq!((&details["window"], &details["window_id"]), (&"day".into(), &"2026-11-21".into()));
    assert_eq!(details["remaining_usd"], 0.0);
    assert_eq!((&details["limit_usd"], &details["needed_usd"]), (&0.006.into(), &0.006.into()));
    let never = CreateHold { input_tokens: 1_001, ..body() };
    let refusal = create_hold(services, world.request(&key, "r3").await, never).await.unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after), (Code::InsufficientQuota, None), "it fits no day");
    let outcomes: Vec<_> = world.audit().into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, [authorised(), "insufficient_quota".to_owned(), "insufficient_quota".to_owned()]);
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named() {
    let world = World::new().await;
    let key = world.key(1_000 * AMOUNT).await;
    let services = &world.instance.services;
    let too_many = 1_000_000_000_001;
    let cases: Vec<(&str, CreateHold)> = vec![
        ("call_id", CreateHold { call_id: Some(String::new()), ..body() }),
        ("call_id", CreateHold { call_id: Some("a.b".to_owned()), ..body() }),
        ("attempt", CreateHold { attempt: Some(0), ..body() }),
        ("attempt", CreateHold { attempt: Some(1_001), ..body() }),
        ("operation", CreateHold { operation: Some("images".to_owned()), ..body() }),
        ("provider", CreateHold { provider: String::new(), ..body() }),
        ("model", CreateHold { model: "m".repeat(201), ..body() }),
        ("model", CreateHold { model: "a\nb".to_owned(), ..body() }),
        ("input_tokens", CreateHold { input_tokens: too_many, ..body() }),
        ("max_tokens", CreateHold { max_tokens: Some(0), ..body() }),
        ("max_tokens", CreateHold { max_tokens: Some(too_many), ..body() }),
        ("max_tokens", CreateHold { operation: Some("embeddings".to_owned()), ..body() }),
        ("choices", CreateHold { choices: Some(0), ..body() }),
        ("choices", CreateHold { choices: Some(129), ..body() }),
        ("lease_seconds", CreateHold { lease_seconds: Some(1), ..body() }),
        ("lease_seconds", CreateHold { lease_seconds: Some(3_601), ..body() }),
    ];
    for (field, body) in cases {
        let refusal = create_hold(services, world.request(&key, "r").await, body).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidField, "{field}");
        assert!(refusal.message.contains(&format!("`{field}`")), "{}", refusal.message);
    }
    let codes = [
        (Code::ModelNotPriced, CreateHold { model: "no-such".to_owned(), ..body() }),
        (Code::MaxTokensAboveCap, CreateHold { max_tokens: Some(4_097), ..body() }),
        (Code::InsufficientQuota, CreateHold { input_tokens: too_many - 1, ..body() }),
    ];
    for (code, body) in codes {
        let refusal = create_hold(services, world.request(&key, "r").await, body).await.unwrap_err();
        assert_eq!(refusal.code, code);
        if code == Code::MaxTokensAboveCap {
            assert_eq!(refusal.details.unwrap()["cap"], 4_096);
        }
    }
    assert_eq!(world.holds(), []);

    let usage = |change: fn(&mut LlmUsage)| {
        let mut usage = LlmUsage { prompt_tokens: 10, completion_tokens: 10, ..LlmUsage::default() };
        change(&mut usage);
        SettleHold { usage: Some(usage), ..SettleHold::default() }
    };
    let bad = [
        usage(|usage| usage.prompt_tokens = 1_000_000_000_001),
        usage(|usage| (usage.cached_tokens, usage.cache_write_tokens) = (6, 5)),
        usage(|usage| usage.reasoning_tokens = 11),
        SettleHold { outcome: Some("orphan".to_owned()), ..told(1, 1) },
        SettleHold { outcome: Some("fine".to_owned()), ..told(1, 1) },
        SettleHold { provider_status: Some(99), ..told(1, 1) },
        SettleHold { provider_request_id: Some("x".repeat(201)), ..told(1, 1) },
    ];
    let held = create_hold(services, world.request(&key, "r").await, body()).await.unwrap();
    for body in bad {
        let context = world.request(&key, "r").await;
        let refusal = settle_hold(services, context, hold(&held.hold_id), body.clone()).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidField, "{body:?}");
    }
    let longest = SettleHold { total_micros: u64::MAX, first_byte_micros: Some(u64::MAX), ..told(1, 1) };
    settle_hold(services, world.request(&key, "r").await, hold(&held.hold_id), longest).await.unwrap();
}

#[tokio::test]
async fn no_server_keeps_an_agent_s_hold_alive() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let services = &world.instance.services;
    let short = CreateHold { lease_seconds: Some(30), ..body() };
    let held = create_hold(services, world.request(&key, "r1").await, short).await.unwrap();
    world.forward(29);
    jobs::renew_leases(services, world.now()).await.unwrap();
    assert_eq!(jobs::settle_orphans(services, world.now()).await.unwrap(), 0);
    world.forward(1);
    assert_eq!(jobs::settle_orphans(services, world.now()).await.unwrap(), 1);
    let late = SettleHold { estimated: true, ..told(10, 5) };
    let settled =
        settle_hold(services, world.request(&key, "r2").await, hold(&held.hold_id), late).await.unwrap();
    assert_eq!(settled.source, "estimated");
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(10, 5), 0));
    assert_eq!(world.audit().last().unwrap().2["late"], true);
}

#[tokio::test]
async fn embeddings_hold_their_input_alone() {
    let world = World::new().await;
    let key = world.key(1_000_000 * AMOUNT).await;
    let services = &world.instance.services;
    let embeddings = CreateHold {
        operation: Some("embeddings".to_owned()),
        model: "text-embedding-3-small".to_owned(),
        max_tokens: None,
        ..body()
    };
    let held = create_hold(services, world.request(&key, "r1").await, embeddings).await.unwrap();
    assert_eq!(held.max_tokens, None);
    assert_eq!(held.held_pico_usd, 1_000 * i64::try_from(held.rates.input).unwrap());
}
