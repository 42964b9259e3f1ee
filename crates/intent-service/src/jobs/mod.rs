//! What the platform does by itself. Each job is one function that runs once; `instance` says when.

mod checkpoint_audit;
mod flush_refusals;
mod forget_idempotency;
mod record_outside_changes;

pub use checkpoint_audit::checkpoint_audit;
pub use flush_refusals::flush_refusals;
pub use forget_idempotency::forget_idempotency;
pub use record_outside_changes::record_outside_changes;
