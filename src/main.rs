//! Starts the command line; no logic.

fn main() {}
