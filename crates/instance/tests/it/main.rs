//! The ledger on a real database file: what is held, settled, released, orphaned and told.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod http_holds;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod orphans;
#[cfg(test)]
mod settle;
#[cfg(test)]
mod support;
