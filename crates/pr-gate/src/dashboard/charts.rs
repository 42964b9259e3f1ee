//! Charts of findings and scores over time.

use maud::{Markup, html};
use registry_core::Timestamp;

use super::eta::float;
use super::history::HistoryEntry;
use super::plot::{Plot, PlotLine};

/// Returns the charts of a history.
pub fn html(history: &[HistoryEntry], goal: u64) -> Markup {
    let times: Vec<Timestamp> = history.iter().map(|entry| entry.timestamp).collect();
    let of = |value: &dyn Fn(&HistoryEntry) -> Option<f64>| history.iter().map(value).collect();
    let findings = Plot {
        id: "findings-over-time",
        title: "Findings over time",
        times: &times,
        lines: vec![
            PlotLine {
                name: "Findings",
                class: "line-1",
                values: of(&|entry| Some(float(entry.total_findings))),
            },
            PlotLine {
                name: "Unannotated",
                class: "line-2",
                values: of(&|entry| entry.unannotated.map(float)),
            },
        ],
        top: None,
        unit: "",
        mark: Some((float(goal), format!("Goal ({goal})"))),
    };
    let scores = Plot {
        id: "scores-over-time",
        title: "Scores over time",
        times: &times,
        lines: vec![
            PlotLine { name: "Answered for", class: "line-1", values: of(&|entry| entry.coverage_percent) },
            PlotLine {
                name: "Annotation quality",
                class: "line-2",
                values: of(&|entry| entry.quality_score),
            },
        ],
        top: Some(100.0),
        unit: "%",
        mark: None,
    };
    html! {
        section aria-labelledby="trend" {
            h2 id="trend" { "Over time" }
            div class="columns" { (findings.html()) (scores.html()) }
        }
    }
}
