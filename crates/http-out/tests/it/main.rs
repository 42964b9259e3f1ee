//! What every client promises, against listeners on this machine.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod support;
