//! `--undo` of the commands that rewrite sources.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Repo;

const SOURCE: &str = "import os  # TODO[T4-UNUSED-IMPORT]: kept\r\nx = 1";

#[test]
fn undo_restores_bytes_and_modes_once() {
    let repo = Repo::new();
    repo.write("a.py", SOURCE);
    repo.write("b.py", "import sys\n");
    let path = repo.path("a.py");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("a mode");
    repo.t4(&["migrate", "--undo"]).ends(3);
    let run = repo.t4(&["migrate", "--apply"]).ends(0);
    let id =
        run.stdout.split("--undo ").nth(1).and_then(|rest| rest.split('`').next()).expect("an id").to_owned();
    assert_ne!(repo.read("a.py"), SOURCE);
    // Another command's snapshot is not this one's.
    repo.t4(&["annotate", "--apply"]).ends(0);
    let run = repo.t4(&["annotate", "--undo"]).ends(0);
    assert!(
        run.stdout.starts_with("restored 2 files from ") || run.stdout.starts_with("restored 1 file from ")
    );
    assert_eq!(repo.read("b.py"), "import sys\n");
    assert_ne!(repo.read("a.py"), SOURCE);
    let run = repo.t4(&["migrate", "--undo", &id]).ends(0);
    assert_eq!(run.stdout, format!("restored 1 file from {id}\n"));
    assert_eq!(repo.read("a.py"), SOURCE);
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o750);
    repo.t4(&["migrate", "--undo"]).ends(3);
}

#[test]
fn undo_refuses_files_that_were_changed_since_unless_forced() {
    let repo = Repo::new();
    repo.write("a.py", SOURCE);
    repo.t4(&["migrate", "--apply"]).ends(0);
    repo.write("a.py", "x = 2\n");
    let run = repo.t4(&["migrate", "--undo"]).ends(3);
    assert!(run.stderr.contains("a.py"), "{run:?}");
    assert_eq!(repo.read("a.py"), "x = 2\n");
    repo.t4(&["migrate", "--undo", "--force"]).ends(0);
    assert_eq!(repo.read("a.py"), SOURCE);
    repo.t4(&["migrate", "--force"]).ends(2);
    repo.t4(&["migrate", "--undo", "--apply"]).ends(2);
}

const FOLDERS: usize = 4;

/// A command that rewrites many files, and how it is undone.
struct Rewrite {
    files: usize,
    source: &'static str,
    apply: &'static [&'static str],
    undo: &'static [&'static str],
}

/// A moment in its work.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many old contents are kept.
    Kept(usize),
    /// So many new contents stand beside their files.
    Staged(usize),
    /// This file has changed.
    Placed(usize),
}

struct Interrupted {
    repo: Repo,
    files: usize,
    source: &'static str,
}

impl Interrupted {
    fn name(n: usize) -> String {
        format!("p{}/m{n:04}.py", n % FOLDERS)
    }

    fn before(&self, n: usize) -> String {
        format!("{}x = {n}\n", self.source)
    }

    fn new(rewrite: &Rewrite) -> Self {
        let it = Self { repo: Repo::new(), files: rewrite.files, source: rewrite.source };
        for n in 0..it.files {
            it.repo.write(&Self::name(n), it.before(n));
            if n % 7 == 0 {
                let mode = std::fs::Permissions::from_mode(0o750);
                std::fs::set_permissions(it.repo.path(&Self::name(n)), mode).expect("a mode");
            }
        }
        it.repo.commit("first");
        it
    }

    /// Whether a file is as it was; otherwise it is as it is to become, to the last byte.
    fn is_before(&self, n: usize) -> bool {
        let text = self.repo.read(&Self::name(n));
        if text == self.before(n) {
            return true;
        }
        let rest = text.strip_suffix(&format!("x = {n}\n")).unwrap_or_else(|| panic!("{n}: {text:?}"));
        if !rest.is_empty() {
            let json =
                rest.strip_prefix("import os  # TODO[T4-ISSUE]: ").and_then(|it| it.strip_suffix('\n'));
            let json = json.unwrap_or_else(|| panic!("{n}: {text:?}"));
            let fields: Value =
                serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {text:?}"));
            assert_eq!(fields["code"], "F401", "{text:?}");
        }
        false
    }

    /// How many files are as they were.
    fn befores(&self) -> usize {
        (0..self.files).filter(|n| self.is_before(*n)).count()
    }

    fn entries(&self, folder: &str, mut counts: impl FnMut(&str) -> bool) -> usize {
        let entries = std::fs::read_dir(self.repo.path(folder)).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_str().is_some_and(&mut counts)).count()
    }

    fn is_reached(&self, moment: Moment) -> bool {
        match moment {
            Moment::Kept(many) => {
                let snapshots =
                    std::fs::read_dir(self.repo.path(".t4/snapshots")).into_iter().flatten().flatten();
                let kept = |id: std::fs::DirEntry| {
                    let files = format!(".t4/snapshots/{}/files", id.file_name().to_string_lossy());
                    let finished = self.repo.path(&files).with_file_name("manifest.json").exists();
                    if finished { 0 } else { self.entries(&files, |_| true) }
                };
                snapshots.map(kept).any(|kept| kept >= many)
            }
            Moment::Staged(many) => {
                let staged = |n| self.entries(&format!("p{n}"), |name| name.starts_with(".t4-"));
                (0..FOLDERS).map(staged).sum::<usize>() >= many
            }
            Moment::Placed(n) => !self.is_before(n),
        }
    }

    /// Runs a command and sends it a signal at a moment; whether it was still there to get it.
    fn interrupt(&self, arguments: &[&str], signal: &str, reached: impl Fn() -> bool) -> bool {
        let mut command = self.repo.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("t4");
        while !reached() && child.try_wait().expect("a child").is_none() {}
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        child.wait().expect("an end").code().is_none()
    }

    /// Byte for byte, mode for mode, name for name.
    fn is_as_it_was(&self) {
        assert_eq!(self.befores(), self.files);
        let status = self.repo.git(&["status", "--porcelain", "--", "p0", "p1", "p2", "p3"]);
        assert_eq!(status.lines().next(), None);
        for n in (0..self.files).step_by(7) {
            let found = std::fs::metadata(self.repo.path(&Self::name(n))).expect("a file");
            assert_eq!(found.permissions().mode() & 0o7777, 0o750, "{n}");
        }
    }
}

/// Interrupts a command at moments that differ from seed to seed, and undoes what it did.
fn interrupt(rewrite: &Rewrite, mut seed: u64) {
    let mut dice = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits") % most
    };
    let it = Interrupted::new(rewrite);
    let moments = [
        (Moment::Kept(1 + dice(it.files / 2)), "-KILL"),
        (Moment::Staged(1 + dice(it.files / 2)), "-INT"),
        (Moment::Placed(dice(it.files / 2)), "-KILL"),
        (Moment::Placed(dice(it.files / 2)), "-INT"),
    ];
    for (moment, signal) in moments {
        let struck = it.interrupt(rewrite.apply, signal, || it.is_reached(moment));
        assert!(struck, "{moment:?} {signal}");
        let befores = it.befores();
        match moment {
            Moment::Kept(_) => {
                // The snapshot was not finished, so nothing was written, and there is nothing to undo.
                assert_eq!(befores, it.files);
                it.repo.t4(rewrite.undo).ends(3);
            }
            Moment::Staged(_) | Moment::Placed(_) => {
                it.repo.t4(rewrite.undo).ends(0);
            }
        }
        it.is_as_it_was();
    }
    // An undo that is interrupted is gone on with.
    it.repo.t4(rewrite.apply).ends(0);
    assert_eq!(it.befores(), 0);
    let n = dice(it.files / 2);
    assert!(it.interrupt(rewrite.undo, "-KILL", || it.is_before(n)));
    assert!(it.befores() > 0);
    it.repo.t4(rewrite.undo).ends(0);
    it.is_as_it_was();
}

#[test]
fn a_migration_that_is_interrupted_leaves_whole_files_and_is_undone() {
    interrupt(
        &Rewrite {
            files: 2000,
            source: "import os  # TODO[T4-UNUSED-IMPORT]: kept for the plugin\n",
            apply: &["migrate", "--no-blame", "--apply"],
            undo: &["migrate", "--undo"],
        },
        1,
    );
}

#[test]
fn annotating_that_is_interrupted_leaves_whole_files_and_is_undone() {
    interrupt(
        &Rewrite {
            files: 300,
            source: "import os\n",
            apply: &["annotate", "--no-blame", "--apply"],
            undo: &["annotate", "--undo"],
        },
        2,
    );
}

#[test]
fn a_codemod_that_is_interrupted_leaves_whole_files_and_is_reverted() {
    interrupt(
        &Rewrite {
            files: 200,
            source: "import os\n",
            apply: &["codemod", "run", "--apply"],
            undo: &["codemod", "revert"],
        },
        3,
    );
}
