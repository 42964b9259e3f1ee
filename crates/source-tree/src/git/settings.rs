//! The configuration of a repository, as git reads it there: each setting with its origin.

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

/// The settings of `git config --list -z --show-scope`, in git's order: the last value of a setting wins. For each
/// there is its scope and `key<LF>value`.
///
/// # Errors
/// When there are too many settings.
pub fn parse(listed: &[u8]) -> Result<Vec<Setting>, Error> {
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
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

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

    /// A setting as git may have it: section and name in small letters, any subsection, any value.
    fn setting() -> impl Strategy<Value = (&'static str, Setting)> {
        let scopes =
            select(vec!["system", "global", "command", "local", "worktree", "submodule", "", "later"]);
        let bytes = |most| vec(prop_oneof![3 => select(b"a.=-\n \xff".to_vec()), 1 => 1_u8..], 0..most);
        let subsection = bytes(8).prop_map(|text| text.into_iter().filter(|byte| *byte != b'\n').collect());
        (scopes, "[a-z0-9-]{1,6}", prop::option::of(subsection), "[a-z][a-z0-9-]{0,5}", bytes(10)).prop_map(
            |(scope, section, subsection, name, value)| {
                let is_users = ["system", "global", "command"].contains(&scope);
                let origin = if is_users { Origin::User } else { Origin::Repository };
                (scope, Setting { origin, section, subsection, name, value })
            },
        )
    }

    fn written(all: &[(&str, Setting)]) -> Vec<u8> {
        let one = |(scope, setting): &(&str, Setting)| {
            [scope.as_bytes(), b"\0", &setting.key(), b"\n", &setting.value, b"\0"].concat()
        };
        all.iter().flat_map(one).collect()
    }

    proptest! {
        #[test]
        fn settings_are_read_back_whatever_they_hold(all in vec(setting(), 0..8)) {
            let read = parse(&written(&all)).unwrap();
            let settings: Vec<_> = all.into_iter().map(|(_, setting)| setting).collect();
            prop_assert_eq!(read, settings);
        }

        #[test]
        fn no_output_is_a_panic_or_makes_a_setting_the_users_that_is_not(
            all in vec(setting(), 0..6), edits in vec((any::<Index>(), any::<u8>()), 1..6), end in any::<Index>()
        ) {
            let mut listed = written(&all);
            for (at, byte) in edits {
                if !listed.is_empty() {
                    let at = at.index(listed.len());
                    listed[at] = byte;
                }
            }
            listed.truncate(end.index(listed.len() + 1));
            let read = parse(&listed).unwrap();
            prop_assert!(2 * read.len() <= listed.split(|byte| *byte == 0).count());
            let scopes: Vec<_> = listed.split(|byte| *byte == 0).step_by(2).collect();
            let users = read.iter().filter(|setting| setting.origin == Origin::User).count();
            prop_assert!(users <= scopes.iter().filter(|scope| [&b"system"[..], b"global", b"command"].contains(scope)).count());
        }
    }

    #[test]
    fn more_settings_than_the_most_are_refused() {
        let listed = |count: usize| b"local\0a.b\nc\0".repeat(count);
        assert_eq!(parse(&listed(MOST)).unwrap().len(), MOST);
        assert!(matches!(parse(&listed(MOST + 1)), Err(Error::Refused(_))));
    }
}
