//! Failures that both kinds of registries tell in the same words.

use cli_support::Failure;

/// There is no such key. The text that named it is not repeated, because it may be a secret.
pub fn no_such_key() -> Failure {
    Failure::missing(anyhow::anyhow!("there is no such key; `admin-keys list` shows the key ids"))
}
