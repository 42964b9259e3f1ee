//! Answers that repeat the credentials of their request: as carelessly as gateways and frameworks do, and on purpose.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::script::Script;
use crate::wire::Wire;

/// Long enough for a piece of a stream to arrive by itself.
const PAUSE: Duration = Duration::from_millis(30);

/// The credentials in the form that the script names, ready to stand in a JSON string.
fn written(key: &str, form: &str) -> String {
    let each = |write: fn(u8) -> String| key.bytes().map(write).collect::<Vec<_>>().concat();
    match form {
        "plain" => key.to_owned(),
        "percent" => each(|byte| format!("%{byte:02X}")),
        "json" => each(|byte| format!("\\u{byte:04x}")),
        "html" => each(|byte| format!("&#{byte};")),
        "base64" => base64(format!("user:{key}").as_bytes()),
        other => {
            eprintln!("mock-provider: what is `form={other}`?");
            std::process::exit(2);
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let number = number << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(DIGITS[number >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// Answers as the script's `echo` says.
pub fn answer(wire: &mut Wire, script: &Script, credentials: &str, streams: bool) -> io::Result<()> {
    let key = credentials.strip_prefix("Bearer ").unwrap_or(credentials);
    let key = script.text.as_deref().unwrap_or(key);
    let told = written(key, &script.form);
    let place = script.echo.as_deref().unwrap_or_default();
    let filler = "x".repeat(script.filler);
    let id = [("x-request-id", format!("req-{key}")), ("x-was-authorised-by", credentials.to_owned())];
    let error = |text: &str| format!("{{\"error\":{{\"message\":\"{filler} {text}\",\"{told}\":1}}}}");
    if !streams {
        let status =
            if script.status == 200 && place != "answer" && place != "id" { 400 } else { script.status };
        return match place {
            "html" => wire.whole(status, "text/html", &id, format!("<html>{filler}{told}</html>").as_bytes()),
            "answer" | "id" => {
                let text = if place == "answer" { &told } else { "fine" };
                let body = format!(
                    "{{\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}}}}],\
                     \"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":5}}}}"
                );
                wire.whole(status, "application/json", &id, body.as_bytes())
            }
            _ => wire.whole(status, "application/json", &id, error(&format!("{told} is no key")).as_bytes()),
        };
    }
    let (first, second) = key.split_at(key.len() / 2);
    let frame = |text: &str| {
        let choice = json!({ "index": 0, "delta": { "content": text } });
        format!("data: {}\n\n", json!({ "choices": [choice] }))
    };
    let event = |text: &str| format!("event: error\ndata: {text}\n\n");
    wire.stream(&id)?;
    wire.chunk(&frame(if place == "rest" { first } else { " the" }))?;
    sleep(PAUSE);
    match place {
        "answer" => wire.chunk(&frame(key))?,
        "split" => {
            wire.chunk(&event(&error(&format!("no key: {first}"))))?;
            sleep(PAUSE);
            wire.chunk(&event(&error(second)))?;
        }
        "rest" => wire.chunk(&event(&json!({ "error": { "message": second } }).to_string()))?,
        "notice" => {
            for text in [first, second, &told] {
                wire.chunk(&event(&format!("{{\"code\":\"bad\",\"message\":\"{text}\"}}")))?;
                sleep(PAUSE);
            }
        }
        "pieces" => {
            let whole = event(&error(&told));
            let (begin, end) = whole.split_at(whole.find(&told).unwrap_or(0) + told.len() / 2);
            wire.chunk(begin)?;
            sleep(PAUSE);
            wire.chunk(end)?;
        }
        _ => wire.chunk(&event(&error(&told)))?,
    }
    wire.chunk("data: [DONE]\n\n")?;
    wire.chunk("")
}
