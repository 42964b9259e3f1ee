//! Description of a route: who may call it, what it reads, and what it answers.

use std::collections::BTreeSet;

use api_keys::Scope;
use api_types::Code;
use serde_json::{Value, json};

/// Guard: who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteGuard {
    /// All callers; not recorded (a probe).
    Probe,
    /// All callers.
    Public,
    /// This machine, an admin, or all callers when the operator allows it.
    Metrics,
    /// An agent whose key has the scope.
    Agent(Scope),
    /// An admin.
    Admin,
}

impl RouteGuard {
    /// Returns the guard as the OpenAPI document names it (`x-t4-guard`).
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

/// Parameter of the query.
#[derive(Debug, Clone)]
pub struct QueryParam {
    /// Its name.
    pub name: &'static str,
    /// Description.
    pub about: &'static str,
    /// Whether the route needs it.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Value,
}

/// Header that a route reads.
#[derive(Debug, Clone)]
pub struct HeaderParam {
    /// Its name.
    pub name: &'static str,
    /// Description.
    pub about: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
}

/// Schema of a type and of all types that it refers to.
#[derive(Debug)]
pub struct TypeSchema {
    /// Name in the document.
    pub name: String,
    /// The schema and those it refers to.
    pub schemas: Vec<(String, Value)>,
}

/// Type that has a schema in the document.
pub trait Described: 'static {
    /// Returns the schema.
    fn schema() -> TypeSchema;
}

impl<T: utoipa::ToSchema + 'static> Described for T {
    fn schema() -> TypeSchema {
        schema_of::<T>()
    }
}

/// Success of a route.
#[derive(Debug)]
pub enum Success {
    /// One JSON document, with one of these statuses.
    Json(&'static [u16], TypeSchema),
    /// An array, with a `Link` to the next page.
    List(TypeSchema),
    /// One JSON document, or the same as events (`text/event-stream`) when the caller asks for it.
    Events(TypeSchema),
    /// A text of this media type.
    Text(&'static str),
}

/// Description of a route, derived from the types of its handler.
#[derive(Debug)]
pub struct RouteDescription {
    /// Who may call it.
    pub guard: RouteGuard,
    /// Its body, and whether it is optional.
    pub body: Option<(TypeSchema, bool)>,
    /// Headers that it reads.
    pub headers: Vec<HeaderParam>,
    /// Parameters of the query.
    pub params: Vec<QueryParam>,
    /// Success.
    pub success: Success,
    /// Headers that a success may have, each with its description.
    pub answer_headers: Vec<(&'static str, &'static str)>,
    /// Codes of its errors.
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

    /// Adds parameters of the query, and their codes.
    pub fn add_params(&mut self, params: impl IntoIterator<Item = QueryParam>) {
        self.params.extend(params);
        if !self.params.is_empty() {
            self.codes.insert(Code::InvalidQuery);
        }
    }

    /// Adds a header that the route reads, and its codes.
    pub fn add_header(&mut self, header: HeaderParam, codes: &[Code]) {
        self.headers.push(header);
        self.codes.insert(Code::InvalidQuery);
        self.codes.extend(codes);
    }
}

/// Returns the schema of a type.
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

/// JSON Schema pattern for texts without control characters.
pub const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// Describes a parameter with a text of at most `max` characters.
#[must_use]
pub fn text_param(name: &'static str, about: &'static str, max: u32, required: bool) -> QueryParam {
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": ONE_LINE });
    QueryParam { name, about, required, schema }
}
