//! Schedule of the background work.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use control_plane::jobs::AlertDesk;
use control_plane::{Services, jobs};
use registry_core::Timestamp;
use storage::{SealedCheckpoint, StoreError};
use storage_sqlite::SqliteStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::open::Instance;

/// Interval in which budget alerts are looked for.
const ALERTS_EVERY: Duration = Duration::from_secs(1);
/// Interval in which the keys of model calls under way are checked. The store looks at other processes equally often,
/// so a call is cut well within a second.
const CUT_EVERY: Duration = Duration::from_millis(200);
/// Number of external changes that one transaction records.
const CHANGES_AT_ONCE: u32 = 500;
/// Pause of the flusher after a failure.
const FLUSH_RETRY: Duration = Duration::from_millis(250);

/// Running background work.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Instance {
    /// Starts the background work on the current runtime.
    #[must_use]
    pub fn start_jobs(&self) -> Jobs {
        Jobs::start(self)
    }

    /// Starts the work that a program with a ledger needs, beside a server or without one: leases are renewed, and
    /// orphans settled. Alerts are left to a server.
    #[must_use]
    pub fn start_ledger_jobs(&self) -> Jobs {
        Jobs::start_ledger(self)
    }

    /// Records changes that another program made to the database; returns how many. The background work does it every
    /// second.
    ///
    /// # Errors
    /// A storage error.
    pub async fn record_external_changes(&self) -> Result<u64, StoreError> {
        record_external_changes(&self.services, &self.sqlite).await
    }
}

impl Jobs {
    fn start(instance: &Instance) -> Self {
        let (stop, stopped) = watch::channel(false);
        let services = &instance.services;
        let mut running = vec![
            tokio::spawn(flush(Arc::clone(services), stopped.clone())),
            tokio::spawn(alerts(Arc::clone(services), Arc::clone(&instance.alerts), stopped.clone())),
        ];
        let mut every = |seconds: u64, job: ScheduledJob| {
            let every = Duration::from_secs(seconds);
            running.push(tokio::spawn(repeat(every, Arc::clone(services), stopped.clone(), job)));
        };
        every(1, ScheduledJob::ExternalChanges(Arc::clone(&instance.sqlite)));
        every(5, ScheduledJob::Refusals);
        every(30, ScheduledJob::Checkpoint(instance.checkpoints.clone()));
        every(60, ScheduledJob::Purge(Arc::clone(&instance.memory)));
        every(600, ScheduledJob::ForgetIdempotency);
        every(600, ScheduledJob::ForgetOrphans);
        running.extend(ledger(services, &stopped));
        Self { stop, running }
    }

    fn start_ledger(instance: &Instance) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, running: ledger(&instance.services, &stopped) }
    }

    /// Stops the background work and waits until running parts have ended.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for job in self.running {
            if job.await.is_err() {
                tracing::error!("a job ended with a panic");
            }
        }
    }
}

/// Starts the work that maintains holds: leases are renewed well before they end, orphans are found soon after, and
/// calls end with the right of their key.
fn ledger(services: &Arc<Services>, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let lease = Duration::from_secs(u64::from(services.llm.rules.limits.lease_seconds.max(2)));
    let run = |every: Duration, job: ScheduledJob| {
        tokio::spawn(repeat(every, Arc::clone(services), stopped.clone(), job))
    };
    vec![
        run(CUT_EVERY, ScheduledJob::CutCalls),
        run(lease / 3, ScheduledJob::RenewLeases),
        run((lease / 4).max(Duration::from_secs(1)), ScheduledJob::SettleOrphans),
    ]
}

enum ScheduledJob {
    ExternalChanges(Arc<SqliteStore>),
    Refusals,
    Checkpoint(Option<std::path::PathBuf>),
    Purge(Arc<rate_limit::MemoryLimiter>),
    ForgetIdempotency,
    ForgetOrphans,
    CutCalls,
    RenewLeases,
    SettleOrphans,
}

async fn flush(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = services.audit.recorder.due() => {}
            _ = stopped.changed() => return,
        }
        match services.audit.recorder.flush().await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::error!("rows of the audit log wait, they can't be written: {error}");
                }
                failing = true;
                sleep(FLUSH_RETRY).await;
            }
        }
    }
}

/// Separate from the other work, because a webhook may be slow and the server's stop must not wait for it.
async fn alerts(services: Arc<Services>, desk: Arc<AlertDesk>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = interval(ALERTS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let deliver = async {
            ticks.tick().await;
            jobs::deliver_alerts(&services, services.clock.now(), &desk).await
        };
        tokio::select! {
            delivered = deliver => if let Err(error) = delivered {
                tracing::warn!("alerts of budgets wait, the store failed: {error}");
            },
            _ = stopped.changed() => return,
        }
    }
}

async fn record_external_changes(services: &Services, sqlite: &SqliteStore) -> Result<u64, StoreError> {
    if sqlite.external_changes(1)?.is_empty() {
        return Ok(0);
    }
    let now = services.clock.now();
    sqlite.record_external_changes(CHANGES_AT_ONCE, now, services.secrets.clone()).await
}

async fn cut_calls(services: &Services, now: Timestamp) -> Result<(), StoreError> {
    let cut = jobs::cut_calls(services, now).await?;
    if cut > 0 {
        tracing::warn!(llm.cut = cut, "model calls were cut because their key has lost its right");
    }
    Ok(())
}

async fn settle_orphans(services: &Services, now: Timestamp) -> Result<(), StoreError> {
    let settled = jobs::settle_orphans(services, now).await?;
    if settled > 0 {
        tracing::warn!(llm.orphans = settled, "calls that nobody settled were settled at their worst case");
    }
    Ok(())
}

async fn repeat(
    every: Duration,
    services: Arc<Services>,
    mut stopped: watch::Receiver<bool>,
    job: ScheduledJob,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once: what a crash left is handled when the server starts.
    let mut first = true;
    loop {
        tokio::select! {
            _ = ticks.tick() => run(&services, &job, std::mem::take(&mut first)).await,
            _ = stopped.changed() => return,
        }
    }
}

async fn run(services: &Services, job: &ScheduledJob, first: bool) {
    let now = services.clock.now();
    let outcome = match job {
        ScheduledJob::ExternalChanges(sqlite) => record_external_changes(services, sqlite).await.map(|_| ()),
        ScheduledJob::Refusals => {
            jobs::flush_refusals(services, now, false);
            Ok(())
        }
        ScheduledJob::Checkpoint(file) => match jobs::checkpoint_audit(services, now, first).await {
            Ok(Some(checkpoint)) => {
                note(file.as_deref(), &checkpoint, now);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        ScheduledJob::Purge(memory) => {
            memory.purge();
            services.auth.failures.purge();
            Ok(())
        }
        ScheduledJob::ForgetIdempotency => jobs::forget_idempotency(services, now).await.map(|_| ()),
        ScheduledJob::ForgetOrphans => jobs::forget_orphans(services, now).await.map(|_| ()),
        ScheduledJob::CutCalls => cut_calls(services, now).await,
        ScheduledJob::RenewLeases => jobs::renew_leases(services, now).await.map(|_| ()),
        ScheduledJob::SettleOrphans => settle_orphans(services, now).await,
    };
    if let Err(error) = outcome {
        tracing::warn!("a job failed and will run again: {error}");
    }
}

/// Appends a checkpoint to the operator's file, which is outside the database so that a truncated log is noticed.
fn note(file: Option<&Path>, checkpoint: &SealedCheckpoint, now: Timestamp) {
    let Some(path) = file else { return };
    let head = hex::encode(checkpoint.chain);
    let line = format!("{{\"at\":\"{now}\",\"next_seq\":{},\"head\":\"{head}\"}}\n", checkpoint.next_seq);
    let append = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()
    };
    if let Err(error) = append() {
        tracing::error!("the checkpoint can't be written to `{}`: {error}", path.display());
    }
}
