//! `t4` as a program: real git repositories, a server of canned answers.

#[cfg(test)]
mod pre_pr;
#[cfg(test)]
mod support;
