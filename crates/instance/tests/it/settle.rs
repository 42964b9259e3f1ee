//! Settlements and releases: whose, when, how often, and what they book.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::task::Poll;

use control_plane::PageRequest;
use control_plane::list_keys;
use llm_policy::{
    BudgetScope, CallOutcome, HoldAsk, HoldId, Ledger as _, LedgerError, Measured, ReleaseReason, Settlement,
    Usage, UsageSource, WindowKind,
};
use tokio::task::JoinHandle;

use crate::support::{AMOUNT, World, account, ask, at, cost, day_of, eventually, rule, used, worst};

#[tokio::test]
async fn a_settlement_books_what_was_used_and_frees_the_rest() {
    let world =
        World::with_budgets(vec![rule(BudgetScope::Owner, "*", WindowKind::Month, 20 * AMOUNT)]).await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("c")).await.unwrap();
    let end = Settlement {
        provider_request_id: Some("req_1".to_owned()),
        first_byte_micros: Some(7),
        ..used(900, 50)
    };
    let settled = ledger.settle(held.hold_id, end).await.unwrap();
    assert_eq!(settled.cost_pico_usd, cost(900, 50));
    assert_eq!(settled.remaining_pico_usd, 10 * AMOUNT - cost(900, 50));
    assert!(!settled.overrun);
    let month = account(BudgetScope::Owner, "team", WindowKind::Month, "2026-11");
    for account in [day_of(&key, "2026-11-21"), month] {
        assert_eq!(world.state(&account), (cost(900, 50), 0));
    }
    let [line] = &world.usage()[..] else { panic!("not one row") };
    assert_eq!((line.call_id.as_deref(), line.attempt), (Some("c"), Some(1)));
    assert_eq!((line.usage.prompt_tokens, line.usage.completion_tokens), (900, 50));
    assert_eq!((line.source, line.outcome), (Some(UsageSource::Provider), Some(CallOutcome::Ok)));
    assert_eq!(line.cost_pico_usd, cost(900, 50));
    assert_eq!(line.price_version.as_deref(), Some(world.instance.services.llm.rules.prices.version()));
    assert_eq!(world.holds(), []);
}

#[tokio::test]
async fn the_name_of_a_providers_request_is_kept_without_secrets_and_keys() {
    let world = World::new().await;
    let (key, other) = (world.key(10 * AMOUNT).await, world.key(10 * AMOUNT).await);
    let ledger = world.ledger(&key).await;
    let secret = other.key.as_str().rsplit('_').next().unwrap();
    // The pepper is a secret of the process, and the key is known by its form alone.
    for (call, named) in
        [("a", "req-a pepper for tests of 32 chars!!"), ("b", &*format!("req-{}", other.key))]
    {
        let held = ledger.hold(ask(call)).await.unwrap();
        let end = Settlement { provider_request_id: Some(named.to_owned()), ..used(1, 1) };
        ledger.settle(held.hold_id, end).await.unwrap();
    }
    assert!(world.is_on_disk("req-[redacted]"));
    assert!(!world.is_on_disk("pepper for tests") && !world.is_on_disk(secret));
}

#[tokio::test]
async fn an_unknown_end_is_billed_as_it_was_held_and_an_explicit_zero_is_zero() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("worst")).await.unwrap();
    let settled = ledger.settle(held.hold_id, worst()).await.unwrap();
    assert_eq!((settled.cost_pico_usd, settled.source), (AMOUNT, UsageSource::WorstCase));
    assert_eq!((settled.usage.prompt_tokens, settled.usage.completion_tokens), (1_000, 100));
    let held = ledger.hold(ask("zero")).await.unwrap();
    let settled = ledger.settle(held.hold_id, used(0, 0)).await.unwrap();
    assert_eq!((settled.cost_pico_usd, settled.source), (0, UsageSource::Provider));
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 0));
}

#[tokio::test]
async fn the_same_settlement_again_changes_nothing_and_another_one_is_refused() {
    let world = World::new().await;
    let (key, other) = (world.key(10 * AMOUNT).await, world.key(10 * AMOUNT).await);
    let (ledger, others) = (world.ledger(&key).await, world.ledger(&other).await);
    let held = ledger.hold(ask("c")).await.unwrap();
    let id = held.hold_id;
    assert_eq!(others.settle(id.clone(), used(1, 1)).await.unwrap_err(), LedgerError::UnknownHold);
    let release = others.release(id.clone(), ReleaseReason::NotSent).await;
    assert_eq!(release.unwrap_err(), LedgerError::UnknownHold);

    let first = ledger.settle(id.clone(), used(1, 1)).await.unwrap();
    assert_eq!(ledger.settle(id.clone(), used(1, 1)).await.unwrap(), first);
    for other in [used(1, 2), worst(), Settlement { outcome: CallOutcome::Broken, ..used(1, 1) }] {
        assert_eq!(ledger.settle(id.clone(), other).await.unwrap_err(), LedgerError::Settled);
    }
    assert_eq!(others.settle(id.clone(), used(1, 1)).await.unwrap_err(), LedgerError::UnknownHold);
    let release = ledger.release(id, ReleaseReason::NotSent).await;
    assert_eq!(release.unwrap_err(), LedgerError::Settled);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), 0));
    assert_eq!(world.usage().len(), 1);
}

#[tokio::test]
async fn a_release_gives_all_back_and_leaves_no_usage() {
    let world = World::new().await;
    let key = world.key(AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("a")).await.unwrap();
    ledger.release(held.hold_id.clone(), ReleaseReason::NotConnected).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, 0));
    ledger.hold(ask("b")).await.unwrap();
    let again = ledger.release(held.hold_id, ReleaseReason::NotConnected).await;
    assert_eq!(again.unwrap_err(), LedgerError::UnknownHold);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, AMOUNT), "the second time changes nothing");
    assert_eq!(world.usage().len(), 0);
}

#[tokio::test]
async fn a_settlement_after_midnight_goes_to_the_day_of_its_hold() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    world.clock.set_wall(at("2026-11-21T23:59:59Z"));
    let late = ledger.hold(ask("late")).await.unwrap();
    world.clock.set_wall(at("2026-11-22T00:00:01Z"));
    let early = ledger.hold(ask("early")).await.unwrap();
    ledger.settle(early.hold_id, used(1, 1)).await.unwrap();
    let shown = || async {
        let page = PageRequest { limit: 10, cursor: None };
        let keys = list_keys(&world.instance.services, world.admin().caller, &page).unwrap().items;
        (keys[0].daily_used, keys[0].used_on.clone())
    };
    let today = Some("2026-11-22".to_owned());
    assert_eq!(shown().await, (registry_core::pico_to_dollars(cost(1, 1)), today.clone()));

    let settled = ledger.settle(late.hold_id, used(1_000, 100)).await.unwrap();
    assert_eq!(settled.remaining_pico_usd, 9 * AMOUNT, "of the hold's own day");
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 0));
    assert_eq!(world.state(&day_of(&key, "2026-11-22")), (cost(1, 1), 0));
    assert_eq!(shown().await, (registry_core::pico_to_dollars(cost(1, 1)), today), "the row stays at today");

    world.clock.set_wall(at("2026-11-23T00:00:00Z"));
    assert_eq!(shown().await, (0.0, None), "what was used yesterday is not today's");
}

#[tokio::test]
async fn a_day_that_a_wrong_clock_wrote_into_the_key_s_row_gives_way() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    world.clock.set_wall(at("2031-01-01T00:00:00Z"));
    let held = ledger.hold(ask("future")).await.unwrap();
    ledger.settle(held.hold_id, used(1, 1)).await.unwrap();
    world.clock.set_wall(at("2026-11-21T12:00:00Z"));
    let held = ledger.hold(ask("now")).await.unwrap();
    ledger.settle(held.hold_id, used(2, 2)).await.unwrap();
    let page = PageRequest { limit: 10, cursor: None };
    let keys = list_keys(&world.instance.services, world.admin().caller, &page).unwrap().items;
    assert_eq!(keys[0].used_on.as_deref(), Some("2026-11-21"));
    assert_eq!(keys[0].daily_used.to_bits(), registry_core::pico_to_dollars(cost(2, 2)).to_bits());
}

#[tokio::test]
async fn more_than_was_asked_for_is_billed_as_it_was_and_flagged() {
    let world = World::new().await;
    let key = world.key(2 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let more_output = ledger.hold(ask("output")).await.unwrap();
    let settled = ledger.settle(more_output.hold_id, used(1, 101)).await.unwrap();
    assert!(settled.overrun, "although it cost less than was held");
    let dearer = ledger.hold(ask("input")).await.unwrap();
    let settled = ledger.settle(dearer.hold_id, used(3_000, 100)).await.unwrap();
    assert!(settled.overrun);
    assert_eq!(settled.cost_pico_usd, cost(3_000, 100));
    assert_eq!(settled.remaining_pico_usd, 0);
    assert!(world.usage().iter().all(|line| line.overrun));
    assert!(matches!(ledger.hold(ask("next")).await.unwrap_err(), LedgerError::Quota(_)));

    let choices = HoldAsk { choices: 3, ..ask("choices") };
    world.change_key(&key, |key| key.daily_limit_pico_usd = 100 * AMOUNT).await;
    let held = ledger.hold(choices).await.unwrap();
    let settled = ledger.settle(held.hold_id, used(1, 300)).await.unwrap();
    assert!(!settled.overrun, "each answer has its own bound");
}

#[tokio::test]
async fn numbers_beyond_what_can_be_counted_are_refused_and_the_hold_stays() {
    let world = World::new().await;
    let key = world.key(2 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("a")).await.unwrap();
    ledger.hold(ask("b")).await.unwrap();
    let usage = Usage { prompt_tokens: u64::MAX, ..Usage::default() };
    let end = Settlement { measured: Measured::Tokens(usage, UsageSource::Reported), ..worst() };
    assert_eq!(ledger.settle(held.hold_id.clone(), end).await.unwrap_err(), LedgerError::Uncountable);
    ledger.settle(held.hold_id, used(1, 1)).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), AMOUNT));
}

/// Keeps the writer busy until something is sent.
async fn block(world: &World) -> (Sender<()>, JoinHandle<()>) {
    let (open, gate) = channel::<()>();
    let (begun, begins) = tokio::sync::oneshot::channel::<()>();
    let mut begun = Some(begun);
    let blocker = world.instance.services.store.upkeep(move |_| {
        if let Some(begun) = begun.take() {
            begun.send(()).unwrap();
        }
        gate.recv().unwrap();
        Ok(())
    });
    let blocker = tokio::spawn(async move { blocker.await.unwrap() });
    begins.await.unwrap();
    (open, blocker)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_holds_and_still_takes_settlements_and_releases() {
    let world = World::new().await;
    let key = world.key(100 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let settled = ledger.hold(ask("settled")).await.unwrap();
    let released = ledger.hold(ask("released")).await.unwrap();

    let (open, blocker) = block(&world).await;
    let services = &world.instance.services;
    let mut fillers = Vec::new();
    loop {
        let before = services.store.stats().queue_refusals;
        let filler = registry_core::KeyId::from_stored(format!("t4_{}", fillers.len()));
        let class = storage::JobClass::agent(&filler);
        fillers.push(tokio::spawn(services.store.write(
            storage::PlatformAuthority,
            class,
            audit::Draft::tool(world.now(), "filler").into(),
            0,
            |_, ()| {
                let value = Ok::<_, std::convert::Infallible>(());
                Ok(storage::Decided::new(value, audit::Outcome::ok(0)))
            },
        )));
        if services.store.stats().queue_refusals > before {
            break;
        }
    }
    let refusal = ledger.hold(ask("refused")).await.unwrap_err();
    let told = control_plane::ServiceError::from(refusal);
    assert_eq!((told.code, told.retry_after), (api_types::Code::StoreBusy, Some(1)));

    let ends = {
        let (a, b) = (std::sync::Arc::clone(&ledger), std::sync::Arc::clone(&ledger));
        [
            tokio::spawn(async move { a.settle(settled.hold_id, used(1, 1)).await.map(drop) }),
            tokio::spawn(async move { b.release(released.hold_id, ReleaseReason::NotSent).await }),
        ]
    };
    let depth = u64::try_from(fillers.len()).unwrap() - 1;
    eventually("both wait", || (services.store.stats().queue_depth >= depth + 2).then_some(())).await;
    open.send(()).unwrap();
    for end in ends {
        end.await.unwrap().unwrap();
    }
    blocker.await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_is_written_although_nobody_waits_for_it_any_more() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("c")).await.unwrap();
    let (open, blocker) = block(&world).await;
    let mut settle = ledger.settle(held.hold_id, used(1, 1));
    poll_fn(|context| {
        assert!(settle.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(settle);
    open.send(()).unwrap();
    blocker.await.unwrap();
    eventually("it is settled", || (world.usage().len() == 1).then_some(())).await;
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), 0));
}

#[tokio::test]
async fn what_was_done_unheard_can_be_repeated() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let deaf = |deaf| world.faults.deaf.store(deaf, Ordering::SeqCst);
    let unavailable =
        |error: LedgerError| assert!(matches!(error, LedgerError::Unavailable { .. }), "{error}");

    deaf(true);
    unavailable(ledger.hold(ask("settled")).await.unwrap_err());
    unavailable(ledger.hold(ask("released")).await.unwrap_err());
    deaf(false);
    let settled = ledger.hold(ask("settled")).await.unwrap().hold_id;
    let released = ledger.hold(ask("released")).await.unwrap().hold_id;
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, 2 * AMOUNT));

    deaf(true);
    unavailable(ledger.settle(settled.clone(), used(1, 1)).await.unwrap_err());
    unavailable(ledger.release(released.clone(), ReleaseReason::NotSent).await.unwrap_err());
    deaf(false);
    assert_eq!(ledger.settle(settled, used(1, 1)).await.unwrap().cost_pico_usd, cost(1, 1));
    assert_eq!(world.audit().last().unwrap().2["repeated"], true);
    ledger.release(released, ReleaseReason::NotSent).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), 0));
    assert_eq!(world.usage().len(), 1);
}

#[tokio::test]
async fn a_hold_that_never_was_is_unknown() {
    let world = World::new().await;
    let key = world.key(AMOUNT).await;
    let ledger = world.ledger(&key).await;
    for id in ["", "c.1", "c", "\u{0}"] {
        let id = HoldId::from_stored(id.to_owned());
        assert_eq!(ledger.settle(id.clone(), worst()).await.unwrap_err(), LedgerError::UnknownHold);
        let release = ledger.release(id, ReleaseReason::NotSent).await;
        assert_eq!(release.unwrap_err(), LedgerError::UnknownHold);
    }
}
