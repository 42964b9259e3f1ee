//! A thousand concurrent calls.

use std::sync::Arc;

use llm_gate::GateError;
use llm_policy::LedgerError;
use tokio::sync::Semaphore;

use crate::support::{Act, Bench, call, question, usage, whole};

fn after(permit: &Arc<Semaphore>, act: Act) -> Act {
    let permit = Arc::clone(permit);
    Box::pin(async move {
        permit.acquire().await.unwrap().forget();
        act.await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_calls_exactly_those_that_fit_the_budget_are_sent_and_settled_once() {
    const FIT: usize = 137;
    let bench = Bench::new();
    let permit = Arc::new(Semaphore::new(0));
    // The first call shows how much one call holds.
    bench.alpha.then(whole("hi", Some(usage(9, 2))));
    bench.ask_whole(question()).await.unwrap();
    while bench.ledger.settled_pico_usd() == 0 {
        tokio::task::yield_now().await;
    }
    let amount = bench.ledger.entries()[0].held.amount_pico_usd;
    let spent = bench.ledger.settled_pico_usd();
    let limit = spent + amount * i64::try_from(FIT).unwrap() + amount / 2;
    bench.ledger.set_limit(limit);
    for _ in 0..FIT {
        bench.alpha.then(after(&permit, whole("hi", Some(usage(9, 2)))));
    }
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let gate = bench.gate.clone();
            tokio::spawn(async move { gate.call(call(question())).await })
        })
        .collect();
    // All holds are decided before the first call is answered.
    bench.ledger.wait_for_holds(1001).await;
    permit.add_permits(FIT);
    let (mut answered, mut refused) = (0, 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(GateError::Ledger(LedgerError::Quota(_))) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((answered, refused), (FIT, 1000 - FIT));
    let entries = bench.finish().await;
    assert_eq!(entries.len(), FIT + 1);
    assert_eq!(bench.ledger.settled_pico_usd(), spent * i64::try_from(FIT + 1).unwrap());
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.ask.call_id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), FIT + 1, "call ids are unique");
}
