//! Description of a route: who may call it, what it reads, and what it answers.

use std::collections::BTreeSet;

use api_keys::Scope;
use api_types::Code;
use serde_json::{Value, json};

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

impl RouteGuard {
    /// The guard in the OpenAPI document (`x-t4-guard`).
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Probe => "probe".to_owned(),
            Self::Public => "public".to_owned(),
            Self::Metrics => "metrics".to_owned(),
            Self::Agent(scope) => format!("agent {}", scope.as_str()),
            Self::Admin => "admin".to_owned(),
        }
    }
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

/// A header that a route reads.
#[derive(Debug, Clone)]
pub struct HeaderParam {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
}

/// The schema of a type and of all types below it.
#[derive(Debug)]
pub struct TypeSchema {
    /// The name in the document.
    pub name: String,
    /// Its own schema and those it refers to.
    pub schemas: Vec<(String, Value)>,
}

/// A type that has a schema in the document.
pub trait Described: 'static {
    /// The schema.
    fn schema() -> TypeSchema;
}

impl<T: utoipa::ToSchema + 'static> Described for T {
    fn schema() -> TypeSchema {
        schema_of::<T>()
    }
}

/// The success of a route.
#[derive(Debug)]
pub enum Success {
    /// One JSON document, with one of these statuses.
    Json(&'static [u16], TypeSchema),
    /// A bare array, with a `Link` to the next page.
    List(TypeSchema),
    /// One JSON document, or the same in events (`text/event-stream`) when the caller asks for it.
    Events(TypeSchema),
    /// A text of this media type.
    Text(&'static str),
}

/// What the types of a handler tell of its route.
#[derive(Debug)]
pub struct RouteDescription {
    /// Who may call it.
    pub guard: RouteGuard,
    /// Its body, and whether it may be left out.
    pub body: Option<(TypeSchema, bool)>,
    /// The headers that it reads.
    pub headers: Vec<HeaderParam>,
    /// Parameters of the query.
    pub params: Vec<QueryParam>,
    /// What a success looks like.
    pub success: Success,
    /// Headers that a success may carry, each with what it tells.
    pub answer_headers: Vec<(&'static str, &'static str)>,
    /// The codes of its errors.
    pub codes: BTreeSet<Code>,
}

impl RouteDescription {
    pub(crate) fn new() -> Self {
        Self {
            guard: RouteGuard::Probe,
            body: None,
            headers: Vec::new(),
            params: Vec::new(),
            success: Success::Text("*/*"),
            answer_headers: Vec::new(),
            codes: BTreeSet::new(),
        }
    }

    /// Adds parameters of the query, and the codes that they bring.
    pub fn add_params(&mut self, params: impl IntoIterator<Item = QueryParam>) {
        self.params.extend(params);
        if !self.params.is_empty() {
            self.codes.insert(Code::InvalidQuery);
        }
    }

    /// Adds a header that the route reads, and the codes that it brings.
    pub fn add_header(&mut self, header: HeaderParam, codes: &[Code]) {
        self.headers.push(header);
        self.codes.insert(Code::InvalidQuery);
        self.codes.extend(codes);
    }
}

/// The schema of a type.
#[must_use]
pub fn schema_of<T: utoipa::ToSchema>() -> TypeSchema {
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
pub const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// A parameter that takes a text of at most `max` characters.
#[must_use]
pub fn text_param(name: &'static str, about: &'static str, max: u32, required: bool) -> QueryParam {
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": ONE_LINE });
    QueryParam { name, about, required, schema }
}
