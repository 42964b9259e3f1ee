//! Job of one codemod: its input, and the plan of edits that it returns.

use crate::SourceEdit;
use crate::tree::Tree;

/// The fix of one or more targets; it is made whole or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unit {
    /// The targets by their place in the list.
    pub targets: Vec<usize>,
    pub edits: Vec<SourceEdit>,
    /// It needs the edits that the units share.
    pub needs_shared: bool,
}

/// What a codemod wants to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct EditPlan {
    pub units: Vec<Unit>,
    /// Edits that several units need, such as an import.
    pub shared: Vec<SourceEdit>,
    pub skipped: Vec<(usize, String)>,
}

impl EditPlan {
    pub(crate) fn skip(&mut self, target: usize, reason: impl Into<String>) {
        self.skipped.push((target, reason.into()));
    }

    pub(crate) fn unit(&mut self, targets: Vec<usize>, edits: Vec<SourceEdit>) {
        self.units.push(Unit { targets, edits, needs_shared: false });
    }
}

/// A target of the codemod and where it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim<'x> {
    pub target: usize,
    pub message: &'x str,
    pub offset: usize,
    /// The token that begins there.
    pub token: usize,
    /// The statement or clause that holds the token.
    pub node: usize,
}

/// What a codemod gets.
pub(crate) struct CodemodJob<'x, 't, 'a> {
    pub tree: &'x Tree<'t, 'a>,
    pub aims: Vec<Aim<'x>>,
    /// The messages of the findings it only reads, with their places in the list.
    pub read: Vec<(usize, &'x str)>,
    pub newline: &'static str,
}
