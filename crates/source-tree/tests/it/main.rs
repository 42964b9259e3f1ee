//! git on real repositories with a hostile configuration, whose programs leave a trace when they are run.

mod endless;
mod every_setting;
mod filters;
mod places;
mod push;
mod support;
