//! What linters say: ruff, or any SARIF.
