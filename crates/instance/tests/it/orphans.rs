//! Holds that are never settled: leases, orphans, and late settlements.

use std::sync::atomic::Ordering;

use control_plane::{LocalLedger, jobs};
use llm_policy::{CallOutcome, HoldAsk, Ledger as _, LedgerError, ReleaseReason, UsageSource};
use storage::HoldRow;

use crate::support::{AMOUNT, World, ask, at, cost, day_of, eventually, used, worst};

/// Makes a hold look as if another server, which is gone, had made it.
async fn of_another_server(world: &World, ask: HoldAsk, ledger: &LocalLedger) -> HoldRow {
    let made = ledger.hold(ask).await.unwrap().hold_id;
    let (key, id) = (ledger.caller().key_id().clone(), made.clone());
    world
        .upkeep(move |tx| {
            let hold = tx.hold(&key, &id)?.unwrap();
            tx.remove_hold(&key, &id)?;
            assert!(tx.insert_hold(&HoldRow { holder: Some("gone".to_owned()), ..hold })?);
            Ok(())
        })
        .await;
    world.holds().into_iter().find(|hold| hold.id == made).unwrap()
}

async fn orphans(world: &World) -> u64 {
    jobs::settle_orphans(&world.instance.services, world.now()).await.unwrap()
}

#[tokio::test]
async fn an_orphan_is_billed_at_its_worst_case_flagged_and_recorded() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    of_another_server(&world, ask("c"), &ledger).await;
    world.forward(59);
    assert_eq!(orphans(&world).await, 0, "its lease has not ended");
    world.forward(1);
    assert_eq!(orphans(&world).await, 1);
    assert_eq!(orphans(&world).await, 0);

    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 0));
    let [line] = &world.usage()[..] else { panic!("not one row") };
    assert_eq!((line.outcome, line.source), (Some(CallOutcome::Orphan), Some(UsageSource::WorstCase)));
    assert_eq!((line.cost_pico_usd, line.timestamp), (AMOUNT, at("2026-11-21T12:00:00Z")));
    assert!(world.holds()[0].orphaned);
    assert_eq!(world.instance.services.llm.orphaned_holds.load(Ordering::Relaxed), 1);
    let (event, outcome, detail) = world.audit().pop().unwrap();
    assert_eq!((event.as_str(), outcome.as_str()), ("llm_outcome", "ok"));
    assert_eq!((&detail["call_id"], &detail["outcome"]), (&"c".into(), &"orphan".into()));
    assert_eq!(ledger.hold(ask("c")).await.unwrap_err(), LedgerError::CallExists, "its money is gone");
}

#[tokio::test]
async fn a_late_settlement_puts_an_orphan_s_numbers_right() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let hold = of_another_server(&world, ask("c"), &ledger).await;
    // A day later: the numbers still go to the day of the hold.
    world.forward(24 * 3600);
    orphans(&world).await;
    let release = ledger.release(hold.id.clone(), ReleaseReason::NotSent).await;
    assert_eq!(release.unwrap_err(), LedgerError::Settled);

    let settled = ledger.settle(hold.id.clone(), used(10, 1)).await.unwrap();
    assert_eq!(settled.cost_pico_usd, cost(10, 1));
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(10, 1), 0));
    let [line] = &world.usage()[..] else { panic!("not one row") };
    assert!(line.late);
    assert_eq!((line.source, line.cost_pico_usd), (Some(UsageSource::Provider), cost(10, 1)));
    assert_eq!(world.holds(), [], "an orphan that was settled is none any more");

    assert_eq!(ledger.settle(hold.id.clone(), used(10, 1)).await.unwrap().cost_pico_usd, cost(10, 1));
    assert_eq!(ledger.settle(hold.id, used(10, 2)).await.unwrap_err(), LedgerError::Settled);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(10, 1), 0));
}

#[tokio::test]
async fn more_orphans_than_one_transaction_takes_are_all_settled() {
    let world = World::new().await;
    let key = world.key(1_000 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    for number in 0..230 {
        ledger.hold(ask(&format!("c{number}"))).await.unwrap();
    }
    drop(ledger);
    world.forward(61);
    assert_eq!(orphans(&world).await, 230);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (230 * AMOUNT, 0));
    assert_eq!(world.usage().len(), 230);
}

#[tokio::test]
async fn a_server_that_lives_keeps_its_holds_alive() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("c")).await.unwrap();
    for _ in 0..10 {
        world.forward(20);
        assert_eq!(jobs::renew_leases(&world.instance.services, world.now()).await.unwrap(), 1);
        assert_eq!(world.holds()[0].lease_until, world.now().plus_seconds(60));
    }
    let services = &world.instance.services;
    let expired = services.store.upkeep({
        let now = world.now();
        move |tx| tx.expired_holds(now, 10)
    });
    assert_eq!(expired.await.unwrap(), []);
    ledger.settle(held.hold_id, used(1, 1)).await.unwrap();
    assert_eq!(jobs::renew_leases(services, world.now()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_clock_that_jumps_past_every_lease_orphans_nothing_of_a_server_that_lives() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("c")).await.unwrap();
    for moment in ["2026-11-24T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-21T12:00:01Z"] {
        world.clock.set_wall(at(moment));
        assert_eq!(orphans(&world).await, 0, "{moment}");
    }
    let settled = ledger.settle(held.hold_id, used(1, 1)).await.unwrap();
    assert_eq!(settled.cost_pico_usd, cost(1, 1));
    assert!(!world.usage()[0].late);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), 0));
}

#[tokio::test]
async fn a_call_that_ends_without_a_settlement_is_let_go_though_its_server_lives() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let (ended, running) = (world.ledger(&key).await, world.ledger(&key).await);
    ended.hold(ask("ended")).await.unwrap();
    running.hold(ask("running")).await.unwrap();
    drop(ended);
    for _ in 0..4 {
        world.forward(20);
        jobs::renew_leases(&world.instance.services, world.now()).await.unwrap();
    }
    assert_eq!(orphans(&world).await, 1);
    let [line] = &world.usage()[..] else { panic!("not one row") };
    assert_eq!(line.call_id.as_deref(), Some("ended"));
}

#[tokio::test]
async fn a_settlement_that_can_t_be_written_is_repeated_or_becomes_an_orphan() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let repeated = ledger.hold(ask("repeated")).await.unwrap();
    let given_up = ledger.hold(ask("given-up")).await.unwrap();
    world.faults.busy.store(true, Ordering::SeqCst);
    for id in [&repeated.hold_id, &given_up.hold_id] {
        let error = ledger.settle(id.clone(), used(1, 1)).await.unwrap_err();
        assert!(matches!(error, LedgerError::Unavailable { .. }), "{error}");
    }
    // The job fails as well; what it was to do is not forgotten.
    jobs::renew_leases(&world.instance.services, world.now()).await.unwrap_err();
    world.faults.busy.store(false, Ordering::SeqCst);
    ledger.settle(repeated.hold_id, used(1, 1)).await.unwrap();

    for _ in 0..4 {
        world.forward(20);
        jobs::renew_leases(&world.instance.services, world.now()).await.unwrap();
    }
    assert_eq!(orphans(&world).await, 1);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1) + AMOUNT, 0));
    ledger.settle(given_up.hold_id, used(2, 2)).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1) + cost(2, 2), 0));
}

#[tokio::test]
async fn a_hold_whose_commit_nobody_heard_of_is_not_kept_alive() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    // The caller goes away while the commit is on its way.
    let mut hold = ledger.hold(ask("c"));
    let once =
        std::future::poll_fn(|context| std::task::Poll::Ready(hold.as_mut().poll(context).is_pending()));
    assert!(once.await);
    eventually("the hold is there", || (!world.holds().is_empty()).then_some(())).await;
    drop(hold);
    drop(ledger);
    world.forward(59);
    jobs::renew_leases(&world.instance.services, world.now()).await.unwrap();
    world.forward(1);
    assert_eq!(orphans(&world).await, 1);
}

#[tokio::test]
async fn orphans_are_forgotten_after_a_week() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let hold = of_another_server(&world, ask("c"), &ledger).await;
    world.forward(60);
    orphans(&world).await;
    let services = &world.instance.services;
    world.forward(7 * 24 * 3600);
    assert_eq!(jobs::forget_orphans(services, world.now()).await.unwrap(), 0);
    world.forward(1);
    assert_eq!(jobs::forget_orphans(services, world.now()).await.unwrap(), 1);
    assert_eq!(world.holds(), []);
    assert_eq!(ledger.settle(hold.id, used(1, 1)).await.unwrap_err(), LedgerError::Settled);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_settled_when_the_jobs_start_and_theirs_is_kept() {
    let world = World::with(|options| options.llm.limits.lease_seconds = 2).await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let short = |call: &str| HoldAsk { lease_seconds: 2, ..ask(call) };
    of_another_server(&world, short("theirs"), &ledger).await;
    ledger.hold(short("ours")).await.unwrap();
    world.forward(3);
    let jobs = world.instance.start_ledger_jobs();
    eventually("the orphan is settled", || (!world.usage().is_empty()).then_some(())).await;
    let ours = || world.holds().into_iter().find(|hold| hold.call_id.as_str() == "ours").unwrap();
    eventually("the lease moves on", || (ours().lease_until > world.now()).then_some(())).await;
    jobs.stop().await;
    assert_eq!(world.usage()[0].call_id.as_deref(), Some("theirs"));
    assert!(!ours().orphaned);
    ledger.settle(ours().id, worst()).await.unwrap();
}
