//! `POST /llm/holds/{id}/release`: the agent's call did not take place.

use actix_web::{HttpRequest, web};
use api_types::{ReleaseHold, Released};
use control_plane::release_hold;
use http_kit::{
    Answer, Authenticated, Endpoint, JsonDocument, LlmSettle, OptionalJson, Private, Refused, codes, response,
};

use super::hold_of;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/llm/holds/{id}/release";
    Endpoint::new("POST", path, "release_hold", release)
        .about("llm", "Gives a hold back whose request surely never reached the provider.")
}

codes! { ReleaseHoldCodes = [HoldNotFound, HoldSettled, InvalidField] }

async fn release(
    call: Authenticated<LlmSettle, Private<OptionalJson<ReleaseHold, 16>>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<Released>>, Refused<ReleaseHoldCodes>> {
    let id = hold_of(&request)?;
    Ok(response::json(&release_hold(&state.services, call.context, id, call.body).await?)?)
}
