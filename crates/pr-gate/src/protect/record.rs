//! What stood on GitHub before `t4 protect` changed it, kept in `.t4/protect/` for undo.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;

use registry_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use source_tree::STATE;
use source_tree::{atomic, contained};

use crate::{Error, Project};

const FOLDER: &str = "protect";
const LARGEST: u64 = 8 << 20;

/// One run of `t4 protect --apply`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectionRecord {
    /// The version of this form.
    pub version: u32,
    /// Its name, by the time.
    pub id: String,
    /// When.
    pub created_at: String,
    /// The API that was called.
    pub api: String,
    /// The repository, `OWNER/NAME`.
    pub repo: String,
    /// The branch.
    pub branch: String,
    /// The protection that GitHub showed before; `None` when there was none.
    pub before: Option<Value>,
    /// The body that was sent.
    pub sent: Value,
    /// The protection that GitHub showed afterwards; `None` when it did not come to that.
    pub after: Option<Value>,
    /// The snapshot of the files; `None` when none was changed.
    pub snapshot: Option<String>,
    /// Whether it was undone.
    pub reverted: bool,
}

impl ProtectionRecord {
    /// A record of what is about to be done, with a name that is not taken.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn begin(project: &Project, now: Timestamp) -> Result<Self, Error> {
        let time: String =
            now.to_string().chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
        let taken = ids(project)?;
        let id = (1_u32..=999).map(|number| format!("{time}Z-{number:03}")).find(|id| !taken.contains(id));
        Ok(Self {
            version: 1,
            id: id.unwrap_or_default(),
            created_at: now.to_string(),
            api: String::new(),
            repo: String::new(),
            branch: String::new(),
            before: None,
            sent: Value::Null,
            after: None,
            snapshot: None,
            reverted: false,
        })
    }

    /// Writes it, readable by its owner alone.
    ///
    /// # Errors
    /// When the disk or the permissions stand in the way, or a link is where the folder should be.
    pub fn save(&self, project: &Project) -> Result<(), Error> {
        let root = &project.tree.root;
        let folder = atomic::inside(root, &format!("{STATE}/{FOLDER}"))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(Error::file(&folder, "can't be made"))?;
        let ignore = format!("{STATE}/.gitignore");
        if contained::look(root, &ignore)?.is_none() {
            atomic::write_inside(root, &ignore, b"*\n", None)?;
        }
        let name = format!("{STATE}/{FOLDER}/{}.json", self.id);
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| Error::unreadable(&name, error))?;
        text.push(b'\n');
        atomic::write_inside(root, &name, &text, Some(0o600))
    }

    /// The newest one of a repository that was not undone.
    ///
    /// # Errors
    /// When one can't be read, or when they are part of the repository: such ones are somebody else's.
    pub fn newest(project: &Project, api: &str, repo: &str) -> Result<Option<Self>, Error> {
        refuse_foreign(project)?;
        for id in ids(project)?.into_iter().rev() {
            let name = format!("{STATE}/{FOLDER}/{id}.json");
            let Some(text) = contained::text(&project.tree.root, &name, LARGEST)? else { continue };
            let record: Self =
                serde_json::from_str(&text).map_err(|error| Error::unreadable(&name, error))?;
            if record.version != 1 || record.id != id {
                return Err(Error::unreadable(&name, "it is not the record of this name"));
            }
            // Neither the server nor the repository is taken from a file.
            if !record.reverted && record.api == api && record.repo.eq_ignore_ascii_case(repo) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// A record that came with the repository would set a protection that its author likes.
fn refuse_foreign(project: &Project) -> Result<(), Error> {
    let Some(git) = &project.tree.git else { return Ok(()) };
    if git.run(&["ls-files", "-z", "--", STATE])?.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "`{STATE}` is part of the repository, so what it says may be anybody's: take it out (`git rm -r --cached {STATE}`) \
         and look at what is in it first"
    )))
}

/// The names of the records, oldest first.
fn ids(project: &Project) -> Result<Vec<String>, Error> {
    let folder = atomic::inside(&project.tree.root, &format!("{STATE}/{FOLDER}"))?;
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file(&folder, "can't be read")(error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let known = |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut ids: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).filter(known).collect();
    ids.sort();
    Ok(ids)
}
