//! Pattern of a CODEOWNERS line.

/// A pattern, by its segments.
pub struct Pattern {
    segments: Vec<Segment>,
}

enum Segment {
    /// `**`: any number of folders.
    Folders,
    /// Part of a name, maybe with wildcards.
    Name(Vec<Glob>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Glob {
    Any,
    One,
    Char(char),
}

impl Pattern {
    /// A pattern as it is written.
    pub fn new(text: &str) -> Self {
        let anchored = text.trim_end_matches('/').contains('/');
        let names: Vec<_> = text.split('/').filter(|name| !name.is_empty()).collect();
        let mut segments = Vec::new();
        if !anchored && !names.is_empty() {
            segments.push(Segment::Folders);
        }
        // A lone `/` means nothing.
        let folder = text.ends_with('/') && !names.is_empty();
        for (index, name) in names.iter().enumerate() {
            let last = index + 1 == names.len() && !folder;
            if *name == "**" {
                segments.push(Segment::Folders);
                if last {
                    segments.push(Segment::Name(vec![Glob::Any]));
                }
            } else {
                segments.push(Segment::Name(globs(name)));
                // A name may be a folder's, and then everything below it is meant. `docs/*` is the exception: files
                // right inside of `docs`. A lone `*` is everything anyway.
                if last && *name != "*" {
                    segments.push(Segment::Folders);
                }
            }
        }
        if folder {
            segments.push(Segment::Folders);
            segments.push(Segment::Name(vec![Glob::Any]));
        }
        Self { segments }
    }

    /// Whether a path from the root is meant.
    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        wildcard(
            &self.segments,
            &names,
            |segment| matches!(segment, Segment::Folders),
            |segment, name| match segment {
                Segment::Folders => true,
                Segment::Name(globs) => wildcard(
                    globs,
                    name,
                    |glob| *glob == Glob::Any,
                    |glob, c| match glob {
                        Glob::Any | Glob::One => true,
                        Glob::Char(wanted) => wanted == c,
                    },
                ),
            },
        )
    }
}

fn globs(name: &str) -> Vec<Glob> {
    let mut globs = Vec::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                if globs.last() != Some(&Glob::Any) {
                    globs.push(Glob::Any);
                }
            }
            '?' => globs.push(Glob::One),
            '\\' => globs.push(Glob::Char(chars.next().unwrap_or('\\'))),
            other => globs.push(Glob::Char(other)),
        }
    }
    globs
}

/// Matches a list against a pattern in which some members stand for any number of items. It goes back to the last such
/// member only, so that no pattern takes more than the product of both lengths.
fn wildcard<P, T>(
    pattern: &[P],
    items: &[T],
    any: impl Fn(&P) -> bool,
    one: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(next) = items.get(item) {
        match pattern.get(at) {
            Some(member) if any(member) => {
                retry = Some((at + 1, item));
                at += 1;
            }
            Some(member) if one(member, next) => {
                at += 1;
                item += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (at, item) = (after, from + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(any))
}
