//! A stand-in for the GitHub API.

fn main() {}
