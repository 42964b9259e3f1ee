//! The ledger over HTTP, as a gate sees it.

use crate::llm::{hold, settled};
use crate::support::{Canned, Reply, error, json, reply};
use api_types::Code;
use llm_policy::{
    AccountKey, BudgetScope, CallId, CallOutcome, HoldAsk, HoldId, Ledger, LedgerError, LongRates, LostRight,
    Measured, Operation, OutputWish, Rates, ReleaseReason, Settlement, Shortfall, Usage, UsageSource,
    WindowKind,
};
use policy_client::{Client, RemoteLedger, RetryPolicy};
use registry_core::Timestamp;
use serde_json::{Value, json as value};

const STATED: u64 = 9000;

fn ask() -> HoldAsk {
    HoldAsk {
        call_id: CallId::sane("c").unwrap(),
        attempt: 2,
        operation: Operation::Chat,
        provider: "azure-east".into(),
        priced_as: "openai".into(),
        model: "m".into(),
        input_tokens: 9,
        choices: 3,
        output: OutputWish::Stated(STATED),
        lease_seconds: 60,
    }
}

fn end(measured: Measured) -> Settlement {
    Settlement {
        measured,
        outcome: CallOutcome::ClientGone,
        provider_status: Some(200),
        provider_request_id: Some("req_1".into()),
        first_byte_micros: Some(5),
        total_micros: 6,
    }
}

fn id() -> HoldId {
    HoldId::from_stored("c.2".into())
}

fn ledger(server: &Canned) -> RemoteLedger {
    RemoteLedger::new(server.client())
}

/// An error of the registry's with these facts.
fn refused(code: Code, details: &Value) -> Reply {
    let error = value!({"code": code.as_str(), "message": "no", "request_id": "r", "details": details});
    reply(code.status(), &["Retry-After: 0"], value!({"error": error, "detail": "no"}).to_string())
}

fn no_right(code: Code) -> LedgerError {
    let details = (code == Code::MissingScope).then(|| value!({"scope": "llm:call"}));
    LedgerError::NoRight(Box::new(LostRight {
        code: code.as_str().to_owned(),
        message: "no".to_owned(),
        details,
        retry_after: None,
    }))
}

fn quota() -> Value {
    value!({
        "scope": "owner", "id": "platform-team", "window": "month", "window_id": "2026-11", "limit_usd": 500.0,
        "remaining_usd": 0.0, "needed_usd": 0.0, "limit_pico_usd": 500_000_000_000_000_i64,
        "remaining_pico_usd": 100_000_000_000_i64, "needed_pico_usd": 200_000_000_000_i64,
    })
}

#[tokio::test]
async fn a_hold_is_one_round_trip_and_says_what_may_be_sent() {
    let mut answer = hold();
    answer["rates"]["long_above"] = value!(200_000);
    for (n, name) in ["long_input", "long_cached_input", "long_cache_write", "long_output"].iter().enumerate()
    {
        answer["rates"][name] = value!(n + 10);
    }
    let server = Canned::serve(move |_, _| json(201, &answer));
    let held = ledger(&server).hold(ask()).await.unwrap();
    assert_eq!(server.seen().len(), 1);
    assert_eq!(
        server.seen()[0].json(),
        value!({
            "call_id": "c", "attempt": 2, "operation": "chat", "provider": "openai", "model": "m",
            "input_tokens": 9, "max_tokens": STATED, "choices": 3, "lease_seconds": 900,
        })
    );
    let long = LongRates { above: 200_000, input: 10, cached_input: 11, cache_write: 12, output: 13 };
    let rates = Rates { input: 1, cached_input: 2, cache_write: 3, output: 4, long: Some(long) };
    assert_eq!((held.hold_id.as_str(), held.rates), ("c.1", rates));
    assert_eq!((held.amount_pico_usd, held.remaining_pico_usd), (10_000_000_000, 4_990_000_000_000));
    assert_eq!((held.max_tokens, held.price_version.as_str()), (Some(400), "0123456789ab"));
    assert_eq!(held.lease_until, Timestamp::parse("2026-11-21T10:00:00Z").unwrap());
}

#[tokio::test]
async fn nobody_renews_a_lease_so_it_is_as_long_as_the_longest_call() {
    let server = Canned::serve(|_, _| json(201, &hold()));
    let ledger = ledger(&server);
    let asked = |seconds| HoldAsk { lease_seconds: seconds, output: OutputWish::Fill, ..ask() };
    ledger.hold(asked(2)).await.unwrap();
    ledger.hold(asked(1000)).await.unwrap();
    ledger.hold(asked(u32::MAX)).await.unwrap();
    ledger.clone().lease_seconds(0).hold(asked(0)).await.unwrap();
    let embeddings = HoldAsk { operation: Operation::Embeddings, output: OutputWish::Nothing, ..asked(60) };
    ledger.hold(embeddings).await.unwrap();
    let sent: Vec<_> = server.seen().iter().map(crate::support::Seen::json).collect();
    let leases: Vec<_> = sent.iter().map(|body| body["lease_seconds"].as_u64().unwrap()).collect();
    assert_eq!(leases, [900, 1000, 3600, 2, 900]);
    assert!(sent.iter().all(|body| body.get("max_tokens").is_none()));
    assert_eq!((&sent[3]["operation"], &sent[4]["operation"]), (&value!("chat"), &value!("embeddings")));
}

#[tokio::test]
async fn a_settlement_tells_the_numbers_and_where_they_come_from() {
    let server = Canned::serve(|_, _| json(200, &settled()));
    let ledger = ledger(&server);
    let usage = Usage {
        prompt_tokens: 5,
        cached_tokens: 1,
        cache_write_tokens: 0,
        completion_tokens: 7,
        reasoning_tokens: 2,
    };
    let told = ledger.settle(id(), end(Measured::Tokens(usage, UsageSource::Provider))).await.unwrap();
    assert_eq!((told.usage, told.source, told.overrun), (usage, UsageSource::Reported, true));
    assert_eq!((told.cost_pico_usd, told.remaining_pico_usd), (1_000_000_000, 5_000_000_000_000));
    ledger.settle(id(), end(Measured::Tokens(usage, UsageSource::Estimated))).await.unwrap();
    ledger.settle(id(), end(Measured::WorstCase)).await.unwrap();
    let sent: Vec<_> = server.seen().iter().map(crate::support::Seen::json).collect();
    assert_eq!(
        sent[0],
        value!({
            "usage": {"prompt_tokens": 5, "cached_tokens": 1, "cache_write_tokens": 0, "completion_tokens": 7,
                      "reasoning_tokens": 2},
            "estimated": false, "outcome": "client_gone", "provider_status": 200,
            "provider_request_id": "req_1", "first_byte_micros": 5, "total_micros": 6,
        })
    );
    assert_eq!(sent[1]["estimated"], true);
    assert_eq!((sent[2].get("usage"), &sent[2]["estimated"]), (None, &value!(false)));
}

#[tokio::test]
async fn a_release_that_finds_nothing_has_nothing_left_to_do() {
    let server = Canned::serve(|n, _| match n {
        0 => Reply::Cut,
        1 => error(Code::HoldNotFound, &[]),
        2 => json(200, &value!({"released": true})),
        _ => error(Code::HoldSettled, &[]),
    });
    let ledger = ledger(&server);
    assert_eq!(ledger.release(id(), ReleaseReason::NotConnected).await, Ok(()));
    assert_eq!(ledger.release(id(), ReleaseReason::NotSent).await, Ok(()));
    assert_eq!(ledger.release(id(), ReleaseReason::NotSent).await, Err(LedgerError::Settled));
    let seen = server.seen();
    assert_eq!(seen[0].target, "/llm/holds/c.2/release");
    assert_eq!(
        (&seen[1].json()["reason"], &seen[2].json()["reason"]),
        (&value!("not_connected"), &value!("not_sent"))
    );
}

#[tokio::test]
async fn every_refusal_of_the_registry_is_the_ledgers_own() {
    let shortfall = Shortfall {
        account: AccountKey {
            scope: BudgetScope::Owner,
            id: "platform-team".into(),
            window: WindowKind::Month,
            window_id: "2026-11".into(),
        },
        limit_pico_usd: 500_000_000_000_000,
        remaining_pico_usd: 100_000_000_000,
        needed_pico_usd: 200_000_000_000,
    };
    let not_priced = LedgerError::NotPriced { provider: "openai".into(), model: "m".into() };
    let cases = [
        (Code::InsufficientQuota, quota(), LedgerError::Quota(Box::new(shortfall))),
        (Code::ModelNotPriced, Value::Null, not_priced),
        (Code::MaxTokensAboveCap, value!({"cap": 4096}), LedgerError::AboveCap { stated: STATED, cap: 4096 }),
        (Code::RevokedKey, Value::Null, no_right(Code::RevokedKey)),
        (Code::ExpiredKey, Value::Null, no_right(Code::ExpiredKey)),
        (Code::InvalidKey, Value::Null, no_right(Code::InvalidKey)),
        (Code::MissingScope, value!({"scope": "llm:call"}), no_right(Code::MissingScope)),
        (Code::CallExists, Value::Null, LedgerError::CallExists),
        (Code::HoldSettled, Value::Null, LedgerError::Settled),
        (Code::PartNotPriced, Value::Null, LedgerError::Uncountable),
    ];
    for (code, details, expected) in cases {
        let server = Canned::serve(move |_, _| refused(code, &details));
        assert_eq!(ledger(&server).hold(ask()).await, Err(expected), "{code:?}");
        assert_eq!(server.seen().len(), 1, "{code:?} is decided");
    }
    let server = Canned::serve(|_, _| error(Code::HoldNotFound, &[]));
    assert_eq!(ledger(&server).settle(id(), end(Measured::WorstCase)).await, Err(LedgerError::UnknownHold));
}

#[tokio::test]
async fn a_budget_that_is_told_in_dollars_alone_is_counted_from_them() {
    let details = value!({
        "scope": "key", "id": "t4_000000000001", "window": "day", "window_id": "2026-11-21", "limit_usd": 5.0,
        "remaining_usd": 0.1, "needed_usd": 9_300_000.0,
    });
    let server = Canned::serve(move |_, _| refused(Code::InsufficientQuota, &details));
    match ledger(&server).hold(ask()).await {
        Err(LedgerError::Quota(short)) => {
            let amounts = (short.limit_pico_usd, short.remaining_pico_usd, short.needed_pico_usd);
            assert_eq!(amounts, (5_000_000_000_000, 100_000_000_000, i64::MAX));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_refusal_leaves_the_question_open_and_says_why() {
    let mut half = hold();
    half["rates"]["long_above"] = value!(200_000);
    let mut timeless = hold();
    timeless["lease_until"] = value!("soon");
    let answers = [
        (refused(Code::StoreLocked, &Value::Null), "store_locked"),
        (refused(Code::RateLimited, &Value::Null), "no"),
        (refused(Code::InsufficientQuota, &value!({"scope": "galaxy"})), "insufficient_quota"),
        (refused(Code::MaxTokensAboveCap, &Value::Null), "max_tokens_above_cap"),
        (reply(502, &[], "<html>"), "502"),
        (json(201, &half), "prices"),
        (json(201, &timeless), "lease"),
        (json(201, &value!({})), "JSON"),
    ];
    for (answer, word) in answers {
        let server = Canned::serve(move |_, _| answer.clone());
        match ledger(&server).hold(ask()).await {
            Err(LedgerError::Unavailable { cause, .. }) => assert!(cause.contains(word), "{cause}"),
            other => panic!("{word}: {other:?}"),
        }
    }
    let mut strange = settled();
    strange["source"] = value!("hearsay");
    let server = Canned::serve(move |_, _| json(200, &strange));
    let told = ledger(&server).settle(id(), end(Measured::WorstCase)).await;
    assert!(matches!(told, Err(LedgerError::Unavailable { .. })), "{told:?}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_unavailable_with_its_cause() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let builder = Client::builder().base_url(format!("http://{free}")).api_key("geheim");
    let ledger = RemoteLedger::new(builder.retry(RetryPolicy::never()).build().unwrap());
    match ledger.hold(ask()).await {
        Err(LedgerError::Unavailable { cause, .. }) => {
            assert!(cause.contains("refused") && !cause.contains("geheim"), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}
