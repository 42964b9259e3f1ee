//! Calls that the platform makes by itself: webhooks.
//!
//! It owns how such a call leaves (timeouts, no redirects, no proxy). It refuses what it says and when it is made.
