//! The text of a new `t4.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::settings::GateSettings;
use crate::{Error, Project, files};

const TEMPLATE: &str = include_str!("templates/t4.toml");
/// The maximum number of folders to list one by one.
const MANY: usize = 8;

/// Renders settings as a `t4.toml` with comments.
///
/// # Errors
/// [`Error::Usage`] when a path or a code has characters that TOML can't hold.
pub fn settings_text(settings: &GateSettings) -> Result<String, Error> {
    let weights = settings.weights();
    let codes: BTreeSet<&String> = settings.check.codes.iter().chain(settings.weights.keys()).collect();
    let lines: Vec<_> =
        codes.into_iter().map(|code| format!("{} = {}\n", quoted(code), weights.of(code))).collect();
    let values = [
        ("@PATHS@", list(&settings.check.paths)),
        ("@CODES@", list(&settings.check.codes)),
        ("@SKIP@", list(&settings.check.skip)),
        ("@WEIGHTS@", lines.concat()),
        ("@FOLDER@", quoted(&settings.waivers.folder)),
        ("@OUTPUT@", quoted(&settings.dashboard.output)),
        ("@HISTORY@", quoted(&settings.dashboard.history)),
        ("@GOAL@", settings.dashboard.goal.to_string()),
    ];
    // Line by line, so that a value that looks like a placeholder is not replaced again.
    let fill = |line: &str| match values.iter().find(|(place, _)| line.contains(place)) {
        Some((place, value)) => line.replacen(place, value, 1),
        None => line.to_owned(),
    };
    let text: Vec<_> = TEMPLATE.lines().map(fill).collect();
    let text = format!("{}\n", text.join("\n"));
    match GateSettings::parse(&text) {
        Ok(read) if read.check == settings.check => Ok(text),
        _ => Err(Error::Usage("a path or a code has characters that `t4.toml` can't hold".to_owned())),
    }
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// Quotes a text as a TOML string. JSON's escapes are also TOML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns the top-level folders with Python files. Returns `.` when there are more than 8 such folders or none, or
/// when the root has Python files.
///
/// # Errors
/// A folder can't be read.
pub fn guess_paths(project: &Project) -> Result<Vec<String>, Error> {
    let mut folders = BTreeSet::new();
    for name in files::list(project, &[".".to_owned()])? {
        if Path::new(&name).extension().is_none_or(|extension| extension != "py") || project.is_skipped(&name)
        {
            continue;
        }
        match name.split_once('/') {
            // A Python file in the root.
            None => return Ok(vec![".".to_owned()]),
            Some((folder, _)) => folders.insert(folder.to_owned()),
        };
    }
    let few = (1..=MANY).contains(&folders.len());
    Ok(if few { folders.into_iter().collect() } else { vec![".".to_owned()] })
}
