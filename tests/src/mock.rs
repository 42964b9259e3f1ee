//! The mock provider as a process, and servers that call it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::process::{Server, Start, serving};

/// A running mock provider; killed by its pid when dropped.
pub struct Mock {
    child: Child,
    address: SocketAddr,
}

impl Mock {
    pub fn start() -> Self {
        let (child, address) = serving("mock-provider");
        Self { child, address }
    }

    /// The base URL of an OpenAI client.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn call(&self, method: &str, target: &str) -> Value {
        let mut connection = Connection::open(self.address).expect("the mock listens");
        connection.call(method, target, &[], "").expect("the mock answers").json()
    }

    /// Every request that it saw, in the order of their arrival.
    pub fn log(&self) -> Vec<Value> {
        self.call("GET", "/log").as_array().expect("a list").clone()
    }

    /// How many requests it saw.
    pub fn count(&self) -> u64 {
        self.call("GET", "/log/count").as_u64().expect("a number")
    }

    pub fn clear(&self) {
        self.call("POST", "/log/clear");
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pico-dollars of one input token of `mock-1`.
pub const INPUT: u64 = 1_000_000;
/// Pico-dollars of one output token of `mock-1`.
pub const OUTPUT: u64 = 2_000_000;

/// What `mock-1` costs, in pico-dollars.
pub fn cost(prompt_tokens: u64, completion_tokens: u64) -> u64 {
    prompt_tokens * INPUT + completion_tokens * OUTPUT
}

const PRICES: &str = r#"
[[price]]
provider = "mock"
model = "mock-1"
input_usd_per_mtok = "1"
output_usd_per_mtok = "2"
encoding = "o200k"
source = "the tests"
date = "2026-11-21"

[[price]]
provider = "mock"
model = "mock-out"
input_usd_per_mtok = "0.000001"
output_usd_per_mtok = "2"
encoding = "o200k"
source = "the tests"
date = "2026-11-21"

[[price]]
provider = "mock"
model = "mock-embed"
operation = "embeddings"
input_usd_per_mtok = "1"
source = "the tests"
date = "2026-11-21"
"#;

/// A server's start whose only provider is at `url`; `more` is added to the configuration. The input of `mock-out`
/// costs next to nothing, one pico-dollar a token; `mock-dear` is listed but has no price.
pub fn with_provider(start: Start, url: &str, more: &str) -> Start {
    let provider = format!(
        "[[provider]]\nname = \"mock\"\nkind = \"openai\"\nbase_url = \"{url}\"\napi_key_env = \"MOCK_KEY\"\n\
         models = [\"mock-1\", \"mock-out\", \"mock-embed\", \"mock-dear\"]\nfirst_byte_timeout_ms = 3000\n\
         idle_timeout_ms = 3000\n\n{more}\n"
    );
    let (config, prices) = (start.folder.join("llm.toml"), start.folder.join("prices.toml"));
    std::fs::write(&config, provider).expect("the configuration is written");
    std::fs::write(&prices, PRICES).expect("the prices are written");
    start
        .env("T4_LLM_CONFIG", path(&config))
        .env("T4_PRICES", path(&prices))
        .env("MOCK_KEY", "sk-of-the-provider")
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A server that calls the mock.
pub fn server(folder: &Path, mock: &Mock, more: &str) -> Server {
    with_provider(Start::at(folder), &mock.url(), more).server()
}

/// A chat completion's body with one message.
pub fn chat(message: &str) -> Value {
    json!({ "model": "mock-1", "messages": [{ "role": "user", "content": message }] })
}

/// The same, streamed, with the usage frame.
pub fn streamed(message: &str) -> Value {
    let mut body = chat(message);
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    body
}

/// The payloads of a streamed answer, `[DONE]` left out.
pub fn frames(body: &str) -> Vec<Value> {
    let payloads = body.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    payloads.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect(data)).collect()
}
