//! Records of runs of `t4 protect --apply`, kept in `.t4/protect/` for undo.

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
    /// The version of this format.
    pub version: u32,
    /// The id, made from the time of the run.
    pub id: String,
    /// The time of the run, in RFC 3339.
    pub created_at: String,
    /// The base URL of GitHub's API.
    pub api: String,
    /// The repository, `OWNER/NAME`.
    pub repo: String,
    /// The branch.
    pub branch: String,
    /// The protection that GitHub returned before; `None` when there was none.
    pub before: Option<Value>,
    /// The body that was sent.
    pub sent: Value,
    /// The protection that GitHub returned afterwards; `None` when the run ended before.
    pub after: Option<Value>,
    /// The snapshot of the files; `None` when no file was changed.
    pub snapshot: Option<String>,
    /// Whether the run was undone.
    pub reverted: bool,
}

impl ProtectionRecord {
    /// Creates the record of a run that is about to start, with a new id.
    ///
    /// # Errors
    /// The folder of the records can't be read.
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

    /// Writes the record with mode 0600.
    ///
    /// # Errors
    /// The folder or the file can't be written, or the folder is a link.
    pub fn save(&self, project: &Project) -> Result<(), Error> {
        let root = &project.tree.root;
        let folder = atomic::inside(root, &format!("{STATE}/{FOLDER}"))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(Error::file(&folder, "can't be created"))?;
        let ignore = format!("{STATE}/.gitignore");
        if contained::look(root, &ignore)?.is_none() {
            atomic::write_inside(root, &ignore, b"*\n", None)?;
        }
        let name = format!("{STATE}/{FOLDER}/{}.json", self.id);
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| Error::unreadable(&name, error))?;
        text.push(b'\n');
        atomic::write_inside(root, &name, &text, Some(0o600))
    }

    /// Returns the newest record of a repository whose run was not undone.
    ///
    /// # Errors
    /// A record can't be read. [`Error::Refused`] when git tracks the folder of the records, because an untrusted
    /// author may have written them.
    pub fn newest(project: &Project, api: &str, repo: &str) -> Result<Option<Self>, Error> {
        refuse_foreign(project)?;
        for id in ids(project)?.into_iter().rev() {
            let name = format!("{STATE}/{FOLDER}/{id}.json");
            let Some(text) = contained::text(&project.tree.root, &name, LARGEST)? else { continue };
            let record: Self =
                serde_json::from_str(&text).map_err(|error| Error::unreadable(&name, error))?;
            if record.version != 1 || record.id != id {
                return Err(Error::unreadable(&name, "its version or its id is not the expected one"));
            }
            // A record never chooses the server or the repository. It must match those of this run.
            if !record.reverted && record.api == api && record.repo.eq_ignore_ascii_case(repo) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// Refuses records that git tracks. Undo would set whichever protection their author chose.
fn refuse_foreign(project: &Project) -> Result<(), Error> {
    let Some(git) = &project.tree.git else { return Ok(()) };
    if git.run(&["ls-files", "-z", "--", STATE])?.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "`{STATE}` is part of the repository, so anyone may have written its records: check them, and remove the \
         folder from the repository (`git rm -r --cached {STATE}`)"
    )))
}

/// Returns the ids of the records, oldest first.
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
