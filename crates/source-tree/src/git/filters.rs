//! Files to which a git filter applies: `.gitattributes` names a driver, and settings give its programs (Git LFS is one).
//!
//! T4 runs no filter, so git compares and stores the bytes of the working tree instead of the filtered ones. It can report
//! an unchanged file as changed, and a commit would contain unfiltered content. Callers ask here which files are affected.
//! They count these as changed, say so, and never commit them.

use std::collections::BTreeSet;
use std::process::Stdio;

use super::Git;
use super::invocation::{refused, unstarted};
use crate::Error;

impl Git {
    /// The given files, from the root, to which a filter with a program applies.
    ///
    /// # Errors
    /// When git can't be run or fails.
    pub fn behind_filter<N: AsRef<[u8]>>(&self, names: &[N]) -> Result<Vec<Vec<u8>>, Error> {
        let has_program = ["clean", "smudge", "process"];
        let drivers: BTreeSet<&[u8]> = self
            .settings
            .iter()
            .filter(|one| one.section == "filter" && has_program.contains(&one.name.as_str()))
            .filter_map(|one| one.subsection.as_deref())
            .collect();
        if drivers.is_empty() || names.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = Vec::new();
        for name in names {
            input.extend_from_slice(name.as_ref());
            input.push(0);
        }
        let output = self.with_input(&["check-attr", "-z", "--stdin", "filter"], &input)?;
        // Three fields each: name, `filter`, value.
        let mut fields = output.split(|byte| *byte == 0);
        let mut found = Vec::new();
        while let (Some(name), Some(_), Some(value)) = (fields.next(), fields.next(), fields.next()) {
            if drivers.contains(value) {
                found.push(name.to_vec());
            }
        }
        Ok(found)
    }

    /// Output of git for an input on stdin.
    fn with_input(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
        use std::io::Write as _;
        let mut git = self.command();
        git.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = git.spawn().map_err(|error| unstarted(&error))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // A git that ends before it has read everything says why.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(|error| unstarted(&error))?;
        if output.status.success() { Ok(output.stdout) } else { Err(refused(&output.stderr)) }
    }
}
