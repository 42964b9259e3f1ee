//! Reads of the ledger: usage, totals, open holds, and the answer of the quota question.

use api_types::{Code, KeyCreated, UsageGroup};
use control_plane::{PageRequest, PossibleCall, Whose, list_holds, list_usage, quota, summarize_usage};
use llm_policy::{BudgetScope, Ledger as _, Settlement, WindowKind};
use registry_core::{AgentId, pico_to_dollars};
use storage::{ReadLane, UsageQuery};

use crate::support::{AMOUNT, World, ask, at, cost, rule, used, worst};

async fn spend(world: &World, key: &KeyCreated, call: &str, end: Settlement) {
    let ledger = world.ledger(key).await;
    let held = ledger.hold(ask(call)).await.unwrap();
    ledger.settle(held.hold_id, end).await.unwrap();
}

fn agent(name: &str) -> Whose {
    Whose::Agent(AgentId::new(name).unwrap())
}

/// Two agents' calls on two days.
async fn spent() -> World {
    let world = World::new().await;
    let (one, two) = (
        world.key_of("one", Some("team"), 100 * AMOUNT, None).await,
        world.key_of("two", None, 100 * AMOUNT, None).await,
    );
    for number in 0..3 {
        spend(&world, &one, &format!("one-{number}"), used(10, 1)).await;
    }
    world.clock.set_wall(at("2026-11-22T00:00:00Z"));
    spend(&world, &two, "two-0", worst()).await;
    spend(&world, &one, "one-3", used(10, 1)).await;
    world
}

#[tokio::test]
async fn usage_is_listed_newest_first_in_pages_and_to_its_agent_alone() {
    let world = spent().await;
    let services = &world.instance.services;
    let list = |whose: Whose, filter: UsageQuery, limit: u32| {
        let mut calls = Vec::new();
        let mut page = PageRequest { limit, cursor: None };
        loop {
            let found = list_usage(services, whose.clone(), filter.clone(), &page).unwrap();
            assert!(found.items.len() <= usize::try_from(limit).unwrap());
            calls.extend(found.items.into_iter().map(|line| line.call_id.unwrap()));
            match found.next {
                Some(next) => page.cursor = Some(next),
                None => return calls,
            }
        }
    };
    let all = ["one-3", "two-0", "one-2", "one-1", "one-0"];
    for limit in [1, 2, 5, 100] {
        assert_eq!(list(Whose::Everybody, UsageQuery::default(), limit), all);
    }
    let own = ["one-3", "one-2", "one-1", "one-0"];
    assert_eq!(list(agent("one"), UsageQuery::default(), 2), own);
    let prying = UsageQuery { agent_id: Some(AgentId::new("two").unwrap()), ..UsageQuery::default() };
    assert_eq!(list(agent("one"), prying.clone(), 100), own, "an agent sees its own, whatever it asks for");
    assert_eq!(list(Whose::Everybody, prying, 100), ["two-0"]);
    let flagged = UsageQuery { flagged: true, ..UsageQuery::default() };
    assert_eq!(list(Whose::Everybody, flagged, 100), ["two-0"]);

    let first = PageRequest { limit: 1, cursor: None };
    let found = list_usage(services, agent("one"), UsageQuery::default(), &first).unwrap();
    let line = &found.items[0];
    assert_eq!((line.cost_pico_usd, line.source.as_deref()), (cost(10, 1), Some("provider")));
    assert_eq!(line.cost_usd.to_bits(), pico_to_dollars(cost(10, 1)).to_bits());
    let next = PageRequest { limit: 1, cursor: found.next };
    let foreign = list_usage(services, Whose::Everybody, UsageQuery::default(), &next).map(drop).unwrap_err();
    assert_eq!(foreign.code, Code::InvalidCursor, "a cursor of one list is none of another");
}

#[tokio::test]
async fn usage_is_added_up_by_agent_model_owner_and_day() {
    let world = spent().await;
    let services = &world.instance.services;
    let sum = |whose: Whose, by: UsageGroup, since: Option<&str>, until: Option<&str>| {
        let totals = summarize_usage(services, whose, by, since.map(at), until.map(at)).unwrap();
        let told = totals.into_iter().map(|total| {
            (total.group, total.calls, total.usage.prompt_tokens, total.cost_pico_usd, total.flagged)
        });
        told.collect::<Vec<_>>()
    };
    let group = |name: &str, calls, prompt, cost, flagged| (name.to_owned(), calls, prompt, cost, flagged);
    let one = cost(10, 1);
    assert_eq!(
        sum(Whose::Everybody, UsageGroup::Agent, None, None),
        [group("two", 1, 1_000, AMOUNT, 1), group("one", 4, 40, 4 * one, 0)]
    );
    assert_eq!(
        sum(Whose::Everybody, UsageGroup::Owner, None, None),
        [group("", 1, 1_000, AMOUNT, 1), group("team", 4, 40, 4 * one, 0)]
    );
    assert_eq!(
        sum(Whose::Everybody, UsageGroup::Day, None, None),
        [group("2026-11-21", 3, 30, 3 * one, 0), group("2026-11-22", 2, 1_010, AMOUNT + one, 1)]
    );
    assert_eq!(
        sum(agent("one"), UsageGroup::Model, Some("2026-11-22T00:00:00Z"), None),
        [group("gpt-4o-mini", 1, 10, one, 0)]
    );
    assert_eq!(
        sum(agent("one"), UsageGroup::Model, None, Some("2026-11-22T00:00:00Z")),
        [group("gpt-4o-mini", 3, 30, 3 * one, 0)]
    );
}

#[tokio::test]
async fn a_sum_over_more_rows_than_one_snapshot_shows_is_whole_and_too_many_groups_are_refused() {
    let world = World::new().await;
    let key = world.key_of("one", None, AMOUNT, None).await;
    spend(&world, &key, "seed", used(10, 1)).await;
    // Rows as a long life leaves them, each of an owner of its own.
    for part in 0..11_u32 {
        let of = registry_core::KeyId::from_stored(key.view.key_id.clone());
        world
            .upkeep(move |tx| {
                let row = tx.usage(&of, &llm_policy::HoldId::from_stored("seed.1".to_owned()))?.unwrap();
                for number in part * 1_000..(part + 1) * 1_000 {
                    let hold_id = llm_policy::HoldId::from_stored(format!("n{number}.1"));
                    let owner = Some(registry_core::Owner::new(format!("o{number}")).unwrap());
                    assert!(tx.insert_usage(&storage::UsageRow { hold_id, owner, ..row.clone() })?);
                }
                Ok(())
            })
            .await;
    }
    let services = &world.instance.services;
    let totals = summarize_usage(services, Whose::Everybody, UsageGroup::Agent, None, None).unwrap();
    assert_eq!((totals.len(), totals[0].calls), (1, 11_001));
    let refusal = summarize_usage(services, Whose::Everybody, UsageGroup::Owner, None, None).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidQuery);
}

#[tokio::test]
async fn open_holds_are_listed_in_pages() {
    let world = World::new().await;
    let one = world.key_of("one", None, 100 * AMOUNT, None).await;
    let two = world.key_of("two", None, 100 * AMOUNT, None).await;
    let (ones, twos) = (world.ledger(&one).await, world.ledger(&two).await);
    for number in 0..5 {
        ones.hold(ask(&format!("a{number}"))).await.unwrap();
        twos.hold(ask(&format!("b{number}"))).await.unwrap();
        // A name that both chose: a page may end between the two.
        ones.hold(ask(&format!("c{number}"))).await.unwrap();
        twos.hold(ask(&format!("c{number}"))).await.unwrap();
    }
    let services = &world.instance.services;
    for (whose, limit, expected) in
        [(Whose::Everybody, 3, 20), (Whose::Everybody, 20, 20), (agent("two"), 2, 10)]
    {
        let mut ids = Vec::new();
        let mut page = PageRequest { limit, cursor: None };
        loop {
            let found = list_holds(services, &whose, &page).unwrap();
            assert!(found.items.len() <= usize::try_from(limit).unwrap());
            ids.extend(found.items.into_iter().map(|hold| (hold.hold_id, hold.key_id)));
            match found.next {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        let sorted = {
            let mut sorted = ids.clone();
            sorted.sort();
            sorted.dedup();
            sorted
        };
        assert_eq!((ids.len(), &ids), (expected, &sorted), "{whose:?} {limit}");
    }
}

#[tokio::test]
async fn a_quota_says_what_a_hold_would_say_and_changes_nothing() {
    let world = World::with_budgets(vec![rule(BudgetScope::Agent, "*", WindowKind::Week, 50 * AMOUNT)]).await;
    let key = world.key_of("one", None, 2 * AMOUNT, Some("Asia/Tokyo")).await;
    let ledger = world.ledger(&key).await;
    let held = ledger.hold(ask("settled")).await.unwrap();
    ledger.settle(held.hold_id, used(10, 1)).await.unwrap();
    ledger.hold(ask("held")).await.unwrap();
    let services = &world.instance.services;
    let caller = world.caller(&key.key).await;
    let before = (world.holds(), world.usage(), world.audit());

    let plain = quota(services, ReadLane::Blocking, &caller, world.now(), None).unwrap();
    assert_eq!((plain.would_run, plain.reason, plain.provider), (None, None, None));
    let [own, week] = &plain.budgets[..] else { panic!("{:?}", plain.budgets) };
    assert_eq!((own.scope.as_str(), own.window_id.as_str()), ("key", "2026-11-21"));
    assert_eq!(
        (own.starts_at.as_str(), own.ends_at.as_str()),
        ("2026-11-20T15:00:00.000000Z", "2026-11-21T15:00:00.000000Z")
    );
    assert_eq!((own.used_pico_usd, own.held_pico_usd, own.limit_pico_usd), (cost(10, 1), AMOUNT, 2 * AMOUNT));
    assert_eq!(own.remaining_pico_usd, AMOUNT - cost(10, 1));
    assert_eq!((week.scope.as_str(), week.window_id.as_str()), ("agent", "2026-W47"));

    let question = |input_tokens, max_tokens| {
        let (provider, priced_as) = ("azure".to_owned(), "openai".to_owned());
        let model = "gpt-4o-mini".to_owned();
        let question = PossibleCall { provider, priced_as, model, input_tokens, max_tokens, choices: 1 };
        quota(services, ReadLane::Blocking, &caller, world.now(), Some(question)).unwrap()
    };
    let runs = question(10, Some(20));
    assert_eq!((runs.would_run, runs.max_tokens), (Some(true), Some(20)));
    assert_eq!(runs.cost_bound_pico_usd, Some(cost(10, 20)));
    assert_eq!(runs.provider.as_deref(), Some("azure"));
    let filled = question(10, None);
    let affordable = (AMOUNT - cost(10, 1) - cost(10, 0)) / cost(0, 1);
    assert_eq!(filled.max_tokens.map(i64::try_from), Some(Ok(affordable)));
    let refused = question(1_000, Some(100));
    assert_eq!((refused.would_run, refused.cost_bound_pico_usd), (Some(false), Some(AMOUNT)));
    assert!(refused.reason.unwrap().starts_with("insufficient_quota: "));
    assert!(question(1, Some(5_000)).reason.unwrap().starts_with("max_tokens_above_cap: "));

    assert_eq!((world.holds(), world.usage(), world.audit()), before);
    // What the question was told, the ledger says as well.
    let asked = |call, input_tokens, max_tokens| llm_policy::HoldAsk {
        input_tokens,
        output: llm_policy::OutputWish::Stated(max_tokens),
        ..ask(call)
    };
    ledger.hold(asked("refused", 1_000, 100)).await.unwrap_err();
    ledger.hold(asked("runs", 10, 20)).await.unwrap();
}
