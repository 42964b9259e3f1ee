//! Annotations of lint findings: who owns a finding, why it stays, and until when.
//!
//! This crate owns the grammar of annotations and the comments in which they are written, the matching of annotations
//! to findings (T4's and the original checker's), the quality score, waivers, CODEOWNERS, and the edits of the
//! migrate, annotate and prune commands. Its input and output are texts. It has no files, git, programs or clock: all
//! of that comes in as arguments.

mod annotate;
mod check;
mod codeowners;
mod comments;
mod compat;
mod day;
mod edit;
mod finding;
mod grammar;
mod language;
mod migrate;
mod prune;
pub mod pyjson;
mod tag;
mod waivers;
mod weights;

pub use annotate::{Annotating, Skeleton, annotate, skeleton_fields};
pub use check::{
    Age, Annotated, AnsweredBy, CheckMetrics, CheckReport, CheckSummary, CheckVerdict, Debt, Expired,
    FindingState, Input, Issue, Judgement, KnownFinding, Registered, TreeAnnotations, check,
};
pub use codeowners::{CodeOwners, OwnerRule};
pub use comments::{Comment, comments};
pub use compat::Compat;
pub use edit::Edit;
pub use finding::{Finding, Place};
pub use grammar::{Annotation, AnnotationKind, Located, may_be_annotated, scan};
pub use language::Language;
pub use migrate::{Blame, Migrated, Migration, migrate};
pub use prune::prune;
pub use waivers::{Unreadable, Waiver, Waivers};
pub use weights::Weights;
