//! The task of a call: attempts, one after the other, until one is answered.

use llm_policy::{HoldAsk, HoldId, Ledger, LedgerError, Operation, ReleaseReason, RequestShape};
use serde_json::{Map, Value};

use super::open::OpenCall;
use super::prepare::{Prepared, prepare};
use super::rotation::Rotation;
use super::sent::Next;
use super::{Form, Gate, GateCall, Reply};
use crate::GateError;
use crate::attempt::{Attempt, Retry};
use crate::builder::Shared;
use crate::provider::Outgoing;

/// How often a hold that may have been written is given back before it is left to its lease.
const UNSURE_TRIES: usize = 3;

pub(super) async fn run(gate: Gate, call: GateCall, form: Form, mut reply: Reply, mut open: OpenCall) {
    let GateCall { operation, body, call_id, keep } = call;
    if call_id.as_ref().is_some_and(|id| !open.take(id)) {
        reply.give(Err(LedgerError::CallExists.into()));
        return;
    }
    let shared = &*gate.shared;
    match prepare(shared, operation, body, call_id).await {
        Ok(prepared) => {
            let task = Task { shared, ledger: gate.ledger.as_ref(), form };
            task.attempts(prepared, &mut reply).await;
        }
        Err(error) => {
            reply.give(Err(error));
        }
    }
    drop(keep);
}

struct Task<'c> {
    shared: &'c Shared,
    ledger: &'c dyn Ledger,
    form: Form,
}

impl Task<'_> {
    async fn attempts(&self, prepared: Prepared, reply: &mut Reply) {
        let Prepared { call_id, minted, shape, candidates, mut body } = prepared;
        let mut rotation = Rotation::new(candidates.len());
        let mut refusal: Option<GateError> = None;
        let mut closed_for = u64::MAX;
        let mut asked = vec![false; candidates.len()];
        while let Some((index, wait)) = rotation.next() {
            let Some(candidate) = candidates.get(index) else { break };
            if !reply.pause(wait).await {
                return;
            }
            let pass = match candidate.upstream.breaker.admit(self.shared.clock.monotonic_micros()) {
                // However often one call fails there, it is one failure.
                Ok(pass) => match asked.get_mut(index).map(|asked| std::mem::replace(asked, true)) {
                    Some(true) => pass.uncounted(),
                    Some(false) | None => pass,
                },
                Err(micros) => {
                    closed_for = closed_for.min(micros);
                    rotation.bar(index);
                    continue;
                }
            };
            let ask = HoldAsk {
                call_id: call_id.clone(),
                attempt: rotation.attempt(),
                operation: shape.operation,
                provider: candidate.upstream.config.name.clone(),
                priced_as: candidate.upstream.config.priced_as.clone(),
                model: shape.model.clone(),
                input_tokens: candidate.input_tokens,
                choices: shape.choices,
                output: shape.output,
                lease_seconds: self.shared.limits.lease_seconds,
            };
            let held = match self.ledger.hold(ask.clone()).await {
                Ok(held) => held,
                Err(error @ LedgerError::NotPriced { .. }) => {
                    rotation.bar(index);
                    refusal.get_or_insert(error.into());
                    continue;
                }
                Err(error) => {
                    let unsure = matches!(error, LedgerError::Unavailable { .. });
                    reply.give(Err(error.into()));
                    // With an id that a caller chose, the hold might be another call's.
                    if unsure && minted {
                        self.give_back_unsure(&ask).await;
                    }
                    return;
                }
            };
            let mut attempt =
                Attempt { shared: self.shared, ledger: self.ledger, candidate, ask, held, departed: 0 };
            if reply.is_gone() {
                drop(pass);
                attempt.release(ReleaseReason::NotSent).await;
                return;
            }
            // A copy is kept only while there may be a further attempt.
            let copy = if rotation.is_over() { std::mem::take(&mut body) } else { body.clone() };
            let outgoing = outgoing(&attempt, &shape, copy);
            attempt.departed = self.shared.clock.monotonic_micros();
            match attempt.send(outgoing, &shape, self.form, pass, reply).await {
                Next::Done => return,
                Next::Again { error, retry_after, come_back } => {
                    rotation.retry_after(index, retry_after);
                    if !come_back {
                        rotation.bar(index);
                    }
                    refusal = Some(error);
                }
            }
        }
        let retry_after = closed_for.div_ceil(1_000_000);
        reply.give(Err(refusal.unwrap_or(GateError::Unavailable { retry_after })));
    }

    /// Gives a hold back that may not have been written: the ledger did not say.
    async fn give_back_unsure(&self, ask: &HoldAsk) {
        let hold = HoldId::of(&ask.call_id, ask.attempt);
        let mut retry = Retry::new(ask.lease_seconds);
        for _ in 0..UNSURE_TRIES {
            if !retry.pause().await {
                return;
            }
            match self.ledger.release(hold.clone(), ReleaseReason::NotSent).await {
                Err(LedgerError::Unavailable { .. }) => {}
                Ok(()) | Err(_) => return,
            }
        }
    }
}

/// The body as it leaves: with the output that is held, under its one name.
fn outgoing(attempt: &Attempt<'_>, shape: &RequestShape, mut body: Map<String, Value>) -> Outgoing {
    body.remove("max_tokens");
    match (shape.operation, attempt.held.max_tokens) {
        (Operation::Chat, Some(most)) => {
            body.insert("max_completion_tokens".to_owned(), most.into());
        }
        (Operation::Chat | Operation::Embeddings, _) => {
            body.remove("max_completion_tokens");
        }
    }
    if shape.stream {
        body.insert("stream".to_owned(), true.into());
    }
    Outgoing { operation: shape.operation, hold_id: attempt.held.hold_id.clone(), body, stream: shape.stream }
}
