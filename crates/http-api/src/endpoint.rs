//! What a route says of itself: one value makes the handler reachable, documents it, and tells the tests who may
//! call it.

use actix_web::Route;
use api_keys::Scope;
use api_types::Code;
use serde_json::Value;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteGuard {
    /// Everybody; not recorded (a probe).
    Probe,
    /// Everybody.
    Public,
    /// This machine, an admin, or everybody when the operator says so.
    Metrics,
    /// An agent whose key has the scope.
    Agent(Scope),
    /// An admin.
    Admin,
}

/// A parameter of the query.
#[derive(Debug, Clone)]
pub struct QueryParam {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether the route needs it.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Value,
}

/// The schema of a type and of all types below it.
pub struct TypeSchema {
    /// The name in the document.
    pub name: String,
    /// Its own schema and those it refers to.
    pub schemas: Vec<(String, Value)>,
}

/// What a success looks like.
pub enum Success {
    /// One JSON document.
    Json(u16, TypeSchema),
    /// A bare array, with a `Link` to the next page.
    List(TypeSchema),
    /// One JSON document, or the same in events (`text/event-stream`) when the caller asks for it.
    Events(TypeSchema),
    /// A text of this media type.
    Text(&'static str),
}

/// A route.
pub struct Endpoint {
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// Name in the OpenAPI document.
    pub id: &'static str,
    /// The heading it is shown under.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who may call it.
    pub guard: RouteGuard,
    /// Parameters of the query.
    pub params: Vec<QueryParam>,
    /// Its body, and whether it may be left out.
    pub body: Option<(TypeSchema, bool)>,
    /// Whether `Idempotency-Key` is honoured.
    pub idempotent: bool,
    /// Whether `If-Match` is honoured.
    pub conditional: bool,
    /// What a success looks like.
    pub success: Success,
    /// Headers that a success may carry, each with what it tells.
    pub headers: &'static [(&'static str, &'static str)],
    /// Codes of its own, besides those that its guard, body and parameters bring.
    pub codes: &'static [Code],
    /// The handler.
    pub handler: fn() -> Route,
}

impl Endpoint {
    /// A route without parameters, body and codes of its own.
    #[must_use]
    pub(crate) fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        guard: RouteGuard,
        success: Success,
        handler: fn() -> Route,
    ) -> Self {
        Self {
            method,
            path,
            id,
            tag: "registry",
            summary: "",
            guard,
            params: Vec::new(),
            body: None,
            idempotent: false,
            conditional: false,
            success,
            headers: &[],
            codes: &[],
            handler,
        }
    }

    pub(crate) fn about(mut self, tag: &'static str, summary: &'static str) -> Self {
        (self.tag, self.summary) = (tag, summary);
        self
    }

    pub(crate) fn params(mut self, params: Vec<QueryParam>) -> Self {
        self.params.extend(params);
        self
    }

    /// Adds `limit` and `cursor`.
    pub(crate) fn paged(self, default: u32) -> Self {
        let limit = serde_json::json!({
            "type": "integer", "format": "int32", "minimum": 1, "maximum": 1000, "default": default,
        });
        let cursor = serde_json::json!({ "type": "string", "maxLength": 12000, "pattern": "^[0-9a-f]*$" });
        self.params(vec![
            QueryParam { name: "limit", about: "how many rows", required: false, schema: limit },
            QueryParam {
                name: "cursor",
                about: "where to go on, from the `Link` header of the page before",
                required: false,
                schema: cursor,
            },
        ])
    }

    pub(crate) fn body(mut self, shape: TypeSchema) -> Self {
        self.body = Some((shape, false));
        self
    }

    pub(crate) fn optional_body(mut self, shape: TypeSchema) -> Self {
        self.body = Some((shape, true));
        self
    }

    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    pub(crate) fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    pub(crate) fn answer_headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    pub(crate) fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }
}

/// The shape of a type.
pub(crate) fn schema_of<T: utoipa::ToSchema>() -> TypeSchema {
    let mut below = Vec::new();
    T::schemas(&mut below);
    let mut schemas: Vec<(String, Value)> = below
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let name = T::name().into_owned();
    schemas.push((name.clone(), serde_json::to_value(T::schema()).unwrap_or_default()));
    TypeSchema { name, schemas }
}

/// Texts without control characters, as JSON Schema says it.
pub(crate) const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// A parameter that takes a text.
pub(crate) fn text_param(name: &'static str, about: &'static str, max: u32, required: bool) -> QueryParam {
    let schema =
        serde_json::json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": ONE_LINE });
    QueryParam { name, about, required, schema }
}
