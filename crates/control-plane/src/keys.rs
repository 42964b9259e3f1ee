//! Use cases of API keys.

mod create;
mod fields;
mod read;
mod revoke;
mod rotate;
mod update;

pub use create::create_key;
pub use read::list_keys;
pub use revoke::revoke_key;
pub use rotate::rotate_key;
pub use update::update_key;
