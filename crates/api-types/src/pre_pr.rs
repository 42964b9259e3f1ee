//! Bodies of the pre-PR check.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::IntentView;

/// Maximum number of files of one check.
pub const MAX_PRE_PR_FILES: usize = 5000;
/// Maximum number of critical codes of one check.
pub const MAX_PRE_PR_CODES: usize = 200;
/// Maximum number of pairs of a file and a critical code of one check: each may cost the writer a read.
pub const MAX_PRE_PR_PAIRS: usize = 20_000;
/// Maximum bytes of the files and critical codes of one check together.
pub const MAX_PRE_PR_BYTES: usize = 512 * 1024;

/// Body of a pre-PR check: the files that a pull request touches.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrePrCheck {
    /// Files, relative to the repository. A repeated file counts once. Files times critical codes are at most 20,000,
    /// and together they have at most 512 KiB.
    #[schema(max_items = 5000)]
    pub files: Vec<String>,
    /// Only intents with these codes count; empty means any code.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub critical_codes: Vec<String>,
    /// Whether a missing file gets a placeholder. True when absent, as in the original client.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub auto_create_reserved: bool,
}

const fn yes() -> bool {
    true
}

/// Answer of a pre-PR check.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PrePrResult {
    /// Whether every file is covered by an intent. Placeholders do not count.
    pub ok: bool,
    /// Files without an intent, in the order of the request.
    pub missing: Vec<String>,
    /// Placeholders of missing files: new and existing ones; the first 4 MiB of them.
    pub reserved: Vec<IntentView>,
}
