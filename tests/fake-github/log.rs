//! What the fake was asked.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::wire::Request;

/// Every request, in the order of arrival.
#[derive(Default)]
pub struct Log {
    entries: Vec<Value>,
    file: Option<File>,
}

impl Log {
    /// One that is also appended to a file.
    pub fn to(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { entries: Vec::new(), file: Some(file) })
    }

    pub fn keep(&mut self, request: &Request, body: &Value, status: u16) -> io::Result<()> {
        let header = |name: &str| request.header(name).unwrap_or_default();
        let entry = json!({
            "method": request.method,
            "path": request.target,
            "body": body,
            "status": status,
            "accept": header("accept"),
            "api_version": header("x-github-api-version"),
            "authorization": header("authorization"),
        });
        if let Some(file) = &mut self.file {
            writeln!(file, "{entry}")?;
        }
        self.entries.push(entry);
        Ok(())
    }

    pub fn all(&self) -> Value {
        Value::Array(self.entries.clone())
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
