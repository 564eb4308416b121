//! What a command says when it cannot: what happened, why, what to type.

use crate::app;
use crate::config::Mistake;
use crate::store;

/// A command that could not do its work.
#[derive(Debug)]
pub enum Fault {
    /// Mistakes in the configuration, all of them.
    Config(Vec<Mistake>),
    /// Anything else, in three lines.
    Said {
        /// What happened.
        what: String,
        /// Why.
        why: String,
        /// What to type or do.
        fix: String,
    },
}

impl Fault {
    /// Three lines.
    pub fn new(what: impl Into<String>, why: impl ToString, fix: impl Into<String>) -> Self {
        Self::Said {
            what: what.into(),
            why: why.to_string(),
            fix: fix.into(),
        }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::new(
            "the database did not answer",
            error,
            "gerege db status, then the same command again",
        )
    }
}

impl From<app::Error> for Fault {
    fn from(error: app::Error) -> Self {
        let fix = match &error {
            app::Error::Keys(crate::keys::Error::OtherMaster) => {
                "put back the master key that this database was made with (master_key_file)"
            }
            app::Error::Keys(_) => "check master_key_file: 32 bytes, readable by this user",
            app::Error::Store(_) => "check database.url, and that the database runs",
            app::Error::Mail(_) => "check the [mail] section",
            app::Error::Hash(_) => "check the [password] section",
            app::Error::Page(_) => "check the files in theme.dir, or leave it out",
        };
        Self::new("gerege cannot start", error, fix)
    }
}
