//! Audit rows of requests without valid credentials: a few get a row each, the others are counted.
//!
//! Anyone who can reach the server can send such requests, so the bytes of their rows are bounded. A row is paid for
//! from a budget that fills at a constant rate. A request without a row is counted by network and code, and once a
//! minute one row of bounded size holds the counts. INVARIANT: every request has either a row or exactly one count.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use canonical::to_jcs;
use registry_core::{Network, Timestamp};
use serde_json::{Value, json};

use crate::{Actor, Record, event};

/// How many requests of one network get a row of their own in a minute.
pub(crate) const ROWS_PER_NETWORK: u32 = 10;
/// How many networks are counted separately at a time; requests of further ones are counted together.
pub(crate) const MAX_NETWORKS: usize = 1024;
/// The minute in which a network's rows are counted, and the least time between two rows of counts.
const WINDOW_MICROS: u64 = 60_000_000;
/// What rows of single requests may take at once after a quiet time, in bytes.
const BURST_BYTES: u64 = 512 * 1024;
/// What they may take in the long run, in bytes per second: 5.2 MB a day.
const BYTES_PER_SECOND: u64 = 60;
const MICROS: u64 = 1_000_000;
/// The most that a row of counts lists of single networks, in bytes; 1,440 such rows a day take 3.4 MB.
const MAX_LISTED_BYTES: usize = 1536;
/// How many codes are named per network, and how many of all that is not listed by network.
const CODES_PER_NETWORK: usize = 8;
const CODES_OF_OTHERS: usize = 12;
/// How many codes are counted separately per network; the error table has fewer.
const MAX_CODES: usize = 128;
/// What a row takes besides its texts: time, numbers, leaf, chain, the entry in the index of `seq`.
const ROW_OVERHEAD_BYTES: usize = 320;

type CodeCounts = BTreeMap<Cow<'static, str>, u64>;

/// Decides which requests without credentials get a row, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct AnonymousRows {
    state: Mutex<AnonymousCounts>,
}

#[derive(Debug, Default)]
struct AnonymousCounts {
    /// Monotonic time at which every network may leave rows again.
    minute_ends_micros: u64,
    /// What is left of the budget of bytes, in millionths of a byte, at `paid_until_micros`; `None` before the
    /// first request.
    credit: Option<u64>,
    paid_until_micros: u64,
    /// By network; `None` for a request whose address is not known.
    networks: HashMap<Option<Network>, NetworkCounts>,
    /// Requests of networks that came when the table was full.
    overflow: CodeCounts,
    counted: u64,
    /// Monotonic times of the first and the last request that was counted, and when they are due for their row.
    first_micros: u64,
    last_micros: u64,
    due_micros: u64,
}

#[derive(Debug, Default)]
struct NetworkCounts {
    rows: u32,
    codes: CodeCounts,
}

impl AnonymousRows {
    /// Whether a request that ended with `code`, and whose row takes `bytes`, gets that row; if not, it has been
    /// counted.
    pub(crate) fn admit(&self, network: Option<Network>, code: &str, bytes: usize, now_micros: u64) -> bool {
        let mut state = self.state();
        state.begin_minute(now_micros);
        let credit = state.credit_at(now_micros);
        let cost = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(MICROS);
        let room = state.networks.len() < MAX_NETWORKS || state.networks.contains_key(&network);
        let AnonymousCounts { networks, overflow, .. } = &mut *state;
        let codes = if room {
            let counts = networks.entry(network).or_default();
            if counts.rows < ROWS_PER_NETWORK && cost <= credit {
                counts.rows += 1;
                state.credit = Some(credit - cost);
                return true;
            }
            &mut counts.codes
        } else {
            overflow
        };
        add(codes, code, 1);
        if state.counted == 0 {
            state.first_micros = now_micros;
            state.due_micros = now_micros.saturating_add(WINDOW_MICROS);
        }
        state.counted += 1;
        state.last_micros = now_micros;
        false
    }

    /// The row of what was counted, when it is due or when `all` is asked for. The counts are gone from here
    /// afterwards: the caller must write the row.
    pub(crate) fn drain(&self, now_micros: u64, now: Timestamp, all: bool) -> Option<Record> {
        let mut state = self.state();
        if state.counted == 0 || !(all || state.due_micros <= now_micros) {
            return None;
        }
        let mut listed: Vec<_> = state
            .networks
            .iter_mut()
            .filter(|(_, counts)| !counts.codes.is_empty())
            .map(|(network, counts)| (*network, std::mem::take(&mut counts.codes)))
            .collect();
        let overflow = std::mem::take(&mut state.overflow);
        let count = std::mem::take(&mut state.counted);
        let (first, last) = (state.first_micros, state.last_micros);
        drop(state);
        // The networks with the most requests first; of equals in the order of their addresses.
        listed.sort_by_cached_key(|(network, codes)| (std::cmp::Reverse(sum(codes)), *network));
        // Only the monotonic time of a request is known; its distance to now gives the time of day.
        let at = |micros: u64| {
            now.plus_micros(-i64::try_from(now_micros.saturating_sub(micros)).unwrap_or(i64::MAX)).to_string()
        };
        let mut detail = detail(listed, overflow);
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("from".to_owned(), at(first).into());
            fields.insert("until".to_owned(), at(last).into());
        }
        let mut record = Record::of(event::ANONYMOUS, now, Actor::System);
        "aggregated".clone_into(&mut record.outcome);
        record.count = count;
        record.detail = to_jcs(&detail).ok();
        Some(record)
    }

    fn state(&self) -> MutexGuard<'_, AnonymousCounts> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnonymousCounts {
    /// Gives every network its rows again once the minute is over, and forgets those without counts.
    fn begin_minute(&mut self, now_micros: u64) {
        if now_micros < self.minute_ends_micros {
            return;
        }
        self.minute_ends_micros = now_micros.saturating_add(WINDOW_MICROS);
        self.networks.retain(|_, counts| {
            counts.rows = 0;
            !counts.codes.is_empty()
        });
    }

    fn credit_at(&mut self, now_micros: u64) -> u64 {
        let full = BURST_BYTES * MICROS;
        let earned = now_micros.saturating_sub(self.paid_until_micros).saturating_mul(BYTES_PER_SECOND);
        let credit = self.credit.map_or(full, |credit| credit.saturating_add(earned).min(full));
        self.paid_until_micros = self.paid_until_micros.max(now_micros);
        self.credit = Some(credit);
        credit
    }
}

/// What the row of a request takes in the database, in bytes; rather too much than too little.
pub(crate) fn row_bytes(record: &Record, code: &str) -> usize {
    let texts = [
        &record.request_id,
        &record.api_key,
        &record.agent_id,
        &record.ip,
        &record.method,
        &record.route,
        &record.path,
        &record.body_sha256,
        &record.detail,
        &record.body,
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    texts.saturating_add(code.len() + record.event.len() + ROW_OVERHEAD_BYTES)
}

fn add(codes: &mut CodeCounts, code: &str, count: u64) {
    if let Some(known) = codes.get_mut(code) {
        *known += count;
        return;
    }
    let name = if codes.len() < MAX_CODES { Cow::Owned(code.to_owned()) } else { MORE };
    *codes.entry(name).or_default() += count;
}

const MORE: Cow<'static, str> = Cow::Borrowed("more");

fn sum(codes: &CodeCounts) -> u64 {
    codes.values().sum()
}

/// Lists networks while they fit; the codes of all others are added up.
fn detail(networks: Vec<(Option<Network>, CodeCounts)>, overflow: CodeCounts) -> Value {
    let (mut listed, mut bytes, mut unlisted, mut others) = (Vec::new(), 0, 0_u64, overflow);
    for (network, codes) in networks {
        let name = network.map_or_else(|| "unknown".to_owned(), |network| network.to_string());
        let entry = json!({ "network": name, "codes": most(&codes, CODES_PER_NETWORK) });
        let size = entry.to_string().len() + 1;
        if bytes + size <= MAX_LISTED_BYTES {
            bytes += size;
            listed.push(entry);
        } else {
            unlisted += 1;
            for (code, count) in &codes {
                add(&mut others, code, *count);
            }
        }
    }
    json!({ "networks": listed, "other": most(&others, CODES_OF_OTHERS), "unlisted": unlisted })
}

/// The `kept` most frequent codes; the others are added up as `more`.
fn most(codes: &CodeCounts, kept: usize) -> CodeCounts {
    let mut sorted: Vec<_> = codes.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut named = CodeCounts::new();
    for (place, (code, count)) in sorted.into_iter().enumerate() {
        let name = if place < kept { code.clone() } else { MORE };
        *named.entry(name).or_default() += count;
    }
    named
}

#[cfg(test)]
mod tests;
