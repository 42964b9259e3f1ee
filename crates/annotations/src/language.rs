//! Which comments a file has.

/// How a file writes comments and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// `#` comments, Python's strings (prefixes, triple quotes, f-strings).
    Python,
    /// `#` comments, quotes of shells, YAML, TOML, Ruby and the like.
    Hash,
    /// `//` and nesting `/* */` comments, Rust's raw strings, characters and lifetimes.
    Rust,
    /// `//` and `/* */` comments: C and its family, Java, Go, Swift, Kotlin.
    C,
    /// As `C`, with template literals and regular expressions.
    JavaScript,
    /// `--` and `/* */` comments: SQL, Lua, Haskell (its block comments aside), Ada.
    Dash,
    /// `/* */` comments alone: CSS.
    Css,
}

impl Language {
    /// The language of a file, by its name; `None` for one whose comments are not known.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension)?;
        Some(match extension {
            "py" | "pyi" => Self::Python,
            "rs" => Self::Rust,
            _ => return None,
        })
    }
}
