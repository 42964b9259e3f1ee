//! Findings in files that are links.

use std::collections::BTreeMap;

use annotations::{Finding, Place};

use crate::{Project, files, findings};

/// What became of findings in files that are links.
#[derive(Debug, Default)]
pub struct Links {
    /// How many files lead out of the tree: what is there is none of this tree.
    pub outside: usize,
    /// The findings that only a link led to: file, place, code; and the link.
    only: BTreeMap<(String, Place, String), String>,
}

impl Links {
    /// The link that alone led to a finding.
    pub fn by(&self, finding: &Finding) -> Option<&str> {
        if self.only.is_empty() {
            return None;
        }
        self.only.get(&key(finding)).map(String::as_str)
    }
}

/// Gives findings in links to the files that these lead to. Most of those have them anyway; one that the linter does not
/// look at under its own name (`a.py -> a.txt`) has them through the link alone. Findings in files outside of the tree
/// are taken out.
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

/// Whether a file is a link, or behind one, that leads out of the tree. A linter's messages about it may quote the file
/// outside.
pub fn leads_outside(project: &Project, name: &str) -> bool {
    files::is_link(project, name) && target(project, name).is_none()
}

/// Where a link leads, from the root.
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
    fn links_are_followed_inside_of_the_root_alone() {
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
