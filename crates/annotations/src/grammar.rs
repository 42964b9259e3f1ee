//! The annotation grammars: the unified one and the legacy ones.

use std::ops::Range;

use crate::comments::Comment;
use crate::language::Language;
use crate::pyjson::Object;

/// Something in a comment that one of the grammars knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The row of the tag, from 1.
    pub row: u32,
    /// The comment around it.
    pub comment: Comment,
    /// The bytes of the annotation itself: from its tag (`TODO[`, or `T4:`) through its payload.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// The grammars.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `TODO[T4-ISSUE]: {json}`, and the JSON is an object that is not empty.
    Unified(Annotation),
    /// `TODO[T4-ISSUE]` with something else than such an object, or with text after it: why.
    Malformed(String),
    /// `TODO[T4-UNUSED-IMPORT]`, with what follows the colon.
    UnusedImport(String),
    /// `TODO[T4-LINT-ISSUE]`, with what follows the colon.
    LintIssue(String),
    /// `T4: key=value | key=value`.
    KeyValue(Vec<(String, String)>),
}

/// The fields of a unified annotation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotation {
    /// All of them, in the order of the source; of a key that stands twice, the last one.
    pub fields: Object,
}

impl Annotation {
    /// A field that is a text and not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let _ = name;
        None
    }
}

/// The annotations of a source, in order, of every grammar.
#[must_use]
pub fn scan(source: &str, language: Language) -> Vec<Located> {
    let _ = (source, language);
    Vec::new()
}

/// Whether a file's bytes may hold an annotation: a quick look that never says no wrongly.
#[must_use]
pub fn may_be_annotated(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"T4").is_some()
}
