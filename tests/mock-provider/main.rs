//! A provider of models that costs nothing and is never the same trouble twice: an endpoint in OpenAI's form (and
//! the bare bones of Anthropic's) which does what the last message of a call tells it to, and keeps a log of every
//! request that it saw.
//!
//! `mock-provider [--bind ADDR:PORT]`; the first line on stdout is `{"listening":"ADDR:PORT"}`. A last message such
//! as `!mock frames=64 reset_frame=3` scripts the answer (see `script.rs`). `GET /log` gives the log as a JSON
//! array, `GET /log/count` how many entries it has, `GET /log/held` how many of
//! them came with a hold, `POST /log/clear` empties it. One thread per connection.

mod answer;
mod echo;
mod log;
mod script;
mod wire;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use log::Log;
use wire::{Request, Wire};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let bind = match arguments.as_slice() {
        [] => "127.0.0.1:0",
        [flag, address] if flag == "--bind" => address,
        _ => {
            eprintln!("usage: mock-provider [--bind ADDR:PORT]");
            std::process::exit(2);
        }
    };
    let listener = TcpListener::bind(bind)?;
    println!("{{\"listening\":\"{}\"}}", listener.local_addr()?);
    let log = Arc::new(Log::default());
    loop {
        let (stream, _) = listener.accept()?;
        let log = Arc::clone(&log);
        // A thousand calls at once are a thousand threads: they need little of a stack.
        thread::Builder::new().stack_size(256 * 1024).spawn(move || {
            // A connection that breaks is the caller's doing, or this program's on purpose.
            let _ = serve(stream, &log);
        })?;
    }
}

fn serve(stream: TcpStream, log: &Log) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    while let Some(request) = wire.receive()? {
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/log") => wire.json(200, &log.all())?,
            ("GET", "/log/count") => wire.json(200, &log.count().to_string())?,
            ("GET", "/log/held") => wire.json(200, &log.held().to_string())?,
            ("POST", "/log/clear") => {
                log.clear();
                wire.json(200, "{}")?;
            }
            ("POST", target) => {
                let Some(operation) = answer::Operation::of(target) else {
                    wire.json(
                        404,
                        r#"{"error":{"message":"no such route","type":"invalid_request_error"}}"#,
                    )?;
                    continue;
                };
                if !answer::answer(&mut wire, operation, &request, log)? {
                    return Ok(());
                }
            }
            _ => wire.json(404, "{}")?,
        }
        if request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return Ok(());
        }
    }
    Ok(())
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
