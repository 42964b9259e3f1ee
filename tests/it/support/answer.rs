//! One answer, and what holds for every answer.

use std::sync::LazyLock;

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use api_types::Code;
use serde_json::{Value, json};

/// The OpenAPI document: every answer of every test is held against it.
static DOCUMENT: LazyLock<Value> = LazyLock::new(http_api::document);

pub struct Answer {
    method: Method,
    /// The template of the route, when one was found.
    route: Option<String>,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn new(
        method: Method,
        route: Option<String>,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        Self { method, route, status: status.as_u16(), headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    /// A header that must be there.
    #[track_caller]
    pub fn told(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("`{name}` is missing: {}", self.text()))
    }

    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The error code, or `ok`.
    #[track_caller]
    pub fn code(&self) -> String {
        if self.status < 400 {
            return "ok".to_owned();
        }
        self.json()["error"]["code"].as_str().expect("a code").to_owned()
    }

    pub fn request_id(&self) -> &str {
        self.told("x-request-id")
    }

    /// The body of a success of this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The error object of a refusal with this code; the status is that of the table.
    #[track_caller]
    pub fn refused(&self, code: Code) -> Value {
        assert_eq!((self.status, self.code().as_str()), (code.status(), code.as_str()), "{}", self.text());
        self.json()["error"].take()
    }

    /// The target of the next page.
    pub fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
        Some(target.unwrap_or_else(|| panic!("an odd link: {link}")).to_owned())
    }

    /// What holds for every answer, whoever gave it.
    #[track_caller]
    pub(super) fn check(&self) {
        assert_eq!(self.told("x-content-type-options"), "nosniff");
        assert_eq!(self.told("x-frame-options"), "DENY");
        assert!((1..=64).contains(&self.request_id().len()));
        if self.route.as_deref().is_none_or(|route| !route.starts_with("/docs")) {
            assert_eq!(self.told("cache-control"), "no-store", "{}", self.text());
        }
        if self.status >= 400 {
            self.check_shape();
        }
        self.check_document();
        if [429, 503].contains(&self.status) {
            let seconds: u64 = self.told("retry-after").parse().expect("seconds");
            // A budget's window may be a month.
            let most = match self.code().as_str() {
                "insufficient_quota" => 32 * 86_400,
                "daily_quota_exceeded" => 86_400,
                _ => 60,
            };
            assert!((1..=most).contains(&seconds), "{seconds}");
        }
    }

    /// The one shape of an error.
    #[track_caller]
    fn check_shape(&self) {
        let body = self.json();
        let code = Code::parse(body["error"]["code"].as_str().unwrap_or_default());
        let code = code.unwrap_or_else(|| panic!("an unknown code: {}", self.text()));
        assert_eq!(code.status(), self.status, "{}", self.text());
        assert_eq!(self.told("content-type"), "application/json");
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(!message.is_empty());
        let mut expected = json!({
            "error": { "code": code.as_str(), "message": message, "request_id": self.request_id() },
            "detail": message,
        });
        if let Some(details) = body["error"].get("details") {
            assert!(details.is_object(), "{body}");
            expected["error"]["details"] = details.clone();
        }
        let openai = self.route.as_ref().map(|route| route.starts_with("/llm/v1/"));
        if openai.unwrap_or(body["error"].get("type").is_some()) {
            let kind = body["error"]["type"].as_str().unwrap_or_else(|| panic!("no type: {body}"));
            assert!(kind == "insufficient_quota" || kind.ends_with("_error"), "{kind}");
            expected["error"]["type"] = json!(kind);
            expected["error"]["param"] = body["error"].get("param").expect("a param").clone();
        }
        assert_eq!(body, expected);
    }

    /// What was answered is written in the document: the status of a success, the code of a refusal.
    #[track_caller]
    fn check_document(&self) {
        let Some(route) = self.route.as_deref().filter(|route| !route.starts_with("/test/")) else {
            let code = self.code();
            assert!(self.status >= 500 || code == "route_not_found" || self.status == 200, "{}", self.text());
            return;
        };
        let method = match self.method {
            Method::HEAD => "get",
            Method::GET => "get",
            Method::POST => "post",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "none",
        };
        let operation = &DOCUMENT["paths"][route][method];
        if operation.is_null() {
            assert_eq!(self.code(), "method_not_allowed", "{method} {route}: {}", self.text());
            return;
        }
        let documented = &operation["responses"][self.status.to_string()];
        assert!(!documented.is_null(), "{method} {route} does not document {}", self.text());
        if self.status >= 400 {
            let codes = documented["x-t4-codes"].as_array().expect("codes");
            assert!(
                codes.contains(&json!(self.code())),
                "{method} {route} does not document {}",
                self.text()
            );
        }
    }
}
