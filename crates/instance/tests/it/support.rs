//! Instance for one test, with keys, requests, and a store that checks or fails.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api_keys::Scope;
use api_types::{CreateKey, KeyCreated};
use audit::{Draft, Outcome, Principal};
use control_plane::{AdminCaller, AgentCaller, LocalLedger, OpContext, authenticate_agent, create_key};
use instance::{Instance, LlmOptions, OpenMode, Options, PepperSource, open_with};
use llm_policy::{
    AccountKey, AccountState, BudgetRule, BudgetScope, CallId, CallOutcome, HoldAsk, Measured, Operation,
    OutputWish, Settlement, Usage, UsageSource, WindowKind, Zone,
};
use registry_core::{
    Clock, Entropy, KeyId, ManualClock, RequestId, SeededEntropy, Timestamp, pico_to_dollars,
};
use storage::{
    AuditQuery, HoldRow, Job, JobCaller, Precedence, Store, StoreError, Tx, UsageLine, UsageQuery, View,
};
use tempfile::TempDir;

/// Noon of a Saturday.
pub const NOON: &str = "2026-11-21T12:00:00Z";
/// What [`ask`] holds: 1,000 input tokens and 100 output tokens of `gpt-4o-mini` at the built-in prices.
pub const AMOUNT: i64 = 1_000 * 5_000_000 + 100 * 10_000_000;

pub struct World {
    pub instance: Instance,
    pub clock: Arc<ManualClock>,
    pub faults: Arc<Faults>,
    folder: TempDir,
}

/// What the store between the services and the database does.
#[derive(Default)]
pub struct Faults {
    /// Every write is refused as by a full queue.
    pub busy: AtomicBool,
    /// Every write is made, but its end is not heard of.
    pub deaf: AtomicBool,
    /// The limits that no account may pass; checked after every job.
    pub limits: Mutex<BTreeMap<AccountKey, i64>>,
    pub broken: Mutex<Vec<String>>,
}

struct Watched {
    inner: Arc<dyn Store>,
    faults: Arc<Faults>,
}

struct Checked {
    inner: Box<dyn Job>,
    faults: Arc<Faults>,
}

impl Job for Checked {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.inner.run(tx)?;
        for (account, limit) in self.faults.limits.lock().unwrap().iter() {
            let AccountState { settled_pico_usd, held_pico_usd } = tx.account(account)?;
            if settled_pico_usd + held_pico_usd > *limit {
                let what = format!("{account:?}: {settled_pico_usd} + {held_pico_usd} > {limit}");
                self.faults.broken.lock().unwrap().push(what);
            }
        }
        Ok(())
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        let deaf = self.faults.deaf.load(Ordering::SeqCst);
        let lost = || Err(StoreError::OutcomeUnknown("the disk went away".to_owned()));
        self.inner.done(end.and_then(|()| if deaf { lost() } else { Ok(()) }));
    }

    fn gone(&self) -> bool {
        self.inner.gone()
    }

    fn precedence(&self) -> Precedence {
        self.inner.precedence()
    }

    fn caller(&self) -> &JobCaller {
        self.inner.caller()
    }
}

impl Store for Watched {
    storage::delegate_store!(inner: view, view_point, reads_block, readers, watch, audit_usage, stats, close);

    fn submit(&self, job: Box<dyn Job>) {
        if self.faults.busy.load(Ordering::SeqCst) {
            return job.done(Err(StoreError::Busy));
        }
        self.inner.submit(Box::new(Checked { inner: job, faults: Arc::clone(&self.faults) }));
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with_budgets(budgets: Vec<BudgetRule>) -> Self {
        Self::with(|options| options.llm = LlmOptions { budgets, ..LlmOptions::default() }).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(at(NOON)));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let faults = Arc::new(Faults::default());
        let watched = Arc::clone(&faults);
        let mut options = Options::new(folder.path().join("registry.db"));
        options.pepper = PepperSource::Text("a pepper for tests of 32 chars!!".to_owned());
        options.rate_per_minute = 1_000_000;
        options.static_keys = vec!["a-static-key".to_owned()];
        options.wrap_store = Some(Arc::new(move |inner| {
            Arc::new(Watched { inner, faults: Arc::clone(&watched) }) as Arc<dyn Store>
        }));
        change(&mut options);
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let instance = open_with(options, OpenMode::Serve, time, entropy).await.unwrap();
        Self { instance, clock, faults, folder }
    }

    /// Whether a file of the database holds these bytes.
    pub fn is_on_disk(&self, text: &str) -> bool {
        std::fs::read_dir(self.folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(text.len()).any(|part| part == text.as_bytes())
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn forward(&self, seconds: u64) {
        self.clock.advance_micros(seconds * 1_000_000);
    }

    /// A key of `agent-1` and `team` that may spend this much a day.
    pub async fn key(&self, limit_pico_usd: i64) -> KeyCreated {
        self.key_of("agent-1", Some("team"), limit_pico_usd, None).await
    }

    pub async fn key_of(
        &self,
        agent: &str,
        owner: Option<&str>,
        limit_pico_usd: i64,
        zone: Option<&str>,
    ) -> KeyCreated {
        let body = CreateKey {
            agent_id: agent.to_owned(),
            owner: owner.map(str::to_owned),
            daily_limit: Some(pico_to_dollars(limit_pico_usd)),
            time_zone: zone.map(str::to_owned),
            expires_in_days: Some(3650),
            ..CreateKey::default()
        };
        create_key(&self.instance.services, self.admin(), body, None).await.unwrap()
    }

    pub fn admin(&self) -> OpContext<AdminCaller> {
        OpContext {
            caller: AdminCaller::by_file_access(),
            now: self.now(),
            at_micros: 0,
            draft: Draft::tool(self.now(), "test").into(),
        }
    }

    pub async fn ledger(&self, key: &KeyCreated) -> Arc<LocalLedger> {
        self.instance.local_ledger(&key.key).await.unwrap()
    }

    pub async fn caller(&self, key: &str) -> AgentCaller {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let services = &self.instance.services;
        authenticate_agent(services, Some(key), here, Scope::LlmCall, self.now()).await.unwrap().caller
    }

    /// An HTTP request of a key's.
    pub async fn request(&self, key: &KeyCreated, id: &str) -> OpContext<AgentCaller> {
        let caller = self.caller(&key.key).await;
        let id = RequestId::sane(id).unwrap();
        let mut draft = Draft::request(self.now(), id, "POST", "/llm/x", None);
        draft.set_principal(Principal::agent(caller.key_id().clone(), caller.agent_id().clone()));
        OpContext { caller, now: self.now(), at_micros: 0, draft: draft.into() }
    }

    pub fn account(&self, account: &AccountKey) -> AccountState {
        self.instance.services.store.read(|view| view.account(account)).unwrap()
    }

    /// What an account has settled and holds.
    pub fn state(&self, account: &AccountKey) -> (i64, i64) {
        let state = self.account(account);
        (state.settled_pico_usd, state.held_pico_usd)
    }

    pub fn holds(&self) -> Vec<HoldRow> {
        self.instance.services.store.read(|view| view.holds(None, None, 5_000)).unwrap()
    }

    /// All usage, oldest first.
    pub fn usage(&self) -> Vec<UsageLine> {
        let page = |view: &dyn View| view.usage_page(&UsageQuery::default(), None, 5_000);
        let (mut lines, _) = self.instance.services.store.read(page).unwrap();
        lines.reverse();
        lines
    }

    /// Event, outcome and detail of the audit rows about model calls and requests, oldest first.
    pub fn audit(&self) -> Vec<(String, String, serde_json::Value)> {
        let page = |view: &dyn View| view.audit_page(&AuditQuery::default(), None, 5_000);
        let (rows, _) = self.instance.services.store.read(page).unwrap();
        let told = rows
            .into_iter()
            .rev()
            .map(|row| row.record)
            .filter(|record| record.event.starts_with("llm") || record.event == "request");
        told.map(|record| {
            let detail = record.detail.as_deref().unwrap_or("null");
            (record.event.into_owned(), record.outcome, serde_json::from_str(detail).unwrap())
        })
        .collect()
    }

    /// Writes straight into the store.
    pub async fn upkeep(&self, f: impl FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send + 'static) {
        self.instance.services.store.upkeep(f).await.unwrap();
    }

    /// Changes a key's row as an admin would.
    pub async fn change_key(
        &self,
        key: &KeyCreated,
        change: impl Fn(&mut api_keys::KeyRecord) + Send + 'static,
    ) {
        let id = KeyId::from_stored(key.view.key_id.clone());
        self.upkeep(move |tx| {
            let mut record = tx.key(&id)?.unwrap();
            change(&mut record);
            record.version += 1;
            assert!(tx.update_key(&record)?);
            Ok(())
        })
        .await;
    }
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The day account of a key.
pub fn day_of(key: &KeyCreated, day: &str) -> AccountKey {
    account(BudgetScope::Key, &key.view.key_id, WindowKind::Day, day)
}

pub fn account(scope: BudgetScope, id: &str, window: WindowKind, window_id: &str) -> AccountKey {
    AccountKey { scope, id: id.to_owned(), window, window_id: window_id.to_owned() }
}

pub fn rule(scope: BudgetScope, id: &str, window: WindowKind, limit_pico_usd: i64) -> BudgetRule {
    BudgetRule { scope, id: id.to_owned(), window, zone: Zone::UTC, limit_pico_usd }
}

/// A call that holds [`AMOUNT`].
pub fn ask(call: &str) -> HoldAsk {
    HoldAsk {
        call_id: CallId::sane(call).unwrap(),
        attempt: 1,
        operation: Operation::Chat,
        provider: "openai".to_owned(),
        priced_as: "openai".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        input_tokens: 1_000,
        choices: 1,
        output: OutputWish::Stated(100),
        lease_seconds: 60,
    }
}

/// The provider's numbers of an attempt.
pub fn used(prompt_tokens: u64, completion_tokens: u64) -> Settlement {
    let usage = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
    Settlement { measured: Measured::Tokens(usage, UsageSource::Provider), ..worst() }
}

/// An end of which nothing is known.
pub fn worst() -> Settlement {
    Settlement {
        measured: Measured::WorstCase,
        outcome: CallOutcome::Ok,
        provider_status: Some(200),
        provider_request_id: None,
        first_byte_micros: None,
        total_micros: 1_000,
    }
}

/// What [`used`] costs.
pub fn cost(prompt_tokens: i64, completion_tokens: i64) -> i64 {
    prompt_tokens * 5_000_000 + completion_tokens * 10_000_000
}

/// Asks until there is an answer, at most ten seconds.
pub async fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let answer = async {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Keeps the outcome type in reach of the modules that compare codes.
pub fn authorised() -> String {
    Outcome::authorised().code.into_owned()
}
