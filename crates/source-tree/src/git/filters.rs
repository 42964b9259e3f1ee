//! Files behind a filter: `.gitattributes` names a driver, and a setting gives it programs (Git LFS is one).
//!
//! Filters are not run. So git compares and stores such a file as it is in the working tree, and what it has of it is what
//! the filter made: it can take the file for changed when it is not, and a commit would hold what the filter should have
//! turned into something else. Callers ask here which files that is about: they say so, count them as changed, and commit
//! none of them.

use std::collections::BTreeSet;
use std::process::Stdio;

use super::Git;
use super::invocation::{refused, unstarted};
use crate::Error;

impl Git {
    /// Those of some files, from the root, that lie behind a filter with a program, whoever set it.
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
        let told = self.told(&["check-attr", "-z", "--stdin", "filter"], &input)?;
        // Three fields each: name, `filter`, value.
        let mut fields = told.split(|byte| *byte == 0);
        let mut found = Vec::new();
        while let (Some(name), Some(_), Some(value)) = (fields.next(), fields.next(), fields.next()) {
            if drivers.contains(value) {
                found.push(name.to_vec());
            }
        }
        Ok(found)
    }

    /// What git tells about an input.
    fn told(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
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
