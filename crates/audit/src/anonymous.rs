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

/// Number of requests of one network that get a row each in a minute.
pub(crate) const ROWS_PER_NETWORK: u32 = 10;
/// Number of networks that are counted separately at a time; requests of further networks are counted together.
pub(crate) const MAX_NETWORKS: usize = 1024;
/// Length of the window in which a network's rows are counted, and the shortest time between two rows of counts.
const WINDOW_MICROS: u64 = 60_000_000;
/// Bytes that rows of single requests may take at once after a quiet time.
const BURST_BYTES: u64 = 512 * 1024;
/// Bytes per second that they may take in the long run: 5.2 MB a day.
const BYTES_PER_SECOND: u64 = 60;
const MICROS: u64 = 1_000_000;
/// Bytes of single networks that a row of counts lists at most; 1,440 such rows a day take 3.4 MB.
const MAX_LISTED_BYTES: usize = 1536;
/// Number of codes that are named per network, and in total for networks that are not listed.
const CODES_PER_NETWORK: usize = 8;
const CODES_OF_OTHERS: usize = 12;
/// Number of codes that are counted separately per network; the error table has fewer.
const MAX_CODES: usize = 128;
/// Bytes of a row besides its texts: time, numbers, leaf, chain, the entry in the index of `seq`.
const ROW_OVERHEAD_BYTES: usize = 320;

type CodeCounts = BTreeMap<Cow<'static, str>, u64>;

/// Counter that decides which requests without credentials get a row.
#[derive(Debug, Default)]
pub(crate) struct AnonymousRows {
    state: Mutex<AnonymousCounts>,
}

#[derive(Debug, Default)]
struct AnonymousCounts {
    /// Monotonic time at which every network may leave rows again.
    minute_ends_micros: u64,
    /// Rest of the budget of bytes, in millionths of a byte, at `paid_until_micros`; `None` before the first request.
    credit: Option<u64>,
    paid_until_micros: u64,
    /// Counts by network; `None` for a request whose address is not known.
    networks: HashMap<Option<Network>, NetworkCounts>,
    /// Requests of networks that arrived when the table was full.
    overflow: CodeCounts,
    counted: u64,
    /// Monotonic times of the first and the last counted request, and of when the row of counts is due.
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
    /// Whether a request that ended with `code`, and whose row takes `bytes`, gets a row. If not, it has been
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

    /// Returns the row of counts when it is due, or at once with `all`. The counts are removed here, so the caller
    /// must write the row.
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
        // The networks with the most requests first; ties in the order of their addresses.
        listed.sort_by_cached_key(|(network, codes)| (std::cmp::Reverse(sum(codes)), *network));
        // Only the monotonic time of a request is known; its distance to now gives the wall-clock time.
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
    /// Resets the rows of each network once the minute is over, and drops networks without counts.
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

/// Estimates how many bytes the row of a request takes in the database; rather too many than too few.
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

/// Lists networks while they fit; the codes of all others are summed up.
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

/// Keeps the `kept` most frequent codes; the others are summed up as `more`.
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
