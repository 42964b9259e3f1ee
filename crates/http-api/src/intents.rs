//! Routes of intents.

mod create;
mod create_batch;
mod delete;
mod pre_pr_check;
mod read;
mod update;

use http_kit::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        create::endpoint(),
        create_batch::endpoint(),
        pre_pr_check::endpoint(),
        read::list_endpoint(),
        read::stale_endpoint(),
        read::by_owner_endpoint(),
        read::by_file_endpoint(),
        read::get_endpoint(),
        update::endpoint(),
        read::summary_endpoint(),
        delete::endpoint(),
    ]
}
