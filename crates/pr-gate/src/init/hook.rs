//! The pre-commit hook.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use source_tree::atomic;
use source_tree::git::Git;

use crate::{Error, Project};

const TEXT: &str = include_str!("templates/pre-commit.sh");

/// The line to add to a pre-commit hook that T4 did not write.
pub const LINE: &str = "git diff --cached --name-only -z --diff-filter=ACMR -- '*.py' '*.pyi' | \
                        xargs -0 -r t4 check --since HEAD -- || exit 1";

/// The state of a repository's pre-commit hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// There is no hook. T4's can be written to this path.
    Free(PathBuf),
    /// The hook that T4 writes, unchanged.
    Ours(PathBuf),
    /// Another hook, which T4 does not change.
    Foreign(PathBuf),
    /// git looks for hooks outside the repository. Other repositories may use them too, so T4 does not change them.
    Shared(PathBuf),
    /// There is no repository.
    NoGit,
}

/// Returns the state of the pre-commit hook in git's folder, or in that of `core.hooksPath`.
///
/// # Errors
/// git fails, or the file can't be read.
pub fn hook(project: &Project) -> Result<Hook, Error> {
    let Some(git) = &project.tree.git else { return Ok(Hook::NoGit) };
    let folder = git.hooks_folder()?;
    let own = common_folder(git)?;
    let path = folder.join("pre-commit");
    if !folder.starts_with(&own) {
        let Ok(name) = folder.strip_prefix(&project.tree.root) else { return Ok(Hook::Shared(path)) };
        // The tree is not trusted: no link in it is followed.
        atomic::inside(&project.tree.root, &name.join("pre-commit").display().to_string())?;
    }
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Hook::Free(path)),
        Err(error) => Err(Error::file(&path, "can't be read")(error)),
        Ok(found) if !found.is_file() => Ok(Hook::Foreign(path)),
        Ok(_) => {
            let bytes = fs::read(&path).map_err(Error::file(&path, "can't be read"))?;
            Ok(if bytes == TEXT.as_bytes() { Hook::Ours(path) } else { Hook::Foreign(path) })
        }
    }
}

/// Returns the absolute path of git's folder, which all working trees of a repository share.
fn common_folder(git: &Git) -> Result<PathBuf, Error> {
    let told = git.run(&["rev-parse", "--git-common-dir"])?;
    let told = String::from_utf8(told)
        .map_err(|_| Error::unreadable("git", "the path of its folder is not UTF-8"))?;
    let path = git.root().join(told.trim_end_matches('\n'));
    Ok(path.canonicalize().unwrap_or(path))
}

/// Writes the hook to a free path and makes it executable.
///
/// # Errors
/// The folder or the file can't be written.
pub fn install(path: &Path) -> Result<(), Error> {
    let folder = atomic::folder(path);
    fs::create_dir_all(folder).map_err(Error::file(folder, "can't be created"))?;
    atomic::write_mode(path, TEXT.as_bytes(), Some(0o755))
}

/// Removes the hook if it is T4's and unchanged. Returns its path, or `None` when there was none to remove.
///
/// # Errors
/// Same errors as [`hook()`], or the file can't be removed.
pub fn remove(project: &Project) -> Result<Option<PathBuf>, Error> {
    let Hook::Ours(path) = hook(project)? else { return Ok(None) };
    fs::remove_file(&path).map_err(Error::file(&path, "can't be removed"))?;
    Ok(Some(path))
}
