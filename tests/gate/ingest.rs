//! `t4 ingest`.
