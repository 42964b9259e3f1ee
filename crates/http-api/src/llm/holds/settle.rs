//! `POST /llm/holds/{id}/settle`: what the agent's call used.

use actix_web::{HttpRequest, web};
use api_types::{SettleHold, SettledView};
use control_plane::settle_hold;
use http_kit::{
    Answer, Authenticated, Endpoint, JsonBody, JsonDocument, LlmSettle, Private, Refused, codes, response,
};

use super::hold_of;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/llm/holds/{id}/settle";
    Endpoint::new("POST", path, "settle_hold", settle)
        .about("llm", "Writes what the agent's own call used, and frees the rest of its hold.")
}

codes! { SettleHoldCodes = [HoldNotFound, HoldSettled, InvalidField] }

async fn settle(
    call: Authenticated<LlmSettle, Private<JsonBody<SettleHold, 16>>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<SettledView>>, Refused<SettleHoldCodes>> {
    let id = hold_of(&request)?;
    Ok(response::json(&settle_hold(&state.services, call.context, id, call.body).await?)?)
}
