//! Translation of tools and of the choice among them.

use serde_json::{Map, Value, json};

use super::convert::{Untold, cache_control, object, text};

/// Translates the tools of a request.
pub(super) fn write(tools: Value) -> Result<Vec<Value>, Untold> {
    let Value::Array(tools) = tools else { return Err(Untold::Wrong("tools".to_owned(), "must be a list")) };
    tools.into_iter().enumerate().map(|(index, tool)| one(tool, &format!("tools[{index}]"))).collect()
}

fn one(tool: Value, at: &str) -> Result<Value, Untold> {
    let mut tool = object(tool, at)?;
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err(Untold::NoCounterpart(format!("{at}.type` other than `function")));
    }
    let at = format!("{at}.function");
    let mut function = object(tool.remove("function").unwrap_or_default(), &at)?;
    let mut out = Map::new();
    out.insert("name".to_owned(), text(function.remove("name"), &at, "name")?.into());
    if let Some(description) = function.remove("description").filter(|value| !value.is_null()) {
        out.insert("description".to_owned(), description);
    }
    let schema = function.remove("parameters").filter(|value| !value.is_null());
    out.insert("input_schema".to_owned(), schema.unwrap_or_else(|| json!({ "type": "object" })));
    if function.get("strict").is_some_and(|strict| *strict == Value::Bool(true)) {
        return Err(Untold::NoCounterpart(format!("{at}.strict")));
    }
    cache_control(&mut function, &mut out);
    cache_control(&mut tool, &mut out);
    Ok(Value::Object(out))
}

/// Translates the choice among the tools; `None` without tools.
pub(super) fn choice(
    choice: Option<Value>,
    parallel: Option<bool>,
    has_tools: bool,
) -> Result<Option<Value>, Untold> {
    let mut out = match choice {
        None => None,
        Some(Value::String(word)) => Some(match word.as_str() {
            "auto" => json!({ "type": "auto" }),
            "none" => json!({ "type": "none" }),
            "required" => json!({ "type": "any" }),
            _ => return Err(Untold::NoCounterpart("tool_choice".to_owned())),
        }),
        Some(named) => {
            let mut named = object(named, "tool_choice")?;
            if named.get("type").and_then(Value::as_str) != Some("function") {
                return Err(Untold::NoCounterpart("tool_choice.type` other than `function".to_owned()));
            }
            let at = "tool_choice.function";
            let mut function = object(named.remove("function").unwrap_or_default(), at)?;
            Some(json!({ "type": "tool", "name": text(function.remove("name"), at, "name")? }))
        }
    };
    match parallel {
        None | Some(true) => {}
        Some(false) => {
            let choice = out.get_or_insert_with(|| json!({ "type": "auto" }));
            if let Value::Object(choice) = choice
                && choice.get("type").and_then(Value::as_str) != Some("none")
            {
                choice.insert("disable_parallel_tool_use".to_owned(), true.into());
            }
        }
    }
    Ok(out.filter(|_| has_tools))
}
