//! As much of JSON Schema as the published schemas use. A keyword that is not known here is a violation, so that none
//! is read past.

use serde_json::Value;

/// What of a value breaks a schema.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut say = |problem: String| found.push(format!("{at}: {problem}"));
    for (keyword, wanted) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "properties" | "additionalProperties" => {
            }
            "$ref" | "items" | "anyOf" => {}
            "type" => {
                let types: Vec<_> =
                    wanted.as_array().map_or_else(|| vec![wanted], |list| list.iter().collect());
                if !types.iter().any(|one| is(value, one.as_str().expect("a type"))) {
                    say(format!("is no {wanted}"));
                }
            }
            "const" if value != wanted => say(format!("is not {wanted}")),
            "enum" if !wanted.as_array().expect("a list").contains(value) => {
                say(format!("is none of {wanted}"))
            }
            "required" => {
                for name in wanted.as_array().expect("a list") {
                    if value.get(name.as_str().expect("a name")).is_none() {
                        say(format!("lacks {name}"));
                    }
                }
            }
            "minimum" if value.as_f64() < wanted.as_f64() => say(format!("is under {wanted}")),
            "maximum" if value.as_f64() > wanted.as_f64() => say(format!("is over {wanted}")),
            // The one pattern there is: a day.
            "pattern"
                if value.as_str().is_some_and(|text| text.len() != 10 || text.as_bytes()[4] != b'-') =>
            {
                say(format!("does not match {wanted}"));
            }
            "const" | "enum" | "minimum" | "maximum" | "pattern" => {}
            other => say(format!("the keyword `{other}` is not known to this test")),
        }
    }
    if let Some(name) = schema["$ref"].as_str() {
        let target =
            root.pointer(name.strip_prefix('#').expect("a local reference")).expect("the reference is there");
        check(root, target, value, at, found);
    }
    if let Some(either) = schema["anyOf"].as_array() {
        let fits = |one: &Value| {
            let mut wrong = Vec::new();
            check(root, one, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !either.iter().any(fits) {
            found.push(format!("{at}: is none of anyOf"));
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        for (n, item) in list.iter().enumerate() {
            check(root, items, item, &format!("{at}/{n}"), found);
        }
    }
    if let Some(members) = value.as_object() {
        for (name, member) in members {
            let at = format!("{at}/{name}");
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(known), _) => check(root, known, member, &at, found),
                (None, Value::Bool(false)) => found.push(format!("{at}: is not allowed")),
                (None, other @ Value::Object(_)) => check(root, other, member, &at, found),
                (None, _) => {}
            }
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
