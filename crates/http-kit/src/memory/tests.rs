//! Tests of the memory budget alone.

use proptest::prelude::*;

use super::*;

const MIB: usize = 1 << 20;

fn key(name: &str) -> MemoryOwner {
    MemoryOwner::Key(KeyId::from_stored(name.to_owned()))
}

fn budget() -> MemoryBudget {
    MemoryBudget::new(DEFAULT_MEMORY_MIB)
}

fn code(result: Result<(), ApiError>) -> Option<Code> {
    result.err().map(|error| error.0.code)
}

#[test]
fn a_caller_gets_its_share_and_no_more_until_some_of_it_is_free() {
    let budget = budget();
    let (mut first, mut second) = (budget.permit(key("a")), budget.permit(key("a")));
    first.resize(budget.share() - MIB).unwrap();
    assert_eq!(code(second.resize(MIB + 1)), Some(Code::ServerBusy));
    assert_eq!((second.bytes(), budget.refusals()), (0, 1), "a refusal changes nothing");
    second.resize(MIB).unwrap();
    drop(first);
    second.resize(budget.share()).unwrap();
}

#[test]
fn callers_that_fill_what_they_can_leave_every_other_its_small_needs() {
    let budget = budget();
    let mut hogs: Vec<MemoryPermit> = Vec::new();
    for name in ["a", "b", "c", "d"] {
        loop {
            let mut permit = budget.permit(key(name));
            if permit.resize(MIB).is_err() {
                break;
            }
            hogs.push(permit);
        }
    }
    assert!(budget.used() >= budget.0.total / 4 * 3, "{}", budget.used());
    for owner in [key("e"), MemoryOwner::Admin, MemoryOwner::Network(Network::of([10, 0, 0, 0].into()))] {
        budget.permit(owner).resize(budget.small_share()).unwrap();
    }
    assert_eq!(code(budget.permit(key("e")).resize(budget.small_share() + 1)), Some(Code::ServerBusy));
    drop(hogs);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_large_need_that_is_refused_does_not_stand_before_a_small_one() {
    let budget = budget();
    let mut large = budget.permit(key("a"));
    large.resize(budget.share()).unwrap();
    let mut waiting = budget.permit(key("b"));
    assert_eq!(code(waiting.resize(budget.share())), Some(Code::ServerBusy));
    budget.permit(key("b")).resize(MIB).unwrap();
    drop(large);
    waiting.resize(budget.share()).unwrap();
}

#[test]
fn a_network_without_credentials_has_a_small_share_alone() {
    let budget = budget();
    let mut permit = budget.permit(MemoryOwner::Network(Network::of([10, 0, 0, 0].into())));
    assert!(permit.resize(budget.small_share() + 1).is_err());
    permit.resize(budget.small_share()).unwrap();
}

#[test]
fn what_no_caller_can_ever_have_is_too_large_and_not_a_matter_of_time() {
    let budget = budget();
    assert_eq!(code(budget.permit(key("a")).resize(budget.share() + 1)), Some(Code::BodyTooLarge));
}

#[test]
fn a_panic_gives_the_memory_back() {
    let budget = budget();
    let held = budget.clone();
    let thread = std::thread::spawn(move || {
        let mut permit = held.permit(key("a"));
        permit.resize(MIB).unwrap();
        panic!("on purpose");
    });
    assert!(thread.join().is_err());
    assert_eq!(budget.used(), 0);
    assert!(budget.lock().by_owner.is_empty(), "a caller without bytes takes no room");
}

proptest! {
    #[test]
    fn the_sum_of_all_permits_is_what_is_used_and_never_more_than_there_is(
        steps in prop::collection::vec((0_usize..6, 0_usize..64, any::<bool>()), 1..80)
    ) {
        let budget = budget();
        let mut permits: Vec<MemoryPermit> = (0..6).map(|n| budget.permit(key(&format!("{}", n % 3)))).collect();
        for (which, mib, gone) in steps {
            if gone {
                permits[which] = budget.permit(key(&format!("{}", which % 3)));
            } else {
                let before = permits[which].bytes();
                let fits = permits[which].resize(mib * MIB).is_ok();
                prop_assert_eq!(permits[which].bytes(), if fits { mib * MIB } else { before });
            }
            let sum: usize = permits.iter().map(MemoryPermit::bytes).sum();
            prop_assert_eq!(budget.used(), sum);
            prop_assert!(sum <= budget.0.total);
            for name in 0..3 {
                let own: usize = permits.iter().skip(name).step_by(3).map(MemoryPermit::bytes).sum();
                prop_assert!(own <= budget.share());
            }
        }
        drop(permits);
        prop_assert_eq!(budget.used(), 0);
    }
}
