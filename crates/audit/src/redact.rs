//! Redaction: keeps secrets out of the log, by the name of a field and by the shape of a text.
//!
//! In doubt it redacts: a log that says too little is less harmful than one that reveals a secret.

mod assignments;
mod encoded;
mod json;
mod log_text;
mod names;
mod path;
mod scan;
mod shapes;

#[cfg(test)]
mod canary;

pub(crate) use json::redact_detail;
pub use json::redact_json;
pub use log_text::redact_log_text;
pub use path::redact_path;
pub use scan::redact_text;

pub use registry_core::REDACTED;

/// Range of a text, in bytes, that must not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SecretSpan {
    start: usize,
    end: usize,
}

/// Replaces every range that `next(from)` returns. `next` returns ranges in ascending order that begin and end at
/// ASCII characters.
fn replace_spans(text: &str, mut next: impl FnMut(usize) -> Option<SecretSpan>) -> Option<String> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    while let Some(span) = next(copied) {
        let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
        out.push_str(text.get(copied..span.start).unwrap_or_default());
        out.push_str(REDACTED);
        copied = span.end;
    }
    let mut out = out?;
    out.push_str(text.get(copied..).unwrap_or_default());
    Some(out)
}
