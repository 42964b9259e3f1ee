//! What linters say: ruff, or any SARIF.

mod file_names;
pub(crate) mod ruff;
mod ruff_json;
mod sarif;

use std::collections::BTreeSet;

use annotations::Finding;
use canonical::MemberFault;

pub(crate) use ruff::{Excluded, Ruff, Survey};

use crate::{Error, Project, files};
use file_names::Names;

/// How many bytes of another linter's output are read.
pub const LARGEST: usize = 100 << 20;

/// What a linter said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// The findings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// The linter and its version, such as `ruff 0.14.2`.
    pub tool: String,
    /// What was left out of the findings and why, and what the linter said beside them.
    pub warnings: Vec<String>,
    /// The rules that the output shows the linter to have looked for: it has findings of them, or describes them.
    pub rules: BTreeSet<String>,
}

/// Runs ruff on names (files or folders, from the root; none is nothing) for some rules (as its `--select` takes
/// them). It reads its settings from the tree as always, but fixes nothing.
///
/// # Errors
/// When there is no ruff, or it fails, with what it said. [`Error::Usage`] for a name that is not there.
pub fn ruff(project: &Project, names: &[String], codes: &[String]) -> Result<Output, Error> {
    let mut output = ruff_in_its_order(project, names, codes)?.0;
    sort(&mut output.findings);
    Ok(output)
}

/// The same, with the findings in ruff's own order; and the ruff that said so.
pub(crate) fn ruff_in_its_order(
    project: &Project,
    names: &[String],
    codes: &[String],
) -> Result<(Output, Ruff), Error> {
    for name in names {
        project
            .tree
            .path(name)
            .symlink_metadata()
            .map_err(|_| Error::Usage(format!("`{name}` is not there: name files and folders that are")))?;
    }
    files::refuse_devices(project)?;
    let (ruff, version) = Ruff::find(project)?;
    let mut known = Names::new(project);
    let mut output = Output::default();
    ruff.check(names, codes, Excluded::WhenFound, &mut known, &mut output)?;
    let hidden = files::hidden(project, names)?;
    ruff.check_hidden(&hidden, codes, &mut known, &mut output)?;
    output.tool = version.wait()?;
    output.warnings.extend(known.warnings());
    Ok((output, ruff))
}

/// Reads what a linter said: ruff's JSON, or SARIF 2.1.0.
///
/// # Errors
/// [`Error::Unreadable`] for anything else.
pub fn read(project: &Project, bytes: &[u8]) -> Result<Output, Error> {
    let mut output = read_in_its_order(project, bytes)?;
    sort(&mut output.findings);
    Ok(output)
}

/// The same, with the findings in the linter's own order.
pub(crate) fn read_in_its_order(project: &Project, bytes: &[u8]) -> Result<Output, Error> {
    const NEITHER: &str = "it is neither ruff's JSON (`ruff check --output-format json`) nor SARIF 2.1.0";
    let unreadable = |problem: String| Error::unreadable("the linter's output", problem);
    if bytes.len() > LARGEST {
        return Err(unreadable(format!("it has more than {} MB", LARGEST >> 20)));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let members = canonical::members_once(text);
    if let Err(MemberFault::Twice(twice)) = &members {
        let what =
            format!("it has the member `{}` twice, which readers of JSON read differently", twice.pointer);
        return Err(unreadable(what));
    }
    let mut known = Names::new(project);
    let mut output = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => ruff_json::read(text, &mut known)
            .map(|findings| Output { findings, tool: "ruff".to_owned(), ..Output::default() })
            .map_err(|error| unreadable(format!("{NEITHER}: {error}")))?,
        Some(b'{') => {
            let log = sarif::parse(text).map_err(|error| unreadable(format!("{NEITHER}: {error}")))?;
            sarif::read(&log, &mut known).map_err(|problem| unreadable(problem.to_owned()))?
        }
        _ => return Err(unreadable(NEITHER.to_owned())),
    };
    if members.is_err() {
        // A parser skips over what it does not know, however deep that is. Two members may lie behind it.
        return Err(unreadable(
            "it nests deeper than 127 levels, or has a number that can't be read".to_owned(),
        ));
    }
    if output.findings.is_empty() && known.some_outside() {
        // The linter ran elsewhere, in a container perhaps: nothing of what it found would be looked at.
        let root = project.tree.root.display();
        return Err(unreadable(format!(
            "every file that it names is outside of `{root}`: run the linter here"
        )));
    }
    output.rules.extend(output.findings.iter().map(|finding| finding.code.clone()));
    output.warnings.extend(known.warnings());
    Ok(output)
}

/// By file, then place; findings of one place stay in the linter's order.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (&a.file, a.start).cmp(&(&b.file, b.start)));
}

#[cfg(test)]
mod tests;
