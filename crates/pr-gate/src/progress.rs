//! Progress reports of long operations.

/// A receiver of progress reports. Any thread may call it.
pub trait Progress: Sync {
    /// Reports that a part of the work begins: its name, and the number of its steps if known.
    fn begin(&self, part: &'static str, steps: Option<u64>);
    /// Reports that `steps` further steps are done.
    fn step(&self, steps: u64);
}

/// Ignores the reports.
impl Progress for () {
    fn begin(&self, _part: &'static str, _steps: Option<u64>) {}
    fn step(&self, _steps: u64) {}
}
