//! How far long work is.

/// Told how far long work is. Called from any thread.
pub trait Progress: Sync {
    /// A part of the work begins: its name, and how many steps it has, when that is known.
    fn begin(&self, part: &'static str, steps: Option<u64>);
    /// So many steps more are done.
    fn step(&self, steps: u64);
}

/// Tells nobody.
impl Progress for () {
    fn begin(&self, _part: &'static str, _steps: Option<u64>) {}
    fn step(&self, _steps: u64) {}
}
