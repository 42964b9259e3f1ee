//! The task of a call. It makes one attempt after another until one is answered.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use llm_policy::{
    CallId, HoldAsk, HoldId, Ledger, LedgerError, Operation, PriceEntry, ReleaseReason, RequestShape,
    read_chat, read_embeddings,
};
use registry_core::KnownSecrets;
use serde_json::{Map, Value};

use super::{CallReply, Gate, GateCall, StreamForm};
use crate::GateError;
use crate::attempt::{CallAttempt, Candidate, Next, Retry, no_right};
use crate::builder::{GateState, Upstream};
use crate::open_calls::OpenCall;
use crate::provider::Outgoing;

/// The number of tries to release a hold that may have been written. If all fail, the hold ends with its lease.
const UNSURE_TRIES: usize = 3;

/// The size of text in a body, in bytes, above which its tokens are counted on a thread for blocking work.
const BIG: usize = 32 * 1024;
/// The maximum number of attempts of a call. Calls with more candidates have one attempt for each.
const ATTEMPTS: usize = 3;
/// The longest `Retry-After` for which a call waits, in seconds.
const PATIENCE: u64 = 5;
/// The pause before the second round over the candidates. It doubles for each further round.
const ROUND: Duration = Duration::from_millis(100);

pub(super) async fn run(
    gate: Gate,
    call: GateCall,
    form: StreamForm,
    mut reply: CallReply,
    mut open: OpenCall,
) {
    let GateCall { operation, body, call_id, keep } = call;
    if call_id.as_ref().is_some_and(|id| !open.take(id)) {
        reply.give(Err(LedgerError::CallExists.into()));
        return;
    }
    let shared = &*gate.shared;
    match prepare(shared, operation, body, call_id).await {
        Ok(prepared) => {
            let task = Task { shared, ledger: gate.ledger.as_ref(), secrets: &gate.secrets, form };
            task.attempts(prepared, &mut reply).await;
        }
        Err(error) => {
            reply.give(Err(error));
        }
    }
    drop(keep);
}

struct Task<'c> {
    shared: &'c GateState,
    ledger: &'c dyn Ledger,
    secrets: &'c KnownSecrets,
    form: StreamForm,
}

impl Task<'_> {
    async fn attempts(&self, prepared: PreparedCall, reply: &mut CallReply) {
        let PreparedCall { call_id, minted, shape, candidates, mut body } = prepared;
        let mut rotation = Rotation::new(candidates.len());
        let mut refusal: Option<GateError> = None;
        let mut closed_for = u64::MAX;
        let mut asked = vec![false; candidates.len()];
        while let Some((index, wait)) = rotation.next() {
            let Some(candidate) = candidates.get(index) else { break };
            let stays = tokio::select! {
                biased;
                lost = self.ledger.right_lost() => {
                    reply.give(Err(no_right(lost)));
                    return;
                }
                stays = reply.pause(wait) => stays,
            };
            if !stays {
                return;
            }
            let pass = match candidate.upstream.breaker.admit(self.shared.clock.monotonic_micros()) {
                // All failures of one call at one provider count as a single failure.
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
                    // The hold may have been written, so it is released. With an id that the caller chose, it might
                    // belong to another call.
                    if unsure && minted {
                        self.give_back_unsure(&ask).await;
                    }
                    return;
                }
            };
            let mut attempt = CallAttempt {
                shared: self.shared,
                ledger: self.ledger,
                secrets: self.secrets,
                candidate,
                ask,
                held,
                departed: 0,
            };
            if reply.is_gone() {
                drop(pass);
                attempt.release(ReleaseReason::NotSent).await;
                return;
            }
            if let Some(lost) = attempt.lost_already().await {
                drop(pass);
                reply.give(Err(no_right(lost)));
                attempt.release(ReleaseReason::NotSent).await;
                return;
            }
            // The body is copied only if there may be another attempt.
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

    /// Releases a hold for which the ledger did not confirm whether it was written.
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

/// Builds the request of an attempt. Its `max_completion_tokens` is the output that is held.
fn outgoing(attempt: &CallAttempt<'_>, shape: &RequestShape, mut body: Map<String, Value>) -> Outgoing {
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

/// A checked call, ready for its first attempt.
struct PreparedCall {
    call_id: CallId,
    /// Whether the gate made the id, so that no other call can have it.
    minted: bool,
    shape: RequestShape,
    /// The providers for the call, in order; not empty.
    candidates: Vec<Candidate>,
    body: Map<String, Value>,
}

/// Checks a call, finds its providers and counts its input tokens.
async fn prepare(
    shared: &GateState,
    operation: Operation,
    body: Map<String, Value>,
    chosen: Option<CallId>,
) -> Result<PreparedCall, GateError> {
    if shared.upstreams.is_empty() {
        return Err(GateError::NoProvider);
    }
    let shape = match operation {
        Operation::Chat => read_chat(&body)?,
        Operation::Embeddings => read_embeddings(&body)?,
    };
    let Some(places) = shared.models.get(&shape.model) else {
        return Err(GateError::UnknownModel { model: shape.model });
    };
    let priced: Vec<(&Arc<Upstream>, &PriceEntry)> = places
        .iter()
        .filter_map(|upstream| {
            Some((upstream, shared.prices.find(&upstream.config.priced_as, &shape.model)?))
        })
        .collect();
    if priced.is_empty() {
        let provider = places.first().map(|upstream| upstream.config.priced_as.clone()).unwrap_or_default();
        return Err(LedgerError::NotPriced { provider, model: shape.model }.into());
    }
    let entries: Vec<&PriceEntry> = priced.iter().map(|(_, entry)| *entry).collect();
    let (counts, shape, body) = count(shape, body, &entries).await?;
    let candidates = priced
        .iter()
        .zip(counts)
        .map(|((upstream, entry), input_tokens)| Candidate {
            upstream: Arc::clone(upstream),
            input_tokens,
            encoding: entry.encoding,
            reasoning: entry.reasoning,
        })
        .collect();
    let minted = chosen.is_none();
    let call_id = chosen.unwrap_or_else(|| CallId::mint(shared.clock.now(), shared.entropy.as_ref()));
    Ok(PreparedCall { call_id, minted, shape, candidates, body })
}

/// Returns the number of input tokens for each entry of the price book.
async fn count(
    shape: RequestShape,
    body: Map<String, Value>,
    entries: &[&PriceEntry],
) -> Result<(Vec<u64>, RequestShape, Map<String, Value>), GateError> {
    if !is_big(&body) {
        let counts = count_each(&shape, &body, entries)?;
        return Ok((counts, shape, body));
    }
    let entries: Vec<PriceEntry> = entries.iter().map(|entry| (*entry).clone()).collect();
    let counting = tokio::task::spawn_blocking(move || {
        let counts = count_each(&shape, &body, &entries.iter().collect::<Vec<_>>());
        counts.map(|counts| (counts, shape, body))
    });
    // The blocking task fails only when the runtime stops.
    Ok(counting.await.map_err(|_| GateError::Closing)??)
}

/// Counts the input tokens for each entry. Entries with the same tokenizer and image limit share one count.
fn count_each(
    shape: &RequestShape,
    body: &Map<String, Value>,
    entries: &[&PriceEntry],
) -> Result<Vec<u64>, llm_policy::RequestError> {
    let mut counts: Vec<u64> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let alike = |other: &&PriceEntry| {
            other.encoding == entry.encoding && other.image_tokens == entry.image_tokens
        };
        let known = entries.iter().take(index).position(alike).and_then(|before| counts.get(before).copied());
        counts.push(match known {
            Some(count) => count,
            None => shape.input_tokens(body, entry)?,
        });
    }
    Ok(counts)
}

/// Returns whether a body has more than [`BIG`] bytes of text. It stops reading at that size.
fn is_big(body: &Map<String, Value>) -> bool {
    fn take(value: &Value, left: usize) -> Option<usize> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(1),
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(values) => values.iter().try_fold(left, |left, value| take(value, left)),
            Value::Object(members) => take_members(members, left),
        }
    }
    fn take_members(members: &Map<String, Value>, left: usize) -> Option<usize> {
        members.iter().try_fold(left, |left, (name, value)| take(value, left.checked_sub(name.len())?))
    }
    take_members(body, BIG).is_none()
}

/// The order of a call's attempts: rounds over the candidates, first to last, until the maximum number of attempts.
#[derive(Debug)]
struct Rotation {
    barred: Vec<bool>,
    at: usize,
    rounds: u32,
    made: usize,
    again: Option<(usize, Duration)>,
}

impl Rotation {
    fn new(candidates: usize) -> Self {
        Self { barred: vec![false; candidates], at: 0, rounds: 0, made: 0, again: None }
    }

    fn most(&self) -> usize {
        self.barred.len().max(ATTEMPTS)
    }

    /// Returns the index of the next candidate, and the pause before its attempt.
    fn next(&mut self) -> Option<(usize, Duration)> {
        if self.made >= self.most() {
            return None;
        }
        if let Some(again) = self.again.take() {
            return Some(again);
        }
        for _ in 0..self.barred.len() {
            if self.at == self.barred.len() {
                self.at = 0;
                self.rounds += 1;
            }
            let index = self.at;
            self.at += 1;
            if self.barred.get(index) == Some(&false) {
                return Some((index, self.pause()));
            }
        }
        None
    }

    fn pause(&self) -> Duration {
        match self.rounds.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => ROUND.saturating_mul(1 << doublings.min(4)),
        }
    }

    /// Counts an attempt and returns its number, from 1.
    fn attempt(&mut self) -> u32 {
        self.made += 1;
        u32::try_from(self.made).unwrap_or(u32::MAX)
    }

    /// Returns whether the latest attempt is the last one of the call.
    fn is_over(&self) -> bool {
        self.made >= self.most()
    }

    /// Excludes a candidate from further attempts of this call.
    fn bar(&mut self, index: usize) {
        if let Some(barred) = self.barred.get_mut(index) {
            *barred = true;
        }
    }

    /// Follows a provider's `Retry-After`. After a short delay the same candidate is next; a long delay excludes it.
    fn retry_after(&mut self, index: usize, seconds: Option<u64>) {
        match seconds {
            Some(seconds) if seconds <= PATIENCE => self.again = Some((index, Duration::from_secs(seconds))),
            Some(_) => self.bar(index),
            None => {}
        }
    }
}
