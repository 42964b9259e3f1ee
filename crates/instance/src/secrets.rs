//! Secrets kept in files (the pepper and the admin token), and the set of all secrets that the process knows by
//! value.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use registry_core::KnownSecrets;

use crate::InstanceError;
use crate::options::{AdminSource, Options, PepperSource};

/// Returns the path of a file that belongs to a database: the database's path with `.<what>` at the end.
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

/// Creates a secret's file that only its owner can read. When another process was faster, its secret counts.
pub(crate) fn make(path: &Path, secret: &str) -> Result<String, InstanceError> {
    let trouble = |source| InstanceError::SecretFile { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    // Written completely under another name first, so that nobody reads half a secret.
    let draft = beside(path, &format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        writeln!(file, "{secret}")?;
        file.sync_all()?;
        fs::hard_link(&draft, path)
    };
    let written = write();
    // The temporary file is no longer needed in either case.
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

/// Returns the secrets of a process: those of its options, and `made`, which may come from files.
pub(crate) fn known<'a>(options: &'a Options, made: impl IntoIterator<Item = &'a str>) -> KnownSecrets {
    let own = options.known_secrets.iter().map(String::as_str);
    let redis = options.redis.as_deref().and_then(password_of);
    let own = own.chain(redis).chain(options.alert_webhook.as_deref()).chain(made);
    KnownSecrets::new(own, options.static_keys.iter().map(String::as_str))
}

/// Returns the secrets in the options themselves, for a log that starts before anything is opened.
#[must_use]
pub fn secrets_of(options: &Options) -> KnownSecrets {
    let admin = match &options.admin {
        AdminSource::Token(text) | AdminSource::Hash(text) => Some(text.as_str()),
        AdminSource::Beside => None,
    };
    let pepper = match &options.pepper {
        PepperSource::Text(text) => Some(text.as_str()),
        PepperSource::File(_) | PepperSource::Beside => None,
    };
    known(options, admin.into_iter().chain(pepper))
}

/// Returns the password of a URL such as `redis://user:password@host`.
fn password_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password)
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
    fn every_secret_of_the_options_is_known() {
        let mut options = Options::new("t4.db".into());
        options.admin = AdminSource::Token("the-admin-token".to_owned());
        options.pepper = PepperSource::Text("the pepper of this database, long".to_owned());
        options.redis = Some("redis://:the-redis-password@localhost:6379/0".to_owned());
        options.alert_webhook = Some("https://hooks.example/services/T0/B0/abc".to_owned());
        options.static_keys = vec!["static-key-of-an-agent".to_owned(), "short-one".to_owned()];
        options.known_secrets = vec!["sk-of-a-provider".to_owned()];
        let secrets = secrets_of(&options);
        for text in [
            "the-admin-token",
            "the pepper of this database, long",
            "the-redis-password",
            "https://hooks.example/services/T0/B0/abc",
            "static-key-of-an-agent",
            "sk-of-a-provider",
        ] {
            assert!(secrets.are_in(text.as_bytes()), "{text}");
        }
        assert!(!secrets.are_in(b"short-one redis://localhost:6379/0"));
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
