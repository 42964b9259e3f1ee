//! The benches: `make bench`. They measure the release binaries from outside.
