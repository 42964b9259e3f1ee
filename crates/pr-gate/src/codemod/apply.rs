//! Writes the changes of a codemod plan and checks the result.

use std::collections::BTreeMap;

use annotations::Finding;
use registry_core::Timestamp;
use source_tree::snapshot::{self, Info};

use super::{COMMAND, CodemodPlan, SYNTAX, UNDEFINED};
use crate::{Error, Progress, Project, findings};

/// Writes the plan with one snapshot, then runs ruff again.
///
/// The fixed findings must be gone, and there must be no new undefined name and no new syntax error. Otherwise all
/// files are restored. A plan without changes makes no snapshot, and the returned [`Info`] names no file.
///
/// # Errors
/// [`Error::Refused`] when a file was changed since the plan was made, or when the check failed. The tree is then as it
/// was before, unless the error says that the files could not be restored.
pub fn apply(
    project: &Project,
    plan: &CodemodPlan,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Info, Error> {
    progress.begin("writing", None);
    let info = snapshot::apply(&project.tree, COMMAND, &plan.changes(), now)?;
    if info.files.is_empty() {
        return Ok(info);
    }
    progress.begin("checking what was written", None);
    let problem = match look(project, plan) {
        Ok(problems) if problems.is_empty() => return Ok(info),
        Ok(problems) => problems.join(", "),
        Err(error) => format!("ruff could not check them: {error}"),
    };
    match snapshot::revert(&project.tree, COMMAND, Some(&info.id), false) {
        Ok(_) => Err(Error::Refused(format!("the fixes failed the check and were undone: {problem}"))),
        Err(error) => Err(Error::Refused(format!(
            "the fixes failed the check ({problem}) and could not be undone ({error}): \
             run `t4 codemod revert {}` to try again",
            info.id
        ))),
    }
}

/// Returns the problems that ruff finds in the changed files.
fn look(project: &Project, plan: &CodemodPlan) -> Result<Vec<String>, Error> {
    let names: Vec<String> = plan.changed().map(|file| file.file.clone()).collect();
    let mut codes: Vec<String> =
        plan.changed().flat_map(|file| file.left.keys().cloned()).filter(|code| code != SYNTAX).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(problems(plan, &findings::ruff(project, &names, &codes)?.findings))
}

fn problems(plan: &CodemodPlan, findings: &[Finding]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry((&finding.file, &finding.code)).or_default() += 1;
    }
    let mut problems = Vec::new();
    for file in plan.changed() {
        for (code, left) in &file.left {
            let now = counts.get(&(file.file.as_str(), code.as_str())).copied().unwrap_or(0);
            if now > *left {
                problems.push(match code.as_str() {
                    SYNTAX => format!("`{}` does not parse any more", file.file),
                    UNDEFINED => format!("`{}` has new undefined names", file.file),
                    code => format!("`{}` still has {code}", file.file),
                });
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use annotations::Place;

    use super::*;
    use crate::codemod::CodemodFile;

    #[test]
    fn findings_that_remain_or_appear_after_a_fix_are_problems() {
        let file = CodemodFile {
            file: "a.py".to_owned(),
            fixed: Vec::new(),
            skipped: Vec::new(),
            stale: 0,
            before: "before".to_owned(),
            after: "after".to_owned(),
            left: BTreeMap::from([("F401", 1), (UNDEFINED, 0), (SYNTAX, 0)].map(|(c, n)| (c.to_owned(), n))),
        };
        let plan = CodemodPlan { files: vec![file], ..CodemodPlan::default() };
        let found = |codes: &[&str]| {
            let place = Place { row: 1, column: 1 };
            let finding = |code: &&str| Finding {
                file: "a.py".to_owned(),
                code: (*code).to_owned(),
                message: String::new(),
                start: place,
                end: place,
                url: None,
            };
            problems(&plan, &codes.iter().map(finding).collect::<Vec<_>>()).join(", ")
        };
        assert_eq!(found(&["F401"]), "");
        assert_eq!(found(&["F401", "F401"]), "`a.py` still has F401");
        assert_eq!(found(&["F821"]), "`a.py` has new undefined names");
        assert_eq!(found(&["invalid-syntax"]), "`a.py` does not parse any more");
    }
}
