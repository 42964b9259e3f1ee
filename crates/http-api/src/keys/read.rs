//! `GET /admin/api_keys`.

use actix_web::{HttpRequest, web};
use api_types::KeyView;
use control_plane::list_keys;
use http_kit::{Admin, Answer, Authenticated, Endpoint, NoBody, Paged, Refused, Rows, blocking, response};

use crate::state::HttpState;

/// Rows of a page when the caller states no limit (the seed's lists were whole).
const DEFAULT: u32 = 1000;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/admin/api_keys", "list_keys", list)
        .about("admin", "Lists keys by their id, never a secret.")
}

async fn list(
    call: Authenticated<Admin, NoBody, Paged<DEFAULT>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<KeyView>>, Refused> {
    let Paged(page) = call.head;
    let found = blocking::scan(&state.server, blocking::ADMIN, move |services| {
        response::page_text(&list_keys(services, call.context.caller, &page)?)
    });
    Ok(response::page(&request, found.await?))
}
