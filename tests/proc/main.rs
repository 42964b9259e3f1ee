//! The product as processes: the real binaries, talked to from outside.

mod adoption;
mod cli;
mod demo;
mod disk_full;
mod docs;
mod graceful_stop;
mod kill_9;
mod llm_abuse;
mod llm_calls;
mod llm_clients;
mod llm_crash;
mod llm_faults;
mod llm_secrets;
mod llm_store;
mod llm_support;
mod logs;
mod revocation;
mod rights;
mod runbook;
mod settings;
mod shared_limits;
mod start_trouble;
mod store_locked;
mod support;
mod transport;
mod two_servers;
