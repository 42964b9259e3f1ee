use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use registry_core::KeyId;
use storage::{Job, Tx};

use super::*;

/// The names of jobs, in the order in which they were ended.
type Names = Arc<Mutex<Vec<String>>>;

struct Named {
    name: String,
    precedence: Precedence,
    caller: JobCaller,
    ended: Names,
}

impl Job for Named {
    fn run(&mut self, _: &mut dyn Tx) -> Result<(), StoreError> {
        Ok(())
    }

    fn done(self: Box<Self>, _: Result<(), StoreError>) {
        self.ended.lock().unwrap().push(self.name);
    }

    fn precedence(&self) -> Precedence {
        self.precedence
    }

    fn caller(&self) -> &JobCaller {
        &self.caller
    }
}

fn key(name: &str) -> JobCaller {
    JobCaller::Key(KeyId::from_stored(name.to_owned()))
}

struct Line {
    queue: Queue,
    ended: Names,
}

impl Line {
    fn new(places: usize, reserved: usize) -> Self {
        Self { queue: Queue::new(places, reserved), ended: Names::default() }
    }

    fn push(&self, name: impl Into<String>, precedence: Precedence, caller: JobCaller) -> bool {
        let job = Named { name: name.into(), precedence, caller, ended: Arc::clone(&self.ended) };
        self.queue.push(WriterJob::Given(Box::new(job))).is_ok()
    }

    fn ordinary(&self, name: &str, caller: &str) -> bool {
        self.push(name, Precedence::Ordinary, key(caller))
    }

    /// Runs the next job at this cost and returns its name.
    fn run(&self, cost: u64) -> Option<String> {
        self.queue.take()?.done(Ok(()));
        self.queue.charge(cost);
        self.ended.lock().unwrap().pop()
    }
}

#[test]
fn one_job_of_a_caller_goes_before_the_crowd_of_another() {
    let line = Line::new(4000, 0);
    for n in 0..500 {
        assert!(line.ordinary(&format!("crowd {n}"), "greedy"));
    }
    assert_eq!(line.run(1000).unwrap(), "crowd 0");
    assert!(line.ordinary("alone", "other"));
    assert_eq!(line.run(1000).unwrap(), "alone");
    assert_eq!(line.run(1000).unwrap(), "crowd 1");
}

#[test]
fn callers_share_the_time_and_not_the_number_of_jobs() {
    let line = Line::new(20_000, 0);
    for n in 0..1000 {
        assert!(line.ordinary(&format!("slow {n}"), "slow") && line.ordinary(&format!("quick {n}"), "quick"));
    }
    let (mut slow, mut quick) = (0, 0);
    for _ in 0..1000 {
        let name = line.ended.lock().unwrap().pop();
        assert_eq!(name, None);
        let job = line.queue.take().unwrap();
        let cost = if *job.caller() == key("slow") { 10_000 } else { 100 };
        job.done(Ok(()));
        line.queue.charge(cost);
        let name = line.ended.lock().unwrap().pop().unwrap();
        if name.starts_with("slow") { slow += 1 } else { quick += 1 }
    }
    assert!((8..=11).contains(&slow), "slow {slow}, quick {quick}");
}

#[test]
fn a_caller_without_jobs_still_owes_what_its_last_one_cost() {
    let line = Line::new(100, 0);
    assert!(line.ordinary("costly", "greedy") && line.ordinary("a", "other"));
    assert_eq!(line.run(50_000).unwrap(), "costly");
    assert!(line.ordinary("again", "greedy") && line.ordinary("b", "other"));
    assert_eq!(line.run(100).unwrap(), "a");
    assert_eq!(line.run(100).unwrap(), "b");
    assert_eq!(line.run(100).unwrap(), "again");
}

#[test]
fn nobody_saves_up_time_by_being_idle() {
    let line = Line::new(1000, 0);
    for n in 0..50 {
        assert!(line.ordinary(&format!("busy {n}"), "busy"));
        line.run(10_000).unwrap();
    }
    for n in 0..10 {
        assert!(line.ordinary(&format!("busy {n}"), "busy") && line.ordinary(&format!("idle {n}"), "idle"));
    }
    let first: Vec<_> = (0..4).map(|_| line.run(10_000).unwrap()).collect();
    let idle = first.iter().filter(|name| name.starts_with("idle")).count();
    assert!(idle <= 3, "{first:?}");
    assert!(first.iter().any(|name| name.starts_with("busy")), "{first:?}");
}

#[test]
fn control_goes_first_and_lets_ordinary_work_through_now_and_then() {
    let line = Line::new(4000, 0);
    assert!(line.ordinary("ordinary 0", "agent") && line.ordinary("ordinary 1", "agent"));
    for n in 0..100 {
        assert!(line.push(format!("control {n}"), Precedence::Control, JobCaller::Platform));
    }
    let order: Vec<_> = (0..30).map(|_| line.run(1000).unwrap()).collect();
    let places: Vec<_> = (0..30).filter(|n| order[*n].starts_with("ordinary")).collect();
    assert_eq!(places, [10, 21], "{order:?}");
}

#[test]
fn an_admin_s_act_is_next_after_a_crowd_of_one_key_s_settlements() {
    let line = Line::new(4000, 0);
    for n in 0..500 {
        assert!(line.push(format!("settle {n}"), Precedence::Control, key("greedy")));
    }
    line.run(100).unwrap();
    assert!(line.push("revoke", Precedence::Control, JobCaller::Admin));
    assert_eq!(line.run(100).unwrap(), "revoke");
}

#[test]
fn a_full_share_refuses_its_caller_alone() {
    let line = Line::new(100, 10);
    let taken = (0..100).filter(|n| line.ordinary(&n.to_string(), "greedy")).count();
    assert_eq!(taken, 20);
    assert!(!line.push("settle", Precedence::Control, key("greedy")), "both precedences are one share");
    assert!(line.ordinary("other", "other"));
    line.run(1).unwrap();
    line.run(1).unwrap();
    assert!(line.ordinary("again", "greedy"));
}

#[test]
fn keys_leave_places_to_the_platform_whatever_they_send() {
    let line = Line::new(100, 10);
    for caller in 0..10 {
        for n in 0..20 {
            line.ordinary(&n.to_string(), &format!("k{caller}"));
        }
    }
    assert_eq!(line.queue.depth(), 90);
    for caller in 10..20 {
        line.push("settle", Precedence::Control, key(&format!("k{caller}")));
    }
    assert_eq!(line.queue.depth(), 95);
    let more = (0..10).filter(|_| line.push("row", Precedence::Control, JobCaller::Platform)).count();
    assert_eq!(more, 5);
}

#[test]
fn what_is_kept_of_callers_is_bounded() {
    let line = Line::new(100, 0);
    for n in 0..20_000_u64 {
        assert!(line.ordinary("job", &format!("k{n}")));
        // The debts grow, so that none is ever paid off.
        line.run(1_000_000 + n).unwrap();
    }
    let state = line.queue.lock();
    assert!(state.ordinary.known_callers() <= 1024, "{}", state.ordinary.known_callers());
}

#[test]
fn a_closed_queue_gives_what_it_took_and_takes_no_more() {
    let line = Line::new(10, 1);
    assert!(line.ordinary("a", "k"));
    line.queue.close();
    assert!(!line.ordinary("b", "k"));
    assert_eq!(line.queue.wait(None), Some(1));
    assert_eq!(line.run(1).unwrap(), "a");
    assert_eq!(line.queue.wait(None), None);
}

#[test]
fn a_sleeping_writer_is_woken_by_a_job() {
    let queue = Arc::new(Queue::new(10, 1));
    let waiting = Arc::clone(&queue);
    let writer = std::thread::spawn(move || waiting.wait(None));
    let job = Named {
        name: "a".to_owned(),
        precedence: Precedence::Ordinary,
        caller: JobCaller::Admin,
        ended: Names::default(),
    };
    assert!(queue.push(WriterJob::Given(Box::new(job))).is_ok());
    assert_eq!(writer.join().unwrap(), Some(1));
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8, bool),
    Run(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..5_u8, any::<bool>()).prop_map(|(caller, control)| Step::Push(caller, control)),
        2 => (0..20_000_u64).prop_map(Step::Run),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every job comes out once, and those of one caller and precedence in the order in which they came.
    #[test]
    fn jobs_of_a_caller_keep_their_order(steps in steps()) {
        let line = Line::new(100_000, 0);
        let mut pushed = 0_u32;
        let mut out = Vec::new();
        for step in steps {
            match step {
                Step::Push(caller, control) => {
                    let precedence = if control { Precedence::Control } else { Precedence::Ordinary };
                    let name = format!("{caller} {control} {pushed}");
                    prop_assert!(line.push(name, precedence, key(&caller.to_string())));
                    pushed += 1;
                }
                Step::Run(cost) => out.extend(line.run(cost)),
            }
        }
        while let Some(name) = line.run(500) {
            out.push(name);
        }
        prop_assert_eq!(out.len(), usize::try_from(pushed).unwrap());
        prop_assert_eq!(line.queue.depth(), 0);
        let mut last: HashMap<String, u32> = HashMap::new();
        for name in out {
            let (line, number) = name.rsplit_once(' ').unwrap();
            let number: u32 = number.parse().unwrap();
            let before = last.insert(line.to_owned(), number);
            prop_assert!(before.is_none_or(|before| before < number), "{} after {:?}", name, before);
        }
    }

    /// While two callers have work, neither has had more than one job's time beyond the other.
    #[test]
    fn no_caller_runs_ahead_by_more_than_a_job(costs in prop::collection::vec((1..50_000_u64, 1..50_000_u64), 20)) {
        let line = Line::new(100_000, 0);
        for _ in 0..40 {
            prop_assert!(line.ordinary("a", "a") && line.ordinary("b", "b"));
        }
        let (mut a, mut b) = (0_u64, 0_u64);
        let most = 50_000;
        for (of_a, of_b) in costs {
            let job = line.queue.take().unwrap();
            let first = *job.caller() == key("a");
            let cost = if first { of_a } else { of_b };
            job.done(Ok(()));
            line.queue.charge(cost);
            if first { a += cost } else { b += cost }
            prop_assert!(a.abs_diff(b) <= most, "{} and {}", a, b);
        }
    }
}
