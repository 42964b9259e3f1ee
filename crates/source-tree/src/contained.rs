//! Reading of small files of an untrusted tree: never through a link, from a pipe, or more than a given size.

use std::io::Read as _;
use std::path::Path;

use cap_std::fs::Metadata;

use crate::Error;
use crate::root::Root;

/// The text of a file; `None` when there is none.
///
/// # Errors
/// When it, or a folder above it, is a link; when it is no file, larger than `largest` bytes, or not UTF-8.
pub fn text(root: &Path, name: &str, largest: u64) -> Result<Option<String>, Error> {
    let root = Root::open(root)?;
    let Some(found) = look_in(&root, name)? else { return Ok(None) };
    if !found.is_file() {
        return Err(Error::unreadable(name, "is no regular file"));
    }
    let (file, path) = (root.file(Path::new(name))?, root.shown(Path::new(name)));
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes).map_err(Error::file(&path, "can't be read"))?;
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
    look_in(&Root::open(root)?, name)
}

fn look_in(root: &Root, name: &str) -> Result<Option<Metadata>, Error> {
    // All of it, before anything is looked at: what is missing on the way must not hide what is wrong behind it.
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::unreadable(
            name,
            "is no path from the root, such as `audit/waivers` (no `..`, `./`, leading or trailing `/`)",
        ));
    }
    let name = Path::new(name);
    if root.first_link(name)?.is_some() {
        return Err(Error::unreadable(
            name.display().to_string(),
            "is a link, or in a linked folder: put the file itself there",
        ));
    }
    root.look(name)
}

/// Reads at most `most` bytes of a file into a buffer, which is cleared first; whether the file is there and has no more.
/// The caller has looked whether it is a file.
///
/// # Errors
/// When it can't be read, or leads out of the root.
pub fn read_into(root: &Path, name: &str, most: u64, bytes: &mut Vec<u8>) -> Result<bool, Error> {
    bytes.clear();
    let (root, name) = (Root::open(root)?, Path::new(name));
    let path = root.shown(name);
    let failed = Error::file(&path, "can't be read");
    let file = match root.folder.open(name) {
        Ok(file) => file.into_std(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let read = file.take(most + 1).read_to_end(bytes).map_err(failed)?;
    Ok(u64::try_from(read).is_ok_and(|read| read <= most))
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
