//! When each job runs.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use intent_service::{Services, jobs};
use storage::SealedCheckpoint;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::open::Instance;

/// How long rows of reads wait at the most (issue: 100 ms); half of it, so that the commit fits in.
const FLUSH_EVERY: Duration = Duration::from_millis(50);
/// How long the flusher waits after a failure.
const FLUSH_RETRY: Duration = Duration::from_millis(250);

/// The running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Jobs {
    pub(crate) fn start(instance: &Instance) -> Self {
        let (stop, stopped) = watch::channel(false);
        let services = &instance.services;
        let mut running = vec![tokio::spawn(flush(Arc::clone(services), stopped.clone()))];
        let mut every = |seconds: u64, job: Job| {
            let every = Duration::from_secs(seconds);
            running.push(tokio::spawn(repeat(every, Arc::clone(services), stopped.clone(), job)));
        };
        every(1, Job::OutsideChanges);
        every(5, Job::Refusals);
        every(30, Job::Checkpoint(instance.checkpoints.clone()));
        every(60, Job::Purge(Arc::clone(&instance.memory)));
        every(600, Job::ForgetIdempotency);
        Self { stop, running }
    }

    /// Stops the jobs and waits until the running ones have ended.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for job in self.running {
            if job.await.is_err() {
                tracing::error!("a job ended with a panic");
            }
        }
    }
}

enum Job {
    OutsideChanges,
    Refusals,
    Checkpoint(Option<std::path::PathBuf>),
    Purge(Arc<rate_limit::MemoryLimiter>),
    ForgetIdempotency,
}

async fn flush(services: Arc<Services>, mut stopped: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = sleep(FLUSH_EVERY) => {}
            () = services.recorder.crowded() => {}
            _ = stopped.changed() => return,
        }
        match services.recorder.flush().await {
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

async fn repeat(every: Duration, services: Arc<Services>, mut stopped: watch::Receiver<bool>, job: Job) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once: what a crash left is looked at when the server starts.
    let mut first = true;
    loop {
        tokio::select! {
            _ = ticks.tick() => run(&services, &job, std::mem::take(&mut first)).await,
            _ = stopped.changed() => return,
        }
    }
}

async fn run(services: &Services, job: &Job, first: bool) {
    let now = services.clock.now();
    let outcome = match job {
        Job::OutsideChanges => jobs::record_outside_changes(services, now).await.map(|_| ()),
        Job::Refusals => {
            jobs::flush_refusals(services, now, false);
            Ok(())
        }
        Job::Checkpoint(file) => match jobs::checkpoint_audit(services, now, first).await {
            Ok(Some(checkpoint)) => {
                note(file.as_deref(), &checkpoint, now);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        },
        Job::Purge(memory) => {
            memory.purge();
            services.failures.purge();
            Ok(())
        }
        Job::ForgetIdempotency => jobs::forget_idempotency(services, now).await.map(|_| ()),
    };
    if let Err(error) = outcome {
        tracing::warn!("a job failed and will run again: {error}");
    }
}

/// Appends a checkpoint to the operator's file, which lies outside the database so that a cut tail is noticed.
fn note(file: Option<&Path>, checkpoint: &SealedCheckpoint, now: registry_core::Timestamp) {
    let Some(path) = file else { return };
    let head = checkpoint.chain.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
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
