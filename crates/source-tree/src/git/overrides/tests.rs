use super::*;

fn setting(origin: Origin, key: &str, value: &str) -> Setting {
    let (section, rest) = key.split_once('.').unwrap();
    let (subsection, name) = rest.rsplit_once('.').map_or((None, rest), |(sub, name)| (Some(sub), name));
    Setting {
        origin,
        section: section.to_owned(),
        subsection: subsection.map(|text| text.as_bytes().to_vec()),
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

fn own(key: &str, value: &str) -> Setting {
    setting(Origin::Repository, key, value)
}

fn users(key: &str, value: &str) -> Setting {
    setting(Origin::User, key, value)
}

/// What is given for the keys that begin so, in order.
fn given<'a>(overrides: &'a GitOverrides, start: &str) -> Vec<(&'a str, &'a str)> {
    let text = |bytes: &'a Vec<u8>| std::str::from_utf8(bytes).unwrap();
    let all = overrides.0.iter().map(|(key, value)| (text(key), text(value)));
    all.filter(|(key, _)| key.to_ascii_lowercase().starts_with(start)).collect()
}

#[test]
fn every_filter_is_off_for_user_and_repository() {
    let settings =
        [own("filter.a=b.required", "true"), users("filter.lfs.process", "git-lfs filter-process")];
    for overrides in [GitOverrides::offline(&settings).unwrap(), GitOverrides::push(&settings).unwrap()] {
        let off =
            |name: &str| ["clean", "smudge", "process", "required"].map(|key| format!("filter.{name}.{key}"));
        let found = given(&overrides, "filter.");
        assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [off("a=b"), off("lfs")].concat());
        assert!(
            found.iter().all(|(key, value)| *value == if key.ends_with("required") { "false" } else { "" })
        );
    }
}

#[test]
fn a_push_uses_what_the_user_sets_and_nothing_of_the_repository() {
    let mut settings = vec![
        users("credential.helper", "store"),
        users("credential.https://a.example.helper", "mine"),
        users("core.sshcommand", "ssh -i key"),
    ];
    let alone = GitOverrides::push(&settings).unwrap();
    assert_eq!(given(&alone, "credential."), []);
    assert_eq!(given(&alone, "core.ssh"), []);
    settings.extend([
        own("credential.https://a.example.helper", "!evil"),
        own("core.sshcommand", "evil"),
        own("core.askpass", "evil"),
        own("http.https://a.example.cookiefile", "/etc/passwd"),
    ]);
    let both = GitOverrides::push(&settings).unwrap();
    let helpers = [
        ("credential.helper", ""),
        ("credential.helper", "store"),
        ("credential.https://a.example.helper", "mine"),
    ];
    assert_eq!(given(&both, "credential."), helpers);
    assert_eq!(given(&both, "core.ssh"), [("core.sshcommand", "ssh -i key")]);
    assert_eq!(given(&both, "core.askpass"), [("core.askpass", "")]);
    assert_eq!(
        given(&both, "http.https"),
        [("http.https://a.example.savecookies", "false"), ("http.https://a.example.cookiefile", "")]
    );
    let offline = GitOverrides::offline(&settings).unwrap();
    assert_eq!(given(&offline, "core.ssh"), [("core.sshCommand", "false")]);
    assert!(given(&offline, "credential.").iter().all(|(_, helper)| helper.is_empty()));
}

#[test]
fn files_that_only_the_repository_names_are_not_read() {
    let settings = [users("mailmap.file", "~/mailmap"), own("mailmap.file", "/etc/passwd")];
    let both = GitOverrides::offline(&settings).unwrap();
    assert_eq!(given(&both, "mailmap."), [("mailmap.file", "~/mailmap")]);
    assert_eq!(given(&GitOverrides::offline(&settings[..1]).unwrap(), "mailmap."), []);
    let own = GitOverrides::offline(&[own("core.attributesfile", "/etc/passwd")]).unwrap();
    assert_eq!(given(&own, "core.attributes"), [("core.attributesfile", "/dev/null")]);
}

#[test]
fn more_than_a_command_line_holds_is_refused() {
    let settings: Vec<_> = (0..2_000).map(|n| own(&format!("filter.{n}.clean"), "x")).collect();
    assert!(matches!(GitOverrides::offline(&settings), Err(Error::Refused(_))));
    assert!(matches!(GitOverrides::push(&settings), Err(Error::Refused(_))));
}

#[test]
fn options_of_a_push_are_the_users() {
    let mut settings = vec![users("push.pushoption", "ci.skip"), users("push.pushoption", "other")];
    assert_eq!(given(&GitOverrides::push(&settings).unwrap(), "push.pushoption"), []);
    settings.push(own("push.pushoption", "merge_request.create"));
    let clear_and_again =
        [("push.pushoption", ""), ("push.pushoption", "ci.skip"), ("push.pushoption", "other")];
    assert_eq!(given(&GitOverrides::push(&settings).unwrap(), "push.pushoption"), clear_and_again);
}
