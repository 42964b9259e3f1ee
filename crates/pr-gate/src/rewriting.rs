//! Reading, decoding and editing of sources. Bytes outside the edits stay as they are.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use annotations::Edit;
use source_tree::contained;

use crate::{Error, Progress, Project};

/// The maximum size of a file that is edited, in bytes. A hostile tree may have larger ones, which nobody annotates.
pub(crate) const LARGEST: u64 = 4 << 20;

/// The number of files between two reports of progress.
const STRIDE: usize = 32;

/// Reads a file. Returns `None` when it is a link, is not a regular file, or is too large.
pub(crate) fn read(project: &Project, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let path = project.tree.path(name);
    let about = std::fs::symlink_metadata(&path).map_err(Error::file(&path, "can't be read"))?;
    if !about.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    Ok(contained::read_into(&project.tree.root, name, LARGEST, &mut bytes)?.then_some(bytes))
}

/// Whether a file may be written: no part of its name is a link, `..` or `.git`.
pub(crate) fn is_inside(project: &Project, name: &str) -> bool {
    source_tree::atomic::inside(&project.tree.root, name).is_ok()
}

/// Decodes a source. A byte that is not UTF-8 becomes U+001A, which has one byte too, so that offsets in the text are
/// offsets in the bytes. `annotations` does not edit this character.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{1a}'));
    }
    Cow::Owned(text)
}

/// Applies edits of the decoded text to the bytes. Returns `None` when the edits overlap.
pub(crate) fn splice(bytes: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    let mut changed =
        Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        changed.extend_from_slice(bytes.get(done..edit.range.start)?);
        changed.extend_from_slice(edit.text.as_bytes());
        done = edit.range.end.max(edit.range.start);
    }
    changed.extend_from_slice(bytes.get(done..)?);
    Some(changed)
}

/// Calls `work` for each name on two threads. Returns the results in the order of the names.
///
/// # Errors
/// An error of `work`. After it, the threads begin no further portion of the names.
pub(crate) fn each<N: Sync, T: Send>(
    names: &[N],
    part: &'static str,
    progress: &dyn Progress,
    work: impl Fn(&N) -> Result<Option<T>, Error> + Sync,
) -> Result<Vec<T>, Error> {
    progress.begin(part, u64::try_from(names.len()).ok());
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done: Mutex<Vec<(usize, Result<T, Error>)>> = Mutex::new(Vec::new());
    let worker = || {
        let mut own = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let start = next.fetch_add(STRIDE, Ordering::Relaxed);
            let Some(rest) = names.get(start..).filter(|rest| !rest.is_empty()) else { break };
            for (place, name) in rest.iter().take(STRIDE).enumerate() {
                match work(name).transpose() {
                    Some(Err(error)) => {
                        failed.store(true, Ordering::Relaxed);
                        own.push((start + place, Err(error)));
                        break;
                    }
                    Some(Ok(result)) => own.push((start + place, Ok(result))),
                    None => {}
                }
            }
            progress.step(rest.len().min(STRIDE) as u64);
        }
        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(&mut own);
    };
    std::thread::scope(|scope| {
        if names.len() > STRIDE {
            scope.spawn(worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_utf8_keeps_offsets_and_bytes() {
        let bytes = b"a\xe9b\xff\xfe \xc3\xa9\xe2\x82 c";
        let text = decode(bytes);
        assert_eq!(text, "a\u{1a}b\u{1a}\u{1a} é\u{1a}\u{1a} c");
        assert_eq!(text.len(), bytes.len());
        let edit = Edit { range: 2..3, text: "XY".to_owned() };
        assert_eq!(splice(bytes, &[edit]).unwrap(), b"a\xe9XY\xff\xfe \xc3\xa9\xe2\x82 c");
        let back = [Edit { range: 2..3, text: String::new() }, Edit { range: 1..2, text: String::new() }];
        assert_eq!(splice(bytes, &back), None);
    }

    #[test]
    fn results_are_in_the_order_of_the_names_and_an_error_is_returned() {
        let names: Vec<u32> = (0..1_000).collect();
        let even = each(&names, "part", &(), |name| Ok((name % 2 == 0).then_some(*name))).unwrap();
        assert_eq!(even, (0..1_000).step_by(2).collect::<Vec<_>>());
        let refuse =
            |name: &u32| if *name == 7 { Err(Error::Refused("seven".to_owned())) } else { Ok(Some(())) };
        assert_eq!(each(&names, "part", &(), refuse).unwrap_err().to_string(), "seven");
    }
}
