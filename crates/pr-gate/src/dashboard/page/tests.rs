use std::collections::BTreeMap;

use annotations::{
    Annotated, AnsweredBy, CheckMetrics, CheckSummary, Debt, Expired, Finding, FindingState, Issue, Place,
};
use maud::Render as _;
use serde_json::Value;

use super::*;

/// Text that would end an element, an attribute or a comment, and characters that `maud` alone would pass: an
/// apostrophe, a bidirectional mark, a control character and a runner's command.
const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&<!--\u{2028}\u{202e}\u{1b}##vso[x]";

fn hostile() -> CheckReport {
    let at = Place { row: 3, column: 1 };
    let text = || Some(HOSTILE.to_owned());
    let by = AnsweredBy {
        file: HOSTILE.to_owned(),
        row: 3,
        kind: "annotation",
        id: text(),
        code: text(),
        status: text(),
        owner: text(),
        ticket: text(),
        reason: text(),
        eta: text(),
    };
    let finding = Finding {
        file: HOSTILE.to_owned(),
        code: HOSTILE.to_owned(),
        message: HOSTILE.to_owned(),
        start: at,
        end: at,
        url: Some(format!("javascript:{HOSTILE}")),
    };
    let linked = Finding { url: Some(format!("https://{HOSTILE}")), ..finding.clone() };
    let annotated = |finding: Finding| Annotated {
        finding,
        fingerprint: HOSTILE.to_owned(),
        state: FindingState::Annotated,
        by: Some(by.clone()),
        first_seen: text(),
    };
    let issue = Issue {
        file: HOSTILE.to_owned(),
        row: 1,
        code: text(),
        id: text(),
        problems: vec![HOSTILE.to_owned()],
    };
    CheckReport {
        summary: CheckSummary { total_findings: 2000, unannotated: 1, ..CheckSummary::default() },
        metrics: CheckMetrics {
            counts_by_code: BTreeMap::from([(HOSTILE.to_owned(), 1)]),
            counts_by_status: BTreeMap::from([(HOSTILE.to_owned(), 1)]),
            debt_by_owner: vec![Debt { owner: text(), findings: 1, weight: 1, oldest: text() }],
            ..CheckMetrics::default()
        },
        findings: vec![annotated(finding), annotated(linked)],
        quality_issues: vec![issue.clone()],
        stale: vec![by.clone()],
        expired: vec![Expired { by, date: HOSTILE.to_owned(), malformed: true }],
        duplicates: vec![issue.clone()],
        warnings: vec![issue],
        ..CheckReport::default()
    }
}

fn render(report: &CheckReport, history: &[HistoryEntry]) -> String {
    named(HOSTILE, report, history)
}

fn named(name: &str, report: &CheckReport, history: &[HistoryEntry]) -> String {
    let page = DashboardPage {
        project: name,
        tool: name,
        report,
        history,
        weights: &Weights::default(),
        goal: 100,
        generated_at: Timestamp::EPOCH,
        reload: None,
        live: None,
        failure: Some(name),
    };
    page.html().unwrap()
}

/// Returns the JSON inside the page.
fn data(page: &str) -> Value {
    let (_, from) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn no_text_of_a_source_becomes_markup() {
    let mut entry = HistoryEntry::at(Timestamp::EPOCH);
    entry.counts_by_code.insert(HOSTILE.to_owned(), 1);
    let page = render(&hostile(), &[entry]);
    assert_eq!(page.matches("<img").count(), 0);
    assert_eq!(page.matches("<!--").count(), 0);
    assert_eq!(page.matches("</script>").count(), 2, "the data's and the script's own");
    assert!(!page.contains("href=\"javascript:"));
    assert!(!page.contains('\u{2028}'));
    assert_eq!(data(&page)["report"]["findings"][0]["message"], HOSTILE);
}

/// `maud` escapes less than [`EscapedText`]: a text that is inserted without it is in the page, but not in this form.
#[test]
fn every_text_of_a_source_is_escaped_by_us_and_never_by_maud_alone() {
    let page = render(&hostile(), &[]).replace("<wbr>", "");
    let (before, data) = page.split_once("id=\"data\">").unwrap();
    assert!(data.contains("onerror"), "the report");
    let escaped = EscapedText(HOSTILE).render().into_string();
    let texts = before.matches("onerror").count();
    assert_eq!(before.matches(&escaped).count(), texts, "{before}");
    // Each field in each table that shows it, the project, the tool and the failure.
    assert!(texts > 50, "{texts}");
}

#[test]
fn the_page_loads_nothing_from_outside() {
    let page = named("plain", &CheckReport::default(), &[]);
    for loads in ["http://", "https://", " src=", "@import", "url("] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_data_of_the_page_is_the_report() {
    let report = hostile();
    assert_eq!(data(&render(&report, &[]))["report"], serde_json::to_value(&report).unwrap());
}

#[test]
fn an_empty_report_without_history_has_a_page() {
    let page = render(&CheckReport::default(), &[]);
    assert!(page.contains("No findings") && page.contains("An estimate needs"), "{page}");
}

/// Palettes of the light and of the dark page, from the style itself.
fn palettes() -> Vec<BTreeMap<&'static str, [f64; 3]>> {
    let blocks = STYLE.split(":root {").skip(1).map(|block| block.split('}').next().unwrap());
    let colours = |block: &'static str| {
        let lines = block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
        lines
            .map(|(name, hex)| {
                let part = |from: usize| u8::from_str_radix(hex.get(from..from + 2).unwrap(), 16).unwrap();
                (name, [part(0), part(2), part(4)].map(f64::from))
            })
            .collect()
    };
    blocks.map(colours).collect()
}

/// WCAG 2.2, "contrast ratio".
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = colour.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn words_are_readable_and_lines_are_seen_in_light_and_in_dark() {
    let palettes = palettes();
    assert_eq!(palettes.len(), 2);
    for colours in palettes {
        for ground in ["ground", "panel"] {
            for words in ["text", "faint", "link", "good", "warn", "bad"] {
                let ratio = contrast(colours[words], colours[ground]);
                assert!(ratio >= 4.5, "{words} on {ground}: {ratio:.2}");
            }
            for drawn in ["line-1", "line-2", "unannotated", "annotated", "legacy", "waived", "registered"] {
                let ratio = contrast(colours[drawn], colours[ground]);
                assert!(ratio >= 3.0, "{drawn} on {ground}: {ratio:.2}");
            }
        }
    }
}

mod generated {
    //! Histories with any numbers and times: the file is part of the untrusted tree.

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use registry_core::Timestamp;

    use super::*;

    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![3 => 0_u64..2000, 1 => any::<u64>(), 1 => Just(u64::MAX)]
    }

    /// Numbers as they are written: with two digits.
    fn share() -> impl Strategy<Value = Option<f64>> {
        prop::option::of((0_u32..=10_000).prop_map(|hundredths| f64::from(hundredths) / 100.0))
    }

    fn entry() -> impl Strategy<Value = HistoryEntry> {
        // Days around now, and extreme times.
        let now = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
        let time = prop_oneof![
            4 => (-200_i64..10, 0_i64..5).prop_map(move |(days, micros)| now.plus_days(days).plus_micros(micros)),
            1 => any::<i64>().prop_map(Timestamp::from_micros),
        ];
        let counts = || prop::collection::btree_map("[A-Z]{0,3}|<b>", count(), 0..4);
        (time, count(), share(), counts(), counts(), share(), share(), prop::option::of(count())).prop_map(
            |(
                timestamp,
                total_findings,
                quality_score,
                counts_by_code,
                counts_by_status,
                coverage,
                staleness,
                unannotated,
            )| HistoryEntry {
                timestamp,
                total_findings,
                quality_score,
                counts_by_code,
                counts_by_status,
                coverage_percent: coverage,
                staleness_percent: staleness,
                unannotated,
            },
        )
    }

    proptest! {
        #[test]
        fn a_page_of_any_history_has_numbers_alone_in_its_drawings(mut history in vec(entry(), 0..12)) {
            history.sort_by_key(|entry| entry.timestamp);
            let page = named("plain", &CheckReport::default(), &history);
            for word in ["NaN", "inf\"", "inf ", "-inf"] {
                prop_assert!(!page.contains(word), "{}", word);
            }
            prop_assert!(!page.contains("<b>"));
        }

        #[test]
        fn a_history_is_read_as_it_was_written_or_refused(
            mut history in vec(entry(), 0..5), edit in prop::option::of((any::<Index>(), any::<u8>()))
        ) {
            history.sort_by_key(|entry| entry.timestamp);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.json");
            let mut bytes = serde_json::to_vec(&history).unwrap();
            if let Some((at, byte)) = edit {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            std::fs::write(&path, &bytes).unwrap();
            match crate::dashboard::history::read(&path) {
                Ok(read) if edit.is_none() => prop_assert_eq!(read, history),
                Ok(read) => prop_assert!(read.is_sorted_by_key(|entry| entry.timestamp)),
                Err(error) => prop_assert!(edit.is_some(), "{}", error),
            }
        }
    }

    #[test]
    fn a_share_that_is_no_number_of_percent_makes_no_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        for (share, is_read) in
            [("0", true), ("100.0", true), ("-0.01", false), ("100.01", false), ("-1e308", false)]
        {
            for name in ["quality_score", "coverage_percent", "staleness_percent"] {
                let text =
                    format!("[{{\"timestamp\":\"2026-11-21\",\"total_findings\":1,\"{name}\":{share}}}]");
                std::fs::write(&path, text).unwrap();
                assert_eq!(crate::dashboard::history::read(&path).is_ok(), is_read, "{name} {share}");
            }
        }
    }
}
