//! Intents: what agents declare, change and ask for.

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

pub use by_file::list_by_file;
pub use by_owner::list_by_owner;
pub use create::{Created, create_intent};
pub use create_batch::create_batch;
pub use delete::delete_intent;
pub use get::{Versioned, get_intent};
pub use pre_pr_check::pre_pr_check;
pub use read::list_intents;
pub use stale::list_stale;
pub use summary::summarize;
pub use update::update_intent;
