//! Trait of a limiter.

use std::pin::Pin;

use crate::limit::{Decision, Limit};

/// Future of a decision.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;

/// What counts at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterMode {
    /// This process alone, by configuration.
    Memory,
    /// All processes together, through Redis.
    Redis,
    /// This process alone, because Redis is unreachable.
    Degraded,
}

impl LimiterMode {
    /// Word for logs, metrics and the readiness answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Degraded => "degraded",
        }
    }
}

/// Limiter: counts calls by key and decides about each.
///
/// A limiter never fails. What it does when its store is unreachable is part of it, and visible in [`Limiter::mode`].
pub trait Limiter: Send + Sync {
    /// Decides about one call of `key`, and counts it when it is admitted. Always use one window for one key.
    fn check<'a>(&'a self, key: &'a str, limit: Limit) -> Deciding<'a>;

    /// Returns what counts now.
    fn mode(&self) -> LimiterMode;
}
