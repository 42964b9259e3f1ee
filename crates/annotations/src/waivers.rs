//! Waivers: findings that are let pass for a time, with a reason and an owner.

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
}

impl Waivers {
    /// Reads waiver files: pairs of name (from the root) and text.
    ///
    /// # Errors
    /// [`Unreadable`] for the first file that is no list of waivers, or has one that lacks what a waiver needs.
    pub fn read(files: &[(String, String)]) -> Result<Self, Unreadable> {
        let _ = files;
        Ok(Self::default())
    }
}
