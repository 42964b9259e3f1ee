//! Overrides for the settings of git that name programs.
//!
//! A repository's configuration can be hostile, for example in an unpacked archive. The settings are read first
//! ([`super::settings`]); then every setting of the tables below is overridden by name on the command line, also when the
//! user sets it: the user's programs must not run on files of an untrusted tree either, because `.gitattributes` chooses
//! the files. The exception is a push, which needs the user's ssh and credential helpers: it overrides what the
//! repository sets and keeps what the user sets. Settings of commands that T4 never runs (`difftool`, `send-email`, ...)
//! are left alone.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;

use super::settings::{Origin, Setting, key};
use crate::Error;

/// Limit for all overrides, in bytes. git hands them to its child processes in one variable, and Linux limits a variable
/// to 128 KiB.
const LARGEST: usize = 64 << 10;

/// A setting, and the value that replaces it.
type Override = (&'static str, &'static str);

/// Overridden always, for every command.
const ALWAYS: [Override; 25] = [
    // A folder of the tree that looks like a bare repository must not be taken for one.
    ("safe.bareRepository", "explicit"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.alternateRefsCommand", "true"),
    ("sequence.editor", "false"),
    ("interactive.diffFilter", ""),
    ("diff.external", ""),
    ("gpg.program", "false"),
    ("gpg.ssh.defaultKeyCommand", ""),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("merge.verifySignatures", "false"),
    ("gc.auto", "0"),
    ("gc.recentObjectsHook", ""),
    ("maintenance.auto", "false"),
    ("uploadpack.packObjectsHook", ""),
    // git would run another git in submodules, under configuration that was not read.
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("status.submoduleSummary", "false"),
    ("http.saveCookies", "false"),
];

/// Overridden for every command but a push, which alone uses the network.
const OFFLINE: [Override; 4] = [
    ("core.askPass", ""),
    ("core.sshCommand", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
];

/// Overridden in every subsection that any setting mentions: section, names and values. The names of a section are
/// overridden together: a filter is off only when all its programs are, and then it must not be required.
const IN_SUBSECTIONS: [(&str, &[Override]); 10] = [
    ("filter", &[("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]),
    ("diff", &[("command", ""), ("textconv", "")]),
    ("merge", &[("driver", "false")]),
    ("gpg", &[("program", "false")]),
    ("hook", &[("enabled", "false"), ("event", "")]),
    ("remote", &[("uploadpack", "git-upload-pack"), ("receivepack", "git-receive-pack")]),
    ("submodule", &[("update", "none")]),
    ("tar", &[("command", "")]),
    ("trailer", &[("command", ""), ("cmd", "")]),
    ("http", &[("savecookies", "false")]),
];

/// Settings that make git read a file, whose content could appear in messages. They are overridden only when the
/// repository sets them: by the user's value, else by this one. `blame.ignoreRevsFile` can't be overridden, because git
/// reads every file that it names; [`crate::blame`] does not pass on the messages about it.
const FILES: [Override; 3] =
    [("core.attributesfile", "/dev/null"), ("diff.orderfile", "/dev/null"), ("mailmap.file", "")];

/// Overridden for a push when the repository sets them: by the user's value, else by this one.
const PUSH: [Override; 4] =
    [("core.askpass", ""), ("core.sshcommand", "ssh"), ("ssh.variant", "auto"), ("http.cookiefile", "")];

/// Values for settings, to be given on git's command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitOverrides(Vec<(Vec<u8>, Vec<u8>)>);

impl GitOverrides {
    /// What is overridden before anything is known of a repository.
    pub fn always() -> Self {
        let fixed = ALWAYS.iter().chain(&OFFLINE);
        Self(fixed.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect())
    }

    /// What is overridden for commands that talk to no other machine.
    ///
    /// # Errors
    /// [`Error::Refused`] when they exceed the limit for a command line.
    pub fn offline(settings: &[Setting]) -> Result<Self, Error> {
        let mut overrides = Self::always();
        overrides.in_subsections(settings);
        for setting in settings.iter().filter(|one| is_helper(one) && one.subsection.is_some()) {
            overrides.set(setting.key(), b"");
        }
        for (key, value) in FILES {
            overrides.users(settings, key, value);
        }
        overrides.bounded()
    }

    /// What is overridden for a push.
    ///
    /// # Errors
    /// [`Error::Refused`] when they exceed the limit for a command line.
    pub fn push(settings: &[Setting]) -> Result<Self, Error> {
        let mut overrides = Self::default();
        for (key, value) in ALWAYS {
            overrides.set(key.as_bytes().to_vec(), value.as_bytes());
        }
        overrides.in_subsections(settings);
        for (key, value) in FILES.iter().chain(&PUSH) {
            overrides.users(settings, key, value);
        }
        for setting in settings.iter().filter(|one| {
            (one.section == "http" && one.name == "cookiefile") && one.origin == Origin::Repository
        }) {
            overrides.set(setting.key(), b"");
        }
        // For every URL, an empty value clears all helpers that were read before it.
        overrides.users_list(settings, "credential.helper", is_helper);
        // Options make a server act, for example open a merge request.
        overrides.users_list(settings, "push.pushoption", |one| one.key() == b"push.pushoption");
        overrides.bounded()
    }

    /// Overrides a setting with several values, if the repository adds any: by an empty value, which clears them, and the
    /// user's.
    fn users_list(&mut self, settings: &[Setting], key: &str, is_one: impl Fn(&Setting) -> bool) {
        if settings.iter().any(|one| is_one(one) && one.origin == Origin::Repository) {
            self.set(key.as_bytes().to_vec(), b"");
            for setting in settings.iter().filter(|one| is_one(one) && one.origin == Origin::User) {
                self.set(setting.key(), &setting.value);
            }
        }
    }

    fn in_subsections(&mut self, settings: &[Setting]) {
        for (section, names) in IN_SUBSECTIONS {
            let found = settings.iter().filter(|one| one.section == section);
            let found: BTreeSet<&[u8]> = found.filter_map(|one| one.subsection.as_deref()).collect();
            for subsection in found {
                for (name, value) in names {
                    self.set(key(section, Some(subsection), name), value.as_bytes());
                }
            }
        }
    }

    /// Overrides a setting if the repository sets it: by the user's value, else by `other`.
    fn users(&mut self, settings: &[Setting], key: &str, other: &str) {
        let found: Vec<_> = settings.iter().filter(|one| one.key() == key.as_bytes()).collect();
        if found.iter().all(|one| one.origin == Origin::User) {
            return;
        }
        let users = found.iter().rfind(|one| one.origin == Origin::User);
        self.set(key.as_bytes().to_vec(), users.map_or(other.as_bytes(), |one| &one.value));
    }

    fn set(&mut self, key: Vec<u8>, value: &[u8]) {
        self.0.push((key, value.to_vec()));
    }

    fn bounded(self) -> Result<Self, Error> {
        let bytes: usize = self.0.iter().map(|(key, value)| key.len() + value.len() + 16).sum();
        if bytes <= LARGEST {
            return Ok(self);
        }
        Err(Error::Refused(
            "the configuration of this git repository names more programs than T4 can override: it does not work here"
                .to_owned(),
        ))
    }

    /// Adds the overrides to a command line of git, where they win over all configuration files and variables.
    pub fn apply(&self, git: &mut Command) {
        for (number, (key, value)) in self.0.iter().enumerate() {
            if key.contains(&b'=') {
                // `-c` splits at the first `=`, which a subsection may contain. `--config-env` splits at the last one.
                let variable = format!("GIT_OVERRIDE_{number}");
                git.env(&variable, OsString::from_vec(value.clone()));
                git.arg(joined(&[b"--config-env=", key, b"=", variable.as_bytes()]));
            } else {
                git.arg("-c").arg(joined(&[key, b"=", value]));
            }
        }
    }

    /// The same without one setting.
    pub fn without(&self, key: &str) -> Self {
        Self(self.0.iter().filter(|(own, _)| own != key.as_bytes()).cloned().collect())
    }
}

/// Whether a setting names a credential helper.
fn is_helper(setting: &Setting) -> bool {
    setting.section == "credential" && setting.name == "helper"
}

fn joined(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}

#[cfg(test)]
mod tests;
