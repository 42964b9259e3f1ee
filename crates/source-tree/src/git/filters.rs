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
        Ok(driven(&output, &drivers))
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

/// The names of `git check-attr -z filter` that have one of these drivers: three fields each, which are name, `filter` and
/// value.
fn driven(output: &[u8], drivers: &BTreeSet<&[u8]>) -> Vec<Vec<u8>> {
    let mut fields = output.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let (Some(name), Some(_), Some(value)) = (fields.next(), fields.next(), fields.next()) {
        if drivers.contains(value) {
            found.push(name.to_vec());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_names_with_a_driver_are_found_whatever_they_are(
            all in vec((vec(1_u8.., 1..6), prop_oneof![Just("unspecified"), Just("lfs"), Just("set"), Just("x.y")]), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let drivers: BTreeSet<&[u8]> = [&b"lfs"[..], b"x.y"].into();
            let mut output = Vec::new();
            for (name, value) in &all {
                output.extend([name, &b"\0filter\0"[..], value.as_bytes(), b"\0"].concat());
            }
            let names = all.iter().filter(|(_, value)| drivers.contains(value.as_bytes()));
            let names: Vec<_> = names.map(|(name, _)| name.clone()).collect();
            prop_assert_eq!(&driven(&output, &drivers), &names);
            // Of an output that broke off, no more than there was.
            let part = driven(&output[..cut.index(output.len() + 1)], &drivers);
            prop_assert!(names.starts_with(&part));
        }
    }
}
