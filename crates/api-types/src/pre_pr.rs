//! Bodies of the pre-PR check.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::IntentView;

/// How many files one check takes.
pub const MAX_PRE_PR_FILES: usize = 5000;
/// How many critical codes one check takes.
pub const MAX_PRE_PR_CODES: usize = 200;
/// How many pairs of a file and a critical code one check takes: each may cost the writer a look.
pub const MAX_PRE_PR_PAIRS: usize = 20_000;
/// How many bytes the files and the critical codes of one check have together.
pub const MAX_PRE_PR_BYTES: usize = 512 * 1024;

/// The files that a pull request touches.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrePrCheck {
    /// The files, relative to the repository. A file named twice counts once. Files times critical codes are at most
    /// 20,000, and all of them together have at most 512 KiB.
    #[schema(max_items = 5000)]
    pub files: Vec<String>,
    /// Only intents of these codes count; empty means any.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub critical_codes: Vec<String>,
    /// Whether a missing file gets a reserved placeholder. True when absent, as in the original client.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub auto_create_reserved: bool,
}

const fn yes() -> bool {
    true
}

/// What the registry knows of the files.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PrePrResult {
    /// Whether every file is covered by an intent. Placeholders do not count.
    pub ok: bool,
    /// The files without an intent, in the order of the request.
    pub missing: Vec<String>,
    /// The placeholders of missing files: new ones, and those that waited already; the first 4 MiB of them.
    pub reserved: Vec<IntentView>,
}
