//! Idempotency: the same request sent twice has one outcome.

use std::borrow::Cow;

use api_keys::QuotaLimits;
use api_types::Code;
use audit::Outcome;
use registry_core::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{Decided, JobCaller, JobClass, Remembered, StoreError, Tx};

use crate::auth::ActingCaller;
use crate::context::{ADMIN, OpContext};
use crate::error::ServiceError;
use crate::services::Services;

/// What identifies a repeated request. `None` in a use case means that the caller sent no key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Key of the caller, 1 to 255 characters.
    pub key: String,
    /// Digest of the canonical body.
    pub fingerprint: [u8; 32],
}

/// A change, and what identifies a repetition of it.
pub(crate) struct RepeatableChange {
    /// Name of the use case, and the id from the path when there is one.
    pub name: Cow<'static, str>,
    pub idempotency: Option<Idempotency>,
    /// HTTP status of success, for the record.
    pub status: u16,
}

/// Runs a change as one job of the store, with its record, once per idempotency key. `f` receives the caller as the
/// transaction sees it, and may run more than once. A refusal by `f` commits only its record.
pub(crate) async fn commit_once<C, T, F>(
    services: &Services,
    context: OpContext<C>,
    op: RepeatableChange,
    f: F,
) -> Result<T, ServiceError>
where
    C: ActingCaller,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: FnMut(&mut dyn Tx, &C) -> Result<Result<T, ServiceError>, StoreError> + Send + 'static,
{
    commit_noted(services, context, op, |_| None, f).await
}

/// Like [`write`], for a change whose record states what was stored. `note` returns the record's detail, as JSON
/// text, of a change that was made now or by the first of the requests that this one repeats.
pub(crate) async fn commit_noted<C, T, N, F>(
    services: &Services,
    context: OpContext<C>,
    op: RepeatableChange,
    note: N,
    mut f: F,
) -> Result<T, ServiceError>
where
    C: ActingCaller,
    T: Serialize + DeserializeOwned + Send + 'static,
    N: Fn(&T) -> Option<String> + Send + 'static,
    F: FnMut(&mut dyn Tx, &C) -> Result<Result<T, ServiceError>, StoreError> + Send + 'static,
{
    let OpContext { caller, now, at_micros, draft } = context;
    let name = caller.job_caller();
    let class = JobClass::request(&name);
    let asker = Asker { name, defaults: services.settings.quotas, now };
    let authority = caller.authority(services);
    let write = services.store.write(authority, class, draft, at_micros, move |tx, caller| {
        let decided = once(tx, &op, &asker, caller, |tx| f(tx, caller))?;
        let detail = decided.value.as_ref().ok().and_then(&note);
        Ok(decided.with_detail(detail))
    });
    write.await?
}

/// Caller and time of a stored outcome.
struct Asker {
    name: JobCaller,
    /// The server's quotas.
    defaults: QuotaLimits,
    now: Timestamp,
}

impl Asker {
    /// Caller: a key id, or `admin`.
    fn as_str(&self) -> &str {
        match &self.name {
            JobCaller::Key(id) => id.as_str(),
            JobCaller::Admin => ADMIN,
            JobCaller::Platform => "platform",
        }
    }
}

#[derive(Serialize, Deserialize)]
enum KeptOutcome<T> {
    Done(T),
    Refused { code: String, message: String, details: Option<Value> },
}

/// Runs `f` unless this very request was decided before, and stores the decision in the same transaction. Refusals by
/// rules are stored too. Storage errors are not, because then nothing was decided. Nor is a used-up quota: the same
/// request may succeed once there is space, and a caller without space must not take more by being refused.
fn once<C, T>(
    tx: &mut dyn Tx,
    op: &RepeatableChange,
    asker: &Asker,
    caller: &C,
    f: impl FnOnce(&mut dyn Tx) -> Result<Result<T, ServiceError>, StoreError>,
) -> Result<Decided<Result<T, ServiceError>>, StoreError>
where
    C: ActingCaller,
    T: Serialize + DeserializeOwned,
{
    if let Some(asked) = &op.idempotency
        && let Some(known) = tx.recall(asker.as_str(), &op.name, &asked.key)?
    {
        if known.fingerprint != asked.fingerprint {
            let what = "the `Idempotency-Key` was used with another body";
            return Ok(decided(Err(ServiceError::new(Code::IdempotencyKeyReused, what)), op.status));
        }
        let read = read(&known.outcome).map_err(|problem| StoreError::Corrupt {
            table: "idempotency",
            column: "outcome",
            row: format!("{} {} {}", asker.as_str(), op.name, asked.key),
            problem,
        });
        return Ok(decided(read?, op.status));
    }
    if op.idempotency.is_some()
        && let Some(quotas) = caller.own_quotas(asker.defaults)
        && let Err(refusal) = quotas.may_remember(tx)?
    {
        return Ok(decided(Err(refusal), op.status));
    }
    let result = f(tx)?;
    let no_space = matches!(&result, Err(refusal) if refusal.code == Code::QuotaExceeded);
    if let Some(asked) = op.idempotency.as_ref().filter(|_| !no_space) {
        let outcome = write(&result)?;
        tx.remember(Remembered {
            caller: asker.as_str(),
            operation: &op.name,
            key: &asked.key,
            fingerprint: &asked.fingerprint,
            outcome: &outcome,
            at: asker.now,
        })?;
    }
    Ok(decided(result, op.status))
}

/// Returns a result with its outcome for the record.
pub(crate) fn decided<T>(value: Result<T, ServiceError>, status: u16) -> Decided<Result<T, ServiceError>> {
    let outcome = match &value {
        Ok(_) => Outcome::ok(status),
        Err(error) => error.outcome(),
    };
    Decided::new(value, outcome)
}

fn write<T: Serialize>(result: &Result<T, ServiceError>) -> Result<String, StoreError> {
    let kept = match result {
        Ok(value) => KeptOutcome::Done(value),
        Err(error) => KeptOutcome::Refused {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            details: error.details.clone(),
        },
    };
    serde_json::to_string(&kept).map_err(|e| StoreError::Invariant(e.to_string()))
}

/// Reads an outcome that [`write`] has stored.
///
/// # Errors
/// When the text is not such an outcome.
fn read<T: DeserializeOwned>(outcome: &str) -> Result<Result<T, ServiceError>, String> {
    match serde_json::from_str(outcome).map_err(|error| error.to_string())? {
        KeptOutcome::Done(value) => Ok(Ok(value)),
        KeptOutcome::Refused { code, message, details } => {
            let code = Code::parse(&code).ok_or_else(|| format!("unknown code `{code}`"))?;
            Ok(Err(ServiceError { code, message, details, retry_after: None, cause: None }))
        }
    }
}
