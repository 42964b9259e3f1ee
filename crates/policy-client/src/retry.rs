//! When a call is tried again, and how long it waits first.

use std::time::Duration;

use api_types::Code;
use registry_core::Entropy;

/// How often and how long a call is tried.
///
/// The waits are random between zero and a bound that doubles with every try (full jitter), so that a crowd of
/// agents does not come back in step. A `Retry-After` of the server's is waited out first when it is short
/// enough; a longer one ends the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many tries in all; 1 means no repeats, 0 counts as 1.
    pub tries: u32,
    /// The bound of the first wait.
    pub base: Duration,
    /// The largest bound of a wait.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited out.
    pub max_retry_after: Duration,
    /// The time for all tries and waits together.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(2),
            max_retry_after: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// One try and no more.
    ///
    /// ```no_run
    /// assert_eq!(policy_client::RetryPolicy::never().tries, 1);
    /// ```
    #[must_use]
    pub fn never() -> Self {
        Self { tries: 1, ..Self::default() }
    }

    /// The wait after `done` tries; `None` when the server asks for more patience than this policy has.
    pub(crate) fn wait(
        &self,
        done: u32,
        retry_after: Option<Duration>,
        entropy: &dyn Entropy,
    ) -> Option<Duration> {
        let asked = retry_after.unwrap_or_default();
        if asked > self.max_retry_after {
            return None;
        }
        let doublings = done.saturating_sub(1).min(30);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        let bound_micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX - 1);
        let jitter = Duration::from_micros(entropy.next_u64() % (bound_micros + 1));
        Some(asked.saturating_add(jitter))
    }
}

/// Whether an answer tells of trouble that may pass by itself, and that costs nothing to meet again.
pub(crate) const fn may_pass(status: u16, code: Option<Code>) -> bool {
    match code {
        // A budget does not grow and a provider does not appear while a call waits; and what failed at the provider
        // may have been billed, as another attempt would be, so that is the caller's to say.
        Some(Code::InsufficientQuota | Code::NoProvider | Code::ProviderFailed | Code::ProviderTimeout) => {
            false
        }
        _ => matches!(status, 429 | 502 | 503 | 504),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use registry_core::SeededEntropy;

    proptest! {
        /// A wait is never shorter than what the server asked for, and never longer than that and the bound.
        #[test]
        fn a_wait_lies_between_what_was_asked_and_the_bound(
            seed in any::<u64>(), done in 1_u32..40, asked_ms in prop::option::of(0_u64..8000)
        ) {
            let policy = RetryPolicy::default();
            let asked = asked_ms.map(Duration::from_millis);
            let wait = policy.wait(done, asked, &SeededEntropy::new(seed));
            let least = asked.unwrap_or_default();
            prop_assert_eq!(wait.is_none(), least > policy.max_retry_after);
            if let Some(wait) = wait {
                let bound = (policy.base * 2_u32.pow((done - 1).min(10))).min(policy.cap);
                prop_assert!(wait >= least && wait <= least + bound, "{wait:?}");
            }
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_bound() {
        let policy = RetryPolicy::default();
        let entropy = SeededEntropy::new(7);
        let waits: Vec<_> = (0..200).filter_map(|_| policy.wait(1, None, &entropy)).collect();
        assert!(waits.iter().any(|w| *w < Duration::from_millis(20)));
        assert!(waits.iter().any(|w| *w > Duration::from_millis(80)));
    }
}
