//! `POST /llm/holds`: an agent holds the worst case of a call that it will make itself.

use actix_web::web;
use api_types::{CreateHold, HoldView};
use control_plane::create_hold;
use http_kit::{
    Answer, Authenticated, Created, Endpoint, JsonBody, LlmCall, Private, Refused, codes, response,
};

use crate::llm::failure::later;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/llm/holds", "create_hold", create).about(
        "llm",
        "Holds the worst case of a call that the agent makes itself. The same body again, the same hold.",
    )
}

codes! {
    CreateHoldCodes = [
        CallExists,
        InvalidField,
        ModelNotPriced,
        PartNotPriced,
        MaxTokensAboveCap,
        InsufficientQuota,
    ]
}

async fn create(
    call: Authenticated<LlmCall, Private<JsonBody<CreateHold, 16>>>,
    state: web::Data<HttpState>,
) -> Result<Answer<Created<HoldView>>, Refused<CreateHoldCodes>> {
    let held = create_hold(&state.services, call.context, call.body).await.map_err(later)?;
    Ok(response::created(&held)?)
}
