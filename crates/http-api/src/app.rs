//! All routes of the server, and their OpenAPI document.

use std::sync::Arc;

use actix_web::web;
use api_keys::Scope;
use control_plane::Services;
use http_kit::{DocumentInfo, Endpoint, HttpSettings, RouteDescription, RouteGuard, Routes, ServerState};
use prometheus::Registry;
use serde_json::Value;

use crate::llm::{OPENAI_ERRORS, OPENAI_PATHS};
use crate::metrics::ServerMetrics;
use crate::state::HttpState;
use crate::{audit, docs, intents, keys, llm, probes};

/// All routes of the server. A handler that is not listed here can't be reached.
#[must_use]
pub fn routes() -> Routes {
    let mut all: Vec<Endpoint> = probes::endpoints();
    all.extend(docs::endpoints());
    all.extend(intents::endpoints());
    all.extend(llm::endpoints());
    all.extend(keys::endpoints());
    all.extend(audit::endpoints());
    Routes::new(all).with_errors_below(OPENAI_PATHS, OPENAI_ERRORS)
}

/// Returns the OpenAPI document of the routes.
#[must_use]
pub fn document() -> Value {
    let info = DocumentInfo {
        title: "T4 intent API",
        version: env!("CARGO_PKG_VERSION"),
        description: "Agents declare what they mean to do; admins see, limit and stop them.",
    };
    http_kit::document(&routes(), info)
}

impl HttpState {
    /// Creates the state of a server without providers.
    ///
    /// # Errors
    /// When a metric can't be registered, which is a fault of the program.
    pub fn new(services: Arc<Services>, settings: HttpSettings) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = ServerMetrics::new(&registry)?;
        let mut server = ServerState::new(Arc::clone(&services), routes(), settings, &registry)?;
        let llm = metrics.llm();
        server.refusals = Some(Box::new(move |route: &RouteDescription, code| {
            if route.guard == RouteGuard::Agent(Scope::LlmCall) {
                llm.refused(code);
            }
        }));
        let document = document().to_string();
        Ok(Self { server: Arc::new(server), services, metrics, gate: None, document })
    }
}

/// Adds what handlers and layers need, and every route, to an application.
pub fn configure(state: &web::Data<HttpState>, config: &mut web::ServiceConfig) {
    config.app_data(web::Data::from(Arc::clone(&state.server))).app_data(state.clone());
    state.server.routes.configure(config);
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
    fn paths_below_llm_v1_have_openai_s_errors_whether_or_not_a_route_takes_them() {
        let routes = routes();
        let shape = |path: &str| (routes.error_shape(path).schema)().name;
        for path in ["/llm/v1", "/llm/v1/", "/llm/v1/models", "/llm/v1/none"] {
            assert_eq!(shape(path), "OpenaiErrorBody", "{path}");
        }
        for path in ["/", "/llm/v10/models", "/llm/status", "/llm/v", "/a/llm/v1/models"] {
            assert_eq!(shape(path), "ErrorBody", "{path}");
        }
    }
}
