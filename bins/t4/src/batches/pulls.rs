//! Pull requests of batches.

use anyhow::{Context as _, anyhow, bail};
use cli_support::Failure;
use outbound::{GitHub, Reply};
use pr_gate::batches::{FixBatch, Made};
use serde_json::{Value, json};

use crate::{config, out};

/// The label that tells that a pull request came from here.
const LABEL: &str = "t4-autofix";

/// Opens pull requests in a repository.
pub struct Pulls {
    github: GitHub,
    runtime: tokio::runtime::Runtime,
    repo: String,
    into: String,
}

/// `OWNER/NAME`, of the characters that GitHub allows.
pub fn repository(text: &str) -> Result<String, &'static str> {
    let allowed = |part: &str| {
        !part.is_empty()
            && part.bytes().any(|byte| byte != b'.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match text.split_once('/') {
        Some((owner, name)) if allowed(owner) && allowed(name) => Ok(text.to_owned()),
        _ => Err("takes OWNER/NAME"),
    }
}

impl Pulls {
    /// Asks for the repository first: a wrong token or name shows before anything is made.
    pub fn open(api: &str, repo: &str, into: Option<&str>) -> Result<Self, Failure> {
        let github = config::github(api)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("no runtime").map_err(Failure::trouble)?;
        let mut pulls = Self { github, runtime, repo: repo.to_owned(), into: String::new() };
        let found = pulls.call("GET", "", None).and_then(expect).map_err(Failure::trouble)?;
        pulls.into = match (into, found.get("default_branch").and_then(Value::as_str)) {
            (Some(into), _) => into.to_owned(),
            (None, Some(branch)) => branch.to_owned(),
            (None, None) => {
                return Err(Failure::trouble(anyhow!("GitHub names no default branch: give --into")));
            }
        };
        Ok(pulls)
    }

    /// Opens the pull request of a batch; its address.
    pub fn pull(&self, batch: &FixBatch, made: &Made) -> anyhow::Result<String> {
        let title = title(batch);
        let body = json!({
            "title": title, "head": batch.branch, "base": self.into, "body": body(batch, made),
        });
        let pull = expect(self.call("POST", "/pulls", Some(&body))?)?;
        let number = pull.get("number").and_then(Value::as_u64).context("GitHub names no number")?;
        let url = pull.get("html_url").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.label(number).with_context(|| format!("{url} was opened without its label"))?;
        Ok(url)
    }

    fn label(&self, number: u64) -> anyhow::Result<()> {
        if self.call("GET", &format!("/labels/{LABEL}"), None)?.status == 404 {
            let label =
                json!({ "name": LABEL, "color": "0e8a16", "description": "Fixes made by t4 batches" });
            let reply = self.call("POST", "/labels", Some(&label))?;
            // 422: somebody made it in between.
            if !reply.is_success() && reply.status != 422 {
                bail!("the label `{LABEL}` could not be made: {}", reply.problem());
            }
        }
        let labels = json!({ "labels": [LABEL] });
        expect(self.call("POST", &format!("/issues/{number}/labels"), Some(&labels))?).map(drop)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Reply> {
        let path = format!("/repos/{}{path}", self.repo);
        Ok(self.runtime.block_on(self.github.call(method, &path, body))?)
    }
}

fn expect(reply: Reply) -> anyhow::Result<Value> {
    if reply.is_success() { Ok(reply.body) } else { bail!("GitHub refused: {}", reply.problem()) }
}

fn title(batch: &FixBatch) -> String {
    let findings = if batch.fixed == 1 { "finding" } else { "findings" };
    format!("Fix {} {findings} of {}", batch.fixed, batch.code)
}

/// What was done, how much, and how to check it. Names of files are the tree's: a code span holds them.
fn body(batch: &FixBatch, made: &Made) -> String {
    let FixBatch { code, fixed, found, .. } = batch;
    let mut lines: Vec<String> = batch
        .files
        .iter()
        .take(200)
        .map(|changed| {
            // A code span ends at the first backtick, whatever is before it.
            let name = out::plain(&changed.file).replace('`', "\\u{60}");
            format!("| `{}` | {} |", name.replace('|', "\\|"), changed.fixed)
        })
        .collect();
    if batch.files.len() > lines.len() {
        lines.push(format!("| {} more | |", batch.files.len() - lines.len()));
    }
    format!(
        "Fixes {fixed} of {found} findings of {code}, with {} and T4's codemods, from {}. Nothing else is changed.\n\n\
         | file | fixed |\n|---|---|\n{}\n\n\
         To check: `git diff {}...HEAD`, then `ruff check --select {code}` and the tests.\n",
        made.tool,
        made.base,
        lines.join("\n"),
        made.base
    )
}

#[cfg(test)]
mod tests {
    use pr_gate::batches::ChangedFile;

    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        assert!(repository("a-b/c.d_e").is_ok());
        for wrong in ["", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/b?x", "a /b"] {
            assert!(repository(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_name_does_not_leave_its_cell() {
        let file = "a|`b`\n@all\u{202e}.py".to_owned();
        let batch = FixBatch { files: vec![ChangedFile { file, fixed: 1 }], ..FixBatch::default() };
        let made = Made { base: "0".to_owned(), tool: "ruff".to_owned(), batches: Vec::new() };
        assert!(body(&batch, &made).contains("| `a\\|\\u{60}b\\u{60}\\n@all\\u{202e}.py` | 1 |"));
    }
}
