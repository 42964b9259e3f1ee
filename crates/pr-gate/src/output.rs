//! Reports for people, machines and GitHub.
