//! `GET /llm/v1/models`.

use actix_web::web;
use http_kit::{Answer, Authenticated, Endpoint, JsonDocument, LlmCall, Refused, response};
use llm_gate::ModelInfo;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::HttpState;

/// Model, in OpenAI's form.
#[derive(Debug, Serialize, ToSchema)]
struct Model {
    /// Its name.
    id: String,
    /// Always `model`.
    object: &'static str,
    /// Always 0: the time of creation is unknown.
    created: u64,
    /// Provider that is called first.
    owned_by: String,
}

/// List of models, in OpenAI's form.
#[derive(Debug, Serialize, ToSchema)]
struct ModelList {
    /// Always `list`.
    object: &'static str,
    /// The models.
    data: Vec<Model>,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/llm/v1/models", "list_models", list)
        .about("llm", "Lists the models that agents may ask for; none without a provider.")
}

async fn list(
    _: Authenticated<LlmCall>,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<ModelList>>, Refused> {
    let models = state.gate.as_ref().map(llm_gate::Gate::models).unwrap_or_default();
    Ok(response::json(&listed(models))?)
}

fn listed(models: Vec<ModelInfo>) -> ModelList {
    let model = |info: ModelInfo| Model { id: info.id, object: "model", created: 0, owned_by: info.provider };
    ModelList { object: "list", data: models.into_iter().map(model).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_come_in_openai_s_form() {
        let info = ModelInfo { id: "gpt-4o".to_owned(), provider: "openai".to_owned() };
        let list = serde_json::to_value(listed(vec![info])).unwrap();
        let model = json!({ "id": "gpt-4o", "object": "model", "created": 0, "owned_by": "openai" });
        assert_eq!(list, json!({ "object": "list", "data": [model] }));
        assert_eq!(serde_json::to_value(listed(vec![])).unwrap(), json!({ "object": "list", "data": [] }));
    }
}
