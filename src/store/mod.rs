//! Memory: the only diesel. A story reads or writes through one closure on one connection;
//! the same queries serve SQLite and PostgreSQL.
//! One row is asked for by `get_result`, not `first`: SQLite prepares a statement with `LIMIT ?`
//! anew each time that the bound is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub mod account;
pub mod address;
pub mod browser;
pub mod client;
pub mod counter;
pub mod draft;
pub mod engine;
pub mod event;
pub mod grant;
pub mod key;
pub mod lock;
pub mod logout;
pub mod migrate;
mod outage;
pub mod outbox;
pub mod pending;
mod prepared;
pub mod pushed;
pub mod registered;
pub mod request;
pub mod reset;
mod schema;
pub mod setting;
pub mod status;
pub mod terms;
mod writer;

pub use engine::Conn;

use diesel::RunQueryDsl as _;

use crate::clock::Time;
use crate::config::Engine;
use crate::crash::{Edge, Watch};

/// Why the store could not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Too much at once; try again shortly.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A signing key is still being made: what was begun was undone.
    #[error("a signing key is being made")]
    Unready,
    /// What the story went by has changed since it was read: what was begun was undone, and is to be
    /// decided anew.
    #[error("what was read before has changed")]
    Stale,
    /// The database does not answer, or its disk takes nothing: somebody has to look.
    #[error("the database cannot be used: {0}")]
    Away(String),
    /// Something that should not be: told to the log, never to a person.
    #[error("the database is broken: {0}")]
    Broken(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        match &error {
            Diesel::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                _,
            )
            | Diesel::BrokenTransactionManager => Self::Away(error.to_string()),
            // Another made the same row after this one had looked: who tries again finds it.
            Diesel::DatabaseError(
                DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::UniqueViolation,
                _,
            ) => Self::Busy(error.to_string()),
            Diesel::DatabaseError(_, told) => {
                let says = |words: &[&str]| words.iter().any(|word| told.message().contains(word));
                if says(&["deadlock", "locked"]) {
                    Self::Busy(error.to_string())
                } else if says(&[
                    "full",
                    "disk I/O",
                    "terminating connection",
                    "connection closed",
                    "readonly",
                    "read-only",
                ]) {
                    Self::Away(error.to_string())
                } else {
                    Self::Broken(error.to_string())
                }
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl Error {
    /// What happened, without what kind of error it is.
    pub fn cause(&self) -> &str {
        match self {
            Self::Busy(cause) | Self::Away(cause) | Self::Broken(cause) => cause,
            Self::Unready => "a signing key is being made",
            Self::Stale => "what was read before has changed",
        }
    }

    /// What an operator does about a database that is away for that cause.
    pub fn fix(cause: &str) -> &'static str {
        let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
        if cause.contains("database \"") && cause.contains("does not exist") {
            "create it: createdb NAME as a user of PostgreSQL who may; or correct database.url"
        } else if says(&["authentication", "role \"", "no pg_hba"]) {
            "check the user and the password in database.url"
        } else if says(&["full", "disk I/O"]) {
            "make room on the disk that the database lies on"
        } else if says(&["readonly", "read-only"]) {
            "let this user write the database and its folder"
        } else if says(&["too many clients", "connection slots"]) {
            "raise PostgreSQL's max_connections, or lower database.pool"
        } else if says(&["certificate", "TLS", "tls"]) {
            "check the certificate of PostgreSQL, and network.ca_file"
        } else {
            "start PostgreSQL, or correct the host and port in database.url"
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("a stored document cannot be read: {error}"))
    }
}

/// The database said that a value is taken: the column's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict(pub &'static str);

/// PostgreSQL's clock; SQLite has none but the machine's.
pub fn now(c: &mut Conn<'_>) -> Result<Option<Time>, Error> {
    #[derive(diesel::QueryableByName)]
    struct Now {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        at: i64,
    }
    match c {
        Conn::Sqlite(conn) => {
            diesel::sql_query("SELECT 1").execute(*conn)?;
            Ok(None)
        }
        Conn::Pg(conn) => {
            let ask = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at";
            let now: Now = diesel::sql_query(ask).get_result(*conn)?;
            Ok(Some(Time::from_millis(now.at)))
        }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<engine::Engine>, Arc<AtomicU64>);

/// Counts a write of this process, whatever became of it.
struct Written(Arc<AtomicU64>);

impl Drop for Written {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Store {
    /// Opens the database; it must exist and be migrated (`migrate::prepare`).
    pub fn open(database: &Engine, pool: u32) -> Result<Self, Error> {
        let engine = engine::Engine::open(database, pool)?;
        Ok(Self(Arc::new(engine), Arc::default()))
    }

    /// Reads. On PostgreSQL off the async threads; on SQLite where it stands, since a read takes
    /// a few microseconds and the way to another thread and back ten times as long.
    pub async fn read<T, F>(&self, story: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, Error> + Send + 'static,
    {
        if self.0.is_near() {
            return self.0.read(story);
        }
        let engine = self.0.clone();
        engine::aside(move || engine.read(story)).await
    }

    /// Writes: one story, one transaction. `Ok` is on disk when this returns; `Err` changed
    /// nothing. The closure may run more than once, so secrets and times are drawn before it.
    pub async fn write<T, F>(&self, story: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn<'_>) -> Result<T, Error> + Send + 'static,
    {
        // Before anyone is told that it is done, or when nobody is there to be told.
        let _written = Written(self.1.clone());
        let watch = Watch::here();
        let lets_on = |watch: &Watch, edge| match watch.lets_on(edge) {
            true => Ok(()),
            false => Err(Error::Broken("a test ended it here".into())),
        };
        lets_on(&watch, Edge::BeforeBegin)?;
        let inside = watch.clone();
        let story = move |c: &mut Conn<'_>| {
            let done = story(c)?;
            lets_on(&inside, Edge::BeforeCommit)?;
            Ok(done)
        };
        let done = engine::write(&self.0, story).await?;
        lets_on(&watch, Edge::AfterCommit)?;
        Ok(done)
    }

    /// Whether the database was away when it was asked last.
    pub fn is_away(&self) -> bool {
        self.0.outage().is_on()
    }

    /// How many writes of this process have ended. What was read before the latest may be out of
    /// date.
    pub fn written(&self) -> u64 {
        self.1.load(Ordering::Acquire)
    }

    /// As [`Store::read`], for the command line, which has no async threads.
    pub fn read_now<T>(
        &self,
        story: impl FnOnce(&mut Conn<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.0.read(story)
    }
}
