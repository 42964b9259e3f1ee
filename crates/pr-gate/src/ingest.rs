//! Annotations and findings as intents of the registry.
