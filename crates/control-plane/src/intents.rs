//! Use cases of intents.

mod create;
mod create_batch;
mod delete;
mod pre_pr_check;
mod read;
mod small_list;
mod update;

pub use create::{CreatedIntent, create_intent};
pub use create_batch::create_batch;
pub use delete::delete_intent;
pub use pre_pr_check::pre_pr_check;
pub use read::{VersionedItem, get_intent, list_by_file, list_by_owner, list_intents, list_stale, summarize};
pub use small_list::{small_list_by_file, small_list_by_owner, small_list_stale};
pub use update::update_intent;
