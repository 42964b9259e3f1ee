//! `POST /intents/pre_pr_check`.

use actix_web::web;
use api_types::{PrePrCheck, PrePrResult};
use control_plane::pre_pr_check;
use http_kit::{
    Answer, Authenticated, Endpoint, Idempotent, IntentsWrite, JsonBody, JsonDocument, Refused, codes,
    response,
};

use crate::state::HttpState;

codes! { PrePrCheckCodes = [QuotaExceeded, InvalidField] }

type PrePrCheckCall = Authenticated<IntentsWrite, JsonBody<PrePrCheck, 8192>, Idempotent>;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/intents/pre_pr_check";
    Endpoint::new("POST", path, "pre_pr_check", check)
        .about("intents", "Tells which files of a pull request have no intent; can leave placeholders.")
}

async fn check(
    call: PrePrCheckCall,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<PrePrResult>>, Refused<PrePrCheckCodes>> {
    let result = pre_pr_check(&state.services, call.context, call.body, call.head.known()).await?;
    Ok(response::json(&result)?)
}
