//! Language of a file, which determines its comments.

/// How a file writes comments and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// `#` comments, Python's strings (prefixes, triple quotes, f-strings).
    Python,
    /// `#` comments at the start of a word, strings that end on their row: Ruby, Make, Dockerfiles, R and the like.
    Hash,
    /// `#` comments at the start of a word, quotes, substitutions and here-documents of shells.
    Shell,
    /// `#` comments after a space, quotes at the start of a scalar, block scalars.
    Yaml,
    /// `#` comments, quotes of one and of three characters.
    Toml,
    /// `//` and nesting `/* */` comments, Rust's raw strings, characters and lifetimes.
    Rust,
    /// `//` and `/* */` comments: C and its family, Java, Go, Swift, Kotlin.
    C,
    /// As `C`, with template literals and regular expressions.
    JavaScript,
    /// `--` and `/* */` comments: SQL.
    Dash,
    /// `--` comments, `--[[ ]]` ones, long strings: Lua.
    Lua,
    /// `--` comments, nesting `{- -}` ones, characters in single quotes: Haskell, Elm, Ada.
    Haskell,
    /// `/* */` comments alone: CSS.
    Css,
}

impl Language {
    /// The language of a file, by its name; `None` for one whose comments are not known.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if let Some(language) = Self::of_name(name) {
            return Some(language);
        }
        let (stem, extension) = name.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        Some(match extension.to_ascii_lowercase().as_str() {
            "py" | "pyi" | "pyw" | "pyx" | "pxd" | "bzl" | "star" => Self::Python,
            "sh" | "bash" | "zsh" | "ksh" | "bats" | "env" => Self::Shell,
            "yml" | "yaml" => Self::Yaml,
            "toml" => Self::Toml,
            "rb" | "rake" | "gemspec" | "mk" | "mak" | "cmake" | "dockerfile" | "pl" | "pm" | "r" | "jl"
            | "ex" | "exs" | "tf" | "tfvars" | "hcl" | "nix" | "cfg" | "conf" | "ini" | "properties"
            | "graphql" | "gql" | "tcl" | "awk" | "fish" | "ps1" => Self::Hash,
            "rs" => Self::Rust,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" | "ino" | "cu" | "java" | "go" | "kt"
            | "kts" | "swift" | "cs" | "scala" | "sc" | "php" | "dart" | "groovy" | "gradle" | "proto"
            | "zig" | "scss" | "less" | "jsonc" | "json5" | "sol" | "glsl" | "v" | "sv" => Self::C,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" => Self::JavaScript,
            "sql" => Self::Dash,
            "lua" => Self::Lua,
            "hs" | "elm" | "adb" | "ads" | "ada" | "vhd" | "vhdl" => Self::Haskell,
            "css" => Self::Css,
            _ => return None,
        })
    }

    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "SConstruct" | "SConscript" | "BUILD" | "WORKSPACE" | "wscript" => Self::Python,
            "Makefile" | "makefile" | "GNUmakefile" | "Dockerfile" | "Containerfile" | "Gemfile"
            | "Rakefile" | "Vagrantfile" | "Brewfile" | "CMakeLists.txt" | "requirements.txt"
            | "CODEOWNERS" | ".gitignore" | ".gitattributes" | ".dockerignore" | ".editorconfig" => {
                Self::Hash
            }
            ".bashrc" | ".bash_profile" | ".zshrc" | ".profile" | ".env" | ".envrc" => Self::Shell,
            "Jenkinsfile" => Self::C,
            name if name.starts_with("Makefile.") || name.starts_with("Dockerfile.") => Self::Hash,
            _ => return None,
        })
    }

    /// What begins a comment that runs to the end of its row; `None` where comments are blocks alone.
    #[must_use]
    pub fn line_marker(self) -> Option<&'static str> {
        match self {
            Self::Python | Self::Hash | Self::Shell | Self::Yaml | Self::Toml => Some("#"),
            Self::Rust | Self::C | Self::JavaScript => Some("//"),
            Self::Dash | Self::Lua | Self::Haskell => Some("--"),
            Self::Css => None,
        }
    }

    /// A comment that says this, which has no line end (and, where comments are blocks, no `*/`).
    #[must_use]
    pub fn comment(self, text: &str) -> String {
        match self.line_marker() {
            Some(marker) => format!("{marker} {text}"),
            None => format!("/* {text} */"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_says_its_language() {
        for (path, language) in [
            ("core/a.py", Some(Language::Python)),
            ("core/a.PY", Some(Language::Python)),
            ("a.pyi", Some(Language::Python)),
            ("deploy/Makefile", Some(Language::Hash)),
            ("Dockerfile.dev", Some(Language::Hash)),
            ("run.sh", Some(Language::Shell)),
            (".github/workflows/ci.yml", Some(Language::Yaml)),
            ("Cargo.toml", Some(Language::Toml)),
            ("a.b.tsx", Some(Language::JavaScript)),
            ("a.rs", Some(Language::Rust)),
            ("a.go", Some(Language::C)),
            ("a.sql", Some(Language::Dash)),
            ("a.adb", Some(Language::Haskell)),
            ("site.css", Some(Language::Css)),
            ("core.py/data", None),
            (".py", None),
            ("README.md", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(Language::of_path(path), language, "{path}");
        }
    }

    #[test]
    fn a_comment_is_one_to_its_own_language() {
        for language in [Language::Python, Language::Rust, Language::Dash, Language::Css, Language::Yaml] {
            let source = language.comment("hello");
            let found = crate::comments(&source, language);
            assert_eq!(found.len(), 1, "{source}");
            assert_eq!(found[0].whole, 0..source.len());
            assert_eq!(source.get(found[0].body.clone()).unwrap().trim(), "hello");
        }
    }
}
