//! Limiter that counts in memory first and in Redis second.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use deadpool_redis::redis::AsyncConnectionConfig;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::{Connection, Manager, Pool};
use rate_limit::{Deciding, Decision, Limit, Limiter, LimiterMode, MemoryLimiter};
use registry_core::Clock;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::options::{ConnectError, RedisOptions};
use crate::script::LimitScript;

/// Limiter that counts in Redis for all processes, and always in memory.
///
/// All calls share one multiplexed connection: concurrent calls travel together, and no call pays for a check of its
/// connection. Its driver runs on the runtime on which [`Self::connect`] was called. Other runtimes may come and go;
/// they only exchange messages with the driver.
pub struct RedisLimiter {
    pub(crate) options: RedisOptions,
    pub(crate) home: Handle,
    pool: Pool,
    question: LimitScript,
    memory: Arc<MemoryLimiter>,
    clock: Arc<dyn Clock>,
    link: RwLock<Option<Link>>,
    links_made: AtomicU64,
    lost_at_micros: AtomicU64,
}

/// Connection in use. The number distinguishes a late failure of an earlier connection from one of this connection.
#[derive(Clone)]
pub(crate) struct Link {
    connection: MultiplexedConnection,
    number: u64,
}

impl RedisLimiter {
    /// Creates a limiter over the Redis at `url`, with `memory` as the fallback. Call it on the runtime that lives
    /// longest, with timers enabled; the connection lives there. An unreachable server means a degraded start, and
    /// [`Self::spawn_probe`] keeps trying.
    ///
    /// # Errors
    /// [`ConnectError`] when the address is invalid, or there is no runtime.
    pub async fn connect(
        url: &str,
        memory: Arc<MemoryLimiter>,
        clock: Arc<dyn Clock>,
        options: RedisOptions,
    ) -> Result<Self, ConnectError> {
        let home = Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        // Replies are awaited with a timeout here, so the client needs none.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.dial_within))
            .set_response_timeout(None);
        let manager = Manager::new_with_config(url, config)
            .map_err(|error| ConnectError::BadUrl { reason: error.category().to_owned() })?;
        let pool = Pool::builder(manager).max_size(1).build();
        let pool = pool.map_err(|error| ConnectError::BadUrl { reason: error.to_string() })?;
        let limiter = Self {
            options,
            home,
            pool,
            question: LimitScript::new(),
            memory,
            lost_at_micros: AtomicU64::new(clock.monotonic_micros()),
            clock,
            link: RwLock::new(None),
            links_made: AtomicU64::new(0),
        };
        match limiter.dial().await {
            Ok(connection) => limiter.install(connection),
            Err(reason) => tracing::warn!(
                rate_limit.mode = LimiterMode::Degraded.as_str(),
                error = reason,
                "redis can't be reached; each process counts its limits alone until it is"
            ),
        }
        Ok(limiter)
    }

    async fn decide(&self, key: &str, limit: Limit) -> Decision {
        let (alone, admission) = self.memory.admit(key, limit);
        // What this process alone has used up needs no second opinion.
        let Some(admission) = admission else { return alone };
        let Some(mut link) = self.link() else { return alone };
        let together = match self.ask(&mut link, key, limit).await {
            Ok(together) => together,
            Err(reason) => {
                self.lose(&link, &reason);
                return alone;
            }
        };
        if !together.admitted {
            self.memory.undo(key, admission);
        }
        Decision { remaining: together.remaining.min(alone.remaining), ..together }
    }

    /// Asks over a connection, with a time limit for the reply.
    pub(crate) async fn ask(&self, link: &mut Link, key: &str, limit: Limit) -> Result<Decision, String> {
        let asking = self.question.ask(&mut link.connection, key, limit);
        match timeout(self.options.reply_within, asking).await {
            Ok(reply) => reply.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no reply within {} ms", self.options.reply_within.as_millis())),
        }
    }

    /// Makes a connection and runs the script over it once: a server that can't run it, or not in time, is useless.
    pub(crate) async fn dial(&self) -> Result<MultiplexedConnection, String> {
        let connection = match timeout(self.options.dial_within, self.pool.get()).await {
            Ok(made) => made.map_err(|error| error.to_string())?,
            Err(_) => {
                return Err(format!("no connection within {} ms", self.options.dial_within.as_millis()));
            }
        };
        // Taken out of the pool for good: all calls share it until it fails, and a broken connection never returns.
        let mut link = Link { connection: Connection::take(connection), number: 0 };
        self.try_out(&mut link).await?;
        Ok(link.connection)
    }

    /// Asks about a key that no caller has.
    pub(crate) async fn try_out(&self, link: &mut Link) -> Result<(), String> {
        self.ask(link, PROBE_KEY, Limit { per_window: 1, window_micros: 1000 }).await.map(drop)
    }

    /// Returns the connection in use, `None` while degraded.
    pub(crate) fn link(&self) -> Option<Link> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a connection into use.
    pub(crate) fn install(&self, connection: MultiplexedConnection) {
        let number = self.links_made.fetch_add(1, Ordering::Relaxed);
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = Some(Link { connection, number });
        let lost_at = self.lost_at_micros.load(Ordering::Relaxed);
        let away = self.clock.monotonic_micros().saturating_sub(lost_at);
        tracing::info!(
            rate_limit.mode = LimiterMode::Redis.as_str(),
            rate_limit.away_micros = away,
            "redis answers; limits are counted over all processes"
        );
    }

    /// Gives up a connection. Of many calls that see it fail, one does so and logs it.
    pub(crate) fn lose(&self, failed: &Link, reason: &str) {
        {
            let mut link = self.link.write().unwrap_or_else(PoisonError::into_inner);
            if link.as_ref().is_none_or(|link| link.number != failed.number) {
                return;
            }
            *link = None;
        }
        self.lost_at_micros.store(self.clock.monotonic_micros(), Ordering::Relaxed);
        tracing::warn!(
            rate_limit.mode = LimiterMode::Degraded.as_str(),
            error = reason,
            "redis is lost; each process counts its limits alone until it answers again"
        );
    }
}

/// No key id has a space.
const PROBE_KEY: &str = "try out";

impl Limiter for RedisLimiter {
    /// Needs a runtime with timers, like any future with a timeout.
    fn check<'a>(&'a self, key: &'a str, limit: Limit) -> Deciding<'a> {
        Box::pin(self.decide(key, limit))
    }

    fn mode(&self) -> LimiterMode {
        match *self.link.read().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => LimiterMode::Redis,
            None => LimiterMode::Degraded,
        }
    }
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's manager would print the address, password included.
        f.debug_struct("RedisLimiter").field("mode", &self.mode()).finish_non_exhaustive()
    }
}
