//! Annotations of all sources of a tree.

use std::collections::{BTreeMap, BTreeSet};

use super::AnsweredBy;
use crate::comments::{Comment, comments};
use crate::grammar::{AnnotationKind, scan};
use crate::language::Language;
use crate::pyjson::{self, JsonObject, Value};

/// Every annotation of a tree, by file and row.
pub struct TreeAnnotations<'a> {
    /// In order.
    pub(super) list: Vec<Note<'a>>,
    /// Unified ones that can't be read: file, row, why.
    pub(super) malformed: Vec<(&'a str, u32, String)>,
    /// The sources that they were read from.
    pub(super) sources: &'a BTreeMap<String, String>,
}

/// One annotation.
pub struct Note<'a> {
    /// Its file.
    pub file: &'a str,
    /// Its row.
    pub row: u32,
    /// Its grammar.
    pub grammar: Grammar,
    /// What it is about.
    pub about: About,
    /// Its fields; those of a legacy annotation are there when its payload is JSON.
    pub fields: JsonObject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    Unified,
    Legacy,
}

/// What an annotation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Findings of a code.
    Code(String),
    /// It says that it does not know.
    Unknown,
    /// It does not say.
    Missing,
}

impl<'a> TreeAnnotations<'a> {
    /// Reads the annotations of sources: each file that has a finding or an annotation, by name. They are decoded as
    /// UTF-8, bad bytes replaced. The original does not know `T4: key=value`: such a comment answers for nothing
    /// until it is migrated.
    #[must_use]
    pub fn read(sources: &'a BTreeMap<String, String>) -> Self {
        let mut notes = Self { list: Vec::new(), malformed: Vec::new(), sources };
        for (file, source) in sources {
            let Some(language) = Language::of_path(file) else { continue };
            for located in scan(source, language) {
                let mut push = |grammar, about, fields| {
                    notes.list.push(Note { file, row: located.row, grammar, about, fields });
                };
                match located.kind {
                    AnnotationKind::Unified(annotation) => {
                        let about = About::of(&annotation.fields).unwrap_or(About::Missing);
                        push(Grammar::Unified, about, annotation.fields);
                    }
                    AnnotationKind::UnusedImport(payload) => {
                        let fields = object(&payload);
                        let about = About::of(&fields).unwrap_or_else(|| About::Code("F401".to_owned()));
                        push(Grammar::Legacy, about, fields);
                    }
                    AnnotationKind::LintIssue(payload) => {
                        let fields = object(&payload);
                        let about = About::of(&fields).unwrap_or(About::Unknown);
                        push(Grammar::Legacy, about, fields);
                    }
                    AnnotationKind::Malformed(why) => notes.malformed.push((file, located.row, why)),
                    AnnotationKind::KeyValue(_) => {}
                }
            }
        }
        notes
    }

    /// Leaves the annotations of some files out.
    pub(super) fn leave_out(&mut self, files: &BTreeSet<String>) {
        self.list.retain(|note| !files.contains(note.file));
        self.malformed.retain(|(file, ..)| !files.contains(*file));
    }
}

/// The comments of a file that is checked.
pub fn comments_of(file: &str, source: &str) -> Vec<Comment> {
    Language::of_path(file).map(|language| comments(source, language)).unwrap_or_default()
}

fn object(payload: &str) -> JsonObject {
    match pyjson::loads(payload.trim()) {
        Ok(Value::Object(object)) => object,
        _ => JsonObject::new(),
    }
}

impl About {
    fn of(fields: &JsonObject) -> Option<Self> {
        match pyjson::get(fields, "code")?.as_text()? {
            "" => None,
            "UNKNOWN" => Some(Self::Unknown),
            code => Some(Self::Code(code.to_owned())),
        }
    }
}

impl Note<'_> {
    /// A field, whatever its type.
    pub fn field(&self, name: &str) -> Option<&Value> {
        pyjson::get(&self.fields, name)
    }

    /// A field that is a text, without blanks around it, and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.field(name)?.as_text()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Whether Python takes a field for true.
    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some_and(Value::is_truthy)
    }

    /// The code that weighs.
    pub fn code(&self) -> Option<&str> {
        match &self.about {
            About::Code(code) => Some(code),
            About::Unknown => Some("UNKNOWN"),
            About::Missing => None,
        }
    }

    /// Its `eta` as written; `None` when there is none, or it is null.
    pub fn eta(&self) -> Option<String> {
        match self.field("eta")? {
            Value::Null => None,
            Value::Text(text) => Some(text.clone()),
            other => Some(pyjson::dumps(other)),
        }
    }

    /// The annotation in the report.
    pub fn by(&self) -> AnsweredBy {
        let own = |name| self.text(name).map(str::to_owned);
        AnsweredBy {
            file: self.file.to_owned(),
            row: self.row,
            kind: match self.grammar {
                Grammar::Unified => "annotation",
                Grammar::Legacy => "legacy",
            },
            id: own("id"),
            code: self.code().map(str::to_owned),
            status: own("status"),
            owner: own("owner"),
            ticket: own("ticket"),
            reason: own("reason"),
            eta: self.eta(),
        }
    }
}
