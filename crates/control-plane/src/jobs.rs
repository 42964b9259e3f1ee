//! Background work of the server. Each function runs once; `instance` has the schedule.

mod checkpoint_audit;
mod cut_calls;
mod deliver_alerts;
mod flush_refusals;
mod forget_idempotency;
mod forget_orphans;
mod renew_leases;
mod settle_orphans;

pub use checkpoint_audit::checkpoint_audit;
pub use cut_calls::cut_calls;
pub use deliver_alerts::{AlertDesk, AlertSink, deliver_alerts};
pub use flush_refusals::flush_refusals;
pub use forget_idempotency::forget_idempotency;
pub use forget_orphans::forget_orphans;
pub use renew_leases::renew_leases;
pub use settle_orphans::settle_orphans;
