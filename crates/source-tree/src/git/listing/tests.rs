//! What git could have printed is read back entry by entry; what it could not is left out, with its neighbours unharmed.

use std::path::{Component, Path};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Bytes of names: any but NUL, with those that matter more often.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => select(b"ab.-:\t\n \"\\\xff\xc3\xa9".to_vec()), 1 => 1_u8..];
    vec(byte.prop_filter("a slash parts", |byte| *byte != b'/'), 1..5)
        .prop_filter("no name of a file", |part| part != b"." && part != b"..")
}

/// Names that stay in the tree.
fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(part(), 1..4).prop_map(|parts| parts.join(&b'/'))
}

/// Names that do not.
fn outside() -> impl Strategy<Value = Vec<u8>> {
    let odd = [
        &b""[..],
        b".",
        b"..",
        b"../",
        b"/",
        b"/etc/passwd",
        b"a/../b",
        b"a//b",
        b"a/",
        b"./a",
        b"../a",
        b"a/..",
    ];
    select(odd.to_vec()).prop_map(<[u8]>::to_vec)
}

fn any_name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => name(), 1 => outside()]
}

/// Whether the standard library would take a name out of its root.
fn leads_out(name: &[u8]) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let path = Path::new(std::ffi::OsStr::from_bytes(name));
    path.components().any(|part| !matches!(part, Component::Normal(_))) || name.is_empty()
}

fn joined(fields: &[Vec<u8>]) -> Vec<u8> {
    fields.iter().flat_map(|field| [field, &b"\0"[..]].concat()).collect()
}

/// An output that was harmed: bytes replaced, and the end lost.
fn harmed(mut output: Vec<u8>, edits: &[(Index, u8)], end: Index) -> Vec<u8> {
    for (at, byte) in edits {
        if !output.is_empty() {
            let at = at.index(output.len());
            output[at] = *byte;
        }
    }
    output.truncate(end.index(output.len() + 1));
    output
}

proptest! {
    #[test]
    fn names_are_read_back_and_those_outside_left_out(all in vec(any_name(), 0..8)) {
        let output = joined(&all);
        let expected: Vec<_> = all.iter().map(Vec::as_slice).filter(|name| is_inside(name)).collect();
        prop_assert_eq!(names(&output).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_name_is_inside_exactly_when_every_part_is_one(name in any_name()) {
        let plain = !name.is_empty() && name.split(|byte| *byte == b'/').all(|part| !leads_out(part));
        prop_assert_eq!(is_inside(&name), plain);
    }

    #[test]
    fn staged_entries_are_read_back(
        all in vec((select(vec!["100644", "100755", "120000", "160000"]), 0_u8..4, any_name()), 0..8)
    ) {
        let object = "0".repeat(40);
        let written = |(mode, stage, name): &(&str, u8, Vec<u8>)| {
            [format!("{mode} {object} {stage}\t").as_bytes(), name].concat()
        };
        let output = joined(&all.iter().map(written).collect::<Vec<_>>());
        let expected: Vec<_> = all
            .iter()
            .filter(|(_, _, name)| is_inside(name))
            .map(|(mode, _, name)| StagedEntry { mode: mode.as_bytes(), name })
            .collect();
        prop_assert_eq!(staged(&output).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn changes_are_read_back(
        all in vec((select(vec!["A", "M", "D", "T", "U", "R100", "R057", "C075"]), any_name(), any_name()), 0..8)
    ) {
        let (mut output, mut expected) = (Vec::new(), Vec::new());
        for (status, before, now) in &all {
            let is_pair = status.starts_with(['R', 'C']);
            output.push(status.as_bytes().to_vec());
            output.extend(is_pair.then(|| before.clone()));
            output.push(now.clone());
            let before = match status {
                _ if is_pair => Some(before),
                &"A" => None,
                _ => Some(now),
            };
            if is_inside(now) {
                expected.push(ChangedEntry { before: before.map(Vec::as_slice).filter(|name| is_inside(name)), now });
            }
        }
        let output = joined(&output);
        prop_assert_eq!(changed(&output).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn files_of_a_tree_are_read_back(
        all in vec((select(vec!["100644 blob", "100755 blob", "120000 blob", "160000 commit", "040000 tree"]), any::<u64>(), any_name()), 0..8)
    ) {
        let object = "abcdef0123".repeat(4);
        let written = |(kind, bytes, name): &(&str, u64, Vec<u8>)| {
            let bytes = if kind.ends_with("blob") { bytes.to_string() } else { "-".to_owned() };
            [format!("{kind} {object} {bytes:>7}\t").as_bytes(), name].concat()
        };
        let output = joined(&all.iter().map(written).collect::<Vec<_>>());
        let expected: Vec<_> = all
            .iter()
            .filter(|(kind, _, name)| kind.starts_with("100") && is_inside(name))
            .map(|(_, bytes, name)| FileEntry { object: &object, bytes: *bytes, name })
            .collect();
        prop_assert_eq!(files(&output).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_output_leads_out_of_the_tree_or_makes_more_of_itself(
        all in vec(any_name(), 0..8),
        edits in vec((any::<Index>(), any::<u8>()), 0..6),
        end in any::<Index>(),
        heads in vec(select(vec![&b""[..], b"100644 blob a 3\t", b"120000 a 0\t", b"R100\0", b"M\0", b"-\t", b"\t"]), 8),
    ) {
        let fields: Vec<_> = all.iter().zip(heads).map(|(name, head)| [head, name].concat()).collect();
        let output = harmed(joined(&fields), &edits, end);
        let mut found: Vec<&[u8]> = names(&output).collect();
        found.extend(staged(&output).map(|entry| entry.name));
        found.extend(changed(&output).flat_map(|entry| [Some(entry.now), entry.before]).flatten());
        found.extend(files(&output).map(|entry| entry.name));
        for name in &found {
            prop_assert!(!leads_out(name) && !name.contains(&0), "{:?}", name.escape_ascii().to_string());
        }
        prop_assert!(found.iter().map(|name| name.len()).sum::<usize>() <= 5 * output.len());
    }
}

#[test]
fn a_list_that_broke_off_ends_with_its_last_whole_name() {
    assert_eq!(names(b"a\0b/c\0src/secr").collect::<Vec<_>>(), [&b"a"[..], b"b/c"]);
    assert_eq!(names(b"a").count() + names(b"").count() + names(b"\0").count(), 0);
    assert_eq!(changed(b"M\0a\0R100\0b\0").count(), 1);
}
