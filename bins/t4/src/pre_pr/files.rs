//! Files that are checked.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use cli_support::Failure;
use registry_core::file_path;
use source_tree::git::{Git, NoRepository};

use crate::{config, out, working_tree};

/// A file to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFile {
    /// Its name from the repository's root. Bytes that are not UTF-8 are shown by a replacement character.
    pub name: String,
    /// Whether the registry can hold this name at all.
    pub registrable: bool,
}

impl AskedFile {
    fn from_bytes(bytes: &[u8]) -> Self {
        let name = String::from_utf8_lossy(bytes).into_owned();
        let whole = name.as_bytes() == bytes;
        let registrable = whole && file_path(&name).is_ok();
        Self { name, registrable }
    }
}

/// The files named, or else the changed ones.
pub fn choose(given: Vec<PathBuf>, since: Option<String>) -> Result<Vec<AskedFile>, Failure> {
    let here = config::here()?;
    let git = Git::look(&here, &config::launcher(&here)).map_err(working_tree::failure)?;
    let names = if given.is_empty() {
        changed(git, since)?
    } else {
        given.into_iter().map(|path| from_root(git.as_ref().ok(), &here, &path)).collect::<Result<_, _>>()?
    };
    let mut seen = HashSet::new();
    Ok(names.iter().filter(|name| seen.insert(*name)).map(|name| AskedFile::from_bytes(name)).collect())
}

fn changed(git: Result<Git, NoRepository>, since: Option<String>) -> Result<Vec<Vec<u8>>, Failure> {
    let git = git.map_err(|why| match why {
        NoRepository::Outside => {
            Failure::usage(anyhow!("this is no git repository: name FILES, or go into one"))
        }
        NoRepository::NoGit => Failure::trouble(anyhow!("git can't be run: install it, or name FILES")),
    })?;
    let base = match since {
        Some(base) => base,
        None => git.default_base().map_err(working_tree::failure)?.map(str::to_owned).ok_or_else(|| {
            Failure::usage(anyhow!(
                "there is no origin/HEAD, main or master to compare with: give --since REV"
            ))
        })?,
    };
    out::say(&format!("changes since the merge base with `{base}`"));
    let changed = git.changed(&base).map_err(working_tree::failure)?;
    if let Some(first) = changed.behind_filter.first() {
        let more = changed.behind_filter.len() - 1;
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        out::say(&format!(
            "`{}`{others} may be unchanged: a git filter (`.gitattributes`) stands before it, and T4 runs none",
            out::plain(&String::from_utf8_lossy(first))
        ));
    }
    Ok(changed.names)
}

fn from_root(git: Option<&Git>, here: &Path, path: &Path) -> Result<Vec<u8>, Failure> {
    let refused = |problem: &str| Failure::usage(anyhow!("`{}` {problem}", path.display()));
    if path.is_dir() {
        return Err(refused("is a directory: name files"));
    }
    let Some(git) = git else { return Ok(bytes(path)) };
    let prefix = here.strip_prefix(git.root()).unwrap_or(Path::new(""));
    git.relative(prefix, path).map(|path| bytes(&path)).ok_or_else(|| refused("is outside of the repository"))
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_registry_can_not_hold_are_told_apart() {
        for (bytes, registrable) in
            [(&b"a b/\xc3\xa9"[..], true), (b"a\nb", false), (b"a\xffb", false), (&[b'x'; 4097], false)]
        {
            assert_eq!(AskedFile::from_bytes(bytes).registrable, registrable, "{bytes:?}");
        }
    }
}
