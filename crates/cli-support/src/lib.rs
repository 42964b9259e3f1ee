//! What every command line of T4 does in the same way.
//!
//! It owns exit codes, writing to a terminal or to whatever stands in its place, tables, and reading the environment and
//! `.env`. It refuses to know any command: flags, the names of variables and the words of a program are the program's.

mod dotenv;
pub mod environment;
pub mod exit;
pub mod out;
pub mod table;

pub use environment::Environment;
pub use exit::{CommandVerdict, Failure};
