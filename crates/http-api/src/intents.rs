//! The routes of agents.

mod by_file;
mod by_owner;
mod create;
mod create_batch;
mod delete;
mod get;
mod pre_pr_check;
mod read;
mod stale;
mod summary;
mod update;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        create::endpoint(),
        create_batch::endpoint(),
        pre_pr_check::endpoint(),
        read::endpoint(),
        stale::endpoint(),
        by_owner::endpoint(),
        by_file::endpoint(),
        get::endpoint(),
        update::endpoint(),
        summary::endpoint(),
        delete::endpoint(),
    ]
}
