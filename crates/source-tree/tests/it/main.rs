//! git on repositories whose configuration is hostile: real ones, and programs that leave a trace when they are run.

mod endless;
mod every_setting;
mod filters;
mod places;
mod push;
mod support;
