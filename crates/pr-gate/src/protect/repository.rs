//! Names of GitHub repositories.

use std::fmt::{self, Write as _};

use crate::Error;

/// The owner and name of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
}

/// The host and the repository in the address of a git remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The host, such as `github.com`.
    pub host: String,
    /// The repository on that host.
    pub repository: Repository,
}

impl Repository {
    /// Parses `OWNER/NAME`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text has another form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let part = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !text.is_empty() && text.len() <= 100 && text != "." && text != ".." && text.bytes().all(known)
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(Error::Usage(format!(
                "`{}` is not a repository such as `octo/widgets`",
                text.escape_debug()
            ))),
        }
    }

    /// Returns the path of the repository in the API.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/repos/{}/{}", self.owner, self.name)
    }

    /// Returns the path of a branch's protection in the API.
    #[must_use]
    pub fn protection(&self, branch: &str) -> String {
        let mut encoded = String::new();
        for byte in branch.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                // Writing to a `String` does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        format!("{}/branches/{encoded}/protection", self.path())
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl Remote {
    /// Parses the address of a remote: `https://HOST/O/R.git`, `ssh://git@HOST/O/R.git` or `git@HOST:O/R.git`. Returns
    /// `None` for another form, such as a folder.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let address = address.trim();
        let (host, path) = if let Some((scheme, rest)) = address.split_once("://") {
            if !["https", "http", "ssh", "git", "git+ssh"].contains(&scheme) {
                return None;
            }
            rest.split_once('/')?
        } else {
            address.split_once(':')?
        };
        // The part before `@` may contain a password.
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split(':').next().unwrap_or_default().to_lowercase();
        let path = path.trim_matches('/');
        let repository = Repository::parse(path.strip_suffix(".git").unwrap_or(path)).ok()?;
        (!host.is_empty()).then_some(Self { host, repository })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_its_repository_in_every_form() {
        for address in [
            "https://github.com/octo/wid.gets.git",
            "https://github.com/octo/wid.gets",
            "https://token@GitHub.com/octo/wid.gets/",
            "ssh://git@github.com:22/octo/wid.gets.git",
            "git@github.com:octo/wid.gets.git\n",
            "github.com:octo/wid.gets",
        ] {
            let remote = Remote::parse(address).unwrap();
            assert_eq!(
                (remote.host.as_str(), remote.repository.to_string().as_str()),
                ("github.com", "octo/wid.gets")
            );
        }
        for address in [
            "/srv/git/a.git",
            "../a",
            "file:///srv/a/b",
            "https://github.com/octo",
            "https://github.com/a/b/c",
        ] {
            assert_eq!(Remote::parse(address), None, "{address}");
        }
    }

    #[test]
    fn names_can_not_add_segments_to_an_api_path() {
        for wrong in ["", "octo", "octo/", "/widgets", "a/b/c", "../x", "a/..", "a/b?c", "a/b c", "a/é"] {
            assert!(Repository::parse(wrong).is_err(), "{wrong}");
        }
        let path = Repository::parse("octo/widgets").unwrap().protection("release/1.0 ü?#..");
        assert_eq!(path, "/repos/octo/widgets/branches/release%2F1.0%20%C3%BC%3F%23../protection");
    }
}
