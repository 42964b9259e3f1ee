//! What the last message of a call tells the mock to do: `!mock` and words of the form `name=value`.

use serde_json::Value;

/// A scripted answer. Everything has a sane default: an instant answer of 16 tokens with true usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// `tokens=N`: output tokens of each choice; `max_tokens` bounds it unless `overrun=1`.
    pub tokens: u64,
    /// `overrun=1`: more tokens than were asked for.
    pub overrun: bool,
    /// `prompt=N`: input tokens that are billed; by default one per word.
    pub prompt: Option<u64>,
    /// `cached=N`: of these, how many came from a cache.
    pub cached: u64,
    /// `delay_ms=N`: before the head of the answer.
    pub delay_ms: u64,
    /// `frame_ms=N`: between frames.
    pub frame_ms: u64,
    /// `status=N`: an error of this status.
    pub status: u16,
    /// `retry_after=N`.
    pub retry_after: Option<u64>,
    /// `fail_first=N`: only the first N requests of the same `user` get the error or fault.
    pub fail_first: Option<usize>,
    /// `body=html|half|empty|array`: something else than an answer.
    pub body: Option<String>,
    /// `usage=none|negative|huge|float|zero|twice|every`.
    pub usage: Option<String>,
    /// `reset=N`, `close=N`: after N bytes of the answer.
    pub reset: Option<usize>,
    pub close: Option<usize>,
    /// `reset_frame=N`, `close_frame=N`: after N frames with text.
    pub reset_frame: Option<u64>,
    pub close_frame: Option<u64>,
    /// `hang=1`: no answer at all.
    pub hang: bool,
    /// `hang_frame=N`: nothing any more after N frames.
    pub hang_frame: Option<u64>,
    /// `done=0`: no `[DONE]` at the end.
    pub done: bool,
    /// `echo=error|html|id|answer|split|rest|notice|pieces`: the credentials, repeated in this place (see `echo.rs`).
    pub echo: Option<String>,
    /// `form=plain|percent|json|html|base64`: how they are written.
    pub form: String,
    /// `text=WORD`: what is repeated instead of the credentials.
    pub text: Option<String>,
    /// `filler=N`: so many bytes stand before them.
    pub filler: usize,
    /// `tool=1`: a tool call instead of text.
    pub tool: bool,
    /// `kill=PID kill_at=request|head|first|last`: `kill -9` of a process at this point.
    pub kill: Option<String>,
    pub kill_at: String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tokens: 16,
            overrun: false,
            prompt: None,
            cached: 0,
            delay_ms: 0,
            frame_ms: 0,
            status: 200,
            retry_after: None,
            fail_first: None,
            echo: None,
            form: "plain".to_owned(),
            text: None,
            filler: 0,
            body: None,
            usage: None,
            reset: None,
            close: None,
            reset_frame: None,
            close_frame: None,
            hang: false,
            hang_frame: None,
            done: true,
            tool: false,
            kill: None,
            kill_at: String::new(),
        }
    }
}

impl Script {
    /// The script of a request's last message, or of the input of embeddings.
    pub fn of(body: &Value) -> Self {
        let last = body["messages"].as_array().and_then(|messages| messages.last());
        let content = last.map_or(&body["input"], |message| &message["content"]);
        let text = match content {
            Value::String(text) => text.as_str(),
            Value::Array(parts) => parts.iter().find_map(|part| part["text"].as_str()).unwrap_or_default(),
            _ => "",
        };
        let mut script = Self::default();
        let Some(words) = text.strip_prefix("!mock") else { return script };
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or_else(|| wrong(word));
            script.set(name, value);
        }
        script
    }

    fn set(&mut self, name: &str, value: &str) {
        let number = || value.parse::<u64>().unwrap_or_else(|_| wrong(value));
        let place = || value.parse::<usize>().unwrap_or_else(|_| wrong(value));
        let yes = value == "1";
        match name {
            "tokens" => self.tokens = number(),
            "overrun" => self.overrun = yes,
            "prompt" => self.prompt = Some(number()),
            "cached" => self.cached = number(),
            "delay_ms" => self.delay_ms = number(),
            "frame_ms" => self.frame_ms = number(),
            "status" => self.status = value.parse().unwrap_or_else(|_| wrong(value)),
            "retry_after" => self.retry_after = Some(number()),
            "fail_first" => self.fail_first = Some(place()),
            "body" => self.body = Some(value.to_owned()),
            "usage" => self.usage = Some(value.to_owned()),
            "reset" => self.reset = Some(place()),
            "close" => self.close = Some(place()),
            "reset_frame" => self.reset_frame = Some(number()),
            "close_frame" => self.close_frame = Some(number()),
            "hang" => self.hang = yes,
            "hang_frame" => self.hang_frame = Some(number()),
            "done" => self.done = yes,
            "tool" => self.tool = yes,
            "echo" => self.echo = Some(value.to_owned()),
            "form" => value.clone_into(&mut self.form),
            "text" => self.text = Some(value.to_owned()),
            "filler" => self.filler = place(),
            "kill" => self.kill = Some(value.to_owned()),
            "kill_at" => self.kill_at = value.to_owned(),
            // Words that only make calls different from each other.
            "label" => {}
            _ => wrong(name),
        }
    }

    /// This script without its trouble, once the first requests have had it.
    pub fn mended(self) -> Self {
        let Self { tokens, overrun, prompt, cached, .. } = self;
        Self { tokens, overrun, prompt, cached, ..Self::default() }
    }
}

/// A script that can't be read is a fault of the test: nobody should go on.
fn wrong<T>(word: &str) -> T {
    eprintln!("mock-provider: what is `{word}`?");
    std::process::exit(2);
}
