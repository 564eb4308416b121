//! Who holds the database: servers and commands together, or one migration or restore alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use r2d2::ManageConnection as _;

use super::Error;
use super::engine::{PgConnection, PgManager};
use crate::config::Engine;

/// The number under which Gerege's processes know their lock on PostgreSQL: "gerege" as bytes.
const PG_LOCK: i64 = 0x6765_7265_6765;

/// A hold on the database, until it is dropped or the process ends.
pub struct Lock {
    _file: Option<File>,
    _pg: Option<Box<(PgConnection, PgManager)>>,
}

impl Lock {
    /// Takes a hold beside others; nothing when someone holds it alone.
    pub fn shared(database: &Engine) -> Result<Option<Self>, Error> {
        Self::take(database, false)
    }

    /// Takes a hold alone; nothing when someone else holds it.
    pub fn alone(database: &Engine) -> Result<Option<Self>, Error> {
        Self::take(database, true)
    }

    fn take(database: &Engine, alone: bool) -> Result<Option<Self>, Error> {
        match database {
            Engine::Sqlite(path) => {
                let file = OpenOptions::new()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(beside(&real(path)))
                    .map_err(|error| Error::Broken(format!("{}: {error}", path.display())))?;
                let taken = if alone {
                    file.try_lock()
                } else {
                    file.try_lock_shared()
                };
                match taken {
                    Ok(()) => Ok(Some(Self {
                        _file: Some(file),
                        _pg: None,
                    })),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(Error::Broken(error.to_string())),
                }
            }
            Engine::Postgres(at) => {
                let manager = PgManager::new(at)?;
                let mut conn = manager
                    .connect()
                    .map_err(|error| Error::Away(error.to_string()))?;
                let ask = if alone {
                    "SELECT pg_try_advisory_lock($1) AS taken"
                } else {
                    "SELECT pg_try_advisory_lock_shared($1) AS taken"
                };
                let row: Taken = diesel::sql_query(ask)
                    .bind::<BigInt, _>(PG_LOCK)
                    .get_result(&mut conn)?;
                Ok(row.taken.then(|| Self {
                    _file: None,
                    _pg: Some(Box::new((conn, manager))),
                }))
            }
        }
    }
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// A file itself, where `path` leads to it over a link: whoever takes another way to the same file
/// must meet the same lock. One that is not there yet is where it is said to be.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
