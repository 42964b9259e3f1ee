//! Counters of a store.

/// Counters since the start, and the depth of the queue now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Commits.
    pub commits: u64,
    /// Jobs that those commits carried.
    pub jobs: u64,
    /// Rows of the audit log that those commits carried.
    pub audit_rows: u64,
    /// Jobs that failed.
    pub failed_jobs: u64,
    /// Microseconds that jobs ran, all together.
    pub job_micros: u64,
    /// Microseconds that commits took, all together.
    pub commit_micros: u64,
    /// Jobs that wait now.
    pub queue_depth: u64,
    /// Jobs that found the queue full.
    pub queue_refusals: u64,
    /// Readers that are out now.
    pub readers_busy: u64,
}
