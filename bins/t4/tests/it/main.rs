//! `t4` as a program: real git repositories and database files, and a server with canned answers.

#[cfg(test)]
mod audit_verify;
#[cfg(test)]
mod database;
#[cfg(test)]
mod db;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod llm_prices;
#[cfg(test)]
mod pre_pr;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tampering;
