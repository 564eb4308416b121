//! Where a value came from, and what is wrong with it in words an operator can act on.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file, at this line (from 1; 0 = the file as a whole).
    File {
        /// The file as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// This environment variable.
    Env(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: 0 } => f.write_str(file),
            Self::File { file, line } => write!(f, "{file} line {line}"),
            Self::Env(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong with the configuration. It never holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands; `Default` when it is about a key that nobody set.
    pub origin: Origin,
    /// The key, such as `mail.host`; empty when the file cannot be read at all.
    pub key: String,
    /// What is wrong, and why.
    pub what: String,
    /// What to type.
    pub fix: String,
}

impl fmt::Display for Mistake {
    /// Three lines: where, what is wrong, what to type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key.as_str()) {
            (Origin::Default, key) => write!(f, "error: {key}")?,
            (origin, "") => write!(f, "error: {origin}")?,
            (Origin::Env(name), key) if name == key => write!(f, "error: {name}")?,
            (origin, key) => write!(f, "error: {key} ({origin})")?,
        }
        write!(f, "\n  why: {}\n  try: {}", self.what, self.fix)
    }
}
