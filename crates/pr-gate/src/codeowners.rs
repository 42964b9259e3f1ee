//! The CODEOWNERS file of a tree.

use annotations::CodeOwners;
use source_tree::contained;

use crate::{Error, Project};

/// The maximum size of the file, in bytes. GitHub ignores a larger one.
const LARGEST: u64 = 3 * 1024 * 1024;

/// Reads the CODEOWNERS file that GitHub would use. Returns `None` when there is none.
///
/// # Errors
/// The file is a link, is not UTF-8, is larger than 3 MiB, or can't be read.
pub fn codeowners(project: &Project) -> Result<Option<CodeOwners>, Error> {
    for place in CodeOwners::PLACES {
        if let Some(text) = contained::text(&project.tree.root, place, LARGEST)? {
            return Ok(Some(CodeOwners::read(&text)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_file_that_github_reads_first_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project {
            tree: source_tree::SourceTree::at(folder.path().to_owned()),
            settings: crate::settings::GateSettings::default(),
            ruff: None,
        };
        assert!(codeowners(&project).unwrap().is_none());
        fs::create_dir(folder.path().join("docs")).unwrap();
        fs::write(folder.path().join("docs/CODEOWNERS"), "* @docs\n").unwrap();
        assert_eq!(codeowners(&project).unwrap().unwrap().of("a"), ["@docs"]);
        fs::create_dir(folder.path().join(".github")).unwrap();
        fs::write(folder.path().join(".github/CODEOWNERS"), "* @github\n").unwrap();
        assert_eq!(codeowners(&project).unwrap().unwrap().of("a"), ["@github"]);
    }
}
