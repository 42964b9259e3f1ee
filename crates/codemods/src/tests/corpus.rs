//! Examples: `corpus/<codemod>/<case>` holds a source, the findings of ruff in it, the source afterwards, and what
//! was fixed and skipped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Codemod, CodemodTarget};
use serde_json::{Value, json};

fn corpus() -> Vec<(Codemod, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases: Vec<(Codemod, PathBuf)> = Vec::new();
    for codemod in Codemod::ALL {
        let folder = fs::read_dir(root.join(codemod.name())).expect("every codemod has examples");
        cases.extend(folder.map(|case| (codemod, case.expect("a folder").path())));
    }
    cases.sort_by(|a, b| a.1.cmp(&b.1));
    cases
}

fn targets(case: &Path) -> Vec<CodemodTarget> {
    let text = fs::read_to_string(case.join("findings.json")).expect("findings");
    let findings: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let number = |finding: &Value, key: &str| u32::try_from(finding[key].as_u64().expect(key)).expect(key);
    let one = |f: &Value| CodemodTarget {
        code: f["code"].as_str().expect("code").to_owned(),
        message: f["message"].as_str().expect("message").to_owned(),
        row: number(f, "row"),
        column: number(f, "column"),
        end_row: number(f, "end_row"),
        end_column: number(f, "end_column"),
    };
    findings.iter().map(one).collect()
}

#[test]
fn every_codemod_has_at_least_eight_examples() {
    let cases = corpus();
    for codemod in Codemod::ALL {
        assert!(cases.iter().filter(|(of, _)| *of == codemod).count() >= 8, "{codemod}");
    }
}

#[test]
fn every_example_becomes_what_it_should() {
    let mut wrong = Vec::new();
    for (codemod, case) in corpus() {
        let before = fs::read_to_string(case.join("before.py")).expect("before.py");
        let fixed = codemod.fix(&before, &targets(&case)).expect("it parses");
        let outcome = json!({ "fixed": fixed.fixed, "skipped": fixed.skipped });
        let outcome = serde_json::to_string_pretty(&outcome).expect("JSON") + "\n";
        let after = fs::read_to_string(case.join("after.py")).unwrap_or_default();
        let expected = fs::read_to_string(case.join("outcome.json")).unwrap_or_default();
        if fixed.source != after || outcome != expected {
            wrong.push(format!("{}:\n{}\n{outcome}", case.display(), fixed.source));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_findings_no_change() {
    for (codemod, case) in corpus() {
        let before = fs::read_to_string(case.join("before.py")).expect("before.py");
        let fixed = codemod.fix(&before, &[]).expect("it parses");
        assert_eq!(
            (fixed.source, fixed.fixed.len(), fixed.skipped.len()),
            (before, 0, 0),
            "{}",
            case.display()
        );
    }
}
