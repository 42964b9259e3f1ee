//! An in-memory ledger that records every violation of its rules.

use std::sync::{Arc, Mutex, MutexGuard};

use llm_policy::{
    Account, AccountKey, AccountState, BoxFuture, BudgetScope, Held, HoldAsk, HoldId, Ledger, LedgerError,
    LedgerTrouble, LostRight, Measured, PriceBook, ReleaseReason, Settled, Settlement, Usage, UsageSource,
    WindowKind, decide,
};
use registry_core::Timestamp;
use tokio::sync::{Semaphore, watch};

/// How a hold ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Settled(Settlement),
    Released(ReleaseReason),
}

/// One hold.
#[derive(Debug, Clone)]
pub struct Entry {
    pub ask: HoldAsk,
    pub held: Held,
    /// Whether a provider saw the request.
    pub sent: bool,
    pub end: Option<End>,
    /// The answer to its settlement.
    pub settled: Option<Settled>,
}

impl Entry {
    pub fn settlement(&self) -> &Settlement {
        match &self.end {
            Some(End::Settled(settlement)) => settlement,
            other => panic!("expected a settlement, got {other:?}"),
        }
    }

    pub fn tokens(&self) -> (Usage, UsageSource) {
        match self.settlement().measured {
            Measured::Tokens(usage, source) => (usage, source),
            Measured::WorstCase => panic!("expected tokens, got the worst case"),
        }
    }
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    settled: i64,
    held: i64,
    breaches: Vec<String>,
    /// Settlements that were tried while the ledger was unavailable.
    failed_settles: Vec<Settlement>,
    failed_holds: usize,
    unavailable_holds: usize,
    unavailable_settles: usize,
    unavailable_releases: usize,
    unknown_releases: usize,
    refuse: Option<LedgerError>,
}

pub struct StrictLedger {
    state: Mutex<State>,
    prices: PriceBook,
    cap: u64,
    limit: Mutex<i64>,
    holds: watch::Sender<usize>,
    lost: watch::Sender<Option<LostRight>>,
    /// Delays the answer to a hold, which is already written, until there is a permit.
    pub answer_holds: Semaphore,
    /// Delays a settlement until there is a permit.
    pub take_settlements: Semaphore,
}

impl StrictLedger {
    pub fn new(prices: PriceBook, cap: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            prices,
            cap,
            limit: Mutex::new(1_000_000_000_000),
            holds: watch::Sender::new(0),
            lost: watch::Sender::new(None),
            answer_holds: Semaphore::new(Semaphore::MAX_PERMITS),
            take_settlements: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn set_limit(&self, pico_usd: i64) {
        *self.limit.lock().unwrap() = pico_usd;
    }

    /// Makes holds wait for a permit: they are written but not answered.
    pub fn stop_answering_holds(&self) {
        self.answer_holds.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn stop_taking_settlements(&self) {
        self.take_settlements.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn fail_holds(&self, times: usize) {
        self.state().unavailable_holds = times;
    }

    pub fn fail_settles(&self, times: usize) {
        self.state().unavailable_settles = times;
    }

    pub fn fail_releases(&self, times: usize) {
        self.state().unavailable_releases = times;
    }

    /// Refuses every further hold with this error.
    pub fn refuse(&self, error: LedgerError) {
        self.state().refuse = Some(error);
    }

    /// Makes the caller lose its right.
    pub fn lose_right(&self, lost: LostRight) {
        self.lost.send_replace(Some(lost));
    }

    pub fn failed_settles(&self) -> Vec<Settlement> {
        self.state().failed_settles.clone()
    }

    pub fn unknown_releases(&self) -> usize {
        self.state().unknown_releases
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    pub fn settled_pico_usd(&self) -> i64 {
        self.state().settled
    }

    /// Waits until this many holds were requested.
    pub async fn wait_for_holds(&self, count: usize) {
        self.holds.subscribe().wait_for(|holds| *holds >= count).await.unwrap();
    }

    /// Records that a provider received a request. Its hold must be open, and used for the first time.
    pub fn sent(&self, hold: &HoldId) {
        let mut state = self.state();
        let State { entries, breaches, .. } = &mut *state;
        match entries.iter_mut().find(|entry| entry.held.hold_id == *hold) {
            Some(entry) if entry.end.is_none() && !entry.sent => entry.sent = true,
            Some(_) => breaches.push(format!("`{hold}` was sent twice, or after its end")),
            None => breaches.push(format!("`{hold}` was sent without a hold")),
        }
    }

    /// Checks that no rule was violated and that every hold has ended.
    pub fn check(&self) -> Vec<Entry> {
        let state = self.state();
        assert!(state.breaches.is_empty(), "{:#?}", state.breaches);
        let open: Vec<_> = state.entries.iter().filter(|entry| entry.end.is_none()).collect();
        assert!(open.is_empty(), "neither settled nor released: {open:#?}");
        assert_eq!(state.held, 0);
        state.entries.clone()
    }

    fn account(&self, state: &State) -> Account {
        let key = AccountKey {
            scope: BudgetScope::Key,
            id: "k".to_owned(),
            window: WindowKind::Day,
            window_id: "2026-11-21".to_owned(),
        };
        let state = AccountState { settled_pico_usd: state.settled, held_pico_usd: state.held };
        Account { key, limit_pico_usd: *self.limit.lock().unwrap(), state }
    }

    fn remaining(&self, state: &State) -> i64 {
        let account = self.account(state);
        account.state.remaining(account.limit_pico_usd)
    }

    fn write_hold(&self, ask: HoldAsk) -> Result<Held, LedgerError> {
        let mut state = self.state();
        if state.unavailable_holds > 0 {
            state.unavailable_holds -= 1;
            state.failed_holds += 1;
            return Err(LedgerError::Unavailable {
                trouble: LedgerTrouble::Locked,
                cause: "locked".to_owned(),
            });
        }
        if let Some(error) = &state.refuse {
            return Err(error.clone());
        }
        if let Some(entry) = state.entries.iter().find(|entry| entry.ask == ask) {
            return Ok(entry.held.clone());
        }
        let Some(entry) = self.prices.find(&ask.priced_as, &ask.model) else {
            return Err(LedgerError::NotPriced { provider: ask.priced_as, model: ask.model });
        };
        let grant = decide(entry, &ask, self.cap, &[self.account(&state)])?;
        state.held += grant.amount_pico_usd;
        let held = Held {
            hold_id: HoldId::of(&ask.call_id, ask.attempt),
            rates: entry.rates,
            price_version: self.prices.version().to_owned(),
            amount_pico_usd: grant.amount_pico_usd,
            max_tokens: grant.max_tokens,
            remaining_pico_usd: self.remaining(&state),
            lease_until: Timestamp::EPOCH.plus_seconds(i64::from(ask.lease_seconds)),
        };
        state.entries.push(Entry { ask, held: held.clone(), sent: false, end: None, settled: None });
        Ok(held)
    }

    fn write_settlement(&self, hold: &HoldId, end: Settlement) -> Result<Settled, LedgerError> {
        let mut state = self.state();
        if state.unavailable_settles > 0 {
            state.unavailable_settles -= 1;
            state.failed_settles.push(end);
            return Err(LedgerError::Unavailable {
                trouble: LedgerTrouble::Locked,
                cause: "locked".to_owned(),
            });
        }
        let State { entries, breaches, settled, held, .. } = &mut *state;
        let Some(entry) = entries.iter_mut().find(|entry| entry.held.hold_id == *hold) else {
            breaches.push(format!("`{hold}` was settled without a hold"));
            return Err(LedgerError::UnknownHold);
        };
        if entry.end.is_some() || !entry.sent {
            breaches.push(format!("`{hold}` was settled twice, or was never sent"));
            return Err(LedgerError::Settled);
        }
        let bound = entry.held.max_tokens.unwrap_or(0) * u64::from(entry.ask.choices);
        let (usage, source, cost) = match end.measured {
            Measured::Tokens(usage, source) => (usage, source, entry.held.rates.cost(&usage)),
            Measured::WorstCase => (
                super::usage(entry.ask.input_tokens, bound),
                UsageSource::WorstCase,
                entry.held.amount_pico_usd,
            ),
        };
        *held -= entry.held.amount_pico_usd;
        *settled += cost;
        let overrun = usage.completion_tokens > bound || cost > entry.held.amount_pico_usd;
        entry.end = Some(End::Settled(end));
        let mut done = Settled { cost_pico_usd: cost, usage, source, overrun, remaining_pico_usd: 0 };
        entry.settled = Some(done.clone());
        done.remaining_pico_usd = self.remaining(&state);
        Ok(done)
    }

    fn write_release(&self, hold: &HoldId, reason: ReleaseReason) -> Result<(), LedgerError> {
        let mut state = self.state();
        if state.unavailable_releases > 0 {
            state.unavailable_releases -= 1;
            return Err(LedgerError::Unavailable {
                trouble: LedgerTrouble::Locked,
                cause: "locked".to_owned(),
            });
        }
        let State { entries, breaches, held, unknown_releases, .. } = &mut *state;
        let Some(entry) = entries.iter_mut().find(|entry| entry.held.hold_id == *hold) else {
            *unknown_releases += 1;
            return Err(LedgerError::UnknownHold);
        };
        if entry.end.is_some() {
            breaches.push(format!("`{hold}` was released after its end"));
            return Err(LedgerError::Settled);
        }
        *held -= entry.held.amount_pico_usd;
        entry.end = Some(End::Released(reason));
        Ok(())
    }
}

impl Ledger for StrictLedger {
    fn hold(&self, ask: HoldAsk) -> BoxFuture<'_, Result<Held, LedgerError>> {
        Box::pin(async move {
            let held = self.write_hold(ask);
            self.holds.send_modify(|holds| *holds += 1);
            self.answer_holds.acquire().await.unwrap().forget();
            self.answer_holds.add_permits(1);
            held
        })
    }

    fn settle(&self, hold: HoldId, end: Settlement) -> BoxFuture<'_, Result<Settled, LedgerError>> {
        Box::pin(async move {
            self.take_settlements.acquire().await.unwrap().forget();
            self.take_settlements.add_permits(1);
            self.write_settlement(&hold, end)
        })
    }

    fn release(&self, hold: HoldId, reason: ReleaseReason) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move { self.write_release(&hold, reason) })
    }

    fn right_lost(&self) -> BoxFuture<'_, LostRight> {
        let mut lost = self.lost.subscribe();
        Box::pin(async move { lost.wait_for(Option::is_some).await.unwrap().clone().unwrap() })
    }
}
