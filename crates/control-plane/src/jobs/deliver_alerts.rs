//! Delivery of budget alerts to the log, the metrics and the operator's webhook.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llm_policy::{ALERT_PERCENTS, AccountKey, BoxFuture};
use registry_core::{Timestamp, pico_to_dollars};
use serde_json::json;
use storage::{AlertRow, StoreError};

use crate::services::Services;

/// Number of alerts that one run handles.
const AT_ONCE: u32 = 100;
/// Longest wait between two attempts, in seconds.
const MOST_WAIT_SECONDS: u64 = 300;
/// Age of an alert, in seconds, after which the webhook is given up.
const TRIED_FOR_SECONDS: i64 = 24 * 3600;

/// Receiver of alerts besides the log.
pub trait AlertSink: Send + Sync {
    /// Sends one JSON document. The error is for the log; it contains no secret.
    fn send(&self, body: String) -> BoxFuture<'_, Result<(), String>>;
}

/// What a server remembers of the alerts that it delivers.
#[derive(Default)]
pub struct AlertDesk {
    sink: Option<Arc<dyn AlertSink>>,
    pending: Mutex<HashMap<AlertName, AlertTries>>,
}

type AlertName = (AccountKey, u8);

#[derive(Debug, Clone, Copy, Default)]
struct AlertTries {
    failed: u32,
    not_before_micros: u64,
    /// Sent, but the store could not note it yet.
    sent: bool,
}

impl AlertDesk {
    /// Creates a desk that sends to `sink`; without one, alerts go to the log and the metrics only.
    #[must_use]
    pub fn new(sink: Option<Arc<dyn AlertSink>>) -> Self {
        Self { sink, pending: Mutex::default() }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<AlertName, AlertTries>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers the alerts that wait; returns how many are finished. The log line of an alert is written once per start
/// of the server. The webhook is retried until it has accepted the alert or a day is over.
///
/// # Errors
/// A storage error.
pub async fn deliver_alerts(
    services: &Services,
    now: Timestamp,
    desk: &AlertDesk,
) -> Result<u64, StoreError> {
    let alerts = services.store.read(|view| view.pending_alerts(AT_ONCE))?;
    let names: HashSet<AlertName> = alerts.iter().map(name_of).collect();
    desk.pending().retain(|name, _| names.contains(name));
    let mut done = 0;
    for alert in alerts {
        let name = name_of(&alert);
        let known = desk.pending().get(&name).copied();
        let mut tries = known.unwrap_or_else(|| {
            note(services, &alert);
            AlertTries::default()
        });
        let delivered = deliver(services, now, desk, &alert, &mut tries).await;
        desk.pending().insert(name, tries);
        match delivered {
            Delivered::Yes => {
                let AlertRow { account, percent, .. } = alert;
                let key = account.clone();
                services.store.upkeep(move |tx| tx.alert_delivered(&key, percent, now)).await?;
                desk.pending().remove(&(account, percent));
                done += 1;
            }
            Delivered::NotYet => {}
            // The others would fail as well; the next run begins with the alert that is due next.
            Delivered::Failed => break,
        }
    }
    Ok(done)
}

fn name_of(alert: &AlertRow) -> AlertName {
    (alert.account.clone(), alert.percent)
}

enum Delivered {
    Yes,
    NotYet,
    Failed,
}

async fn deliver(
    services: &Services,
    now: Timestamp,
    desk: &AlertDesk,
    alert: &AlertRow,
    tries: &mut AlertTries,
) -> Delivered {
    let Some(sink) = desk.sink.as_ref().filter(|_| !tries.sent) else { return Delivered::Yes };
    let micros = services.clock.monotonic_micros();
    if micros < tries.not_before_micros {
        return Delivered::NotYet;
    }
    match sink.send(body_of(alert)).await {
        Ok(()) => {
            tries.sent = true;
            Delivered::Yes
        }
        Err(error) if now.since(alert.at) > TRIED_FOR_SECONDS * 1_000_000 => {
            tracing::error!("a budget alert could not be delivered in a day and is given up: {error}");
            Delivered::Yes
        }
        Err(error) => {
            tracing::warn!("a budget alert waits, the webhook did not take it: {error}");
            let seconds = 1_u64.checked_shl(tries.failed).unwrap_or(u64::MAX).min(MOST_WAIT_SECONDS);
            tries.failed = tries.failed.saturating_add(1);
            tries.not_before_micros = micros.saturating_add(seconds * 1_000_000);
            Delivered::Failed
        }
    }
}

fn note(services: &Services, alert: &AlertRow) {
    let account = &alert.account;
    tracing::warn!(
        llm.budget.scope = account.scope.as_str(),
        llm.budget.id = account.id,
        llm.budget.window = account.window.as_str(),
        llm.budget.window_id = account.window_id,
        llm.budget.percent = alert.percent,
        llm.budget.limit_usd = pico_to_dollars(alert.limit_pico_usd),
        llm.budget.used_usd = pico_to_dollars(alert.settled_pico_usd),
        "a budget has reached {} % of its limit",
        alert.percent
    );
    for (percent, counter) in ALERT_PERCENTS.iter().zip(&services.llm.budget_alerts) {
        if *percent == alert.percent {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn body_of(alert: &AlertRow) -> String {
    json!({
        "event": "budget_alert",
        "percent": alert.percent,
        "scope": alert.account.scope.as_str(),
        "id": alert.account.id,
        "window": alert.account.window.as_str(),
        "window_id": alert.account.window_id,
        "limit_usd": pico_to_dollars(alert.limit_pico_usd),
        "used_usd": pico_to_dollars(alert.settled_pico_usd),
        "at": alert.at.to_string(),
    })
    .to_string()
}
