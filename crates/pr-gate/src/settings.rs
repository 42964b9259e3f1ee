//! `t4.toml`: what is checked, and how. It is read from the tree, so it never names a program to run or a server to
//! call.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use annotations::Weights;
use serde::Deserialize;
use source_tree::contained;

use crate::Error;

/// How many bytes a `t4.toml` may have.
const LARGEST: u64 = 1 << 20;

/// The rules that are looked for unless `t4.toml` or the command line says otherwise: the original's.
pub const DEFAULT_CODES: [&str; 11] =
    ["F401", "F821", "B008", "B904", "B018", "SIM102", "SIM105", "E701", "E702", "RUF006", "RUF012"];

/// Folders that are not looked into, wherever they are below the root: the original's.
pub const DEFAULT_SKIP: [&str; 7] =
    [".git", ".venv", "node_modules", "archive", "quarantine", "labs", "reports"];

/// The settings of a repository. A field that is not known is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateSettings {
    /// What is checked.
    pub check: CheckSettings,
    /// Weights by code, over the defaults.
    pub weights: BTreeMap<String, u32>,
    /// Where the waivers are.
    pub waivers: WaiverSettings,
    /// Where the dashboard writes.
    pub dashboard: DashboardSettings,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Files and folders, from the root.
    pub paths: Vec<String>,
    /// The rules that are looked for.
    pub codes: Vec<String>,
    /// Names of folders that are not looked into.
    pub skip: Vec<String>,
}

/// Where the waivers are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaiverSettings {
    /// The folder, from the root: its `*.yaml` and `*.yml` files.
    pub folder: String,
}

/// Where the dashboard writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DashboardSettings {
    /// The page, from the root.
    pub output: String,
    /// The history, from the root.
    pub history: String,
    /// How few findings are the goal of the estimate.
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
    /// The settings of a root: its `t4.toml`, or the defaults.
    ///
    /// # Errors
    /// When the file is a link, huge, or can't be read, or says something that is not known.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let text = contained::text(root, "t4.toml", LARGEST)?;
        text.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text))
    }

    /// Reads the text of a `t4.toml`.
    ///
    /// # Errors
    /// With the place of what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut settings: Self = toml::from_str(text).map_err(|error| Error::unreadable("t4.toml", error))?;
        let check = &mut settings.check;
        // A check that looks at nothing, or for nothing, would let everything pass.
        if check.paths.is_empty() || check.codes.iter().all(|code| code.trim().is_empty()) {
            let problem = "`check.paths` and `check.codes` may be left out, but not be empty";
            return Err(Error::unreadable("t4.toml", problem));
        }
        for path in &mut check.paths {
            *path = from_root(path).ok_or_else(|| {
                Error::unreadable("t4.toml", format!("`{path}` in `check.paths` is no path from the root"))
            })?;
        }
        Ok(settings)
    }

    /// The weights of the score.
    #[must_use]
    pub fn weights(&self) -> Weights {
        Weights::default().with(self.weights.clone())
    }
}

/// A path from the root as names have it, without `./` and a `/` at its end; `None` for one that leads elsewhere.
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
        fn a_path_that_is_taken_stays_in_the_tree_and_is_in_its_last_form(
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
        fn settings_that_are_read_are_read_again_and_look_at_something(
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
    fn what_is_not_known_is_refused() {
        assert!(GateSettings::parse("[check]\ncodes = [\"F\"]\n[weights]\nF = 2\n").is_ok());
        for wrong in ["[chek]", "[check]\nruff = \"x\"", "[weights]\nF401 = -1", "[check]\ncodes = 1"] {
            assert!(GateSettings::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_are_names_from_the_root_and_a_check_never_looks_at_nothing() {
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
