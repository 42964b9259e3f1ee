use super::*;

fn said(source: &str, language: Language) -> Vec<(u32, &str)> {
    let found = comments(source, language);
    found.into_iter().map(|comment| (comment.row, &source[comment.whole])).collect()
}
