//! One answer, as its script says.

use std::io;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::log::{Entry, Log};
use crate::script::Script;
use crate::wire::{Cut, Request, Wire};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Chat,
    Embeddings,
    Messages,
}

impl Operation {
    pub fn of(target: &str) -> Option<Self> {
        match target {
            "/v1/chat/completions" => Some(Self::Chat),
            "/v1/embeddings" => Some(Self::Embeddings),
            "/v1/messages" => Some(Self::Messages),
            _ => None,
        }
    }
}

/// One token in every common tokenizer.
const WORD: &str = " the";

/// What the answer will have and cost.
struct Plan {
    script: Script,
    model: String,
    choices: u64,
    tokens: u64,
    prompt: u64,
    place: usize,
}

impl Plan {
    fn usage(&self) -> Option<Value> {
        let completion = self.tokens * self.choices;
        let honest = json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": completion,
            "total_tokens": self.prompt + completion,
            "prompt_tokens_details": { "cached_tokens": self.script.cached },
        });
        match self.script.usage.as_deref() {
            None | Some("twice" | "every") => Some(honest),
            Some("none") => None,
            Some("negative") => Some(json!({ "prompt_tokens": -5, "completion_tokens": -7 })),
            Some("huge") => {
                Some(json!({ "prompt_tokens": 9_000_000_000_000_000_000_u64, "completion_tokens": 1 }))
            }
            Some("float") => Some(json!({ "prompt_tokens": 1.5, "completion_tokens": "many" })),
            Some("zero") => Some(json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 })),
            Some(other) => {
                eprintln!("mock-provider: what is `usage={other}`?");
                std::process::exit(2);
            }
        }
    }

    fn kill(&self, at: &str) {
        if let Some(pid) = self.script.kill.as_deref().filter(|_| self.script.kill_at == at) {
            let killed = Command::new("kill").args(["-9", pid]).status();
            assert!(killed.is_ok_and(|status| status.success()), "the process to kill is there");
        }
    }
}

/// Answers; false when the connection is over.
pub fn answer(wire: &mut Wire, operation: Operation, request: &Request, log: &Log) -> io::Result<bool> {
    let body: Value = serde_json::from_slice(&request.body).map_err(io::Error::other)?;
    let plan = plan(operation, request, &body, log);
    let cut = match (plan.script.reset, plan.script.close) {
        (Some(bytes), _) => Cut::Reset(bytes),
        (None, Some(bytes)) => Cut::Close(bytes),
        (None, None) => Cut::Never,
    };
    plan.kill("request");
    if plan.script.hang {
        // Until the caller gives up.
        return wire.receive().map(|_| false);
    }
    sleep(Duration::from_millis(plan.script.delay_ms));
    wire.cut(cut);
    let streams = body["stream"] == true;
    let failed = plan.script.status >= 400 || plan.script.body.is_some();
    let sent = if plan.script.echo.is_some() {
        log.change(plan.place, |entry| entry.status = plan.script.status);
        let credentials = request.header("authorization").unwrap_or_default();
        crate::echo::answer(wire, &plan.script, credentials, streams)
    } else if failed {
        trouble(wire, &plan, log)
    } else {
        match operation {
            Operation::Chat if streams => stream(wire, &plan, log, &body),
            Operation::Chat => whole(wire, &plan, log, &chat(&plan)),
            Operation::Embeddings => whole(wire, &plan, log, &embeddings(&plan)),
            Operation::Messages => whole(wire, &plan, log, &messages(&plan)),
        }
    };
    match sent {
        Ok(()) => {
            wire.cut(Cut::Never);
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}

fn plan(operation: Operation, request: &Request, body: &Value, log: &Log) -> Plan {
    let mut script = Script::of(body);
    let label = body["user"].as_str().unwrap_or_default();
    if script.fail_first.is_some_and(|first| log.earlier(label) >= first) {
        script = script.mended();
    }
    let stated = body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64());
    let choices = body["n"].as_u64().unwrap_or(1);
    let tokens = match stated {
        _ if operation == Operation::Embeddings => 0,
        Some(most) if !script.overrun => script.tokens.min(most),
        _ => script.tokens,
    };
    let words = String::from_utf8_lossy(&request.body).split_whitespace().count();
    let prompt = script.prompt.unwrap_or(u64::try_from(words).unwrap_or(u64::MAX));
    let credentials = request.header("authorization").or_else(|| request.header("x-api-key"));
    let small = request.body.len() <= 4096;
    let place = log.arrived(Entry {
        client_request_id: request.header("x-client-request-id").unwrap_or_default().to_owned(),
        body: if small { body.clone() } else { json!({ "bytes": request.body.len() }) },
        prompt_tokens: prompt,
        credentials: credentials.unwrap_or_default().to_owned(),
        ..Entry::default()
    });
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    Plan { script, model, choices, tokens, prompt, place }
}

/// An error, or what is no answer at all.
fn trouble(wire: &mut Wire, plan: &Plan, log: &Log) -> io::Result<()> {
    log.change(plan.place, |entry| {
        entry.status = plan.script.status;
        entry.prompt_tokens = 0;
    });
    let mut headers = Vec::new();
    if let Some(seconds) = plan.script.retry_after {
        headers.push(("retry-after", seconds.to_string()));
    }
    let error = json!({ "error": { "message": "as scripted", "type": "mock_error", "code": "mock" } });
    let (media, body) = match plan.script.body.as_deref() {
        None => ("application/json", error.to_string()),
        Some("html") => ("text/html", "<html><body>Bad gateway</body></html>".to_owned()),
        Some("half") => ("application/json", r#"{"id":"chatcmpl-1","choices":[{"index":0,"mess"#.to_owned()),
        Some("empty") => ("application/json", String::new()),
        Some("array") => ("application/json", "[1,2]".to_owned()),
        Some(other) => {
            eprintln!("mock-provider: what is `body={other}`?");
            std::process::exit(2);
        }
    };
    wire.whole(plan.script.status, media, &headers, body.as_bytes())
}

fn whole(wire: &mut Wire, plan: &Plan, log: &Log, body: &Value) -> io::Result<()> {
    // What is billed is billed even when the answer breaks on its way.
    log.change(plan.place, |entry| {
        entry.status = 200;
        entry.completion_tokens = plan.tokens * plan.choices;
    });
    plan.kill("head");
    let id = [("x-request-id", format!("req-{}", plan.place))];
    wire.whole(200, "application/json", &id, body.to_string().as_bytes())?;
    log.change(plan.place, |entry| entry.whole = true);
    plan.kill("last");
    Ok(())
}

fn with_usage(mut body: Value, usage: Option<Value>) -> Value {
    if let (Some(body), Some(usage)) = (body.as_object_mut(), usage) {
        body.insert("usage".to_owned(), usage);
    }
    body
}

fn chat(plan: &Plan) -> Value {
    let text = WORD.repeat(usize::try_from(plan.tokens).unwrap_or(0));
    let message = if plan.script.tool {
        let call = json!({ "name": "look", "arguments": "{\"at\":\"it\"}" });
        json!({ "role": "assistant", "content": null,
                "tool_calls": [{ "id": "call_1", "type": "function", "function": call }] })
    } else {
        json!({ "role": "assistant", "content": text })
    };
    let finish = if plan.script.tool { "tool_calls" } else { "stop" };
    let choice = |index| json!({ "index": index, "message": message, "finish_reason": finish });
    let choices: Vec<Value> = (0..plan.choices).map(choice).collect();
    let id = format!("chatcmpl-{}", plan.place);
    let body = json!({ "id": id, "object": "chat.completion", "created": 0, "model": plan.model,
                       "choices": choices });
    with_usage(body, plan.usage())
}

fn embeddings(plan: &Plan) -> Value {
    let one = json!({ "object": "embedding", "index": 0, "embedding": [0.25, -0.5] });
    let body = json!({ "object": "list", "model": plan.model, "data": [one] });
    with_usage(body, Some(json!({ "prompt_tokens": plan.prompt, "total_tokens": plan.prompt })))
}

/// Anthropic's form.
fn messages(plan: &Plan) -> Value {
    let text = WORD.repeat(usize::try_from(plan.tokens).unwrap_or(0));
    json!({
        "id": format!("msg_{}", plan.place), "type": "message", "role": "assistant", "model": plan.model,
        "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": plan.prompt, "output_tokens": plan.tokens },
    })
}

fn stream(wire: &mut Wire, plan: &Plan, log: &Log, body: &Value) -> io::Result<()> {
    log.change(plan.place, |entry| entry.status = 200);
    plan.kill("head");
    wire.stream(&[("x-request-id", format!("req-{}", plan.place))])?;
    let id = format!("chatcmpl-{}", plan.place);
    let frame = |choices: Value, usage: Option<Value>| {
        let body = json!({ "id": id, "object": "chat.completion.chunk", "created": 0, "model": plan.model,
                           "choices": choices });
        format!("data: {}\n\n", with_usage(body, usage))
    };
    let every = plan.script.usage.as_deref() == Some("every");
    for sent in 0..plan.tokens {
        if sent > 0 {
            sleep(Duration::from_millis(plan.script.frame_ms));
        }
        if plan.script.hang_frame == Some(sent) {
            return wire.receive().map(drop);
        }
        if plan.script.reset_frame == Some(sent) {
            wire.reset()?;
            return Err(crate::wire::cut());
        }
        if plan.script.close_frame == Some(sent) {
            return Err(crate::wire::cut());
        }
        // The text of all choices in one frame: one token each.
        let delta = |index| json!({ "index": index, "delta": { "content": WORD }, "finish_reason": null });
        let choices: Vec<Value> = (0..plan.choices).map(delta).collect();
        // Billed when it is produced, whether or not it arrives.
        log.change(plan.place, |entry| entry.completion_tokens += plan.choices);
        let so_far = every
            .then(|| json!({ "prompt_tokens": plan.prompt, "completion_tokens": (sent + 1) * plan.choices }));
        wire.chunk(&frame(Value::Array(choices), so_far))?;
        log.change(plan.place, |entry| entry.frames_sent += 1);
        if sent == 0 {
            plan.kill("first");
        }
    }
    let end = |index| json!({ "index": index, "delta": {}, "finish_reason": "stop" });
    wire.chunk(&frame((0..plan.choices).map(end).collect(), None))?;
    let wanted = body["stream_options"]["include_usage"] == true;
    if wanted && let Some(usage) = plan.usage() {
        let last = frame(json!([]), Some(usage));
        wire.chunk(&last)?;
        if plan.script.usage.as_deref() == Some("twice") {
            wire.chunk(&last)?;
        }
    }
    if plan.script.done {
        wire.chunk("data: [DONE]\n\n")?;
    }
    wire.chunk("")?;
    log.change(plan.place, |entry| entry.whole = true);
    plan.kill("last");
    Ok(())
}
