//! Holds: exactly what fits is admitted, and nothing else changes.

use llm_policy::{BudgetScope, Ledger as _, LedgerError, OutputWish, ReleaseReason, WindowKind};
use tokio::task::JoinSet;

use crate::support::{AMOUNT, World, account, ask, at, authorised, cost, day_of, rule, used};

type KeyChange = fn(&mut api_keys::KeyRecord);

/// Holds `calls` at once; a queue that is full is asked again. Returns how many were admitted.
async fn crowd(world: &World, key: &api_types::KeyCreated, calls: usize) -> usize {
    let mut crowd = JoinSet::new();
    for number in 0..calls {
        let ledger = world.ledger(key).await;
        crowd.spawn(async move {
            loop {
                match ledger.hold(ask(&format!("call-{number}"))).await {
                    Ok(_) => return true,
                    Err(LedgerError::Quota(_)) => return false,
                    Err(LedgerError::Unavailable { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    crowd.join_all().await.into_iter().filter(|admitted| *admitted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_concurrent_holds_as_many_as_fit_are_admitted() {
    let world = World::new().await;
    let limit = 37 * AMOUNT + AMOUNT / 2;
    let key = world.key(limit).await;
    let day = day_of(&key, "2026-11-21");
    world.faults.limits.lock().unwrap().insert(day.clone(), limit);
    assert_eq!(crowd(&world, &key, 1_000).await, 37);
    assert_eq!(world.state(&day), (0, 37 * AMOUNT));
    assert_eq!(world.holds().len(), 37);
    assert_eq!(*world.faults.broken.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn stacked_budgets_admit_what_fits_all_of_them() {
    let plenty = 1_000 * AMOUNT;
    for tightest in [BudgetScope::Agent, BudgetScope::Owner, BudgetScope::Platform] {
        let limit = |scope| if scope == tightest { 11 * AMOUNT } else { plenty };
        let world = World::with_budgets(vec![
            rule(BudgetScope::Agent, "*", WindowKind::Day, limit(BudgetScope::Agent)),
            rule(BudgetScope::Owner, "team", WindowKind::Month, limit(BudgetScope::Owner)),
            rule(BudgetScope::Platform, "*", WindowKind::Week, limit(BudgetScope::Platform)),
        ])
        .await;
        let key = world.key(plenty).await;
        let accounts = [
            (day_of(&key, "2026-11-21"), plenty),
            (
                account(BudgetScope::Agent, "agent-1", WindowKind::Day, "2026-11-21"),
                limit(BudgetScope::Agent),
            ),
            (account(BudgetScope::Owner, "team", WindowKind::Month, "2026-11"), limit(BudgetScope::Owner)),
            (account(BudgetScope::Platform, "*", WindowKind::Week, "2026-W47"), limit(BudgetScope::Platform)),
        ];
        world.faults.limits.lock().unwrap().extend(accounts.clone());
        assert_eq!(crowd(&world, &key, 60).await, 11, "{tightest:?}");
        for (account, _) in &accounts {
            assert_eq!(world.state(account), (0, 11 * AMOUNT), "{account:?}: all or nothing");
        }
        assert_eq!(*world.faults.broken.lock().unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_refused_hold_leaves_every_counter_as_it_was() {
    let world =
        World::with_budgets(vec![rule(BudgetScope::Platform, "*", WindowKind::Day, AMOUNT + 1)]).await;
    let key = world.key(100 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    ledger.hold(ask("first")).await.unwrap();
    let platform = account(BudgetScope::Platform, "*", WindowKind::Day, "2026-11-21");
    let before = (world.account(&day_of(&key, "2026-11-21")), world.account(&platform), world.holds());

    let refusal = ledger.hold(ask("second")).await.unwrap_err();
    let LedgerError::Quota(short) = refusal else { panic!("{refusal}") };
    assert_eq!(short.account, platform);
    assert_eq!((short.remaining_pico_usd, short.needed_pico_usd), (1, AMOUNT));
    let above = llm_policy::HoldAsk { output: OutputWish::Stated(4_097), ..ask("third") };
    assert_eq!(ledger.hold(above).await.unwrap_err(), LedgerError::AboveCap { stated: 4_097, cap: 4_096 });
    let unknown = llm_policy::HoldAsk { model: "no-such-model".to_owned(), ..ask("fourth") };
    assert!(matches!(ledger.hold(unknown).await.unwrap_err(), LedgerError::NotPriced { .. }));

    let after = (world.account(&day_of(&key, "2026-11-21")), world.account(&platform), world.holds());
    assert_eq!(before, after);
    assert_eq!(world.usage().len(), 0);
}

#[tokio::test]
async fn the_very_same_ask_gives_the_very_same_hold() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let first = ledger.hold(ask("c")).await.unwrap();
    assert_eq!((first.amount_pico_usd, first.remaining_pico_usd), (AMOUNT, 9 * AMOUNT));
    world.forward(5);
    assert_eq!(ledger.hold(ask("c")).await.unwrap(), first);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, AMOUNT));

    let filled = llm_policy::HoldAsk { output: OutputWish::Fill, ..ask("filled") };
    let held = ledger.hold(filled.clone()).await.unwrap();
    assert_eq!(ledger.hold(filled).await.unwrap(), held, "although less would be filled in now");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_to_its_key_and_free_for_every_other() {
    let world = World::new().await;
    let (key, other) = (world.key(10 * AMOUNT).await, world.key(10 * AMOUNT).await);
    let (ledger, others) = (world.ledger(&key).await, world.ledger(&other).await);
    let held = ledger.hold(ask("c")).await.unwrap();
    let other_numbers: [fn(&mut llm_policy::HoldAsk); 5] = [
        |ask| ask.input_tokens += 1,
        |ask| ask.output = OutputWish::Stated(99),
        |ask| ask.choices = 2,
        |ask| ask.model = "gpt-4o".to_owned(),
        |ask| ask.provider = "elsewhere".to_owned(),
    ];
    for change in other_numbers {
        let mut changed = ask("c");
        change(&mut changed);
        assert_eq!(ledger.hold(changed.clone()).await.unwrap_err(), LedgerError::CallExists, "{changed:?}");
    }
    let theirs = others.hold(llm_policy::HoldAsk { input_tokens: 1, ..ask("c") }).await.unwrap();
    assert_eq!(theirs.hold_id, held.hold_id);
    let second = llm_policy::HoldAsk { attempt: 2, ..ask("c") };
    others.hold(second.clone()).await.unwrap();
    ledger.hold(second.clone()).await.unwrap();
    assert_eq!(world.holds().len(), 4);

    // Each ends its own, and what the other has done does not show.
    ledger.settle(held.hold_id.clone(), used(1, 1)).await.unwrap();
    others.release(theirs.hold_id, ReleaseReason::NotSent).await.unwrap();
    assert_eq!(others.settle(held.hold_id, used(1, 1)).await.unwrap_err(), LedgerError::UnknownHold);
    assert_eq!(world.usage().len(), 1);
    assert_eq!(ledger.hold(ask("c")).await.unwrap_err(), LedgerError::CallExists, "it was settled");
    others.hold(ask("c")).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(1, 1), AMOUNT));
    assert_eq!(world.state(&day_of(&other, "2026-11-21")), (0, 2 * AMOUNT));
}

#[tokio::test]
async fn a_limit_that_changes_in_mid_day_keeps_what_was_used() {
    let world = World::new().await;
    let key = world.key(10 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("a")).await.unwrap();
    ledger.settle(held.hold_id, used(1_000, 100)).await.unwrap();
    ledger.hold(ask("b")).await.unwrap();

    world.change_key(&key, |key| key.daily_limit_pico_usd = 2 * AMOUNT).await;
    assert!(matches!(ledger.hold(ask("c")).await.unwrap_err(), LedgerError::Quota(_)));
    world.change_key(&key, |key| key.daily_limit_pico_usd = 3 * AMOUNT).await;
    assert_eq!(ledger.hold(ask("c")).await.unwrap().remaining_pico_usd, 0);
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (AMOUNT, 2 * AMOUNT));
}

#[tokio::test]
async fn a_key_that_goes_after_its_caller_was_let_in_holds_nothing() {
    let world = World::new().await;
    let ends: [(&str, KeyChange); 2] = [
        ("revoked", |key| key.revoked = true),
        ("expired", |key| key.expires_at = Some(at("2026-11-21T12:00:00Z"))),
    ];
    for (what, change) in ends {
        let key = world.key(10 * AMOUNT).await;
        let ledger = world.ledger(&key).await;
        let held = ledger.hold(ask(&format!("{what}-before"))).await.unwrap();
        world.change_key(&key, change).await;
        let refusal = control_plane::ServiceError::from(ledger.hold(ask(what)).await.unwrap_err());
        assert_eq!(refusal.code.as_str(), format!("{what}_key"));
        // What is under way is still settled: the money was spent.
        let settled = ledger.settle(held.hold_id, used(10, 1)).await.unwrap();
        assert_eq!(settled.cost_pico_usd, cost(10, 1), "{what}");
        assert_eq!(world.state(&day_of(&key, "2026-11-21")), (cost(10, 1), 0), "{what}");
    }
}

#[tokio::test]
async fn a_day_begins_at_midnight_of_the_key_s_own_zone() {
    let world = World::new().await;
    let key = world.key_of("a", None, AMOUNT, Some("Pacific/Auckland")).await;
    let ledger = world.ledger(&key).await;
    // Half an hour before midnight there: UTC+13 in November.
    world.clock.set_wall(at("2026-11-21T10:30:00Z"));
    ledger.hold(ask("a")).await.unwrap();
    assert!(matches!(ledger.hold(ask("b")).await.unwrap_err(), LedgerError::Quota(_)));
    world.clock.set_wall(at("2026-11-21T11:00:00Z"));
    ledger.hold(ask("b")).await.unwrap();
    assert_eq!(world.state(&day_of(&key, "2026-11-21")), (0, AMOUNT));
    assert_eq!(world.state(&day_of(&key, "2026-11-22")), (0, AMOUNT));
    // The clock goes back over midnight: the first day is as full as it was.
    world.clock.set_wall(at("2026-11-21T10:59:59Z"));
    assert!(matches!(ledger.hold(ask("c")).await.unwrap_err(), LedgerError::Quota(_)));
}

#[tokio::test]
async fn a_static_key_has_no_money_of_its_own() {
    let world = World::new().await;
    let ledger = world.instance.local_ledger("a-static-key").await.unwrap();
    let refusal = ledger.hold(ask("a")).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Quota(_)), "{refusal}");
}

#[tokio::test]
async fn a_key_without_the_scope_gets_no_ledger() {
    let world = World::new().await;
    let key = world.key(AMOUNT).await;
    world.change_key(&key, |key| key.scopes = api_keys::ScopeSet::parse("intents:read").unwrap()).await;
    let refusal = world.instance.local_ledger(&key.key).await.map(drop).unwrap_err();
    assert_eq!(refusal.code, api_types::Code::MissingScope);
}

#[tokio::test]
async fn the_first_hold_is_the_request_s_own_row_and_all_else_has_its_own() {
    let world = World::new().await;
    let key = world.key(3 * AMOUNT).await;
    let services = &world.instance.services;
    let request = world.request(&key, "req-1").await;
    let ledger = control_plane::LocalLedger::for_request(services, request);
    let first = ledger.hold(ask("c")).await.unwrap();
    ledger.release(first.hold_id, llm_policy::ReleaseReason::NotConnected).await.unwrap();
    let second = ledger.hold(llm_policy::HoldAsk { attempt: 2, ..ask("c") }).await.unwrap();
    ledger.settle(second.hold_id, used(10, 5)).await.unwrap();
    let refused = llm_policy::HoldAsk { attempt: 3, input_tokens: 10_000, ..ask("c") };
    ledger.hold(refused).await.unwrap_err();

    let rows = world.audit();
    let told: Vec<_> = rows.iter().map(|(event, outcome, _)| (event.as_str(), outcome.as_str())).collect();
    let authorised = authorised();
    assert_eq!(
        told,
        [
            ("request", authorised.as_str()),
            ("llm_outcome", "ok"),
            ("llm_authorised", authorised.as_str()),
            ("llm_outcome", "ok"),
            ("llm_authorised", "insufficient_quota"),
        ]
    );
    assert_eq!(rows[0].2["held_pico_usd"], AMOUNT);
    assert_eq!(rows[1].2["released"], "not_connected");
    assert_eq!(rows[2].2["hold_id"], "c.2");
    let end = &rows[3].2;
    assert_eq!((&end["call_id"], &end["hold_id"]), (&"c".into(), &"c.2".into()));
    assert_eq!(end["cost_pico_usd"], cost(10, 5));
    assert_eq!((&end["prompt_tokens"], &end["completion_tokens"]), (&10.into(), &5.into()));
    assert_eq!((&end["source"], &end["outcome"]), (&"provider".into(), &"ok".into()));
    assert_eq!(world.holds().len(), 0);
}

#[tokio::test]
async fn an_agent_s_own_program_has_a_row_for_each_hold_and_each_end() {
    let world = World::new().await;
    let key = world.key(3 * AMOUNT).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("c")).await.unwrap();
    ledger.settle(held.hold_id, used(1, 1)).await.unwrap();
    let rows = world.audit();
    let told: Vec<_> = rows.iter().map(|(event, outcome, _)| (event.as_str(), outcome.as_str())).collect();
    assert_eq!(told, [("llm_authorised", authorised().as_str()), ("llm_outcome", "ok")]);
}
