//! Requests to GitHub.

use anyhow::anyhow;
use cli_support::Failure;
use outbound::{GitHub, Reply};
use pr_gate::protect::Repository;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::config;

/// GitHub, with a token or without.
pub struct Host {
    github: GitHub,
    runtime: Runtime,
    has_token: bool,
}

/// What is known of a repository.
pub struct RepositoryFacts {
    pub default_branch: String,
    /// `None` when GitHub does not tell.
    pub may_administrate: Option<bool>,
}

impl Host {
    pub fn new(api: &str) -> Result<Self, Failure> {
        let token = config::github_token()?;
        let has_token = token.is_some();
        let github = GitHub::new(api, &token.unwrap_or_default()).map_err(config::github_failure)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::trouble)?;
        Ok(Self { github, runtime, has_token })
    }

    pub fn has_token(&self) -> bool {
        self.has_token
    }

    /// Where a path is called.
    pub fn address(&self, path: &str) -> String {
        self.github.address(path)
    }

    /// The address of the API itself.
    pub fn api(&self) -> String {
        self.github.address("")
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, Failure> {
        if !self.has_token {
            return Err(Failure::trouble(anyhow!(
                "this takes a token of GitHub that may administrate: set GITHUB_TOKEN (or GH_TOKEN)"
            )));
        }
        self.runtime.block_on(self.github.call(method, path, body)).map_err(config::github_failure)
    }

    pub fn facts(&self, repository: &Repository) -> Result<RepositoryFacts, Failure> {
        let reply = self.call("GET", &repository.path(), None)?;
        if reply.status == 301 {
            return Err(refused(&reply, "the repository has moved: give --repo its present name"));
        }
        if reply.status == 404 {
            return Err(refused(
                &reply,
                &format!("there is no repository `{repository}`, or the token may not see it"),
            ));
        }
        let branch = reply.body.get("default_branch").and_then(Value::as_str).filter(|_| reply.is_success());
        let default_branch =
            branch.ok_or_else(|| refused(&reply, &format!("`{repository}` can't be looked at")))?.to_owned();
        Ok(RepositoryFacts {
            default_branch,
            may_administrate: reply.body.pointer("/permissions/admin").and_then(Value::as_bool),
        })
    }

    /// The protection at a path; `None` when there is none.
    pub fn protection(&self, path: &str) -> Result<Option<Value>, Failure> {
        let reply = self.call("GET", path, None)?;
        match (reply.status, reply.body.get("message").and_then(Value::as_str)) {
            (200, _) if reply.body.is_object() => Ok(Some(reply.body)),
            (404, Some("Branch not protected")) => Ok(None),
            (404, Some("Branch not found")) => Err(refused(
                &reply,
                "there is no such branch on GitHub: push it first, or give another --branch",
            )),
            (404, _) => Err(refused(
                &reply,
                "the protection can't be looked at: the token must be one of an administrator (fine-grained: \
                 Administration, read and write)",
            )),
            _ => Err(refused(&reply, "the protection can't be looked at")),
        }
    }

    pub fn protect(&self, path: &str, body: &Value) -> Result<(), Failure> {
        let reply = self.call("PUT", path, Some(body))?;
        if reply.is_success() { Ok(()) } else { Err(refused(&reply, "the branch can't be protected")) }
    }

    /// Takes the protection away; there being none is as good.
    pub fn unprotect(&self, path: &str) -> Result<(), Failure> {
        let reply = self.call("DELETE", path, None)?;
        let none = reply.status == 404
            && reply.body.get("message").is_some_and(|said| said == "Branch not protected");
        if reply.is_success() || none {
            Ok(())
        } else {
            Err(refused(&reply, "the protection can't be taken away"))
        }
    }
}

fn refused(reply: &Reply, what: &str) -> Failure {
    let said = anyhow!("GitHub answered {}", reply.problem());
    Failure::trouble(said.context(what.to_owned()))
}
