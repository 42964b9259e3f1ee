use source_tree::SourceTree;

use super::*;
use crate::protect::CHECKS;
use crate::settings::GateSettings;

#[test]
fn the_written_settings_are_read_back_as_they_are() {
    let mut settings = GateSettings::default();
    assert_eq!(GateSettings::parse(&settings_text(&settings).unwrap()).unwrap().check, settings.check);
    settings.check.paths = vec!["src".into(), "a \"b\" \\ é @CODES@".into()];
    settings.check.codes = vec!["F".into()];
    settings.weights.insert("F".into(), 7);
    let text = settings_text(&settings).unwrap();
    let read = GateSettings::parse(&text).unwrap();
    assert_eq!(read.check, settings.check);
    assert_eq!(read.weights.get("F"), Some(&7));
    assert_eq!(read.waivers, settings.waivers);
    assert_eq!(read.dashboard, settings.dashboard);
}

#[test]
fn the_written_settings_list_every_default() {
    let text = settings_text(&GateSettings::default()).unwrap();
    for code in crate::settings::DEFAULT_CODES {
        assert!(text.contains(&format!("\"{code}\" = ")), "the weight of {code}");
    }
    assert!(!text.contains('@'), "{text}");
}

#[test]
fn a_workflow_defines_each_required_check() {
    for check in CHECKS {
        let name = format!("    name: {check}\n");
        let count = WORKFLOWS.iter().filter(|one| one.text.contains(&name)).count();
        assert_eq!(count, 1, "{check}");
    }
}

#[test]
fn workflows_have_read_permissions_only_and_expand_no_expression_in_a_script() {
    for Workflow { file, text } in WORKFLOWS {
        assert!(text.contains("permissions:"), "{file}");
        let rights: Vec<_> =
            text.lines().filter(|line| line.ends_with(": write") || line.contains("write-all")).collect();
        assert!(rights.is_empty(), "{file}: {rights:?}");
        assert!(!text.contains("pull_request_target") && !text.contains("secrets."), "{file}");
        // An expression may be a value, such as of `env`. In a script, it would let a pull request inject commands.
        let mut script = None;
        for line in text.lines() {
            let depth = line.len() - line.trim_start().len();
            if script.is_some_and(|at| depth <= at && !line.trim().is_empty()) {
                script = None;
            }
            if line.trim_start().starts_with("run:") {
                script = Some(depth);
            }
            assert!(script.is_none() || !line.contains("${{"), "{file}: {line}");
        }
    }
}

#[test]
fn existing_files_are_kept_and_links_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project {
        tree: SourceTree::at(folder.path().to_owned()),
        settings: GateSettings::default(),
        ruff: None,
    };
    std::fs::write(project.tree.path("a"), "mine").unwrap();
    std::fs::write(project.tree.path("b"), "text").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", project.tree.path("link")).unwrap();
    let wanted = |file: &str| Wanted { file: file.to_owned(), text: "text".to_owned() };
    let got = plan(&project, vec![wanted("a"), wanted("b"), wanted("c")]).unwrap();
    assert_eq!((got.kept, got.same), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!(got.changes.iter().map(|change| change.file.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(plan(&project, vec![wanted("link")]).is_err());
}
