//! What is wrong with a TOML text, in one line: it stands in the one sentence that a refused start says.

/// The parser's message and the line that it is about.
pub(crate) fn problem(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_is_one_line_that_names_the_line() {
        let text = "a = 1\nb = \n";
        let error = toml::from_str::<toml::Table>(text).unwrap_err();
        let told = problem(text, &error);
        assert!(told.starts_with("line 2: ") && !told.contains('\n'), "{told}");
    }
}
