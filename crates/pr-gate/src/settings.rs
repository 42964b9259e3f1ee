//! `t4.toml`: what is checked, and how. It is read from the tree, so it never names a program to run or a server to
//! call.

use std::collections::BTreeMap;
use std::path::Path;

use annotations::Weights;
use serde::Deserialize;

use crate::Error;

/// The rules that are looked for unless `t4.toml` or the command line says otherwise: the original's.
pub const DEFAULT_CODES: [&str; 11] =
    ["F401", "F821", "B008", "B904", "B018", "SIM102", "SIM105", "E701", "E702", "RUF006", "RUF012"];

/// Folders that are not looked into, wherever they are below the root: the original's.
pub const DEFAULT_SKIP: [&str; 7] =
    [".git", ".venv", "node_modules", "archive", "quarantine", "labs", "reports"];

/// The settings of a repository. A field that is not known is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
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

impl Settings {
    /// The settings of a root: its `t4.toml`, or the defaults.
    ///
    /// # Errors
    /// When the file can't be read, or says something that is not known.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let path = root.join("t4.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::file(&path, "can't be read")(error)),
        }
    }

    /// Reads the text of a `t4.toml`.
    ///
    /// # Errors
    /// With the place of what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::unreadable("t4.toml", error))
    }

    /// The weights of the score.
    #[must_use]
    pub fn weights(&self) -> Weights {
        Weights::default().with(self.weights.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(Settings::parse("[check]\ncodes = [\"F\"]\n[weights]\nF = 2\n").is_ok());
        for wrong in ["[chek]", "[check]\nruff = \"x\"", "[weights]\nF401 = -1", "[check]\ncodes = 1"] {
            assert!(Settings::parse(wrong).is_err(), "{wrong}");
        }
    }
}
