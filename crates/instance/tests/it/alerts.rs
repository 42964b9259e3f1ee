//! Budget alerts: once per account and threshold, sent to the log, the metrics and the webhook.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use control_plane::jobs::{AlertDesk, AlertSink, deliver_alerts};
use llm_policy::{BoxFuture, BudgetScope, Ledger as _, WindowKind};
use serde_json::{Value, json};
use storage::AlertRow;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{AMOUNT, World, ask, rule, used};

/// A webhook that answers as it was told, and takes everything after that.
#[derive(Default)]
struct Hook {
    answers: Mutex<VecDeque<Result<(), String>>>,
    seen: Mutex<Vec<Value>>,
}

impl Hook {
    fn percents(&self) -> Vec<u64> {
        self.seen.lock().unwrap().iter().map(|body| body["percent"].as_u64().unwrap()).collect()
    }
}

impl AlertSink for Hook {
    fn send(&self, body: String) -> BoxFuture<'_, Result<(), String>> {
        self.seen.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()));
        Box::pin(async move { answer })
    }
}

fn pending(world: &World) -> Vec<AlertRow> {
    world.instance.services.store.read(|view| view.pending_alerts(100)).unwrap()
}

fn told(world: &World) -> Vec<(String, u8)> {
    pending(world).into_iter().map(|alert| (alert.account.scope.as_str().to_owned(), alert.percent)).collect()
}

async fn spend(world: &World, key: &api_types::KeyCreated, call: &str) {
    let ledger = world.ledger(key).await;
    let held = ledger.hold(ask(call)).await.unwrap();
    ledger.settle(held.hold_id, used(1_000, 100)).await.unwrap();
}

#[tokio::test]
async fn each_part_of_a_budget_is_told_once() {
    let world = World::with_budgets(vec![rule(BudgetScope::Agent, "*", WindowKind::Day, 5 * AMOUNT)]).await;
    let key = world.key(10 * AMOUNT).await;
    let mut seen = Vec::new();
    for number in 0..5 {
        spend(&world, &key, &format!("c{number}")).await;
        seen.push(told(&world).len());
    }
    // The agent's 50 % at the third call, 80 % at the fourth, 100 % and half of the key's at the fifth.
    assert_eq!(seen, [0, 0, 1, 2, 4]);
    let mut all = told(&world);
    all.sort();
    let agent = |percent| ("agent".to_owned(), percent);
    assert_eq!(all, [agent(50), agent(80), agent(100), ("key".to_owned(), 50)]);
    let last = pending(&world).into_iter().find(|alert| alert.percent == 80).unwrap();
    assert_eq!((last.limit_pico_usd, last.settled_pico_usd), (5 * AMOUNT, 4 * AMOUNT));

    // A refused call of a budget that is spent says nothing new.
    world.ledger(&key).await.hold(ask("refused")).await.unwrap_err();
    assert_eq!(told(&world).len(), 4);
}

#[tokio::test]
async fn a_budget_that_refuses_with_next_to_nothing_left_is_told_as_spent() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    for number in 0..9 {
        ledger.hold(ask(&format!("held{number}"))).await.unwrap();
    }
    spend(&world, &key, "c").await;
    ledger.hold(ask("refused")).await.unwrap_err();
    assert_eq!(told(&world), [], "the budget is held, not spent");

    world.change_key(&key, |key| key.daily_limit_pico_usd = AMOUNT + AMOUNT / 100).await;
    ledger.hold(ask("again")).await.unwrap_err();
    assert_eq!(told(&world), [("key".to_owned(), 100)]);
    ledger.hold(ask("once-more")).await.unwrap_err();
    assert_eq!(told(&world).len(), 1);
}

#[tokio::test]
async fn without_a_webhook_an_alert_is_done_with_after_its_log_line() {
    let world = World::new().await;
    let key = world.key(AMOUNT).await;
    spend(&world, &key, "c").await;
    let services = &world.instance.services;
    let desk = AlertDesk::default();
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 3);
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 0);
    let counted: Vec<_> =
        services.llm.budget_alerts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!(counted, [1, 1, 1]);
}

#[tokio::test]
async fn a_webhook_is_tried_again_until_it_takes_the_alert() {
    let world = World::new().await;
    let key = world.key(2 * AMOUNT - 1).await;
    spend(&world, &key, "c").await;
    let services = &world.instance.services;
    let hook = Arc::new(Hook::default());
    hook.answers.lock().unwrap().extend([Err("down".to_owned()), Err("down".to_owned())]);
    let desk = AlertDesk::new(Some(Arc::clone(&hook) as Arc<dyn AlertSink>));
    let mut done = Vec::new();
    for wait in [0, 0, 1, 1, 1, 1] {
        world.forward(wait);
        done.push(deliver_alerts(services, world.now(), &desk).await.unwrap());
    }
    // One second after the first failure, two after the second.
    assert_eq!(done, [0, 0, 0, 0, 1, 0]);
    assert_eq!(hook.percents(), [50, 50, 50]);
    assert_eq!(pending(&world), []);
    assert_eq!(services.llm.budget_alerts[0].load(Ordering::Relaxed), 1, "one log line");
    let body = hook.seen.lock().unwrap()[2].clone();
    let limit = registry_core::pico_to_dollars(2 * AMOUNT - 1);
    assert_eq!(
        body,
        json!({
            "event": "budget_alert", "percent": 50, "scope": "key", "id": key.view.key_id, "window": "day",
            "window_id": "2026-11-21", "limit_usd": limit, "used_usd": registry_core::pico_to_dollars(AMOUNT),
            "at": "2026-11-21T12:00:00.000000Z",
        })
    );
}

#[tokio::test]
async fn an_alert_that_waits_holds_up_no_other() {
    let world = World::new().await;
    for call in ["c", "d"] {
        let key = world.key(2 * AMOUNT - 1).await;
        spend(&world, &key, call).await;
    }
    let services = &world.instance.services;
    let hook = Arc::new(Hook::default());
    hook.answers.lock().unwrap().push_back(Err("not this one".to_owned()));
    let desk = AlertDesk::new(Some(Arc::clone(&hook) as Arc<dyn AlertSink>));
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 0, "one failure ends a run");
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 1);
    let ids: Vec<_> = hook.seen.lock().unwrap().iter().map(|body| body["id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(pending(&world).len(), 1);
}

#[tokio::test]
async fn an_alert_that_nobody_takes_in_a_day_is_given_up() {
    let world = World::new().await;
    let key = world.key(2 * AMOUNT - 1).await;
    spend(&world, &key, "c").await;
    let services = &world.instance.services;
    let hook = Arc::new(Hook::default());
    hook.answers.lock().unwrap().extend(std::iter::repeat_n(Err("no".to_owned()), 3));
    let desk = AlertDesk::new(Some(Arc::clone(&hook) as Arc<dyn AlertSink>));
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 0);
    world.forward(24 * 3600);
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 0);
    world.forward(301);
    assert_eq!(deliver_alerts(services, world.now(), &desk).await.unwrap(), 1);
    assert_eq!(pending(&world), []);
    assert_eq!(hook.percents(), [50, 50, 50]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_s_webhook_gets_the_alert() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=x", listener.local_addr().unwrap());
    let world = World::with(|options| options.alert_webhook = Some(url)).await;
    let key = world.key(2 * AMOUNT - 1).await;
    let jobs = world.instance.start_jobs();
    spend(&world, &key, "c").await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = String::new();
    while !read.ends_with('}') {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "{read}");
        read.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    crate::support::eventually("it is noted", || pending(&world).is_empty().then_some(())).await;
    jobs.stop().await;
    assert!(read.starts_with("POST /hook?token=x HTTP/1.1\r\n"), "{read}");
    let body: Value = serde_json::from_str(read.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&body["event"], &body["percent"]), (&json!("budget_alert"), &json!(50)));
}

#[tokio::test]
async fn a_webhook_that_is_no_address_stops_the_start_without_being_told() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut options = instance::Options::new(folder.path().join("registry.db"));
    options.alert_webhook = Some("ftp://example.com/s3cret".to_owned());
    let error = instance::open(options).await.map(drop).unwrap_err().to_string();
    assert!(error.starts_with("T4_ALERT_WEBHOOK") && !error.contains("s3cret"), "{error}");
    assert!(!folder.path().join("registry.db").exists(), "it is noticed before a file is made");
}
