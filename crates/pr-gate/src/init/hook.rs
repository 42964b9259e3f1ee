//! The pre-commit hook.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use source_tree::atomic;
use source_tree::git::Git;

use crate::{Error, Project};

const TEXT: &str = include_str!("templates/pre-commit.sh");

/// What to add to a hook that is somebody else's.
pub const LINE: &str = "git diff --cached --name-only -z --diff-filter=ACMR -- '*.py' '*.pyi' | \
                        xargs -0 -r t4 check --since HEAD -- || exit 1";

/// What stands where the hook goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// Nothing: the hook can be written here.
    Free(PathBuf),
    /// The hook, as T4 writes it.
    Ours(PathBuf),
    /// Another hook: it is left alone.
    Foreign(PathBuf),
    /// git looks for hooks outside of the repository, where they are for other repositories as well: left alone.
    Shared(PathBuf),
    /// There is no repository.
    NoGit,
}

/// What stands where the hook goes: git's own folder, or that of `core.hooksPath`.
///
/// # Errors
/// When git or the file can't be asked.
pub fn hook(project: &Project) -> Result<Hook, Error> {
    let Some(git) = &project.tree.git else { return Ok(Hook::NoGit) };
    let folder = git.hooks_folder()?;
    let own = common_folder(git)?;
    let path = folder.join("pre-commit");
    if !folder.starts_with(&own) {
        let Ok(name) = folder.strip_prefix(&project.tree.root) else { return Ok(Hook::Shared(path)) };
        // The tree may be somebody else's: no link of it is followed.
        atomic::inside(&project.tree.root, &name.join("pre-commit").display().to_string())?;
    }
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Hook::Free(path)),
        Err(error) => Err(Error::file(&path, "can't be looked at")(error)),
        Ok(found) if !found.is_file() => Ok(Hook::Foreign(path)),
        Ok(_) => {
            let bytes = fs::read(&path).map_err(Error::file(&path, "can't be read"))?;
            Ok(if bytes == TEXT.as_bytes() { Hook::Ours(path) } else { Hook::Foreign(path) })
        }
    }
}

/// git's own folder, absolute: of all working trees of a repository, the one that they share.
fn common_folder(git: &Git) -> Result<PathBuf, Error> {
    let told = git.run(&["rev-parse", "--git-common-dir"])?;
    let told =
        String::from_utf8(told).map_err(|_| Error::unreadable("git", "its folder's path is not UTF-8"))?;
    let path = git.root().join(told.trim_end_matches('\n'));
    Ok(path.canonicalize().unwrap_or(path))
}

/// Writes the hook to a place that is free, and makes it a program.
///
/// # Errors
/// When the disk or the permissions stand in the way.
pub fn install(path: &Path) -> Result<(), Error> {
    let folder = atomic::folder(path);
    fs::create_dir_all(folder).map_err(Error::file(folder, "can't be made"))?;
    atomic::write_mode(path, TEXT.as_bytes(), Some(0o755))
}

/// Takes the hook away when it is as T4 writes it; where it was.
///
/// # Errors
/// When it can't be removed.
pub fn remove(project: &Project) -> Result<Option<PathBuf>, Error> {
    let Hook::Ours(path) = hook(project)? else { return Ok(None) };
    fs::remove_file(&path).map_err(Error::file(&path, "can't be removed"))?;
    Ok(Some(path))
}
