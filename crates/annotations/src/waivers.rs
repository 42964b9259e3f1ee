//! Waivers: findings that are accepted for a time, with a reason and an owner.

mod yaml;

use time::Date;

use crate::day;

/// The waivers of all files.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    /// In the order of their files.
    pub list: Vec<Waiver>,
}

/// One waiver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiver {
    /// The file that it stands in, from the root, and its row there.
    pub at: (String, u32),
    /// The file whose findings it lets pass, from the root.
    pub file: String,
    /// The row; `None` is the whole file, which needs `expires`.
    pub line: Option<u32>,
    /// The codes; empty is every code.
    pub codes: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers.
    pub owner: String,
    /// The last day on which it holds, as written.
    pub expires: Option<String>,
}

impl Waiver {
    /// The last day on which it holds: `None` without one, `Some(None)` when what is written is no day.
    #[must_use]
    pub fn last_day(&self) -> Option<Option<Date>> {
        self.expires.as_deref().map(day::plain)
    }

    /// Whether it holds no longer. A date that can't be read has passed.
    #[must_use]
    pub fn is_expired(&self, today: Date) -> bool {
        self.last_day().is_some_and(|day| day.is_none_or(|day| day < today))
    }
}

/// A waiver file that can't be read as one. The check fails closed on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`{} is no list of waivers: {problem}", row.map_or_else(String::new, |row| format!(", row {row},")))]
pub struct Unreadable {
    /// The waiver file.
    pub file: String,
    /// The row, where it is known.
    pub row: Option<u32>,
    /// What is wrong and what is expected.
    pub problem: String,
    /// The waiver, as far as it goes, when the file is a list of waivers of which one lacks what a waiver needs.
    pub entry: Option<Box<Waiver>>,
}

impl Waivers {
    /// Reads waiver files: pairs of name (from the root) and text.
    ///
    /// # Errors
    /// [`Unreadable`] for the first file that is no list of waivers, or has one that lacks what a waiver needs.
    pub fn read(files: &[(String, String)]) -> Result<Self, Unreadable> {
        let mut list = Vec::new();
        for (file, text) in files {
            for waiver in yaml::parse(file, text)? {
                list.push(waiver?);
            }
        }
        Ok(Self { list })
    }

    /// Everything that keeps files from being waiver files: the first problem of each that is no list, and each waiver
    /// that lacks something. The waivers are those that can be read.
    #[must_use]
    pub fn inspect(files: &[(String, String)]) -> (Self, Vec<Unreadable>) {
        let (mut list, mut problems) = (Vec::new(), Vec::new());
        for (file, text) in files {
            match yaml::parse(file, text) {
                Err(problem) => problems.push(problem),
                Ok(entries) => {
                    for entry in entries {
                        match entry {
                            Ok(waiver) => list.push(waiver),
                            Err(problem) => problems.push(problem),
                        }
                    }
                }
            }
        }
        (Self { list }, problems)
    }
}

#[cfg(test)]
mod tests;
