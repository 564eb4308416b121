//! Migrations: one set for both engines, each in its transaction, after a backup.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use r2d2::ManageConnection as _;

use super::Error;
use super::engine::{PgManager, open_sqlite};
use crate::config::Engine;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Where a database stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Migrations that it has, oldest first.
    pub applied: Vec<String>,
    /// Migrations of this program that it has not, oldest first.
    pub pending: Vec<String>,
    /// Migrations that it has and this program does not know: it was made by a newer one.
    pub unknown: Vec<String>,
}

/// What a migration run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The database was empty before.
    pub new: bool,
    /// The copy that was made first.
    pub backup: Option<PathBuf>,
    /// Migrations that were run.
    pub ran: Vec<String>,
}

/// Runs `job` on a fresh connection of either engine.
macro_rules! on_fresh {
    ($database:expr, $conn:ident => $job:expr) => {
        match $database {
            Engine::Sqlite(path) => {
                let $conn = &mut open_sqlite(path)?;
                $job
            }
            Engine::Postgres(at) => {
                let manager = PgManager::new(at)?;
                let $conn = &mut manager
                    .connect()
                    .map_err(|error| Error::Away(error.to_string()))?;
                $job
            }
        }
    };
}

/// Where the database stands.
pub fn status(database: &Engine) -> Result<Status, Error> {
    on_fresh!(database, conn => read_status(conn))
}

/// Runs what is pending. SQLite is copied into `backups` first, unless it is empty or `backups`
/// is nothing. The caller holds the lock alone.
pub fn run(database: &Engine, backups: Option<&Path>) -> Result<Done, Error> {
    let before = status(database)?;
    let new = before.applied.is_empty();
    let backup = match (database, backups) {
        (Engine::Sqlite(_), Some(folder)) if !new && !before.pending.is_empty() => {
            std::fs::create_dir_all(folder)
                .map_err(|error| Error::Broken(format!("{}: {error}", folder.display())))?;
            let name = before.pending.first().map_or("", String::as_str);
            let file = folder.join(format!("before-{name}.db"));
            copy(database, &file)?;
            Some(file)
        }
        _ => None,
    };
    on_fresh!(database, conn => conn
        .run_pending_migrations(MIGRATIONS)
        .map(|_| ())
        .map_err(|error| Error::Broken(error.to_string())))?;
    Ok(Done {
        new,
        backup,
        ran: before.pending,
    })
}

/// The tables that this program's migrations make, by name.
///
/// # Errors
/// When they cannot be run on an empty database in memory.
pub fn tables() -> Result<Vec<String>, Error> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let mut conn = SqliteConnection::establish(":memory:")
        .map_err(|error| Error::Broken(error.to_string()))?;
    conn.run_pending_migrations(MIGRATIONS)
        .map_err(|error| Error::Broken(error.to_string()))?;
    let ask = "SELECT name FROM sqlite_master WHERE type = 'table' \
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let tables: Vec<Table> = diesel::sql_query(ask).load(&mut conn)?;
    Ok(tables.into_iter().map(|table| table.name).collect())
}

/// Copies an SQLite database, while it is in use, into a new file.
pub fn copy(database: &Engine, to: &Path) -> Result<(), Error> {
    match database {
        Engine::Sqlite(path) => {
            let conn = &mut open_sqlite(path)?;
            diesel::sql_query("VACUUM INTO $1")
                .bind::<diesel::sql_types::Text, _>(to.display().to_string())
                .execute(conn)?;
            Ok(())
        }
        Engine::Postgres(_) => Err(Error::Broken(
            "PostgreSQL is copied by its own programs".into(),
        )),
    }
}

/// Whether an SQLite file is whole, in SQLite's own words (`ok`).
pub fn integrity(database: &Engine) -> Result<String, Error> {
    match database {
        Engine::Sqlite(path) => {
            let conn = &mut open_sqlite(path)?;
            let row: Integrity = diesel::sql_query("PRAGMA integrity_check").get_result(conn)?;
            Ok(row.integrity_check)
        }
        Engine::Postgres(at) => {
            let manager = PgManager::new(at)?;
            let conn = &mut manager
                .connect()
                .map_err(|error| Error::Away(error.to_string()))?;
            conn.batch_execute("SELECT 1")?;
            Ok("ok".into())
        }
    }
}

/// One of the database's own values ([`super::setting`]), where no store is open.
pub fn setting(database: &Engine, key: &str) -> Result<Option<String>, Error> {
    use super::schema::setting;
    let query = setting::table.find(key).select(setting::value);
    Ok(on_fresh!(database, conn => query.get_result(conn).optional())?)
}

#[derive(QueryableByName)]
struct Integrity {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

fn read_status<C, DB>(conn: &mut C) -> Result<Status, Error>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
{
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| Error::Broken(error.to_string());
    let applied: Vec<String> = {
        let mut versions: Vec<String> = conn
            .applied_migrations()
            .map_err(broken)?
            .iter()
            .map(ToString::to_string)
            .collect();
        versions.sort();
        versions
    };
    compare::<DB>(applied)
}

/// Where a database stands that has these migrations, oldest first.
///
/// # Errors
/// When our own cannot be read.
pub fn standing(applied: Vec<String>) -> Result<Status, Error> {
    compare::<diesel::sqlite::Sqlite>(applied)
}

fn compare<DB: diesel::backend::Backend>(applied: Vec<String>) -> Result<Status, Error> {
    use diesel::migration::MigrationSource;
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| Error::Broken(error.to_string());
    let mut known: Vec<(String, String)> = MigrationSource::<DB>::migrations(&MIGRATIONS)
        .map_err(broken)?
        .iter()
        .map(|migration| {
            (
                migration.name().version().to_string(),
                migration.name().to_string(),
            )
        })
        .collect();
    known.sort();
    Ok(Status {
        pending: known
            .iter()
            .filter(|(version, _)| !applied.contains(version))
            .map(|(_, name)| name.clone())
            .collect(),
        unknown: applied
            .iter()
            .filter(|version| !known.iter().any(|(known, _)| known == *version))
            .cloned()
            .collect(),
        applied,
    })
}
