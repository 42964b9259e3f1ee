//! The HTTP client that every call out of T4 is made with.
//!
//! It owns what each such client must have, so that no caller can forget it: TLS by `rustls` on `ring`, a limit for the
//! connection, no redirects, no proxies of the environment, no repeats, and answers that are read up to a bound. What
//! callers differ in is in [`ClientOptions`].
//!
//! It refuses what is sent, where to, when to try again, and what an answer means: its users decide that.
//!
//! `reqwest` and `rustls` are dependencies of this crate alone. Its users name the types of [`reqwest`] through it.
//! The feature `stream` gives them answers as streams of chunks.

mod answer;
mod client;

pub use answer::read_at_most;
pub use client::{ClientOptions, UrlScheme};
pub use reqwest;
