//! The client against a server of canned answers.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod blocking;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod support;
