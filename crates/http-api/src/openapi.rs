//! The OpenAPI 3.1 document, made from the routes themselves.

use std::collections::BTreeSet;

use api_types::{Code, ErrorBody};
use serde_json::{Map, Value, json};

use crate::app::endpoints;
use crate::endpoint::{Endpoint, ONE_LINE, QueryParam, RouteGuard, Success, TypeSchema, schema_of};
use crate::llm::{OpenaiErrorBody, speaks_openai};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Map::new();
    let mut paths: Map<String, Value> = Map::new();
    add_schemas(&mut schemas, schema_of::<ErrorBody>());
    add_schemas(&mut schemas, schema_of::<OpenaiErrorBody>());
    for endpoint in endpoints() {
        let (path, method) = (endpoint.path.to_owned(), endpoint.method.to_ascii_lowercase());
        let operation = operation(endpoint, &mut schemas);
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
            "title": "T4 intent API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Agents declare what they mean to do; admins see, limit and stop them.",
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

fn operation(endpoint: Endpoint, schemas: &mut Map<String, Value>) -> Value {
    let mut codes: BTreeSet<Code> = endpoint.codes.iter().copied().collect();
    codes.extend(guard_codes(endpoint.guard));
    let mut parameters: Vec<Value> = path_params(endpoint.path);
    parameters.extend(endpoint.params.iter().map(parameter));
    if endpoint.idempotent {
        codes.insert(Code::IdempotencyKeyReused);
        codes.insert(Code::InvalidQuery);
        let schema = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        parameters.push(header("Idempotency-Key", "makes a repeat safe for 24 hours", &schema));
    }
    if endpoint.conditional {
        codes.insert(Code::VersionMismatch);
        codes.insert(Code::InvalidQuery);
        let schema = json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,18}\")$" });
        parameters.push(header("If-Match", "change only this version", &schema));
    }
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    set("operationId", json!(endpoint.id));
    set("tags", json!([endpoint.tag]));
    set("summary", json!(endpoint.summary));
    set("x-t4-guard", json!(guard_text(endpoint.guard)));
    if let Some((body, optional)) = endpoint.body {
        codes.extend([
            Code::MalformedJson,
            Code::DuplicateMember,
            Code::MalformedRequest,
            Code::InvalidBody,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::RequestTimeout,
        ]);
        let schema = reference(&body.name);
        add_schemas(schemas, body);
        set(
            "requestBody",
            json!({ "required": !optional, "content": { "application/json": { "schema": schema } } }),
        );
    }
    if parameters.iter().any(|p| p.get("name").is_some_and(|name| name == "cursor")) {
        codes.insert(Code::InvalidCursor);
    }
    set("parameters", Value::Array(parameters));
    let security = match endpoint.guard {
        RouteGuard::Probe | RouteGuard::Public => json!([]),
        RouteGuard::Metrics => json!([{}, { "admin_token": [] }]),
        RouteGuard::Agent(_) => json!([{ "agent_key": [] }]),
        RouteGuard::Admin => json!([{ "admin_token": [] }]),
    };
    let created_again = endpoint.id == "create_intent";
    set("security", security);
    let mut responses =
        responses(endpoint.success, created_again, &codes, schemas, error_shape(endpoint.path));
    add_headers(&mut responses, endpoint.headers);
    set("responses", responses);
    Value::Object(operation)
}

/// Codes that a guard can answer with.
fn guard_codes(guard: RouteGuard) -> Vec<Code> {
    match guard {
        RouteGuard::Probe => vec![],
        RouteGuard::Public => vec![Code::MalformedRequest, Code::ServerBusy, Code::AuditUnavailable],
        RouteGuard::Metrics => {
            vec![
                Code::MissingCredentials,
                Code::InvalidAdminToken,
                Code::TooManyFailures,
                Code::AuditUnavailable,
            ]
        }
        RouteGuard::Agent(_) => vec![
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
            Code::StoreUnavailable,
            Code::StoreBusy,
            Code::ServerBusy,
            Code::DeadlineExceeded,
            Code::StoreLocked,
            Code::AuditUnavailable,
            Code::AuditBroken,
            Code::ShuttingDown,
            Code::Internal,
        ],
        RouteGuard::Admin => vec![
            Code::MalformedRequest,
            Code::MissingCredentials,
            Code::InvalidAdminToken,
            Code::TooManyFailures,
            Code::StoreUnavailable,
            Code::StoreBusy,
            Code::ServerBusy,
            Code::DeadlineExceeded,
            Code::StoreLocked,
            Code::AuditUnavailable,
            Code::AuditBroken,
            Code::ShuttingDown,
            Code::Internal,
        ],
    }
}

fn guard_text(guard: RouteGuard) -> String {
    match guard {
        RouteGuard::Probe => "probe".to_owned(),
        RouteGuard::Public => "public".to_owned(),
        RouteGuard::Metrics => "metrics".to_owned(),
        RouteGuard::Agent(scope) => format!("agent {}", scope.as_str()),
        RouteGuard::Admin => "admin".to_owned(),
    }
}

fn responses(
    success: Success,
    created_again: bool,
    codes: &BTreeSet<Code>,
    schemas: &mut Map<String, Value>,
    error: &str,
) -> Value {
    let mut all = Map::new();
    let json_content = |schema: Value| json!({ "application/json": { "schema": schema } });
    match success {
        Success::Json(status, body) => {
            let schema = reference(&body.name);
            add_schemas(schemas, body);
            let answer = json!({ "description": "Done.", "content": json_content(schema) });
            if created_again {
                all.insert("200".to_owned(), answer.clone());
            }
            all.insert(status.to_string(), answer);
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
            content.insert(media.to_owned(), json!({}));
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

/// The schema of the errors below a path.
fn error_shape(path: &str) -> &'static str {
    if speaks_openai(path) { "OpenaiErrorBody" } else { "ErrorBody" }
}

/// Tells the headers of a success.
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

fn header(name: &str, about: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": about, "schema": schema })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn add_schemas(all: &mut Map<String, Value>, shape: TypeSchema) {
    all.extend(shape.schemas);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_below_llm_v1_are_told_in_openai_s_shape_and_no_others() {
        let document = document();
        let paths = document.get("paths").and_then(Value::as_object).unwrap();
        let mut seen = 0;
        for (path, item) in paths {
            let expected = if path.starts_with("/llm/v1/") { "OpenaiErrorBody" } else { "ErrorBody" };
            for operation in item.as_object().unwrap().values() {
                let responses = operation.get("responses").and_then(Value::as_object).unwrap();
                for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                    let shape = response.pointer("/content/application~1json/schema/$ref");
                    let told = shape.and_then(Value::as_str).unwrap_or_default();
                    assert!(told.ends_with(&format!("/{expected}")), "{path} {status}: {told}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_call_of_a_model_tells_its_headers_and_both_forms_of_its_answer() {
        let document = document();
        let answer = document.pointer("/paths/~1llm~1v1~1chat~1completions/post/responses/200").unwrap();
        for name in ["x-t4-call-id", "x-t4-provider", "x-t4-cost-usd", "x-t4-budget-remaining-usd"] {
            assert!(answer.pointer(&format!("/headers/{name}")).is_some(), "{name}");
        }
        for media in ["application/json", "text/event-stream"] {
            assert!(answer.get("content").and_then(|content| content.get(media)).is_some(), "{media}");
        }
    }
}
