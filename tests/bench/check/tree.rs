//! The tree that is measured: modules of the size that people write, with findings, annotations and legacy ones.

use std::fmt::Write as _;
use std::path::Path;

/// Functions of a module; with what is around them that is about 250 rows.
const FUNCTIONS: usize = 24;
/// Modules of a package.
const PACKAGE: usize = 50;

/// Writes a repository of so many modules.
pub fn write(root: &Path, files: usize) {
    let git = std::process::Command::new("git").args(["init", "-q", "."]).current_dir(root).status();
    assert!(git.expect("git").success());
    for n in 0..files {
        let path = root.join(name(n));
        std::fs::create_dir_all(path.parent().expect("a package")).expect("folders");
        std::fs::write(path, module(n)).expect("a module");
    }
}

fn name(n: usize) -> String {
    format!("package_{}/module_{n}.py", n / PACKAGE)
}

/// Each third module has findings; of these each second one is annotated; each tenth module has a legacy annotation.
fn module(n: usize) -> String {
    let mut text = format!("\"\"\"Module {n}.\"\"\"\n\nimport json\n");
    if n.is_multiple_of(3) {
        let tag = format!(
            "  # TODO[T4-ISSUE]: {{\"id\":\"t4-{n:08x}\",\"code\":\"F401\",\"reason\":\"a plugin needs it\",\"status\":\"planned\",\
             \"owner\":\"team-{}\",\"ticket\":\"GH-{n}\"}}",
            n % 9
        );
        let _ = writeln!(text, "import os{}", if n.is_multiple_of(6) { tag.as_str() } else { "" });
    }
    if n.is_multiple_of(10) {
        text.push_str("import re  # TODO[T4-UNUSED-IMPORT]: kept for a plugin\n");
    }
    for f in 0..FUNCTIONS {
        let _ = write!(
            text,
            "\n\ndef function_{f}(first, second=None):\n    \"\"\"Compute {f} of {n}.\"\"\"\n    result = {{}}\n    \
             for key, value in sorted(first.items()):\n        if second is not None and key in second:\n            \
             result[key] = json.dumps(value + {f})\n    return result\n"
        );
        if n.is_multiple_of(3) && f == 3 {
            text.push_str("\n\ndef risky():\n    try:\n        return 1\n    except ValueError:\n        raise KeyError(\"x\")\n");
        }
    }
    text
}

/// ruff's JSON with so many findings in these modules.
pub fn findings(files: usize, count: usize) -> String {
    let each = |n: usize| {
        let row = 4 + n / files * 9;
        format!(
            "{{\"cell\":null,\"code\":\"F401\",\"end_location\":{{\"column\":10,\"row\":{row}}},\"filename\":\"{}\",\"fix\":null,\
             \"location\":{{\"column\":8,\"row\":{row}}},\"message\":\"`os` imported but unused\",\"noqa_row\":{row},\
             \"url\":\"https://docs.astral.sh/ruff/rules/unused-import\"}}",
            name(n % files)
        )
    };
    format!("[{}]", (0..count).map(each).collect::<Vec<_>>().join(","))
}
