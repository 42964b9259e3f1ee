//! The fixes of one rule in one file.

use annotations::Finding;
use codemods::Codemod;

use super::{LeftOut, Work, found};
use crate::codemod::{SYNTAX, UNDEFINED, is_notebook, targets};
use crate::findings::{Excluded, Ruff};
use crate::{Error, Project, files};

/// A file before and after its fixes.
pub struct Rewritten {
    pub before: String,
    pub after: String,
    pub fixed: usize,
}

impl Work<'_> {
    /// Returns the findings of a rule in a file that are waived or accepted.
    pub fn stays(
        &self,
        project: &Project,
        ruff: &Ruff,
        code: &str,
        file: &str,
    ) -> Result<Vec<LeftOut>, Error> {
        let Some(bytes) =
            files::read(project, file)?.filter(|bytes| self.decisions.may_be_about(file, bytes))
        else {
            return Ok(Vec::new());
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut findings = ruff.check_text(project, file, &bytes, &[code.to_owned()], Excluded::WhenFound)?;
        findings.retain(|finding| finding.code == code);
        crate::findings::sort(&mut findings);
        let reasons = self.decisions.about(file, &text, &text, &findings);
        let left_out = |(finding, reason): (&Finding, Option<String>)| {
            Some(LeftOut { file: file.to_owned(), row: finding.start.row, reason: reason? })
        };
        Ok(findings.iter().zip(reasons).filter_map(left_out).collect())
    }

    /// Fixes a file with ruff and T4's codemod for the rule. Writes nothing. Returns `None` when nothing is fixed, or
    /// when the fix would add an undefined name or a syntax error.
    pub fn fix(
        &self,
        project: &Project,
        ruff: &Ruff,
        code: &str,
        file: &str,
    ) -> Result<Option<Rewritten>, Error> {
        if is_notebook(file) {
            return Ok(None);
        }
        let Some(before) = files::read(project, file)?.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Ok(None);
        };
        let counted = self.survey.get(code).and_then(|files| files.get(file)).copied().unwrap_or_default();
        let mut after = before.clone();
        if counted.fixable > 0 {
            after = ruff.fix_text(file, &before, code, self.question.unsafe_fixes)?;
        }
        let codemod = Codemod::ALL.into_iter().find(|one| one.code() == code);
        let mut codes = vec![code.to_owned(), UNDEFINED.to_owned()];
        codes.extend(codemod.iter().flat_map(|one| one.also_reads()).map(|code| (*code).to_owned()));
        let lint = |text: &str| ruff.check_text(project, file, text.as_bytes(), &codes, Excluded::WhenFound);
        if let Some(codemod) = codemod {
            let targets = targets(codemod, &lint(&after)?);
            if let Ok(done) = codemod.fix(&after, &targets) {
                after = done.source;
            }
        }
        if after == before {
            return Ok(None);
        }
        let findings = lint(&after)?;
        let more = |code: &str| count(&findings, code) > found(self.survey, code, file);
        if more(SYNTAX) || (code != UNDEFINED && more(UNDEFINED)) {
            return Ok(None);
        }
        let fixed = counted.found.saturating_sub(count(&findings, code));
        Ok((fixed > 0).then_some(Rewritten { before, after, fixed }))
    }
}

fn count(findings: &[Finding], code: &str) -> usize {
    findings.iter().filter(|finding| finding.code == code).count()
}
