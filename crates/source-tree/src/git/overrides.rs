//! Settings of git that name programs, and what T4 puts in their place.
//!
//! A repository's own configuration may come from somebody else, such as an archive that was unpacked. Its settings are
//! read first ([`super::settings`]); then every one of those below that is there is overridden on the command line, by
//! name, wherever it is set: the user's own programs are not run on files of a stranger either. [`push`] is the
//! exception, as it needs the user's ssh and credentials: it overrides what the repository sets and leaves what the user
//! sets. Settings of commands that T4 never runs (`difftool`, `send-email`, ...) are left alone.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;

use super::settings::{Origin, Setting, key};
use crate::Error;

/// How much the overrides may take on the command line, in bytes. What a program starts in turn gets them in one variable,
/// of which systems allow 128 KiB.
const LARGEST: usize = 64 << 10;

/// A setting, and the value that stands in its place.
type Override = (&'static str, &'static str);

/// Overridden always, for every command.
const ALWAYS: [Override; 25] = [
    // A folder of the tree that looks like a bare repository is none.
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
    // A submodule has a configuration of its own, and git looks into it by a git that does not know these overrides.
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("status.submoduleSummary", "false"),
    ("http.saveCookies", "false"),
];

/// Overridden always, except for a push: no other command of T4's talks to another machine.
const OFFLINE: [Override; 4] =
    [("core.askPass", ""), ("core.sshCommand", "false"), ("credential.helper", ""), ("protocol.allow", "never")];

/// Overridden in every subsection that is there: section, name and value. Some names come together: a filter is off only
/// when all of its programs are, and it must not be required then.
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

/// Files outside of the tree that a repository can have git read, and tell of when it does not understand them. Only
/// what the repository sets is overridden, by what the user sets, else by this. (`blame.ignoreRevsFile` can't be: git
/// reads all that are named. Its words about them are not passed on, [`crate::blame`].)
const FILES: [Override; 3] =
    [("core.attributesfile", "/dev/null"), ("diff.orderfile", "/dev/null"), ("mailmap.file", "")];

/// For a push, what the repository sets is overridden by what the user sets, else by this.
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
    /// When it is more than a command line holds.
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
    /// When it is more than a command line holds.
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
        if settings.iter().any(|one| is_helper(one) && one.origin == Origin::Repository) {
            // An empty name takes back all helpers before it, of whatever address.
            overrides.set(b"credential.helper".to_vec(), b"");
            for setting in settings.iter().filter(|one| is_helper(one) && one.origin == Origin::User) {
                overrides.set(setting.key(), &setting.value);
            }
        }
        overrides.bounded()
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

    /// Overrides a setting that the repository makes: by the value that the user gives it, else by another.
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
            "the configuration of this git repository names more programs than T4 can switch off: it does not work here"
                .to_owned(),
        ))
    }

    /// Gives the overrides to a git that is about to run, as the last word on its configuration.
    pub fn apply(&self, git: &mut Command) {
        for (number, (key, value)) in self.0.iter().enumerate() {
            if key.contains(&b'=') {
                // `-c` would end the key at the first `=`; of this, git reads the variable's name after the last one.
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

/// Whether a setting names a program that gives passwords.
fn is_helper(setting: &Setting) -> bool {
    setting.section == "credential" && setting.name == "helper"
}

fn joined(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}

#[cfg(test)]
mod tests;
