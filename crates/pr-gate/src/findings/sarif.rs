//! Findings in SARIF 2.1.0, the format that clippy, `ESLint`, `CodeQL` and most other linters can write.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>

mod shape;
mod uri;

use std::collections::HashMap;

use annotations::{Finding, Place};

use super::Output;
use super::file_names::Names;
use shape::{Log, PhysicalLocation, Region, ResultItem, SarifMessage, SarifRule, SarifRun};

/// The length of a message, in bytes, at which it is cut before the next argument is inserted.
const LONGEST: usize = 64 << 10;

/// Parses the parts of a log that T4 uses.
pub fn parse(text: &[u8]) -> serde_json::Result<Log> {
    serde_json::from_slice(text)
}

/// Returns the findings of all runs, in order.
///
/// # Errors
/// The log has no run, or a run failed or has no results. The error is the reason.
pub fn read(log: &Log, names: &mut Names<'_>) -> Result<Output, &'static str> {
    let mut output = Output::default();
    let mut tools: Vec<String> = Vec::new();
    if log.runs.is_empty() {
        return Err("the SARIF log has no run, so no linter checked the files");
    }
    for run in &log.runs {
        if run.invocations.iter().flatten().any(|one| one.execution_successful == Some(false)) {
            return Err("the linter reports that its run failed (`executionSuccessful` is false)");
        }
        let Some(results) = &run.results else {
            return Err("a run has no `results`, not even an empty list, so its linter failed early");
        };
        let driver = &run.tool.driver;
        let version = driver.semantic_version.as_ref().or(driver.version.as_ref());
        let tool =
            version.map_or_else(|| driver.name.clone(), |version| format!("{} {version}", driver.name));
        if !tools.contains(&tool) {
            tools.push(tool);
        }
        let components = std::iter::once(driver).chain(&run.tool.extensions);
        output.rules.extend(components.flat_map(|one| &one.rules).map(|rule| rule.id.clone()));
        let known: HashMap<&str, &SarifRule> =
            driver.rules.iter().rev().map(|rule| (rule.id.as_str(), rule)).collect();
        for result in results {
            if result.counts() {
                output.findings.extend(finding(run, &known, result, names));
            }
        }
    }
    output.tool = tools.join(", ");
    Ok(output)
}

fn finding(
    run: &SarifRun,
    known: &HashMap<&str, &SarifRule>,
    result: &ResultItem,
    names: &mut Names<'_>,
) -> Option<Finding> {
    let rule = rule(run, known, result);
    let code = result.rule_id.clone().or_else(|| result.rule.as_ref()?.id.clone());
    let code = code.or_else(|| rule.map(|rule| rule.id.clone()));
    let place = result.locations.iter().find_map(|location| location.physical_location.as_ref());
    let Some(said) = place.and_then(|place| uri::path(run, &place.artifact_location)) else {
        names.unplaced();
        return None;
    };
    let file = names.name(&said)?;
    let (start, end) = span(place);
    Some(Finding {
        file,
        code: code.unwrap_or_else(|| "unknown".to_owned()),
        message: message(&result.message, rule),
        start,
        end,
        url: rule.and_then(|rule| rule.help_uri.clone()),
    })
}

/// Finds the rule of a result: by its index in the list of the driver or an extension, or by its id. `known` has the
/// rules of the driver by id.
fn rule<'a>(
    run: &'a SarifRun,
    known: &HashMap<&str, &'a SarifRule>,
    result: &ResultItem,
) -> Option<&'a SarifRule> {
    let reference = result.rule.as_ref();
    let extension = reference.and_then(|rule| rule.tool_component.as_ref()?.index);
    let component = match extension.and_then(|index| usize::try_from(index).ok()) {
        Some(index) => run.tool.extensions.get(index)?,
        None => &run.tool.driver,
    };
    let index = reference.and_then(|rule| rule.index).or(result.rule_index);
    if let Some(index) = index.and_then(|index| usize::try_from(index).ok()) {
        return component.rules.get(index);
    }
    let id = result.rule_id.as_ref().or_else(|| reference?.id.as_ref())?;
    match extension {
        Some(_) => component.rules.iter().find(|rule| rule.id == *id),
        None => known.get(id.as_str()).copied(),
    }
}

/// Returns the message of a result: its text, or else the text of its rule, with the arguments inserted.
fn message(message: &SarifMessage, rule: Option<&SarifRule>) -> String {
    let id = message.id.as_ref();
    let text = message.text.as_ref().or_else(|| rule?.message_strings.get(id?)?.text.as_ref());
    let text = text.or_else(|| rule?.short_description.as_ref()?.text.as_ref());
    text.map(|text| filled(text, &message.arguments)).unwrap_or_default()
}

/// Replaces the placeholders `{0}`, `{1}`, ... of a text by its arguments.
///
/// Placeholders within an argument are not replaced, because a short text could then expand to a huge one. A text that
/// repeats a placeholder too often is cut at [`LONGEST`].
fn filled(text: &str, arguments: &[String]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if filled.len() > LONGEST {
            return filled;
        }
        filled.push_str(before);
        // Reads only the digits and the brace after them, because the rest may be long.
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let argument = after.split_at_checked(digits).and_then(|(place, after)| {
            let place: usize = place.parse().ok()?;
            Some((arguments.get(place)?, after.strip_prefix('}')?))
        });
        if let Some((argument, after)) = argument {
            filled.push_str(argument);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// Returns the start and the end of a result. A region over several rows without an end column ends with its last row.
fn span(place: Option<&PhysicalLocation>) -> (Place, Place) {
    let default = Region::default();
    let region = place.and_then(|place| place.region.as_ref()).unwrap_or(&default);
    let Some(row) = region.start_line else {
        let first = Place { row: 1, column: 0 };
        return (first, first);
    };
    let start = Place { row: row.max(1), column: region.start_column.unwrap_or(1) };
    let end = match (region.end_line.unwrap_or(row), region.end_column) {
        (row, Some(column)) => Place { row, column },
        // The end is the start of the row after the last one.
        (last, None) if last > row => Place { row: last.saturating_add(1), column: 1 },
        (_, None) => start,
    };
    (start, end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_inserted_once_and_can_not_make_a_huge_text() {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(filled("{0} of {1}{2} {x} {", &own(&["{1}", "b"])), "{1} of b{2} {x} {");
        let bomb: Vec<String> = (1..20).map(|n| format!("{{{n}}}").repeat(100)).collect();
        assert!(filled(&"{0}".repeat(100), &bomb).len() < 100_000);
        assert_eq!(filled("{+1} {} { 1} {1", &own(&["a", "b"])), "{+1} {} { 1} {1");
        // This would take over a minute if the rest of the text were searched for each brace.
        let open = "{".repeat(50 << 20);
        assert!(filled(&open, &own(&["a"])).len() < 100_000);
        let wide = vec!["x".repeat(10_000)];
        assert!(filled(&"{0}".repeat(100_000), &wide).len() < 100_000);
    }
}
