//! Charts of lines over time, as SVG.
//!
//! The drawing stretches with the page. The texts next to it are HTML, so that they stay readable on a phone.

use std::fmt::Write as _;

use maud::{Markup, html};
use registry_core::Timestamp;

use super::escaped_text::{self, EscapedText};
use super::eta::{float, seconds};

/// Number of points above which a line has no dots: they would touch.
const MOST_DOTS: usize = 45;
/// Number of the newest entries in the table of a chart.
const MOST_ROWS: usize = 30;

/// Line of a chart: a value for each time; `None` where it was not measured.
pub struct PlotLine {
    /// Name.
    pub name: &'static str,
    /// CSS class, `line-1` or `line-2`.
    pub class: &'static str,
    /// Values.
    pub values: Vec<Option<f64>>,
}

/// Chart of lines over the same times.
pub struct Plot<'a> {
    /// Id in the page.
    pub id: &'static str,
    /// Title.
    pub title: &'static str,
    /// Times, sorted.
    pub times: &'a [Timestamp],
    /// Lines, at most two.
    pub lines: Vec<PlotLine>,
    /// Upper end of the scale; `None` fits it to the values.
    pub top: Option<f64>,
    /// Unit after a value.
    pub unit: &'static str,
    /// Marked height, and its meaning.
    pub mark: Option<(f64, String)>,
}

impl Plot<'_> {
    /// Returns the figure.
    pub fn html(&self) -> Markup {
        let top = self.top.unwrap_or_else(|| nice(self.highest()));
        html! {
            figure class="panel chart" aria-labelledby={ (EscapedText(self.id)) "-title" } {
                figcaption {
                    h3 id={ (EscapedText(self.id)) "-title" } { (EscapedText(self.title)) }
                    ul class="legend" {
                        @for line in &self.lines { (key(line.class, line.name)) }
                        @if let Some((_, name)) = &self.mark { (key("mark", name)) }
                    }
                }
                div class="plot" {
                    div class="scale" aria-hidden="true" {
                        span { (self.value(top)) } span { (self.value(top / 2.0)) } span { "0" (EscapedText(self.unit)) }
                    }
                    (self.drawing(top))
                    (self.days())
                }
                @if self.times.len() == 1 {
                    p class="note" { "One run so far: the line begins with the next one." }
                }
                (self.table())
            }
        }
    }

    /// Returns the first and the last day, once when they are the same.
    fn days(&self) -> Markup {
        let day = |time: Option<&Timestamp>| time.map_or_else(String::new, |time| date(*time));
        let (first, last) = (day(self.times.first()), day(self.times.last()));
        let one = first == last;
        html! {
            div class=(EscapedText(if one { "days one" } else { "days" })) aria-hidden="true" {
                span { (EscapedText(&first)) }
                @if !one { span { (EscapedText(&last)) } }
            }
        }
    }

    fn highest(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| line.values.iter().flatten());
        let highest = values.fold(0.0_f64, |most, value| most.max(*value));
        self.mark.as_ref().map_or(highest, |(mark, _)| {
            // A goal far above the values would press them to the bottom.
            if *mark <= highest * 2.0 { highest.max(*mark) } else { highest }
        })
    }

    /// Coordinates from 0 to 100 in both directions, downwards as in SVG.
    fn drawing(&self, top: f64) -> Markup {
        let height = |value: f64| 100.0 - (value / top * 100.0).clamp(0.0, 100.0);
        let mark = self.mark.as_ref().map(|(mark, _)| *mark).filter(|mark| *mark <= top);
        let id = EscapedText(self.id);
        html! {
            svg class="drawing" viewBox="0 0 100 100" preserveAspectRatio="none" role="img"
                aria-labelledby={ (id) "-svg-title " (id) "-desc" } {
                title id={ (id) "-svg-title" } { (EscapedText(self.title)) }
                desc id={ (id) "-desc" } { (self.description()) }
                path class="grid" d="M0 0H100M0 50H100M0 100H100" {}
                @if let Some(mark) = mark {
                    path class="mark" d=(format_args!("M0 {:.2}H100", height(mark))) {}
                }
                @for line in &self.lines {
                    @let (path, dots) = self.paths(line, height);
                    path class=(EscapedText(line.class)) d=(EscapedText(&path)) {}
                    @if self.times.len() <= MOST_DOTS {
                        path class={ (EscapedText(line.class)) " dots" } d=(EscapedText(&dots)) {}
                    }
                }
            }
        }
    }

    /// Returns a line, which is interrupted where a value is missing, and a dot for each value.
    fn paths(&self, line: &PlotLine, height: impl Fn(f64) -> f64) -> (String, String) {
        let start = self.times.first().copied().unwrap_or(Timestamp::EPOCH);
        let whole = self.times.last().map_or(0.0, |last| seconds(last.since(start)));
        let across = |time: &Timestamp| {
            if whole > 0.0 { seconds(time.since(start)) / whole * 99.0 + 0.5 } else { 50.0 }
        };
        let (mut path, mut dots, mut drawing) = (String::new(), String::new(), false);
        for (time, value) in self.times.iter().zip(&line.values) {
            let Some(value) = value else {
                drawing = false;
                continue;
            };
            let (x, y) = (across(time), height(*value));
            let _ = write!(path, "{}{x:.2} {y:.2}", if drawing { 'L' } else { 'M' });
            let _ = write!(dots, "M{x:.2} {y:.2}h0");
            drawing = true;
        }
        (path, dots)
    }

    /// Returns the text for readers who can't see the lines.
    fn description(&self) -> Markup {
        let ends = self.lines.iter().filter_map(|line| {
            let mut measured = line.values.iter().flatten();
            let first = *measured.next()?;
            let last = measured.next_back().copied().unwrap_or(first);
            Some((line.name, first, last))
        });
        html! {
            @for (place, (name, first, last)) in ends.enumerate() {
                @if place > 0 { "; " }
                (EscapedText(name)) " from " (self.value(first)) " to " (self.value(last))
            }
        }
    }

    fn table(&self) -> Markup {
        let newest = self.times.iter().enumerate().rev().take(MOST_ROWS);
        html! {
            details {
                summary { "As a table" }
                div class="box" tabindex="0" {
                    table {
                        caption class="hidden" { (EscapedText(self.title)) }
                        thead {
                            tr {
                                th scope="col" { "Time (UTC)" }
                                @for line in &self.lines {
                                    th scope="col" class="number" { (EscapedText(line.name)) }
                                }
                            }
                        }
                        tbody {
                            @for (place, time) in newest {
                                tr {
                                    td { (EscapedText(&minute(*time))) }
                                    @for line in &self.lines {
                                        td class="number" {
                                            @match line.values.get(place).copied().flatten() {
                                                Some(value) => (self.value(value)),
                                                None => "–",
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if self.times.len() > MOST_ROWS {
                    p class="note" { "The newest " (MOST_ROWS) "; all are in the JSON." }
                }
            }
        }
    }

    fn value(&self, value: f64) -> Markup {
        if self.unit == "%" {
            escaped_text::percent(value)
        } else {
            html! { ((value * 10.0).round() / 10.0) (EscapedText(self.unit)) }
        }
    }
}

/// Returns one entry of a legend.
fn key(class: &str, name: &str) -> Markup {
    html! {
        li {
            svg class={ "key " (EscapedText(class)) } viewBox="0 0 12 4" aria-hidden="true" { path d="M0 2H12" {} }
            (EscapedText(name))
        }
    }
}

/// Returns the day of a time in UTC.
pub fn date(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

/// Returns a time in UTC, with minutes.
pub fn minute(time: Timestamp) -> String {
    time.to_string().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// Returns the next 1, 2, 4 or 5 times a power of ten that is not below a value; at least 4.
fn nice(value: f64) -> f64 {
    let mut power = 1.0;
    while power < 1e12 {
        let step =
            [1.0, 2.0, 4.0, 5.0, 8.0].iter().map(|step| step * power).find(|step| *step >= value.max(4.0));
        if let Some(step) = step {
            return step;
        }
        power *= 10.0;
    }
    float(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_a_round_number_above_the_values() {
        for (value, top) in
            [(0.0, 4.0), (4.1, 5.0), (9.0, 10.0), (41.0, 50.0), (647.0, 800.0), (1001.0, 2000.0)]
        {
            assert!((nice(value) - top).abs() < f64::EPSILON, "{value}: {}", nice(value));
        }
    }

    #[test]
    fn what_was_not_measured_is_a_gap_and_not_a_zero() {
        let times = [0, 1, 2, 3].map(|day| Timestamp::EPOCH.plus_days(day));
        let values = vec![Some(50.0), None, Some(100.0), Some(0.0)];
        let lines = vec![PlotLine { name: "Coverage", class: "line-1", values }];
        let plot = Plot {
            id: "c",
            title: "Coverage",
            times: &times,
            lines,
            top: Some(100.0),
            unit: "%",
            mark: None,
        };
        let html = plot.html().into_string();
        assert!(html.contains("d=\"M0.50 50.00M66.50 0.00L99.50 100.00\""), "{html}");
        assert!(html.contains("Coverage from 50% to 0%") && html.contains("<td class=\"number\">–</td>"));
    }
}
