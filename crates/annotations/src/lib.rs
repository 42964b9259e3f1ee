//! Annotations of lint findings: who owns a finding, why it stays, until when.
//!
//! It owns the annotation grammar and the comments it is read from, the matching of annotations to findings (ours and
//! the original checker's), the quality score, waivers, CODEOWNERS, and the rewriting of sources that migrate, annotate
//! and prune do: text in, text out. It refuses files, git, programs and the clock: all of that comes in as arguments.

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
