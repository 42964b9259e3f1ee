//! Tests of the store on real database files.

mod adoption;
mod audit_schema;
mod conformance;
mod deadline;
mod external_changes;
mod idempotency;
mod ledger;
mod ledger_model;
mod opening;
mod schema;
mod support;
mod trouble;
