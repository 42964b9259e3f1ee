//! `GET /llm/status`: whether calls can be made, and to which providers.

use actix_web::web;
use api_types::{LlmStatus, ProviderView};
use http_kit::{Answer, Authenticated, Endpoint, JsonDocument, LlmCall, Refused, response};
use llm_gate::{Gate, ProviderStatus};

use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/llm/status", "llm_status", status)
        .about("llm", "Tells whether there is a provider, and which models each has.")
}

async fn status(
    _: Authenticated<LlmCall>,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<LlmStatus>>, Refused> {
    let gate = state.gate.as_ref();
    let providers = gate.map(Gate::status).unwrap_or_default().into_iter().map(view).collect();
    let body = LlmStatus {
        configured: gate.is_some(),
        model_default: gate.and_then(Gate::default_model).map(str::to_owned),
        price_version: state.services.llm.rules.prices.version().to_owned(),
        providers,
    };
    Ok(response::json(&body)?)
}

fn view(provider: ProviderStatus) -> ProviderView {
    ProviderView {
        name: provider.name,
        kind: provider.kind.as_str().to_owned(),
        models: provider.models,
        breaker: provider.breaker.as_str().to_owned(),
    }
}
