//! Translation of a conversation to a system prompt and alternating turns.

use serde_json::{Map, Value, json};

use super::blocks::{self, Speaker};
use super::convert::{Untold, object, text};

/// Members of a message that are dropped. Clients send them back from earlier answers, and the model does not need
/// them.
const LEFT_OUT: [&str; 3] = ["annotations", "reasoning", "reasoning_content"];

/// The turns so far. Anthropic expects the results of all tool calls of a turn in the next turn, while OpenAI has a
/// message for each result.
#[derive(Default)]
struct Turns(Vec<(Speaker, Vec<Value>)>);

impl Turns {
    fn say(&mut self, speaker: Speaker, mut blocks: Vec<Value>) {
        match self.0.last_mut() {
            // Anthropic refuses an empty turn.
            _ if blocks.is_empty() => {}
            Some((last, said)) if *last == speaker => said.append(&mut blocks),
            Some(_) | None => self.0.push((speaker, blocks)),
        }
    }

    fn write(self) -> Vec<Value> {
        let turns = self.0.into_iter();
        turns.map(|(speaker, blocks)| json!({ "role": speaker.role(), "content": blocks })).collect()
    }
}

/// Returns the blocks of the system prompt, and the turns.
pub(super) fn write(messages: Value) -> Result<(Vec<Value>, Vec<Value>), Untold> {
    let Value::Array(messages) = messages else {
        return Err(Untold::Wrong("messages".to_owned(), "must be a list"));
    };
    let mut system = Vec::new();
    let mut turns = Turns::default();
    for (index, message) in messages.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        let mut message = object(message, &at)?;
        let role = text(message.remove("role"), &at, "role")?;
        let content = message.remove("content").unwrap_or_default();
        match role.as_str() {
            "system" | "developer" => system.extend(blocks::write(content, &at, Speaker::System)?),
            "user" => turns.say(Speaker::User, blocks::write(content, &at, Speaker::User)?),
            "assistant" => {
                let mut said = blocks::write(content, &at, Speaker::Assistant)?;
                if let Some(refusal) = message.remove("refusal").filter(|value| !value.is_null()) {
                    said.extend(blocks::write(refusal, &at, Speaker::Assistant)?);
                }
                said.extend(tool_uses(message.remove("tool_calls").unwrap_or_default(), &at)?);
                turns.say(Speaker::Assistant, said);
            }
            "tool" => {
                let id = text(message.remove("tool_call_id"), &at, "tool_call_id")?;
                turns.say(Speaker::User, vec![tool_result(&id, content, &at)?]);
            }
            _ => return Err(Untold::NoCounterpart(format!("{at}.role"))),
        }
        nothing_left(&message, &at)?;
    }
    Ok((system, turns.write()))
}

fn tool_uses(calls: Value, at: &str) -> Result<Vec<Value>, Untold> {
    let calls = match calls {
        Value::Null => return Ok(Vec::new()),
        Value::Array(calls) => calls,
        _ => return Err(Untold::Wrong(format!("{at}.tool_calls"), "must be a list")),
    };
    calls
        .into_iter()
        .enumerate()
        .map(|(index, call)| tool_use(call, &format!("{at}.tool_calls[{index}]")))
        .collect()
}

fn tool_use(call: Value, at: &str) -> Result<Value, Untold> {
    let mut call = object(call, at)?;
    if call.get("type").is_some_and(|kind| kind.as_str() != Some("function")) {
        return Err(Untold::NoCounterpart(format!("{at}.type` other than `function")));
    }
    let id = text(call.remove("id"), at, "id")?;
    let at = format!("{at}.function");
    let mut function = object(call.remove("function").unwrap_or_default(), &at)?;
    let name = text(function.remove("name"), &at, "name")?;
    let arguments = text(function.remove("arguments"), &at, "arguments")?;
    let input = if arguments.trim().is_empty() {
        Map::new()
    } else {
        serde_json::from_str(&arguments)
            .map_err(|_| Untold::Wrong(format!("{at}.arguments"), "must be a JSON object"))?
    };
    Ok(json!({ "type": "tool_use", "id": id, "name": name, "input": input }))
}

fn tool_result(id: &str, content: Value, at: &str) -> Result<Value, Untold> {
    let content = match content {
        Value::String(text) => Value::String(text),
        parts => Value::Array(blocks::write(parts, at, Speaker::Tool)?),
    };
    Ok(json!({ "type": "tool_result", "tool_use_id": id, "content": content }))
}

/// Refuses members of a message that were not translated, unless they are empty or in [`LEFT_OUT`].
fn nothing_left(message: &Map<String, Value>, at: &str) -> Result<(), Untold> {
    let matters = |(name, value): &(&String, &Value)| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        !empty && !LEFT_OUT.contains(&name.as_str())
    };
    match message.iter().find(matters) {
        None => Ok(()),
        Some((name, _)) => Err(Untold::NoCounterpart(format!("{at}.{name}"))),
    }
}
