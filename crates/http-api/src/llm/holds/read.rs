//! `GET /admin/llm/holds`: open holds and orphans.

use actix_web::{HttpRequest, web};
use api_types::OpenHoldView;
use control_plane::{Whose, list_holds};
use http_kit::{Admin, Answer, Authenticated, Endpoint, NoBody, Paged, Refused, Rows, blocking, response};

use crate::llm::usage::ROWS;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("GET", "/admin/llm/holds", "list_llm_holds", list)
        .about("admin", "Lists the calls under way and those that nobody settled, by id.")
}

async fn list(
    call: Authenticated<Admin, NoBody, Paged<ROWS>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<OpenHoldView>>, Refused> {
    let Paged(page) = call.head;
    let found = blocking::scan(&state.server, blocking::ADMIN, move |services| {
        response::page_text(&list_holds(services, &Whose::Everybody, &page)?)
    });
    Ok(response::page(&request, found.await?))
}
