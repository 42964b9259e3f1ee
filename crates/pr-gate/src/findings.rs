//! Findings of linters: runs ruff, and reads the output of other linters as SARIF.

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

/// The maximum size of a linter's output, in bytes.
pub const LARGEST: usize = 100 << 20;

/// The output of a linter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// The findings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// The linter and its version, such as `ruff 0.14.2`.
    pub tool: String,
    /// Findings that were left out, with the reason, and the linter's messages.
    pub warnings: Vec<String>,
    /// The rules that the linter checked according to its output: those that have a finding or a description.
    pub rules: BTreeSet<String>,
}

/// Runs ruff on files and folders (relative to the root), for rules as in its `--select`. Without names, nothing is
/// checked.
///
/// ruff reads its settings from the tree as usual, but fixes nothing.
///
/// # Errors
/// - [`Error::Usage`] for a name that does not exist.
/// - [`Error::Program`] when ruff is not installed, or when it fails; the error then has its message.
/// - [`Error::Unreadable`] when the tree has a link to a device, or ruff's output can't be parsed.
/// - git fails.
pub fn ruff(project: &Project, names: &[String], codes: &[String]) -> Result<Output, Error> {
    let mut output = ruff_in_its_order(project, names, codes)?.0;
    sort(&mut output.findings);
    Ok(output)
}

/// Same as [`ruff()`], with the findings in ruff's order. Also returns the ruff that ran.
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
            .map_err(|_| Error::Usage(format!("`{name}` does not exist: name existing files and folders")))?;
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

/// Reads the output of a linter: ruff's JSON, or SARIF 2.1.0.
///
/// # Errors
/// [`Error::Unreadable`] when the output has another format, is larger than [`LARGEST`], reports a failed run, or names
/// only files outside the root.
pub fn read(project: &Project, bytes: &[u8]) -> Result<Output, Error> {
    let mut output = read_in_its_order(project, bytes)?;
    sort(&mut output.findings);
    Ok(output)
}

/// Same as [`read`], with the findings in the linter's order.
pub(crate) fn read_in_its_order(project: &Project, bytes: &[u8]) -> Result<Output, Error> {
    const NEITHER: &str = "it is neither ruff's JSON (`ruff check --output-format json`) nor SARIF 2.1.0";
    let unreadable = |problem: String| Error::unreadable("the linter's output", problem);
    if bytes.len() > LARGEST {
        return Err(unreadable(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let members = canonical::members_once(text);
    if let Err(MemberFault::Twice(twice)) = &members {
        let what =
            format!("it has the member `{}` twice, so its meaning depends on the JSON parser", twice.pointer);
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
        // serde skips unknown members at any depth. A member that occurs twice could be deeper than the search reached.
        return Err(unreadable(
            "it nests deeper than 127 levels, or has a number that can't be read".to_owned(),
        ));
    }
    if output.findings.is_empty() && known.some_outside() {
        // The linter ran in another place, perhaps in a container. All of its findings would be left out.
        let root = project.tree.root.display();
        return Err(unreadable(format!(
            "every file that it names is outside `{root}`: run the linter in this folder"
        )));
    }
    output.rules.extend(output.findings.iter().map(|finding| finding.code.clone()));
    output.warnings.extend(known.warnings());
    Ok(output)
}

/// Sorts by file, then place. Findings of one place stay in the linter's order.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (&a.file, a.start).cmp(&(&b.file, b.start)));
}

#[cfg(test)]
mod tests;
