//! The settings in `t4.toml`.
//!
//! The file is part of the tree, which is not trusted. So no setting names a program to run or a server to call.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use annotations::Weights;
use serde::Deserialize;
use source_tree::contained;

use crate::Error;

/// The maximum size of a `t4.toml`, in bytes.
const LARGEST: u64 = 1 << 20;

/// The default rules. They are those of the original checker.
pub const DEFAULT_CODES: [&str; 11] =
    ["F401", "F821", "B008", "B904", "B018", "SIM102", "SIM105", "E701", "E702", "RUF006", "RUF012"];

/// The names of folders that are skipped by default, at any depth. They are those of the original checker.
pub const DEFAULT_SKIP: [&str; 7] =
    [".git", ".venv", "node_modules", "archive", "quarantine", "labs", "reports"];

/// The settings of a repository. An unknown field is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateSettings {
    /// The files and rules to check.
    pub check: CheckSettings,
    /// Weights by code. They override the default weights.
    pub weights: BTreeMap<String, u32>,
    /// The location of the waivers.
    pub waivers: WaiverSettings,
    /// The files and the goal of the dashboard.
    pub dashboard: DashboardSettings,
}

/// The files and rules to check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Files and folders, relative to the root.
    pub paths: Vec<String>,
    /// The rules, as for ruff's `--select`.
    pub codes: Vec<String>,
    /// Names of folders that are skipped at any depth.
    pub skip: Vec<String>,
}

/// The location of the waivers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaiverSettings {
    /// The folder with the waiver files (`*.yaml` and `*.yml`), relative to the root.
    pub folder: String,
}

/// The files and the goal of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DashboardSettings {
    /// The file of the page, relative to the root.
    pub output: String,
    /// The file of the history, relative to the root.
    pub history: String,
    /// The number of findings to reach. The page estimates the date.
    pub goal: u64,
}

impl Default for CheckSettings {
    fn default() -> Self {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self { paths: own(&["."]), codes: own(&DEFAULT_CODES), skip: own(&DEFAULT_SKIP) }
    }
}

impl Default for WaiverSettings {
    fn default() -> Self {
        Self { folder: "audit/waivers".to_owned() }
    }
}

impl Default for DashboardSettings {
    fn default() -> Self {
        Self {
            output: "reports/t4_dashboard.html".to_owned(),
            history: "reports/t4_metrics_history.json".to_owned(),
            goal: 100,
        }
    }
}

impl GateSettings {
    /// Reads the `t4.toml` of a root. Returns the defaults when there is none.
    ///
    /// # Errors
    /// The file is a link, is larger than 1 MiB, or can't be read. Same errors as [`Self::parse`].
    pub fn read(root: &Path) -> Result<Self, Error> {
        let text = contained::text(root, "t4.toml", LARGEST)?;
        text.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text))
    }

    /// Parses the text of a `t4.toml`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the text is not TOML, has an unknown field or a value of the wrong type, has empty
    /// `check.paths` or `check.codes`, or has a path outside the root.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut settings: Self = toml::from_str(text).map_err(|error| Error::unreadable("t4.toml", error))?;
        let check = &mut settings.check;
        // A check without paths or without rules would always pass.
        if check.paths.is_empty() || check.codes.iter().all(|code| code.trim().is_empty()) {
            let problem = "`check.paths` and `check.codes` may be left out, but not be empty";
            return Err(Error::unreadable("t4.toml", problem));
        }
        for path in &mut check.paths {
            *path = from_root(path).ok_or_else(|| {
                Error::unreadable(
                    "t4.toml",
                    format!("`{path}` in `check.paths` is not a path relative to the root"),
                )
            })?;
        }
        Ok(settings)
    }

    /// Returns the weights of the quality score.
    #[must_use]
    pub fn weights(&self) -> Weights {
        Weights::default().with(self.weights.clone())
    }
}

/// Removes `./` and a trailing `/` from a path. Returns `None` for a path that is empty, absolute, or has `..`.
fn from_root(path: &str) -> Option<String> {
    let parts = Path::new(path).components().filter(|part| *part != Component::CurDir);
    let names = parts.map(|part| if let Component::Normal(name) = part { name.to_str() } else { None });
    let names = names.collect::<Option<Vec<_>>>()?;
    match names.as_slice() {
        [] if path.is_empty() => None,
        [] => Some(".".to_owned()),
        names => Some(names.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    proptest! {
        #[test]
        fn an_accepted_path_is_inside_the_tree_and_normalised(
            parts in vec(select(vec!["", ".", "..", "a", "b c", "é", "...", "-"]), 0..6), absolute in any::<bool>()
        ) {
            let path = format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"));
            let plain: Vec<_> = parts.iter().filter(|part| !["", "."].contains(part)).copied().collect();
            let leads_out = path.starts_with('/') || parts.contains(&"..") || path.is_empty();
            let joined = if plain.is_empty() { ".".to_owned() } else { plain.join("/") };
            let expected = (!leads_out).then_some(joined);
            prop_assert_eq!(&from_root(&path), &expected, "{}", path);
            if let Some(name) = expected {
                prop_assert_eq!(from_root(&name), Some(name.clone()));
            }
        }

        #[test]
        fn accepted_settings_have_normalised_paths_and_at_least_one_rule(
            edits in vec((any::<Index>(), select("\n\"'[]{}=#.,0-a\u{0}é".chars().collect::<Vec<_>>())), 0..4)
        ) {
            let text = "[check]\npaths = [\"src/\", \"./a\"]\ncodes = [\"F401\"]\nskip = []\n[weights]\nF401 = 3\n\
                        [waivers]\nfolder = \"w\"\n[dashboard]\ngoal = 7\noutput = \"o.html\"\n";
            let mut chars: Vec<char> = text.chars().collect();
            for (at, char) in edits {
                let at = at.index(chars.len());
                chars[at] = char;
            }
            let text: String = chars.into_iter().collect();
            if let Ok(settings) = GateSettings::parse(&text) {
                prop_assert_eq!(GateSettings::parse(&text).ok(), Some(settings.clone()));
                let check = settings.check;
                prop_assert!(!check.paths.is_empty() && check.codes.iter().any(|code| !code.trim().is_empty()));
                prop_assert!(check.paths.iter().all(|path| from_root(path).as_ref() == Some(path)), "{:?}", check.paths);
            }
        }
    }

    #[test]
    fn unknown_fields_and_wrong_types_are_refused() {
        assert!(GateSettings::parse("[check]\ncodes = [\"F\"]\n[weights]\nF = 2\n").is_ok());
        for wrong in ["[chek]", "[check]\nruff = \"x\"", "[weights]\nF401 = -1", "[check]\ncodes = 1"] {
            assert!(GateSettings::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_outside_the_root_and_empty_lists_are_refused() {
        let paths = |list: &str| {
            GateSettings::parse(&format!("[check]\npaths = {list}\n")).map(|settings| settings.check.paths)
        };
        assert_eq!(paths("[\"src/\", \"./lib//a\", \"./\"]").unwrap(), ["src", "lib/a", "."]);
        for wrong in ["[]", "[\"\"]", "[\"/tmp\"]", "[\"../x\"]", "[\"a/../../x\"]"] {
            assert!(paths(wrong).is_err(), "{wrong}");
        }
        assert!(GateSettings::parse("[check]\ncodes = []\n").is_err());
        assert!(GateSettings::parse("[check]\ncodes = [\" \"]\n").is_err());
    }
}
