//! Trait of a limiter.

use std::pin::Pin;

use crate::limit::{Decision, Limit};

/// A decision on its way.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;

/// Who counts, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterMode {
    /// This process alone, by configuration.
    Memory,
    /// All processes together, through Redis.
    Redis,
    /// This process alone, because Redis is gone.
    Degraded,
}

impl LimiterMode {
    /// The word for logs, metrics and the readiness answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Degraded => "degraded",
        }
    }
}

/// Counts calls by key and says which go on.
///
/// A limiter never fails: what it does when its store is gone is part of it, and shows in [`Limiter::mode`].
pub trait Limiter: Send + Sync {
    /// Asks for one call of `key`, and counts it when it is admitted. Always use one window for one key.
    fn check<'a>(&'a self, key: &'a str, limit: Limit) -> Deciding<'a>;

    /// Who counts now.
    fn mode(&self) -> LimiterMode;
}
