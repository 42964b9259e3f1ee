//! CODEOWNERS rules for the files that control the gate.
//!
//! The rules are in one block at the end of the CODEOWNERS file. There they win over rules for wider patterns, because
//! the last match counts. Every byte outside the block stays.

use annotations::CodeOwners;
use source_tree::contained;
use source_tree::snapshot::FileChange;

use super::FOLDERS;
use crate::{Error, Project};

const BEGIN: &str = "# t4: begin";
const END: &str = "# t4: end";
const ABOUT: &str =
    "# These files control the PR gate. `t4 protect` maintains this block; write your own rules above it.";
/// The largest file that GitHub accepts, in bytes.
const LARGEST: u64 = 3 << 20;

/// The plan for the CODEOWNERS file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The file's name, relative to the root.
    pub file: String,
    /// The change of the file, if any.
    pub change: Option<FileChange>,
    /// Patterns that already have a rule outside the block, with its row. The block does not repeat them.
    pub respected: Vec<(String, u32)>,
    /// Patterns that get no rule, because a wider rule gives their files owners.
    pub covered: Vec<String>,
}

/// Returns the patterns that need owners, each with a file that it matches. `place` is the name of the CODEOWNERS file.
#[must_use]
pub fn patterns(project: &Project, place: &str) -> Vec<(String, String)> {
    let own = |pattern: &str, file: &str| (pattern.to_owned(), file.to_owned());
    let folder = project.settings.waivers.folder.trim_matches('/');
    let mut patterns = vec![
        own("/t4.toml", "t4.toml"),
        (format!("/{folder}/"), format!("{folder}/any.yaml")),
        own("/.github/workflows/t4-*.yml", ".github/workflows/t4-validator.yml"),
        own("/.github/t4-install.sh", ".github/t4-install.sh"),
        // GitHub reads this file first, so a new one here would replace the existing one.
        own("/.github/CODEOWNERS", ".github/CODEOWNERS"),
    ];
    if place != ".github/CODEOWNERS" {
        patterns.push((format!("/{place}"), place.to_owned()));
    }
    for folder in FOLDERS {
        if project.tree.path(folder).is_dir() {
            patterns.push((format!("/{folder}/"), format!("{folder}/any")));
        }
    }
    patterns
}

/// Plans the CODEOWNERS file of a project with the missing rules.
///
/// If `owners` is empty, the existing block keeps its owners, and patterns that other rules cover need no owners.
///
/// # Errors
/// - [`Error::Usage`] when an owner is malformed, or when owners are needed and `owners` is empty.
/// - [`Error::Refused`] when the block's marker lines are broken, or when the name of the waiver folder has characters
///   with a meaning in CODEOWNERS.
/// - Another error when the file can't be read.
pub fn merge(project: &Project, owners: &[String]) -> Result<Merged, Error> {
    if let Some(wrong) = owners.iter().find(|owner| !is_owner(owner)) {
        return Err(Error::Usage(format!(
            "`{}` is not an owner such as `@octo`, `@octo/platform` or `octo@example.com`",
            wrong.escape_debug()
        )));
    }
    let mut place = CodeOwners::PLACES[0];
    let mut found = None;
    for candidate in CodeOwners::PLACES {
        if let Some(text) = contained::text(&project.tree.root, candidate, LARGEST)? {
            (place, found) = (candidate, Some(text));
            break;
        }
    }
    let text = found.clone().unwrap_or_default();
    let patterns = patterns(project, place);
    // The tree names the folder of the waivers. The name must not add rules.
    let plain = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    if !project.settings.waivers.folder.chars().all(plain) {
        return Err(Error::Refused(
            "the folder of the waivers in `t4.toml` has characters with a meaning in CODEOWNERS: use letters, \
             digits and `-_./`"
                .to_owned(),
        ));
    }
    let merged = merged(&text, &patterns, owners).map_err(|problem| problem.named(place))?;
    let change = (merged.text != text).then(|| FileChange {
        file: place.to_owned(),
        before: found.map(String::into_bytes),
        after: merged.text.into_bytes(),
    });
    Ok(Merged { file: place.to_owned(), change, respected: merged.respected, covered: merged.covered })
}

fn is_owner(owner: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match owner.strip_prefix('@') {
        Some(name) => match name.split_once('/') {
            Some((organisation, team)) => plain(organisation) && plain(team),
            None => plain(name),
        },
        None => {
            owner.split_once('@').is_some_and(|(name, host)| plain(&name.replace('+', "-")) && plain(host))
        }
    }
}

#[derive(Debug)]
struct CodeownersDraft {
    text: String,
    respected: Vec<(String, u32)>,
    covered: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Broken,
    NoOwner(String),
}

impl Problem {
    fn named(self, place: &str) -> Error {
        match self {
            Self::Broken => Error::Refused(format!(
                "`{place}` must have one line `{BEGIN}` and one line `{END}` after it, or neither: fix it by hand"
            )),
            Self::NoOwner(pattern) => Error::Usage(format!(
                "`{place}` names no owner for `{pattern}`: add --owner, such as `--owner @octo/platform`"
            )),
        }
    }
}

fn merged(text: &str, patterns: &[(String, String)], owners: &[String]) -> Result<CodeownersDraft, Problem> {
    let (before, block, after) = split(text)?;
    // Empty lines replace the block, so that rows are those of the file.
    let gap = "\n".repeat(block.lines().count());
    let outside = CodeOwners::read(&format!("{before}{gap}{after}"));
    let kept = CodeOwners::read(block);
    let (mut respected, mut covered) = (Vec::new(), Vec::new());
    let mut rules = Vec::new();
    for (pattern, file) in patterns {
        let spelt = |rule: &str| rule.trim_matches('/') == pattern.trim_matches('/');
        if let Some(rule) = outside.rules.iter().rev().find(|rule| spelt(&rule.pattern)) {
            respected.push((pattern.clone(), rule.row));
            continue;
        }
        let old = kept.rules.iter().find(|rule| spelt(&rule.pattern)).map(|rule| rule.owners.as_slice());
        let named = if owners.is_empty() { old.unwrap_or_default() } else { owners };
        if !named.is_empty() {
            rules.push(format!("{pattern} {}", named.join(" ")));
        } else if outside.of(file).is_empty() {
            return Err(Problem::NoOwner(pattern.clone()));
        } else {
            covered.push(pattern.clone());
        }
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // The block must be last, so that its rules win. A block with rules after it moves to the end.
    let mut new = if after.trim().is_empty() { before.to_owned() } else { format!("{before}{after}") };
    let tail = if after.trim().is_empty() { after } else { "" };
    if !rules.is_empty() {
        if !new.is_empty() && !new.ends_with('\n') {
            new.push_str(end);
        }
        if block.is_empty() && !new.is_empty() {
            new.push_str(end);
        }
        for line in [BEGIN, ABOUT].into_iter().chain(rules.iter().map(String::as_str)).chain([END]) {
            new.push_str(line);
            new.push_str(end);
        }
    }
    new.push_str(tail);
    Ok(CodeownersDraft { text: new, respected, covered })
}

/// Splits a file into the text before the block, the block, and the text after it.
fn split(text: &str) -> Result<(&str, &str, &str), Problem> {
    let mut marks = [Vec::new(), Vec::new()];
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        for (mark, places) in [BEGIN, END].into_iter().zip(&mut marks) {
            if line.trim_end() == mark {
                places.push((offset, offset + line.len()));
            }
        }
        offset += line.len();
    }
    match (marks[0].as_slice(), marks[1].as_slice()) {
        ([], []) => Ok((text, "", "")),
        ([(from, _)], [(_, to)]) if from < to => {
            let (head, after) = text.split_at(*to);
            let (before, block) = head.split_at(*from);
            Ok((before, block, after))
        }
        _ => Err(Problem::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns() -> Vec<(String, String)> {
        [("/t4.toml", "t4.toml"), ("/audit/waivers/", "audit/waivers/any.yaml")]
            .map(|(pattern, file)| (pattern.to_owned(), file.to_owned()))
            .to_vec()
    }

    fn owners() -> Vec<String> {
        vec!["@octo/platform".to_owned()]
    }

    #[test]
    fn bytes_outside_the_block_stay_and_a_second_run_changes_nothing() {
        for text in [
            "",
            "* @all",
            "* @all\n",
            "* @all\r\n/x/ @x\r\n",
            "# only a comment\n\n\n",
            "\u{feff}* @all\n",
            "a\u{b}b @x\n",
        ] {
            let once = merged(text, &patterns(), &owners()).unwrap().text;
            assert!(once.starts_with(text), "{text:?}: {once:?}");
            assert_eq!(merged(&once, &patterns(), &owners()).unwrap().text, once);
            assert_eq!(merged(&once, &patterns(), &[]).unwrap().text, once, "the owners of the block stay");
            let read = CodeOwners::read(&once);
            assert_eq!(read.of("t4.toml"), owners());
            assert_eq!(read.of("audit/waivers/a.yaml"), owners());
        }
    }

    #[test]
    fn rules_added_after_the_block_do_not_override_it() {
        let once = merged("a @a\n", &patterns(), &owners()).unwrap().text;
        let twice = merged(&format!("{once}* @mallory\n"), &patterns(), &owners()).unwrap().text;
        assert_eq!(CodeOwners::read(&twice).of("t4.toml"), owners());
        assert!(twice.starts_with("a @a\n") && twice.contains("* @mallory\n"), "{twice}");
        assert_eq!(merged(&twice, &patterns(), &owners()).unwrap().text, twice);
    }

    #[test]
    fn a_rule_that_the_user_wrote_for_the_same_path_is_kept() {
        let text = "* @all\nt4.toml @me\n";
        let got = merged(text, &patterns(), &owners()).unwrap();
        assert_eq!(got.respected, [("/t4.toml".to_owned(), 2)]);
        assert!(!got.text.contains("/t4.toml "), "{}", got.text);
    }

    #[test]
    fn without_owners_covered_patterns_get_no_rule_and_others_are_an_error() {
        let got = merged("* @all\n", &patterns(), &[]).unwrap();
        assert_eq!((got.text.as_str(), got.covered.len()), ("* @all\n", 2));
        assert_eq!(
            merged("/src/ @all\n", &patterns(), &[]).unwrap_err(),
            Problem::NoOwner("/t4.toml".to_owned())
        );
    }

    #[test]
    fn a_broken_block_is_an_error() {
        for text in ["# t4: begin\n", "# t4: end\n# t4: begin\n", "# t4: begin\n# t4: begin\n# t4: end\n"] {
            assert_eq!(merged(text, &patterns(), &owners()).unwrap_err(), Problem::Broken, "{text}");
        }
    }

    #[test]
    fn an_owner_is_a_name_a_team_or_an_address() {
        for owner in ["@a", "@a-b/c.d_e", "a+b@example.com"] {
            assert!(is_owner(owner), "{owner}");
        }
        for owner in ["", "a", "@", "@a/", "@a b", "@a\n* @b", "@a #", "a@", "@a/b/c"] {
            assert!(!is_owner(owner), "{owner}");
        }
    }
}
