//! The conformance suite: what every backend must pass.
