use std::path::Path;
use std::process::Command;

use super::*;

fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z");
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn repository() -> (tempfile::TempDir, Git) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let found =
        Git::find(folder.path(), &crate::launcher::tests::of_this_process(folder.path())).unwrap().unwrap();
    (folder, found)
}

fn hash(found: &Git) -> String {
    String::from_utf8(found.run(&["rev-parse", "HEAD"]).unwrap()).unwrap()
}

#[test]
fn every_row_has_its_author_and_uncommitted_ones_nobody() {
    let (folder, found) = repository();
    let path = folder.path().join("-a\n.py");
    std::fs::write(&path, "\tx = 1\ny = 2\n").unwrap();
    assert_eq!(blame(&found, "-a\n.py").unwrap(), []);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "one"]);
    std::fs::write(&path, "\tx = 1\ny = 2\nauthor Eve\n").unwrap();
    let rows = blame(&found, "-a\n.py").unwrap();
    let ada = BlameRow {
        author: "Ada".into(),
        email: "ada@example.com".into(),
        time: 1_767_225_600,
        committed: true,
    };
    assert_eq!(rows[..2], [ada.clone(), ada]);
    assert!(rows.len() == 3 && !rows[2].committed);
    assert_eq!(blame(&found, "missing.py").unwrap(), []);
}

#[test]
fn commits_that_are_to_be_ignored_are_and_a_broken_list_is_an_error() {
    let (folder, found) = repository();
    let path = folder.path().join("a.py");
    std::fs::write(&path, "x=1\n").unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "one"]);
    std::fs::write(&path, "x = 1\n").unwrap();
    git(folder.path(), &["-c", "user.name=Formatter", "commit", "-qam", "format"]);
    assert_eq!(blame(&found, "a.py").unwrap()[0].author, "Formatter");
    let ignored = folder.path().join(IGNORED_COMMITS);
    std::fs::write(&ignored, hash(&found)).unwrap();
    assert_eq!(blame(&found, "a.py").unwrap()[0].author, "Ada");
    std::fs::write(&ignored, "no hash\n").unwrap();
    let error = blame(&found, "a.py").unwrap_err().to_string();
    assert!(error.contains(IGNORED_COMMITS) && error.contains("hash per line"), "{error}");
}

mod porcelain {
    //! The output of `git blame --porcelain`, made up and read back.

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::read;
    use super::BlameRow;

    /// Names of authors: git takes `<`, `>` and line ends out of them, and blanks from their ends.
    fn commit() -> impl Strategy<Value = (BlameRow, String)> {
        let name = prop_oneof!["[a-zé]{1,4}( [a-z\"\u{7f}]{1,3})?", Just(String::new())];
        let summary = select(vec!["fix", "author Eve", "author-mail <eve@example.com>", "0000", ""]);
        (name, "[a-z@. ]{0,8}", any::<i64>(), summary).prop_map(|(author, email, time, summary)| {
            (BlameRow { author, email, time, committed: true }, summary.to_owned())
        })
    }

    /// Rows of a file: any bytes but LF, with those that look like git's own.
    fn row() -> impl Strategy<Value = Vec<u8>> {
        let odd =
            [&b"author Eve"[..], b"\t", b"", b"\xff\r", b"0000000000000000000000000000000000000000 1 1 1"];
        prop_oneof![select(odd.to_vec()).prop_map(<[u8]>::to_vec), "[a-z]{0,4}".prop_map(String::into_bytes)]
    }

    fn hash(number: usize, digits: usize) -> String {
        format!("{:0digits$x}", number + 1)
    }

    fn written(commits: &[(BlameRow, String)], rows: &[(Index, Vec<u8>)], digits: usize) -> Vec<u8> {
        let mut told = vec![false; commits.len()];
        let mut output = Vec::new();
        for (place, (index, row)) in rows.iter().enumerate() {
            let number = index.index(commits.len());
            let (commit, summary) = &commits[number];
            let at = place + 1;
            output.extend(format!("{} {at} {at} 1\n", hash(number, digits)).into_bytes());
            if !std::mem::replace(&mut told[number], true) {
                let BlameRow { author, email, time, .. } = commit;
                let facts = format!(
                    "author {author}\nauthor-mail <{email}>\nauthor-time {time}\nauthor-tz +0000\ncommitter Eve\n\
                     committer-time 7\nsummary {summary}\nprevious 11 author Mallory\nfilename author Mallory\n"
                );
                output.extend(facts.into_bytes());
            }
            output.extend([b"\t", row.as_slice(), b"\n"].concat());
        }
        output
    }

    proptest! {
        #[test]
        fn each_row_has_its_commits_author_whatever_the_rows_say(
            commits in vec(commit(), 1..4), rows in vec((any::<Index>(), row()), 0..8), digits in select(vec![40_usize, 64])
        ) {
            let read = read(&written(&commits, &rows, digits));
            let expected: Vec<_> = rows.iter().map(|(index, _)| commits[index.index(commits.len())].0.clone()).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_output_has_more_rows_than_it_shows(
            commits in vec(commit(), 1..3),
            rows in vec((any::<Index>(), row()), 0..6),
            edits in vec((any::<Index>(), any::<u8>()), 1..8),
        ) {
            let mut output = written(&commits, &rows, 40);
            for (at, byte) in edits {
                if !output.is_empty() {
                    let at = at.index(output.len());
                    output[at] = byte;
                }
            }
            let shown = output.split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&b'\t')).count();
            prop_assert!(read(&output).len() <= shown);
        }
    }
}
