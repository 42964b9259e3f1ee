//! Names that nothing else uses.

use std::ops::Range;

use crate::tree::Tree;

/// The first of these names that some tokens don't mention, numbered when all of them are taken.
pub(crate) fn unused(
    tree: &Tree<'_, '_>,
    tokens: &Range<usize>,
    taken: &[String],
    wanted: &[&str],
) -> String {
    let free = |name: &str| !taken.iter().any(|t| t == name) && !tokens.clone().any(|t| tree.text(t) == name);
    let plain = wanted.iter().map(|name| (*name).to_owned());
    let numbered = (2..u32::MAX).filter_map(|n| wanted.first().map(|name| format!("{name}_{n}")));
    plain.chain(numbered).find(|name| free(name)).unwrap_or_default()
}
