//! Tests of the order in which the candidates of a call are tried.

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
fn every_candidate_is_tried_at_least_once() {
    assert_eq!(turns(&mut Rotation::new(2)), [(0, 0), (1, 0), (0, 100)]);
    assert_eq!(turns(&mut Rotation::new(4)), [(0, 0), (1, 0), (2, 0), (3, 0)]);
    assert_eq!(turns(&mut Rotation::new(0)), []);
}

#[test]
fn an_excluded_candidate_is_not_tried_again() {
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
