//! Comparison of the check with a second implementation: the same rules, written slowly and plainly, on files that
//! were generated from known parts. Only types of the product are used.

#[cfg(test)]
mod reference {
    pub mod files;
    pub mod rules;
}

use annotations::{Input, Weights, check};
use reference::files::{TODAY, Tree};
use reference::rules::{Opinion, judge};

#[test]
fn the_check_says_what_the_rules_say() {
    let weights = Weights::default();
    for seed in 0..2_500 {
        let tree = Tree::grow(seed);
        let input = Input {
            findings: &tree.known(),
            codes: &tree.codes,
            paths: &[],
            waivers: &tree.waivers,
            owners: tree.owners.as_ref(),
            weights: &weights,
            today: time::Date::from_calendar_date(TODAY.0, TODAY.1, TODAY.2).unwrap(),
        };
        let report = check(input, &tree.sources(), &tree.registered);
        let opinion = judge(&tree);
        assert_eq!(Opinion::of(&report), opinion, "seed {seed}\n{}\n{:#?}", tree.shown(), tree.findings);
    }
}
