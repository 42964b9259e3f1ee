//! Secrets that lie in files: the pepper and the admin token.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::InstanceError;

/// The path of a file that belongs to a database: the database's own path with `.<what>` at the end.
#[must_use]
pub fn beside(db: &Path, what: &str) -> PathBuf {
    let mut path = OsString::from(db.as_os_str());
    path.push(".");
    path.push(what);
    PathBuf::from(path)
}

/// Reads a secret's file, trimmed; `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>, InstanceError> {
    let trouble = |source| InstanceError::SecretFile { path: path.to_owned(), source };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(error)),
    };
    if meta.mode() & 0o077 != 0 {
        return Err(InstanceError::SecretFileOpen { path: path.to_owned() });
    }
    fs::read_to_string(path).map(|text| Some(text.trim().to_owned())).map_err(trouble)
}

/// Makes a secret's file that only its owner can read. When another process was faster, its secret counts.
pub(crate) fn make(path: &Path, secret: &str) -> Result<String, InstanceError> {
    let trouble = |source| InstanceError::SecretFile { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    // Written whole under another name first, so that nobody ever reads half a secret.
    let draft = beside(path, &format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        writeln!(file, "{secret}")?;
        file.sync_all()?;
        fs::hard_link(&draft, path)
    };
    let written = write();
    // The draft's name has done its work either way.
    drop(fs::remove_file(&draft));
    match written {
        Ok(()) => Ok(secret.to_owned()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let there = read(path)?;
            there.ok_or_else(|| trouble(std::io::Error::from(ErrorKind::NotFound)))
        }
        Err(error) => Err(trouble(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.secret");
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(make(&path, "first").unwrap(), "first");
        assert_eq!(make(&path, "second").unwrap(), "first");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        make(&path, "secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read(&path), Err(InstanceError::SecretFileOpen { .. })));
    }
}
