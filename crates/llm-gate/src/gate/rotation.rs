//! In which order a call's attempts go to its candidates.

use std::time::Duration;

/// The least number of attempts that a call may take, however few candidates it has.
const ATTEMPTS: usize = 3;
/// The longest `Retry-After` that is waited for, in seconds.
const PATIENCE: u64 = 5;
/// How long a second round over the candidates waits; each further one twice as long.
const ROUND: Duration = Duration::from_millis(100);

/// One turn after the other, first to last, then again, until the call has had its attempts.
#[derive(Debug)]
pub(crate) struct Rotation {
    barred: Vec<bool>,
    at: usize,
    rounds: u32,
    made: usize,
    again: Option<(usize, Duration)>,
}

impl Rotation {
    pub(crate) fn new(candidates: usize) -> Self {
        Self { barred: vec![false; candidates], at: 0, rounds: 0, made: 0, again: None }
    }

    fn most(&self) -> usize {
        self.barred.len().max(ATTEMPTS)
    }

    /// The candidate that is next, and how long to wait before.
    pub(crate) fn next(&mut self) -> Option<(usize, Duration)> {
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

    /// Counts an attempt; its number, from 1.
    pub(crate) fn attempt(&mut self) -> u32 {
        self.made += 1;
        u32::try_from(self.made).unwrap_or(u32::MAX)
    }

    /// Whether the attempt that was counted last is the call's last one.
    pub(crate) fn is_over(&self) -> bool {
        self.made >= self.most()
    }

    /// This call does not go to that candidate any more.
    pub(crate) fn bar(&mut self, index: usize) {
        if let Some(barred) = self.barred.get_mut(index) {
            *barred = true;
        }
    }

    /// Follows a provider's `Retry-After`: a short one is waited for, after a long one the call does not come back.
    pub(crate) fn retry_after(&mut self, index: usize, seconds: Option<u64>) {
        match seconds {
            Some(seconds) if seconds <= PATIENCE => self.again = Some((index, Duration::from_secs(seconds))),
            Some(_) => self.bar(index),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rotation: &mut Rotation) -> Vec<(usize, u64)> {
        let mut turns = Vec::new();
        while let Some((index, wait)) = rotation.next() {
            rotation.attempt();
            turns.push((index, u64::try_from(wait.as_millis()).unwrap()));
        }
        turns
    }

    #[test]
    fn a_single_candidate_has_three_attempts_with_growing_pauses() {
        let mut rotation = Rotation::new(1);
        assert_eq!(turns(&mut rotation), [(0, 0), (0, 100), (0, 200)]);
        assert!(rotation.is_over());
    }

    #[test]
    fn every_candidate_has_an_attempt() {
        assert_eq!(turns(&mut Rotation::new(2)), [(0, 0), (1, 0), (0, 100)]);
        assert_eq!(turns(&mut Rotation::new(4)), [(0, 0), (1, 0), (2, 0), (3, 0)]);
        assert_eq!(turns(&mut Rotation::new(0)), []);
    }

    #[test]
    fn a_barred_candidate_has_no_further_turn() {
        let mut rotation = Rotation::new(3);
        assert_eq!(rotation.next(), Some((0, Duration::ZERO)));
        rotation.bar(1);
        assert_eq!(turns(&mut rotation).iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2, 0, 2]);
        rotation.bar(0);
        rotation.bar(2);
        assert_eq!(rotation.next(), None);
    }

    #[test]
    fn a_short_retry_after_is_waited_for_and_a_long_one_is_not() {
        let mut rotation = Rotation::new(2);
        assert_eq!(rotation.next(), Some((0, Duration::ZERO)));
        rotation.attempt();
        rotation.retry_after(0, Some(5));
        assert_eq!(rotation.next(), Some((0, Duration::from_secs(5))));
        rotation.attempt();
        rotation.retry_after(0, Some(6));
        assert_eq!(turns(&mut rotation), [(1, 0)]);
    }
}
