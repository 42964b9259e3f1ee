//! Report of the check, for people and programs.

use std::collections::{HashMap, HashSet};

use api_types::{IntentView, PrePrResult};
use cli_support::table::{Column, Lines, lay_out_ruled};
use registry_core::normal_path;
use serde::Serialize;

use super::files::AskedFile;

/// What the check found.
#[derive(Debug)]
pub struct PrePrReport {
    files: Vec<AskedFile>,
    missing: HashSet<String>,
    reserved: Vec<IntentView>,
    refused: bool,
}

/// The object that `--json` prints.
#[derive(Serialize)]
pub struct PrePrJson<'a> {
    ok: bool,
    files: Vec<&'a str>,
    missing: Vec<&'a str>,
    reserved: &'a [IntentView],
}

impl PrePrReport {
    /// The registry's answer for these files. Names that it can't hold are missing.
    pub fn of(files: Vec<AskedFile>, answer: PrePrResult) -> Self {
        let unnameable = files.iter().filter(|file| !file.registrable).map(|file| file.name.clone());
        let missing = unnameable.chain(answer.missing).collect();
        Self { files, missing, reserved: answer.reserved, refused: !answer.ok }
    }

    /// Whether every file is covered.
    pub fn ok(&self) -> bool {
        self.missing.is_empty() && !self.refused
    }

    /// What `--json` prints.
    pub fn json(&self) -> PrePrJson<'_> {
        let files: Vec<_> = self.files.iter().map(|file| file.name.as_str()).collect();
        let missing = files.iter().copied().filter(|name| self.missing.contains(*name)).collect();
        PrePrJson { ok: self.ok(), files, missing, reserved: &self.reserved }
    }

    /// A table of at most 80 columns, and what to do next.
    pub fn human(&self) -> String {
        if self.files.is_empty() {
            return "No changed files: nothing to check.\n".to_owned();
        }
        let ids: HashMap<_, _> = self
            .reserved
            .iter()
            .filter_map(|intent| Some((normal_path(intent.file.as_deref()?), &intent.id)))
            .collect();
        let rows = self.files.iter().map(|file| {
            let state = match ids.get(&normal_path(&file.name)) {
                _ if !self.missing.contains(&file.name) => Lines::from("covered"),
                _ if !file.registrable => Lines::from("missing (name can't be registered)"),
                // The id has its own line, which leaves the names more room.
                Some(id) => Lines::of(["reserved", id]),
                None => Lines::from("missing"),
            };
            vec![Lines::from(file.name.as_str()), state]
        });
        let table = lay_out_ruled(&[Column::Text("File"), Column::Text("State")], rows.collect());
        format!("{table}\n{}", self.next_step())
    }

    fn next_step(&self) -> String {
        let all = self.files.len();
        if self.ok() {
            return format!("All files are covered ({all}): open the pull request.\n");
        }
        let missing = self.files.iter().filter(|file| self.missing.contains(&file.name)).count();
        if missing == 0 {
            return "The registry says no but names no file: ask its admins.\n".to_owned();
        }
        let mut lines = vec![format!("{missing} of {all} files have no intent.")];
        if self.reserved.is_empty() {
            lines.push(
                "Register an intent for each (POST /intents) before the pull request is opened.".to_owned(),
            );
        } else {
            lines.push("Give each placeholder an owner and a ticket and make it planned".to_owned());
            lines.push("(PATCH /intents/{id}), or open the pull request as a draft until then.".to_owned());
        }
        if self.files.iter().any(|file| !file.registrable) {
            lines.push("Rename files whose names hold control characters or are not UTF-8.".to_owned());
        }
        lines.join("\n") + "\n"
    }
}
