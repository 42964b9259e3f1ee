//! Steps of the migration.

/// Statements that bring a file from each version to the next.
pub(crate) const STEPS: [&str; 9] = [
    include_str!("../../../../migrations/sqlite/0001_original.sql"),
    include_str!("../../../../migrations/sqlite/0002_registry.sql"),
    include_str!("../../../../migrations/sqlite/0003_outside_changes.sql"),
    include_str!("../../../../migrations/sqlite/0004_ledger.sql"),
    include_str!("../../../../migrations/sqlite/0005_pre_pr.sql"),
    include_str!("../../../../migrations/sqlite/0006_quotas.sql"),
    include_str!("../../../../migrations/sqlite/0007_intents_by_file.sql"),
    include_str!("../../../../migrations/sqlite/0008_one_reading.sql"),
    include_str!("../../../../migrations/sqlite/0009_audit_schema.sql"),
];

/// Newest schema that this program knows.
pub const SCHEMA_VERSION: i64 = 9;
