//! What strangers can send, as plain functions of bytes: each asks a part of the house and holds
//! it to what it promised. The test command and `scripts/fuzz` call the same ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a target fails by panicking

pub mod corpus;
pub mod mutate;
#[cfg(test)]
mod seeded;
pub mod target;

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Turned away at the door: not text, not a form, no such client. Such inputs do not count.
    Door,
    /// Judged by the rules, and refused.
    Judged,
    /// Accepted.
    Accepted,
}

/// One thing that is fuzzed.
pub struct Target {
    /// Its name, and that of its file in `fuzz/corpus`.
    pub name: &'static str,
    /// Asks it one thing; panics when a promise is broken.
    pub run: fn(&[u8]) -> Depth,
    /// Words that mean something to it.
    pub words: &'static [&'static str],
}

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    target::TARGETS.iter().find(|target| target.name == name)
}
