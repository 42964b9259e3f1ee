//! Readers of the lists that git prints with `-z`.
//!
//! Names are bytes from the root, as git has them. An index or a tree that was not made by git can hold any name; one
//! that leads out of the root, or names no file, is left out of every list.

/// An entry of `git ls-files --stage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedEntry<'a> {
    /// Its mode in octal digits: `120000` is a link, `160000` a submodule.
    pub mode: &'a [u8],
    /// Its name from the root.
    pub name: &'a [u8],
}

/// An entry of `git diff --name-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedEntry<'a> {
    /// Its name before; `None` when it was not there, or under a name that leads out of the root.
    pub before: Option<&'a [u8]>,
    /// Its name now; of a deleted file, the one that it had.
    pub now: &'a [u8],
}

/// An entry of `git ls-tree -l`: a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEntry<'a> {
    /// Its object.
    pub object: &'a str,
    /// How many bytes it has.
    pub bytes: u64,
    /// Its name from the root.
    pub name: &'a [u8],
}

/// The names of a list, such as of `git ls-files`.
pub fn names(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(output).filter(|name| is_inside(name))
}

/// The entries of `git ls-files --stage`: `MODE OBJECT STAGE<tab>NAME`.
pub fn staged(output: &[u8]) -> impl Iterator<Item = StagedEntry<'_>> {
    fields(output).filter_map(|entry| {
        let (head, name) = cut(entry, b'\t')?;
        let (mode, _) = cut(head, b' ')?;
        is_inside(name).then_some(StagedEntry { mode, name })
    })
}

/// The entries of `git diff --name-status`: `STATUS<NUL>NAME`, or `STATUS<NUL>BEFORE<NUL>NOW` for one that was renamed or
/// copied.
pub fn changed(output: &[u8]) -> impl Iterator<Item = ChangedEntry<'_>> {
    let mut fields = fields(output);
    std::iter::from_fn(move || {
        loop {
            let (status, first) = (fields.next()?, fields.next()?);
            let (before, now) = match status.first() {
                Some(b'A') => (None, first),
                Some(b'R' | b'C') => (Some(first), fields.next()?),
                _ => (Some(first), first),
            };
            if is_inside(now) {
                return Some(ChangedEntry { before: before.filter(|name| is_inside(name)), now });
            }
        }
    })
}

/// The regular files of `git ls-tree -l`: `MODE blob OBJECT SIZE<tab>NAME`.
pub fn files(output: &[u8]) -> impl Iterator<Item = FileEntry<'_>> {
    fields(output).filter_map(|entry| {
        let (head, name) = cut(entry, b'\t')?;
        let mut head = std::str::from_utf8(head).ok()?.split_ascii_whitespace();
        let (mode, kind, object, size) = (head.next()?, head.next()?, head.next()?, head.next()?);
        let is_file = mode.starts_with("100") && kind == "blob" && head.next().is_none();
        let is_size = size.bytes().all(|byte| byte.is_ascii_digit());
        let bytes = size.parse().ok().filter(|_| is_size)?;
        (is_file && is_inside(name)).then_some(FileEntry { object, bytes, name })
    })
}

/// Whether a name stays in the tree: no part of it is empty, `.` or `..`.
pub(super) fn is_inside(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// What NULs part. A list that broke off ends with its last whole field.
fn fields(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = output.iter().rposition(|byte| *byte == 0).unwrap_or(0);
    output
        .get(..end)
        .into_iter()
        .filter(|fields| !fields.is_empty())
        .flat_map(|all| all.split(|byte| *byte == 0))
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

#[cfg(test)]
mod tests;
