//! The configuration of a repository, as git reads it there: each setting with its origin.

use std::path::Path;

use super::invocation::GitInvocation;
use crate::Error;

/// Limit for the number of settings. A repository with more is refused.
const MOST: usize = 20_000;

/// Who wrote a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user, or the machine's administrator: system and global files, and variables of this process.
    User,
    /// The repository: `.git/config`, `config.worktree`, and the files that they include.
    Repository,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Who wrote it.
    pub origin: Origin,
    /// Its section, in small letters.
    pub section: String,
    /// Its subsection, such as the name of a filter: any bytes but NUL and line feed.
    pub subsection: Option<Vec<u8>>,
    /// Its name in the section, in small letters.
    pub name: String,
    /// Its value. Without `=`, it is on.
    pub value: Vec<u8>,
}

impl Setting {
    /// The key as git takes it: `section.subsection.name`.
    pub fn key(&self) -> Vec<u8> {
        key(&self.section, self.subsection.as_deref(), &self.name)
    }

    fn read(scope: &[u8], entry: &[u8]) -> Option<Self> {
        // Every scope that git may add later counts as the repository's.
        let is_users = [&b"system"[..], b"global", b"command"].contains(&scope);
        let (key, value) = match entry.iter().position(|byte| *byte == b'\n') {
            Some(at) => (entry.get(..at)?, entry.get(at + 1..)?),
            None => (entry, &b"true"[..]),
        };
        let is_dot = |byte: &u8| *byte == b'.';
        let (first, last) = (at(key, key.iter().position(is_dot)?), at(key, key.iter().rposition(is_dot)?));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let subsection = key.get(first.0.len() + 1..last.0.len()).map(<[u8]>::to_vec);
        Some(Self {
            origin: if is_users { Origin::User } else { Origin::Repository },
            section: text(first.0),
            subsection,
            name: text(last.1),
            value: value.to_vec(),
        })
    }
}

/// What is before and after a place of a text.
fn at(text: &[u8], place: usize) -> (&[u8], &[u8]) {
    (text.get(..place).unwrap_or_default(), text.get(place + 1..).unwrap_or_default())
}

/// The key of a setting.
pub fn key(section: &str, subsection: Option<&[u8]>, name: &str) -> Vec<u8> {
    let mut key = section.as_bytes().to_vec();
    for part in subsection.into_iter().chain([name.as_bytes()]) {
        key.push(b'.');
        key.extend_from_slice(part);
    }
    key
}

/// Every setting that applies in a folder, in git's order: the last value of a setting wins. Reading them runs no program.
///
/// # Errors
/// When git can't be run or does not understand its configuration, or there are too many settings.
pub fn read(invocation: &GitInvocation, folder: &Path) -> Result<Vec<Setting>, Error> {
    let listed = invocation.listed_settings(folder)?;
    let mut parts = listed.split(|byte| *byte == 0);
    let mut settings = Vec::new();
    while let (Some(scope), Some(entry)) = (parts.next(), parts.next()) {
        settings.extend(Setting::read(scope, entry));
        if settings.len() > MOST {
            return Err(Error::Refused(format!(
                "the configuration of this git repository has more than {MOST} settings: T4 does not work in it"
            )));
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_with_any_subsection() {
        let read = |scope: &str, entry: &str| {
            let setting = Setting::read(scope.as_bytes(), entry.as_bytes()).unwrap();
            let subsection = setting.subsection.clone().map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(setting.key(), entry.split('\n').next().unwrap().as_bytes());
            (
                setting.section,
                subsection,
                setting.name,
                setting.origin,
                String::from_utf8(setting.value).unwrap(),
            )
        };
        let own = |section: &str, subsection: Option<&str>, name: &str, value: &str| {
            (
                section.to_owned(),
                subsection.map(str::to_owned),
                name.to_owned(),
                Origin::Repository,
                value.to_owned(),
            )
        };
        assert_eq!(read("local", "core.fsmonitor\na\nb"), own("core", None, "fsmonitor", "a\nb"));
        assert_eq!(read("worktree", "filter.a.b=c.d.clean\nx"), own("filter", Some("a.b=c.d"), "clean", "x"));
        assert_eq!(read("unknown", "filter..clean\nx"), own("filter", Some(""), "clean", "x"));
        assert_eq!(read("submodule", "filter.x.required"), own("filter", Some("x"), "required", "true"));
        for scope in ["system", "global", "command"] {
            assert_eq!(read(scope, "a.b\n").3, Origin::User);
        }
    }
}
