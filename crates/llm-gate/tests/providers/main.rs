//! Tests of the providers against a server that sends scripted bytes.

#[cfg(test)]
mod anthropic;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod server;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod times;
