//! Translation of the parts of one message.

use serde_json::{Map, Value, json};

use super::convert::{Untold, cache_control, object, text};

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    System,
    User,
    Assistant,
    Tool,
}

impl Speaker {
    /// Returns the role of the turn. Results of tools belong to the user's turn. The system prompt is not a turn.
    pub(super) const fn role(self) -> &'static str {
        match self {
            Self::System | Self::User | Self::Tool => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Translates the content of a message to blocks. The content is a string, a list of parts, or null. Empty texts are
/// dropped, because Anthropic refuses them.
pub(super) fn write(content: Value, at: &str, speaker: Speaker) -> Result<Vec<Value>, Untold> {
    let parts = match content {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => return Ok(block(text, Map::new()).into_iter().collect()),
        Value::Array(parts) => parts,
        _ => return Err(Untold::Wrong(format!("{at}.content"), "must be a string or a list of parts")),
    };
    let mut blocks = Vec::with_capacity(parts.len());
    for (index, value) in parts.into_iter().enumerate() {
        blocks.extend(part(value, &format!("{at}.content[{index}]"), speaker)?);
    }
    Ok(blocks)
}

fn part(value: Value, at: &str, speaker: Speaker) -> Result<Option<Value>, Untold> {
    let mut part = object(value, at)?;
    let mut out = Map::new();
    cache_control(&mut part, &mut out);
    match (part.get("type").and_then(Value::as_str), speaker) {
        (Some("text"), _) => Ok(block(text(part.remove("text"), at, "text")?, out)),
        (Some("refusal"), Speaker::Assistant) => Ok(block(text(part.remove("refusal"), at, "refusal")?, out)),
        (Some("image_url"), Speaker::User) => {
            let at = format!("{at}.image_url");
            let mut image = object(part.remove("image_url").unwrap_or_default(), &at)?;
            let url = text(image.remove("url"), &at, "url")?;
            out.insert("type".to_owned(), "image".into());
            out.insert("source".to_owned(), source(&url, &at)?);
            Ok(Some(Value::Object(out)))
        }
        _ => Err(Untold::NoCounterpart(format!("{at}.type"))),
    }
}

fn block(text: String, mut out: Map<String, Value>) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    out.insert("type".to_owned(), "text".into());
    out.insert("text".to_owned(), text.into());
    Some(Value::Object(out))
}

/// Translates the source of an image: a `data:` URL (RFC 2397) or an `https` URL.
fn source(url: &str, at: &str) -> Result<Value, Untold> {
    if url.starts_with("https://") {
        return Ok(json!({ "type": "url", "url": url }));
    }
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    match inline.and_then(|(media, data)| Some((media.strip_suffix(";base64")?, data))) {
        Some((media, data)) => Ok(json!({ "type": "base64", "media_type": media, "data": data })),
        None => Err(Untold::Wrong(format!("{at}.url"), "must be an `https` URL or a `data:` URL in base64")),
    }
}
