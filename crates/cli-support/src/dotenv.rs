//! The `.env` file of the working directory: `NAME=value` lines, `#` comments, quotes around a value.

use std::collections::HashMap;

/// Reads the lines of the file; the file and the process environment are the caller's to read.
#[must_use]
pub fn parse(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = value.trim();
        let quoted = |mark: char| value.strip_prefix(mark).and_then(|v| v.strip_suffix(mark));
        let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
        found.insert(name.trim().to_owned(), value.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_read() {
        let found = parse("# no\nA=1\nexport B = \"two words\"\nC='x=y'\nnonsense\nD=\n");
        let mut names: Vec<_> = found.iter().map(|(n, v)| format!("{n}={v}")).collect();
        names.sort();
        assert_eq!(names, ["A=1", "B=two words", "C=x=y", "D="]);
    }
}
