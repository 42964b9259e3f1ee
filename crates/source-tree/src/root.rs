//! Root folder of a tree that is not trusted, opened once.
//!
//! The system resolves each name below the open folder (`openat2` with `RESOLVE_BENEATH` on Linux, through
//! `cap-std`). So a folder that another program replaces by a link, between a check and a use, does not lead outside.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, Metadata};

use crate::Error;

/// Root folder of a tree that is not trusted. Names are paths from it.
#[derive(Debug)]
pub(crate) struct Root {
    /// The open folder.
    pub(crate) folder: Dir,
    path: PathBuf,
}

impl Root {
    /// Opens the folder of a path.
    ///
    /// # Errors
    /// [`Error::File`] when there is none, or it can't be read.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let folder = open_folder(path).map_err(Error::file(path, "can't be entered"))?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// The full path of a name, for messages.
    pub(crate) fn shown(&self, name: &Path) -> PathBuf {
        self.path.join(name)
    }

    /// What is at a name, a link itself included; `None` when there is nothing, or a file in place of a folder above.
    ///
    /// # Errors
    /// [`Error::File`] when it can't be looked at, or the name leads out of the root.
    pub(crate) fn look(&self, name: &Path) -> Result<Option<Metadata>, Error> {
        match self.folder.symlink_metadata(name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(Error::file(&self.shown(name), "can't be looked at")(error)),
        }
    }

    /// The first link on the way to a name, the name itself included.
    ///
    /// # Errors
    /// As for [`Root::look`].
    pub(crate) fn first_link(&self, name: &Path) -> Result<Option<PathBuf>, Error> {
        let mut way = PathBuf::new();
        for part in name.components() {
            way.push(part);
            match self.look(&way)? {
                None => return Ok(None),
                Some(found) if found.is_symlink() => return Ok(Some(way)),
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::File`] when there is none, it can't be read, or the name leads out of the root.
    pub(crate) fn file(&self, name: &Path) -> Result<File, Error> {
        let opened = self.folder.open(name).map(cap_std::fs::File::into_std);
        opened.map_err(Error::file(&self.shown(name), "can't be read"))
    }

    /// Makes a folder and those above it, which their owner alone can enter; one that is there stays as it is.
    ///
    /// # Errors
    /// [`Error::File`] when it can't be made.
    pub(crate) fn make_folders(&self, name: &Path) -> Result<(), Error> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        let mut way = PathBuf::new();
        for part in name.components() {
            way.push(part);
            match self.folder.create_dir_with(&way, &private) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(Error::file(&self.shown(&way), "can't be made")(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Removes a file. One that is not there is no error.
    ///
    /// # Errors
    /// [`Error::File`] when it can't be removed.
    pub(crate) fn remove_file(&self, name: &Path) -> Result<(), Error> {
        match self.folder.remove_file(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::file(&self.shown(name), "can't be removed")(error))
            }
            _ => Ok(()),
        }
    }

    /// Brings the names in a folder to the disk.
    ///
    /// # Errors
    /// [`Error::File`] when that fails.
    pub(crate) fn sync_folder(&self, name: &Path) -> Result<(), Error> {
        let opened = self.folder.open_dir(name);
        opened
            .and_then(|folder| sync(&folder))
            .map_err(Error::file(&self.shown(name), "can't be brought to the disk"))
    }
}

/// Brings the names in a folder to the disk. The folder is opened again for it: a [`Dir`] may be open for its path alone.
pub(crate) fn sync(folder: &Dir) -> io::Result<()> {
    folder.open(".")?.into_std().sync_all()
}

/// Opens a folder that the person who runs the command has named.
pub(crate) fn open_folder(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::atomic::FolderEntry;

    #[test]
    fn a_folder_exchanged_for_a_link_after_the_check_leads_nowhere() {
        let top = tempfile::tempdir().unwrap();
        let (path, outside) = (top.path().join("root"), top.path().join("outside"));
        for folder in [path.join("sub"), outside.clone()] {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("a.py"), "secret").unwrap();
        }
        let (root, name) = (Root::open(&path).unwrap(), Path::new("sub/a.py"));
        assert_eq!(root.first_link(name).unwrap(), None);
        for link in ["../outside".into(), outside.clone()] {
            fs::rename(path.join("sub"), top.path().join("old")).unwrap();
            symlink(&link, path.join("sub")).unwrap();
            assert!(root.file(name).is_err(), "{}", link.display());
            assert!(root.remove_file(name).is_err());
            assert!(FolderEntry::of_tree(&root, "sub/a.py").is_err());
            assert!(root.make_folders(Path::new("sub/new")).is_err());
            fs::remove_file(path.join("sub")).unwrap();
            fs::rename(top.path().join("old"), path.join("sub")).unwrap();
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(outside.join("a.py")).unwrap(), "secret");
    }
}
