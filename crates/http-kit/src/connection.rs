//! Connections: how many there may be, and what happens while a request is served.

mod stream;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use registry_core::Network;

use crate::address::Cidr;

pub(crate) use stream::GuardedStream;

/// Bytes that are read ahead of the request being served: a client that sends endless requests while it waits for the
/// first answer fills no memory. A request of 20 bytes takes some kilobytes once it is parsed.
pub(crate) const READ_AHEAD: usize = 256;

/// State that the stream of a connection shares with the layers above it.
#[derive(Debug, Default)]
pub(crate) struct ConnectionState {
    /// Number of requests that have begun, by which the stream sees that there was one between two of its reads.
    begun: Cell<u64>,
    serving: Cell<bool>,
    reading_body: Cell<bool>,
    ahead: Cell<usize>,
    reader: RefCell<Option<Waker>>,
}

/// One request of a connection; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ServingGuard(Rc<ConnectionState>);

impl ConnectionState {
    pub(crate) fn begin(self: &Rc<Self>) -> ServingGuard {
        self.begun.set(self.begun.get() + 1);
        self.serving.set(true);
        self.reading_body.set(false);
        self.ahead.set(0);
        ServingGuard(Rc::clone(self))
    }

    /// Sets whether the body of the request is being read.
    pub(crate) fn set_reading_body(&self, reading: bool) {
        self.reading_body.set(reading);
        self.ahead.set(0);
        self.wake_reader();
    }

    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Drop for ServingGuard {
    fn drop(&mut self) {
        self.0.serving.set(false);
        self.0.ahead.set(0);
        self.0.wake_reader();
    }
}

/// Maximum number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In total.
    pub total: usize,
    /// Per network (IPv4 /24, IPv6 /64); trusted proxies have no such limit.
    pub per_network: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: 2048, per_network: 1024 }
    }
}

/// Counter of the connections of a process.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionCounts(Arc<CountState>);

#[derive(Debug)]
struct CountState {
    limits: ConnectionLimits,
    trusted: Vec<Cidr>,
    counts: Mutex<OpenCounts>,
}

#[derive(Debug, Default)]
struct OpenCounts {
    all: usize,
    /// Networks without connections take no memory.
    by_network: HashMap<Network, usize>,
}

/// Place for one connection; freed when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPlace {
    counts: ConnectionCounts,
    network: Option<Network>,
}

impl ConnectionCounts {
    pub(crate) fn new(limits: ConnectionLimits, trusted: Vec<Cidr>) -> Self {
        Self(Arc::new(CountState { limits, trusted, counts: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, OpenCounts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a connection from this address; `None` when there is none.
    pub(crate) fn take(&self, peer: IpAddr) -> Option<ConnectionPlace> {
        let peer = peer.to_canonical();
        let trusted = self.0.trusted.iter().any(|range| range.contains(peer));
        let network = (!trusted).then(|| Network::of(peer));
        let mut open = self.lock();
        if open.all >= self.0.limits.total {
            return None;
        }
        if let Some(network) = network {
            let place = open.by_network.entry(network).or_insert(0);
            if *place >= self.0.limits.per_network {
                return None;
            }
            *place += 1;
        }
        open.all += 1;
        drop(open);
        Some(ConnectionPlace { counts: self.clone(), network })
    }

    /// Returns the number of all connections.
    pub(crate) fn open(&self) -> usize {
        self.lock().all
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut open = self.counts.lock();
        open.all = open.all.saturating_sub(1);
        let Some(network) = self.network else { return };
        match open.by_network.get_mut(&network) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                open.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_gets_its_connections_and_leaves_the_others_theirs() {
        let limits = ConnectionLimits { total: 4, per_network: 2 };
        let counts = ConnectionCounts::new(limits, Vec::new());
        let first = counts.take(ip("10.0.0.1")).unwrap();
        let second = counts.take(ip("10.0.0.200")).unwrap();
        assert!(counts.take(ip("::ffff:10.0.0.7")).is_none(), "one network has one share");
        let others = [counts.take(ip("10.0.1.1")).unwrap(), counts.take(ip("fd00::1")).unwrap()];
        assert!(counts.take(ip("10.0.2.1")).is_none(), "all together have a limit as well");
        drop(first);
        assert!(counts.take(ip("10.0.0.1")).is_some());
        drop((second, others));
        assert_eq!(counts.open(), 0);
        assert!(counts.lock().by_network.is_empty());
    }

    #[test]
    fn a_trusted_proxy_brings_many_callers_and_has_no_share_of_its_own() {
        let limits = ConnectionLimits { total: 3, per_network: 1 };
        let counts = ConnectionCounts::new(limits, vec!["10.0.0.0/8".parse().unwrap()]);
        let held: Vec<_> = (0..3).filter_map(|_| counts.take(ip("10.0.0.1"))).collect();
        assert_eq!((held.len(), counts.open()), (3, 3));
    }
}
