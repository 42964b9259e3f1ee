//! Paths of the page and its history.
//!
//! `t4.toml` and the folders of a tree are untrusted: neither may lead a file outside the tree.

use std::path::{Path, PathBuf};

use source_tree::atomic;

use crate::{Error, Project};

/// Returns the page's file: the flag, relative to the working directory, or the setting.
///
/// # Errors
/// When it would be behind a link, in `.git`, or outside the root without being named so on the command line.
pub fn output_file(project: &Project, flag: Option<&Path>) -> Result<PathBuf, Error> {
    place(project, flag, &project.settings.dashboard.output, "output", "html")
}

/// Returns the history's file: the flag, relative to the working directory, or the setting.
///
/// # Errors
/// Same errors as [`output_file`].
pub fn history_file(project: &Project, flag: Option<&Path>) -> Result<PathBuf, Error> {
    place(project, flag, &project.settings.dashboard.history, "history", "json")
}

fn place(
    project: &Project,
    flag: Option<&Path>,
    setting: &str,
    name: &str,
    extension: &str,
) -> Result<PathBuf, Error> {
    let Some(flag) = flag else {
        let wrong = |problem: String| Error::unreadable("t4.toml", format!("dashboard.{name}: {problem}"));
        // The settings are relative to the root, wherever the command runs.
        let inside =
            project.tree.name(&project.tree.root.join(setting)).map_err(|error| wrong(error.to_string()))?;
        if Path::new(&inside).extension().is_none_or(|found| found != extension) {
            return Err(wrong(format!("`{inside}` does not end in `.{extension}`")));
        }
        return atomic::inside(&project.tree.root, &inside);
    };
    let joined = project.tree.root.join(&project.tree.prefix).join(flag);
    match project.tree.name(&joined) {
        Ok(inside) => Ok(atomic::inside(&project.tree.root, &inside)?),
        // The person who types the command may write anywhere.
        Err(_) => Ok(joined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::GateSettings;
    use source_tree::SourceTree;

    fn project(root: &Path, settings: &str) -> Project {
        Project {
            tree: SourceTree { prefix: PathBuf::from("sub"), ..SourceTree::at(root.to_owned()) },
            settings: GateSettings::parse(settings).unwrap(),
            ruff: None,
        }
    }

    #[test]
    fn the_settings_are_seen_from_the_root_and_the_flags_from_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path(), "");
        assert_eq!(output_file(&project, None).unwrap(), root.path().join("reports/t4_dashboard.html"));
        assert_eq!(output_file(&project, Some(Path::new("a.html"))).unwrap(), root.path().join("sub/a.html"));
        let outside = output_file(&project, Some(Path::new("/elsewhere/a.html"))).unwrap();
        assert_eq!(outside, Path::new("/elsewhere/a.html"));
    }

    #[test]
    fn the_tree_leads_no_file_out_of_it() {
        let root = tempfile::tempdir().unwrap();
        for setting in
            ["/etc/a.html", "../a.html", "a/../../a.html", ".git/a.html", "src/main.py", "x/.GIT/a.html"]
        {
            let project = project(root.path(), &format!("[dashboard]\noutput = \"{setting}\"\n"));
            assert!(output_file(&project, None).is_err(), "{setting}");
        }
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("reports")).unwrap();
        let project = project(root.path(), "");
        for path in [output_file(&project, None), history_file(&project, None)] {
            assert!(path.unwrap_err().to_string().contains("is a link"));
        }
        assert!(output_file(&project, Some(Path::new("../reports/a.html"))).is_err());
    }
}
