//! `GET /llm/status`: can calls be made, and where would they go?

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{LlmStatus, ProviderView};
use llm_gate::{Gate, ProviderStatus};

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, LlmCall};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<LlmStatus>());
    Endpoint::new("GET", "/llm/status", "llm_status", LlmCall::GUARD, success, || web::to(status))
        .about("llm", "Tells whether there is a provider, and which models each has.")
}

async fn status(_: Authenticated<LlmCall>, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let gate = state.gate.as_ref();
    let providers = gate.map(Gate::status).unwrap_or_default().into_iter().map(view).collect();
    let body = LlmStatus {
        configured: gate.is_some(),
        model_default: gate.and_then(Gate::default_model).map(str::to_owned),
        price_version: state.services.llm.rules.prices.version().to_owned(),
        providers,
    };
    response::json(StatusCode::OK, &body)
}

fn view(provider: ProviderStatus) -> ProviderView {
    ProviderView {
        name: provider.name,
        kind: provider.kind.as_str().to_owned(),
        models: provider.models,
        breaker: provider.breaker.as_str().to_owned(),
    }
}
