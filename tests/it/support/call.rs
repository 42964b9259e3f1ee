//! One request.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use serde_json::Value;

use super::{ADMIN, Answer, TestApp};

/// A request on its way. It comes from another machine unless [`Call::from`] says otherwise.
pub struct Call<'a> {
    app: &'a TestApp,
    request: TestRequest,
}

impl<'a> Call<'a> {
    pub fn new(app: &'a TestApp, method: &str, path: &str) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = TestRequest::default().method(method).uri(path);
        Self { app, request }.from("192.0.2.1")
    }

    /// The peer's address.
    pub fn from(mut self, ip: &str) -> Self {
        let ip: IpAddr = ip.parse().expect("an address");
        self.request = self.request.peer_addr(SocketAddr::new(ip, 40_000));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("X-T4-API-KEY", key)
    }

    pub fn admin(self) -> Self {
        self.header("X-T4-Admin-Token", ADMIN)
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        self.raw_header(name, value.as_bytes())
    }

    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        self.request = self.request.append_header((name, value));
        self
    }

    pub fn once(self, idempotency_key: &str) -> Self {
        self.header("Idempotency-Key", idempotency_key)
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Any bytes, declared as JSON.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.typed("application/json", body)
    }

    pub fn typed(self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", media).untyped(body)
    }

    /// The length that the caller claims, whatever the body's is.
    pub fn length(mut self, bytes: &str) -> Self {
        self.request = self.request.insert_header(("Content-Length", bytes));
        self
    }

    /// Bytes without a content type.
    pub fn untyped(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.set_payload(body.into());
        self
    }

    pub async fn send(self) -> Answer {
        self.app.serve(self.request).await
    }
}
