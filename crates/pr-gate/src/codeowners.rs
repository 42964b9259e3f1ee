//! The CODEOWNERS file of a tree.

use annotations::CodeOwners;
use source_tree::contained;

use crate::{Error, Project};

/// GitHub takes no notice of a larger one.
const LARGEST: u64 = 3 * 1024 * 1024;

/// The CODEOWNERS file that GitHub would take; `None` when there is none.
///
/// # Errors
/// When it is a link, not UTF-8, larger than 3 MiB, or can't be read.
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
    fn the_first_of_githubs_places_counts() {
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
