//! Replacement of many files, all or none.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::manifest::read;
use crate::Error;
use crate::atomic::{self, FolderEntry, Staged};
use crate::root::Root;

/// A content and its mode; `None` keeps the mode that is there.
pub type Content<'a> = (Cow<'a, [u8]>, Option<u32>);

/// Change of one file: what is there, and what is to be there. `None` is no file.
pub struct Swap<'a> {
    /// From the root.
    pub name: &'a str,
    pub old: Option<Content<'a>>,
    pub new: Option<Content<'a>>,
}

/// Why nothing was changed, or nearly nothing.
#[derive(Debug)]
pub struct ReplaceFailed {
    pub error: Error,
    /// Files that could not be put back.
    pub left: Vec<PathBuf>,
}

impl From<Error> for ReplaceFailed {
    fn from(error: Error) -> Self {
        Self { error, left: Vec::new() }
    }
}

/// Brings all new contents to the disk first, then puts each in its place: most that can fail fails before the first
/// file has changed. When one can't be placed, those before it are put back.
pub fn all(root: &Root, swaps: &[Swap<'_>]) -> Result<(), ReplaceFailed> {
    for folder in folders(swaps) {
        clear(root, folder);
    }
    let made = make_folders(root, swaps)?;
    let done = stage(root, swaps).map_err(ReplaceFailed::from).and_then(|staged| place(root, swaps, staged));
    if done.is_err() {
        remove_folders(root, &made);
    }
    done?;
    for folder in folders(swaps) {
        // The files are in place; that their names are not on the disk yet is no reason to take them back.
        let _ = root.sync_folder(folder);
    }
    Ok(())
}

/// Clears away the temporary files that killed runs left in a folder.
pub fn clear(root: &Root, folder: &Path) {
    if let Ok(folder) = root.folder.open_dir(folder) {
        atomic::clear(&folder);
    }
}

fn folders<'a>(swaps: &'a [Swap<'_>]) -> BTreeSet<&'a Path> {
    swaps.iter().map(|swap| atomic::folder(Path::new(swap.name))).collect()
}

/// The folders that are missing for a name, the outermost first.
pub fn missing_folders<'a>(root: &Root, name: &'a str) -> Vec<&'a Path> {
    let above = Path::new(name).ancestors().skip(1);
    let mut missing: Vec<&Path> =
        above.take_while(|folder| root.folder.symlink_metadata(folder).is_err()).collect();
    // The empty name is the root itself.
    missing.retain(|folder| !folder.as_os_str().is_empty());
    missing.reverse();
    missing
}

fn make_folders<'a>(root: &Root, swaps: &[Swap<'a>]) -> Result<Vec<&'a Path>, Error> {
    let mut made = Vec::new();
    for swap in swaps.iter().filter(|swap| swap.new.is_some()) {
        for folder in missing_folders(root, swap.name) {
            if let Err(error) = root.folder.create_dir(folder) {
                remove_folders(root, &made);
                return Err(Error::file(&root.shown(folder), "can't be made")(error));
            }
            made.push(folder);
        }
    }
    Ok(made)
}

fn remove_folders(root: &Root, made: &[&Path]) {
    for folder in made.iter().rev() {
        let _ = root.folder.remove_dir(folder);
    }
}

pub fn stage(root: &Root, swaps: &[Swap<'_>]) -> Result<Vec<Option<Staged>>, Error> {
    let staged = swaps.iter().map(|swap| match &swap.new {
        Some((bytes, mode)) => Staged::new(FolderEntry::of_tree(root, swap.name)?, bytes, *mode).map(Some),
        None => Ok(None),
    });
    staged.collect()
}

pub fn place(root: &Root, swaps: &[Swap<'_>], staged: Vec<Option<Staged>>) -> Result<(), ReplaceFailed> {
    for (done, (swap, staged)) in swaps.iter().zip(staged).enumerate() {
        let placed = unchanged(root, swap).and_then(|()| match staged {
            Some(staged) => staged.place(),
            None => root.remove_file(Path::new(swap.name)),
        });
        if let Err(error) = placed {
            let left = put_back(root, swaps.get(..done).unwrap_or_default());
            return Err(ReplaceFailed { error, left });
        }
    }
    Ok(())
}

/// Bringing many files to the disk takes time, in which an editor may have saved one of them.
fn unchanged(root: &Root, swap: &Swap<'_>) -> Result<(), Error> {
    let now = read(root, swap.name)?;
    if now.as_ref().map(|(bytes, _)| bytes.as_slice()) == swap.old.as_ref().map(|(bytes, _)| bytes.as_ref()) {
        return Ok(());
    }
    let path = root.shown(Path::new(swap.name));
    Err(Error::Refused(format!("`{}` was changed meanwhile: nothing was written", path.display())))
}

fn put_back(root: &Root, done: &[Swap<'_>]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for swap in done.iter().rev() {
        let back = match &swap.old {
            Some((bytes, mode)) => {
                FolderEntry::of_tree(root, swap.name).and_then(|entry| entry.write(bytes, *mode))
            }
            None => root.remove_file(Path::new(swap.name)),
        };
        if back.is_err() {
            left.push(root.shown(Path::new(swap.name)));
        }
    }
    left
}
