//! `make demo`.

use std::process::Command;

use t4_tests::process::{bare, built, run};

use crate::support::root;

#[test]
fn the_demo_shows_the_check_before_and_after_registering_and_ends_with_0() {
    let example = built().join("examples/register");
    assert!(
        example.exists(),
        "`{}` is missing: run `cargo build -p policy-client --example register` first",
        example.display()
    );
    let mut command = Command::new("bash");
    bare(&mut command).arg("scripts/demo.sh").current_dir(root());
    command.env("CARGO_TARGET_DIR", built().parent().expect("target"));
    let ended = run(&mut command);
    let (out, error) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}\n{error}");
    for words in ["exit code 1", "exit code 0", "src/alpha.py", "stopped"] {
        assert!(out.contains(words), "`{words}` is not in\n{out}");
    }
}
