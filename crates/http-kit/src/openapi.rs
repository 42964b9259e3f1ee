//! OpenAPI 3.1 document, generated from the routes.

use std::collections::BTreeSet;

use api_types::Code;
use serde_json::{Map, Value, json};

use crate::description::{HeaderParam, ONE_LINE, QueryParam, RouteGuard, Success, TypeSchema};
use crate::endpoint::Endpoint;
use crate::routes::Routes;

/// Description of a server as a whole.
#[derive(Debug, Clone, Copy)]
pub struct DocumentInfo {
    /// Name of its API.
    pub title: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// One-sentence summary.
    pub description: &'static str,
}

/// Returns the document.
#[must_use]
pub fn document(routes: &Routes, info: DocumentInfo) -> Value {
    let mut schemas = Map::new();
    let mut paths: Map<String, Value> = Map::new();
    for shape in routes.error_shapes() {
        add_schemas(&mut schemas, &(shape.schema)());
    }
    for endpoint in routes.endpoints() {
        let (path, method) = (endpoint.path.to_owned(), endpoint.method.to_ascii_lowercase());
        let error = (routes.error_shape(endpoint.path).schema)().name;
        let operation = operation(endpoint, &error, &mut schemas);
        if let Value::Object(item) = paths.entry(path).or_insert_with(|| json!({})) {
            item.insert(method, operation);
        }
    }
    let codes: Vec<Value> = Code::ALL
        .iter()
        .map(|code| json!({ "code": code.as_str(), "status": code.status(), "what_to_do": code.hint() }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": info.title,
            "version": info.version,
            "description": info.description,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "agent_key": { "type": "apiKey", "in": "header", "name": "X-T4-API-KEY" },
                "admin_token": { "type": "apiKey", "in": "header", "name": "X-T4-Admin-Token" },
            },
        },
        "x-t4-error-codes": codes,
    })
}

fn operation(endpoint: &Endpoint, error: &str, schemas: &mut Map<String, Value>) -> Value {
    let route = &*endpoint.description;
    let mut codes = route.codes.clone();
    codes.extend(guard_codes(route.guard));
    let mut parameters: Vec<Value> = path_params(endpoint.path);
    parameters.extend(route.params.iter().map(parameter));
    parameters.extend(route.headers.iter().map(header));
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    set("operationId", json!(endpoint.id));
    set("tags", json!([endpoint.tag]));
    set("summary", json!(endpoint.summary));
    set("x-t4-guard", json!(route.guard.text()));
    if let Some((body, optional)) = &route.body {
        let schema = reference(&body.name);
        add_schemas(schemas, body);
        set(
            "requestBody",
            json!({ "required": !optional, "content": { "application/json": { "schema": schema } } }),
        );
    }
    set("parameters", Value::Array(parameters));
    let security = match route.guard {
        RouteGuard::Probe | RouteGuard::Public => json!([]),
        RouteGuard::Metrics => json!([{}, { "admin_token": [] }]),
        RouteGuard::Agent(_) => json!([{ "agent_key": [] }]),
        RouteGuard::Admin => json!([{ "admin_token": [] }]),
    };
    set("security", security);
    let mut responses = responses(&route.success, &codes, schemas, error);
    add_headers(&mut responses, &route.answer_headers);
    set("responses", responses);
    Value::Object(operation)
}

/// Codes that every route with a recorded caller can answer: errors of the store and of the server.
const TROUBLE: [Code; 9] = [
    Code::StoreUnavailable,
    Code::StoreBusy,
    Code::ServerBusy,
    Code::DeadlineExceeded,
    Code::StoreLocked,
    Code::AuditUnavailable,
    Code::AuditBroken,
    Code::ShuttingDown,
    Code::Internal,
];

/// Codes that a guard can answer.
fn guard_codes(guard: RouteGuard) -> Vec<Code> {
    let (own, trouble): (&[Code], &[Code]) = match guard {
        RouteGuard::Probe => (&[], &[]),
        RouteGuard::Public => (&[Code::MalformedRequest, Code::ServerBusy, Code::AuditUnavailable], &[]),
        RouteGuard::Metrics => (
            &[
                Code::MissingCredentials,
                Code::InvalidAdminToken,
                Code::TooManyFailures,
                Code::AuditUnavailable,
            ],
            &[],
        ),
        RouteGuard::Agent(_) => (
            &[
                Code::MalformedRequest,
                Code::MissingCredentials,
                Code::MalformedKey,
                Code::InvalidKey,
                Code::RevokedKey,
                Code::ExpiredKey,
                Code::MissingScope,
                Code::RateLimited,
                Code::DailyQuotaExceeded,
                Code::TooManyFailures,
                Code::AuthUnavailable,
            ],
            &TROUBLE,
        ),
        RouteGuard::Admin => (
            &[
                Code::MalformedRequest,
                Code::MissingCredentials,
                Code::InvalidAdminToken,
                Code::TooManyFailures,
            ],
            &TROUBLE,
        ),
    };
    [own, trouble].concat()
}

fn responses(
    success: &Success,
    codes: &BTreeSet<Code>,
    schemas: &mut Map<String, Value>,
    error: &str,
) -> Value {
    let mut all = Map::new();
    let json_content = |schema: Value| json!({ "application/json": { "schema": schema } });
    match success {
        Success::Json(statuses, body) => {
            let schema = reference(&body.name);
            add_schemas(schemas, body);
            let answer = json!({ "description": "Done.", "content": json_content(schema) });
            all.extend(statuses.iter().map(|status| (status.to_string(), answer.clone())));
        }
        Success::List(item) => {
            let schema = json!({ "type": "array", "items": reference(&item.name) });
            add_schemas(schemas, item);
            let link = json!({
                "description": "the next page, `rel=\"next\"`", "schema": { "type": "string" },
            });
            let answer = json!({
                "description": "The rows.", "headers": { "Link": link }, "content": json_content(schema),
            });
            all.insert("200".to_owned(), answer);
        }
        Success::Events(body) => {
            let schema = reference(&body.name);
            add_schemas(schemas, body);
            let content = json!({
                "application/json": { "schema": schema }, "text/event-stream": { "schema": { "type": "string" } },
            });
            all.insert("200".to_owned(), json!({ "description": "Done.", "content": content }));
        }
        Success::Text(media) => {
            let mut content = Map::new();
            content.insert((*media).to_owned(), json!({}));
            all.insert("200".to_owned(), json!({ "description": "The text.", "content": content }));
        }
    }
    let statuses: BTreeSet<u16> = codes.iter().map(|code| code.status()).collect();
    for status in statuses {
        let words: Vec<&str> =
            codes.iter().filter(|code| code.status() == status).map(|code| code.as_str()).collect();
        let answer = json!({
            "description": words.join(", "),
            "content": json_content(reference(error)),
            "x-t4-codes": words,
        });
        all.insert(status.to_string(), answer);
    }
    Value::Object(all)
}

/// Describes the headers of a success.
fn add_headers(responses: &mut Value, headers: &[(&str, &str)]) {
    if headers.is_empty() {
        return;
    }
    let told: Map<String, Value> = headers
        .iter()
        .map(|(name, about)| {
            ((*name).to_owned(), json!({ "description": about, "schema": { "type": "string" } }))
        })
        .collect();
    if let Some(success) = responses.get_mut("200").and_then(Value::as_object_mut) {
        success.insert("headers".to_owned(), Value::Object(told));
    }
}

fn path_params(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": ONE_LINE });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

fn parameter(param: &QueryParam) -> Value {
    json!({
        "name": param.name, "in": "query", "required": param.required, "description": param.about,
        "schema": param.schema,
    })
}

fn header(header: &HeaderParam) -> Value {
    json!({
        "name": header.name, "in": "header", "required": false, "description": header.about,
        "schema": header.schema,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn add_schemas(all: &mut Map<String, Value>, shape: &TypeSchema) {
    all.extend(shape.schemas.iter().cloned());
}
