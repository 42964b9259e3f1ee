//! Small files of a tree that is not trusted: never through a link, never a pipe, never a huge one.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use crate::Error;

/// The text of a file; `None` when there is none.
///
/// # Errors
/// When it, or a folder above it, is a link; when it is no file, larger than `largest` bytes, or not UTF-8.
pub fn text(root: &Path, name: &str, largest: u64) -> Result<Option<String>, Error> {
    let Some(found) = look(root, name)? else { return Ok(None) };
    if !found.is_file() {
        return Err(Error::unreadable(name, "is no regular file"));
    }
    let path = root.join(name);
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(largest + 1).read_to_end(&mut bytes))
        .map_err(Error::file(&path, "can't be read"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > largest {
        return Err(Error::unreadable(name, format!("is larger than {largest} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Error::unreadable(name, "is not UTF-8"))
}

/// What is at a name: `None` for nothing.
///
/// # Errors
/// When something on the way is a link, or the name could lead out of the root.
pub fn look(root: &Path, name: &str) -> Result<Option<Metadata>, Error> {
    // All of it, before anything is looked at: what is missing on the way must not hide what is wrong behind it.
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::unreadable(
            name,
            "is no path from the root, such as `audit/waivers` (no `..`, `./`, leading or trailing `/`)",
        ));
    }
    let mut path = root.to_owned();
    let mut found = None;
    for part in name.split('/') {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(Error::unreadable(
                    name,
                    "is a link, or in a linked folder: put the file itself there",
                ));
            }
            Ok(metadata) => found = Some(metadata),
            // A file where a folder should be: there is nothing below it.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(Error::file(&path, "can't be read")(error)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_lead_out_is_refused_though_nothing_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["missing/../../x", "missing/", "missing//x", "missing/.", "..", "/x", ""] {
            assert!(look(folder.path(), name).is_err(), "{name}");
        }
        assert!(look(folder.path(), "missing/x").unwrap().is_none());
    }
}
