//! The programs in the READMEs of the client crates are those of their examples, which other tests run.

use std::fs;
use std::path::Path;

#[test]
fn the_program_of_a_readme_is_its_example() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("crates");
    for (package, example) in [("policy-client", "register"), ("llm-gate", "remote")] {
        let read = |path: &str| fs::read_to_string(crates.join(package).join(path)).expect("a file");
        let (readme, program) = (read("README.md"), read(&format!("examples/{example}.rs")));
        let shown = readme.split("```rust,no_run\n").nth(1).and_then(|rest| rest.split("```").next());
        assert_eq!(shown, Some(program.as_str()), "{package}/README.md differs from examples/{example}.rs");
        let run = format!("cargo run -p {package} --example {example} -- ");
        assert!(readme.contains(&run), "{package}/README.md does not say how to run it");
    }
}
