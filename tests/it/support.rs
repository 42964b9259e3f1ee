//! One T4 in process: a real database file in a folder of its own, a clock that stands until a test moves it, and
//! the application as the server builds it, without sockets and without jobs.

mod answer;
mod between;
mod call;
mod gate;
pub mod routes;
mod rows;
mod start;

pub use answer::Answer;
pub use between::Between;
pub use call::Call;
pub use gate::{Unreachable, gate};
pub use rows::{Row, request_rows};
pub use start::{ADMIN, Key, PEPPER, Setup, TestApp};

/// A number of an answer.
#[track_caller]
pub fn number(value: &serde_json::Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The texts of one field over a list.
#[track_caller]
pub fn texts(list: &serde_json::Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item[field].as_str().unwrap_or("null").to_owned()).collect()
}
