//! Search for files without an end among those that git reads from the folder of a repository.
//!
//! git waits forever for a pipe or a terminal. An unpacked archive can contain a pipe, and a configuration can include any
//! file of the machine. So the files are looked at before git is run. The conditions of includes (`includeIf`) are not
//! evaluated, because they may hold later, in a worktree that T4 makes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::invocation::GitInvocation;
use super::settings::{Origin, Setting};
use crate::Error;

/// Limit for the number of files that a configuration includes.
const MOST: usize = 100;

/// Limit for a file whose text is searched for includes, in bytes. A larger one is taken to have some.
const LARGEST: u64 = 1 << 20;

/// Files of a git folder that git reads, beside the configuration.
const READ: [&str; 10] = [
    "HEAD",
    "commondir",
    "config.worktree",
    "index",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
    "packed-refs",
    "shallow",
];

/// Settings with the path of a file that git reads. Others are overridden ([`super::overrides`]).
const NAMING: [(&str, &str); 2] = [("core", "excludesfile"), ("blame", "ignorerevsfile")];

/// Refuses a repository whose folder or configuration names a file without an end. `holder` has the `.git`.
///
/// # Errors
/// [`Error::Refused`] with the file; when git does not understand a configuration file that includes others.
pub fn refuse(invocation: &GitInvocation, folder: &Path, holder: Option<&Path>) -> Result<(), Error> {
    let named = invocation.variable("GIT_DIR").map(|path| folder.join(path));
    let Some(own) = named.or_else(|| git_folder(holder?)) else { return Ok(()) };
    for name in READ {
        refuse_path(&own.join(name))?;
    }
    let named = invocation.variable("GIT_COMMON_DIR").map(|path| folder.join(path));
    let common = named.or_else(|| Some(own.join(line(&own.join("commondir"), "")?)));
    let common = common.unwrap_or_else(|| own.clone());
    for name in READ {
        refuse_path(&common.join(name))?;
    }
    let mut done = BTreeSet::new();
    let mut queue = vec![common.join("config"), own.join("config.worktree")];
    while let Some(file) = queue.pop() {
        refuse_path(&file)?;
        if !done.insert(file.clone()) || !may_include(&file) {
            continue;
        }
        if done.len() > MOST {
            return Err(Error::Refused(format!(
                "the configuration of this git repository includes more than {MOST} files: T4 does not work in it"
            )));
        }
        let beside = file.parent().unwrap_or(folder);
        let included = invocation.includes(&file)?;
        let paths = included.split(|byte| *byte == 0).filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'\n')?;
            Some(beside.join(OsStr::from_bytes(entry.get(at + 1..)?)))
        });
        queue.extend(paths);
    }
    Ok(())
}

/// Refuses settings of a repository that name a file without an end. `home` is the user's folder.
///
/// # Errors
/// [`Error::Refused`] with the file.
pub fn refuse_named(settings: &[Setting], root: &Path, home: Option<&OsStr>) -> Result<(), Error> {
    let is_naming = |one: &&Setting| {
        one.origin == Origin::Repository && NAMING.contains(&(one.section.as_str(), one.name.as_str()))
    };
    for setting in settings.iter().filter(is_naming) {
        let path = Path::new(OsStr::from_bytes(&setting.value));
        let in_home = path.strip_prefix("~").ok().zip(home).map(|(path, home)| Path::new(home).join(path));
        refuse_path(&in_home.unwrap_or_else(|| root.join(path)))?;
    }
    Ok(())
}

/// The git folder of a working tree: `.git`, or the folder that a file of this name leads to.
fn git_folder(holder: &Path) -> Option<PathBuf> {
    let path = holder.join(".git");
    if path.is_dir() { Some(path) } else { Some(holder.join(line(&path, "gitdir: ")?)) }
}

/// The path in a file of one line, after a beginning.
fn line(file: &Path, start: &str) -> Option<PathBuf> {
    let mut text = Vec::new();
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    std::fs::File::open(file).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
    let path = text.strip_prefix(start.as_bytes())?.trim_ascii_end();
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

/// Whether a configuration file may include others: names of sections have no escapes.
fn may_include(file: &Path) -> bool {
    let mut text = Vec::new();
    let Ok(read) = std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut text))
    else {
        return false;
    };
    u64::try_from(read).is_ok_and(|read| read == LARGEST)
        || text.windows(7).any(|word| word.eq_ignore_ascii_case(b"include"))
}

/// Refuses a device, a pipe or a socket. A missing file and a folder are git's to judge. `/dev/null` is empty, and often
/// named on purpose.
fn refuse_path(path: &Path) -> Result<(), Error> {
    let Ok(found) = path.metadata() else { return Ok(()) };
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_system = ["/dev", "/proc", "/sys"].iter().any(|top| real.starts_with(top));
    if found.is_dir() || (found.is_file() && !is_system) || path == Path::new("/dev/null") {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "git would read `{}` for this repository, which is no ordinary file but a pipe or a device: remove it, or the \
         setting that names it",
        path.display()
    )))
}
