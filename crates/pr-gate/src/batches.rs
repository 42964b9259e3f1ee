//! Fixes by category, each in a worktree of its own.
