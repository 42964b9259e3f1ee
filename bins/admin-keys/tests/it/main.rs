//! `admin-keys` as it is run: on real database files, and against a canned server.

#[cfg(test)]
mod file;
#[cfg(test)]
mod hash_token;
#[cfg(test)]
mod http;
#[cfg(test)]
mod live;
#[cfg(test)]
mod support;
