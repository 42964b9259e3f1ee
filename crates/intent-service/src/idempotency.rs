//! The same request twice has one outcome.

use api_types::Code;
use audit::Outcome;
use registry_core::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{Decided, Remembered, StoreError, Tx};

use crate::error::ServiceError;

/// What makes a repeat recognisable. `None` in a use case means that the caller sent no key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The caller's key, 1 to 255 characters.
    pub key: String,
    /// The digest of the canonical body.
    pub fingerprint: [u8; 32],
}

/// Who repeats what.
pub(crate) struct Operation<'a> {
    pub caller: &'a str,
    pub name: &'a str,
    pub idempotency: Option<&'a Idempotency>,
    pub now: Timestamp,
    /// The status of success, for the record.
    pub status: u16,
}

#[derive(Serialize, Deserialize)]
enum Kept<T> {
    Done(T),
    Refused { code: String, message: String, details: Option<Value> },
}

/// Runs `f` unless this very request was decided before; keeps what it decides in the same transaction. Rule
/// refusals are kept too; storage trouble is not, because then nothing was decided.
pub(crate) fn once<T>(
    tx: &mut dyn Tx,
    op: &Operation<'_>,
    f: impl FnOnce(&mut dyn Tx) -> Result<Result<T, ServiceError>, StoreError>,
) -> Result<Decided<Result<T, ServiceError>>, StoreError>
where
    T: Serialize + DeserializeOwned,
{
    if let Some(asked) = op.idempotency
        && let Some(known) = tx.recall(op.caller, op.name, &asked.key)?
    {
        if known.fingerprint != asked.fingerprint {
            let what = "the `Idempotency-Key` was used with another body";
            return Ok(decided(Err(ServiceError::new(Code::IdempotencyKeyReused, what)), op.status));
        }
        return Ok(decided(read(&known.outcome)?, op.status));
    }
    let result = f(tx)?;
    if let Some(asked) = op.idempotency {
        let outcome = write(&result)?;
        tx.remember(Remembered {
            caller: op.caller,
            operation: op.name,
            key: &asked.key,
            fingerprint: &asked.fingerprint,
            outcome: &outcome,
            at: op.now,
        })?;
    }
    Ok(decided(result, op.status))
}

/// A result with its outcome for the record.
pub(crate) fn decided<T>(value: Result<T, ServiceError>, status: u16) -> Decided<Result<T, ServiceError>> {
    let outcome = match &value {
        Ok(_) => Outcome::ok(status),
        Err(error) => error.outcome(),
    };
    Decided { value, outcome }
}

fn write<T: Serialize>(result: &Result<T, ServiceError>) -> Result<String, StoreError> {
    let kept = match result {
        Ok(value) => Kept::Done(value),
        Err(error) => Kept::Refused {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            details: error.details.clone(),
        },
    };
    serde_json::to_string(&kept).map_err(|e| StoreError::Unavailable(e.to_string()))
}

fn read<T: DeserializeOwned>(outcome: &str) -> Result<Result<T, ServiceError>, StoreError> {
    let corrupt = |problem: String| StoreError::Corrupt {
        table: "idempotency",
        column: "outcome",
        row: String::new(),
        problem,
    };
    match serde_json::from_str(outcome).map_err(|e| corrupt(e.to_string()))? {
        Kept::Done(value) => Ok(Ok(value)),
        Kept::Refused { code, message, details } => {
            let code = Code::parse(&code).ok_or_else(|| corrupt(format!("unknown code `{code}`")))?;
            Ok(Err(ServiceError { code, message, details, retry_after: None, cause: None }))
        }
    }
}
