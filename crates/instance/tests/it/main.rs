//! Tests of the ledger on a real database file: holds, settlements, releases, orphans and reads.

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
