//! The routes of agents.

mod batch;
mod by_file;
mod by_owner;
mod create;
mod get;
mod list;
mod pre_pr;
mod stale;
mod summary;
mod update;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        create::endpoint(),
        batch::endpoint(),
        pre_pr::endpoint(),
        list::endpoint(),
        stale::endpoint(),
        by_owner::endpoint(),
        by_file::endpoint(),
        get::endpoint(),
        update::endpoint(),
        summary::endpoint(),
    ]
}
