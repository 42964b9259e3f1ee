//! Holds of agents that call a provider themselves.

mod create;
mod read;
mod release;
mod settle;

pub use create::create_hold;
pub use read::list_holds;
pub use release::release_hold;
pub use settle::settle_hold;
