//! Many files at once, all of them or none.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::manifest::read;
use crate::Error;
use crate::atomic::{self, Staged};

/// A content and its mode; `None` keeps the mode that is there.
pub type Content<'a> = (Cow<'a, [u8]>, Option<u32>);

/// One file: what stands there, and what is to stand there. `None` is no file.
pub struct Swap<'a> {
    pub path: PathBuf,
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
pub fn all(swaps: &[Swap<'_>]) -> Result<(), ReplaceFailed> {
    for folder in folders(swaps) {
        atomic::clear(folder);
    }
    let made = make_folders(swaps)?;
    let done = stage(swaps).map_err(ReplaceFailed::from).and_then(|staged| place(swaps, staged));
    if done.is_err() {
        for folder in made.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
    done?;
    for folder in folders(swaps) {
        // The files are in place; that their names are not on the disk yet is no reason to take them back.
        let _ = atomic::sync_folder(folder);
    }
    Ok(())
}

fn folders<'a>(swaps: &'a [Swap<'_>]) -> BTreeSet<&'a Path> {
    swaps.iter().map(|swap| atomic::folder(&swap.path)).collect()
}

/// The folders that are missing for a path, the outermost first.
pub fn missing_folders(path: &Path) -> Vec<&Path> {
    let mut missing: Vec<&Path> =
        path.ancestors().skip(1).take_while(|folder| fs::symlink_metadata(folder).is_err()).collect();
    missing.reverse();
    missing
}

fn make_folders(swaps: &[Swap<'_>]) -> Result<Vec<PathBuf>, Error> {
    let mut made = Vec::new();
    for swap in swaps.iter().filter(|swap| swap.new.is_some()) {
        for folder in missing_folders(&swap.path) {
            if let Err(error) = fs::create_dir(folder) {
                for folder in made.iter().rev() {
                    let _ = fs::remove_dir(folder);
                }
                return Err(Error::file(folder, "can't be made")(error));
            }
            made.push(folder.to_owned());
        }
    }
    Ok(made)
}

pub fn stage(swaps: &[Swap<'_>]) -> Result<Vec<Option<Staged>>, Error> {
    let staged = swaps.iter().map(|swap| match &swap.new {
        Some((bytes, mode)) => Staged::new(&swap.path, bytes, *mode).map(Some),
        None => Ok(None),
    });
    staged.collect()
}

pub fn place(swaps: &[Swap<'_>], staged: Vec<Option<Staged>>) -> Result<(), ReplaceFailed> {
    for (done, (swap, staged)) in swaps.iter().zip(staged).enumerate() {
        let placed = unchanged(swap).and_then(|()| match staged {
            Some(staged) => staged.place(),
            None => remove(&swap.path),
        });
        if let Err(error) = placed {
            return Err(ReplaceFailed { error, left: put_back(swaps.get(..done).unwrap_or_default()) });
        }
    }
    Ok(())
}

/// Bringing many files to the disk takes time, in which somebody may have saved one of them.
fn unchanged(swap: &Swap<'_>) -> Result<(), Error> {
    let now = read(&swap.path)?;
    if now.as_ref().map(|(bytes, _)| bytes.as_slice()) == swap.old.as_ref().map(|(bytes, _)| bytes.as_ref()) {
        return Ok(());
    }
    Err(Error::Refused(format!("`{}` was changed meanwhile: nothing was written", swap.path.display())))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::file(path, "can't be removed")(error))
        }
        _ => Ok(()),
    }
}

fn put_back(done: &[Swap<'_>]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for swap in done.iter().rev() {
        let back = match &swap.old {
            Some((bytes, mode)) => atomic::write_mode(&swap.path, bytes, *mode),
            None => remove(&swap.path),
        };
        if back.is_err() {
            left.push(swap.path.clone());
        }
    }
    left
}
