//! Findings in files that are links.

use std::collections::BTreeMap;

use annotations::{Finding, Place};

use crate::{Project, files, findings};

/// The result of [`resolve`].
#[derive(Debug, Default)]
pub struct Links {
    /// The number of links to files outside the tree.
    pub outside: usize,
    /// The findings that only a link has: file, place and code, with the link.
    only: BTreeMap<(String, Place, String), String>,
}

impl Links {
    /// Returns the link through which a finding was found, if it was found through a link only.
    pub fn by(&self, finding: &Finding) -> Option<&str> {
        if self.only.is_empty() {
            return None;
        }
        self.only.get(&key(finding)).map(String::as_str)
    }
}

/// Moves findings from links to their targets, and removes findings whose target is outside the tree.
///
/// Most targets have the same findings. A target that the linter does not check under its name has them only through
/// the link, for example `a.py -> a.txt`.
pub fn resolve(project: &Project, all: &mut Vec<Finding>) -> Links {
    let mut links = Links::default();
    let mut targets: BTreeMap<String, Option<String>> = BTreeMap::new();
    for finding in &*all {
        if !targets.contains_key(&finding.file) && files::is_link(project, &finding.file) {
            targets.insert(finding.file.clone(), target(project, &finding.file));
        }
    }
    if targets.is_empty() {
        return links;
    }
    links.outside = targets.values().filter(|target| target.is_none()).count();
    let (through, mut own): (Vec<_>, Vec<_>) =
        std::mem::take(all).into_iter().partition(|finding| targets.contains_key(&finding.file));
    let known: std::collections::BTreeSet<_> = own.iter().map(key).collect();
    for mut finding in through {
        let Some(Some(target)) = targets.get(&finding.file) else { continue };
        let link = std::mem::replace(&mut finding.file, target.clone());
        let key = key(&finding);
        if !known.contains(&key) && !links.only.contains_key(&key) {
            links.only.insert(key, link);
            own.push(finding);
        }
    }
    findings::sort(&mut own);
    *all = own;
    links
}

fn key(finding: &Finding) -> (String, Place, String) {
    (finding.file.clone(), finding.start, finding.code.clone())
}

/// Whether a file is a link, or is reached through one, and its target is not in the tree. A linter's messages may
/// quote a target outside the tree.
pub fn leads_outside(project: &Project, name: &str) -> bool {
    files::is_link(project, name) && target(project, name).is_none()
}

/// Returns the target of a link, relative to the root. Returns `None` when the target does not exist or is outside.
fn target(project: &Project, name: &str) -> Option<String> {
    let path = project.tree.path(name).canonicalize().ok()?;
    let root = project.tree.root.canonicalize().ok()?;
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_only_inside_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let root = top.join("root");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::write(root.join("src/a.txt"), "").unwrap();
        std::fs::write(top.join("outside.py"), "").unwrap();
        let project = Project::at(root.clone()).unwrap();
        let absolute = |path: &str| top.join(path).display().to_string();
        for (to, leads_to) in [
            ("a.txt".to_owned(), Some("src/a.txt")),
            ("../src/a.txt".to_owned(), Some("src/a.txt")),
            ("../../root/src/a.txt".to_owned(), Some("src/a.txt")),
            (absolute("root/src/a.txt"), Some("src/a.txt")),
            (absolute("outside.py"), None),
            (absolute("root/../outside.py"), None),
            ("../../outside.py".to_owned(), None),
            ("gone.py".to_owned(), None),
            (absolute("root/gone.py"), None),
        ] {
            let link = root.join("src/link.py");
            symlink(&to, &link).unwrap();
            assert_eq!(target(&project, "src/link.py").as_deref(), leads_to, "{to}");
            assert_eq!(leads_outside(&project, "src/link.py"), leads_to.is_none(), "{to}");
            std::fs::remove_file(link).unwrap();
        }
    }
}
