//! CODEOWNERS: the owners of each file.

mod pattern;

use pattern::Pattern;

/// The rules of a CODEOWNERS file.
#[derive(Debug, Clone, Default)]
pub struct CodeOwners {
    /// In the order of the file: the last one that matches a path counts.
    pub rules: Vec<OwnerRule>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerRule {
    /// The row in the file, from 1.
    pub row: u32,
    /// The pattern as written.
    pub pattern: String,
    /// The owners as written (`@org/team`, `@user`, an address); none takes ownership away.
    pub owners: Vec<String>,
}

impl CodeOwners {
    /// Where GitHub looks for the file; the first one that is there counts.
    pub const PLACES: [&'static str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

    /// Reads a CODEOWNERS file. Lines that are no rule are left out, as GitHub does: patterns with `!` or `[ ]`, ones
    /// that begin with `\#`, and lines with an owner that is neither `@name` nor an address.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { rules: (1..).zip(text.lines()).filter_map(|(row, line)| rule(row, line)).collect() }
    }

    /// The owners of a file, from the root.
    #[must_use]
    pub fn of(&self, file: &str) -> &[String] {
        let matching = self.rules.iter().rev().find(|rule| Pattern::new(&rule.pattern).matches(file));
        matching.map_or(&[], |rule| &rule.owners)
    }

    /// Whether any rule knows this owner. `@`, and the organisation before a team, may be left out; case does not count.
    #[must_use]
    pub fn knows(&self, owner: &str) -> bool {
        let asked = bare(owner);
        !asked.is_empty()
            && self.rules.iter().flat_map(|rule| &rule.owners).any(|known| {
                let known = bare(known);
                known == asked || known.split_once('/').is_some_and(|(_, team)| team == asked)
            })
    }
}

fn bare(owner: &str) -> String {
    let owner = owner.trim();
    owner.strip_prefix('@').unwrap_or(owner).to_lowercase()
}

fn rule(row: u32, line: &str) -> Option<OwnerRule> {
    let mut words = words(line).into_iter();
    let pattern = words.next()?;
    if ["!", "\\!", "\\#"].iter().any(|start| pattern.starts_with(start)) || pattern.contains(['[', ']']) {
        return None;
    }
    let owners: Vec<_> = words.collect();
    let known = |owner: &String| match owner.strip_prefix('@') {
        Some(name) => !name.is_empty(),
        None => owner.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
    };
    owners.iter().all(known).then_some(OwnerRule { row, pattern, owners })
}

/// The words of a line up to a comment: a word that begins with `#`. A backslash keeps a blank inside of its word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut escaped = false;
    for c in line.chars() {
        if escaped {
            word.push(c);
            escaped = false;
        } else if c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else if c == '#' && word.is_empty() {
            return words;
        } else {
            word.push(c);
            escaped = c == '\\';
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests;
