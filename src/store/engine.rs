//! The two engines behind one connection type, and the macro that writes each query for both.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::oneshot;
use tokio_postgres_rustls_improved::MakeRustlsConnect;

use super::Error;
use super::outage::Outage;
use super::writer::Writer;
use crate::config;
use crate::crash::{self, Edge};
use crate::rng::Rng;

/// A PostgreSQL connection behind diesel's synchronous API.
pub type PgConnection = AsyncConnectionWrapper<AsyncPgConnection>;

/// One connection of either engine.
pub enum Conn<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Pg(&'a mut PgConnection),
}

/// Writes a query once for each engine: `db!(c, conn => account::table.load(conn))`.
macro_rules! db {
    ($c:expr, $conn:ident => $query:expr) => {
        match $c {
            $crate::store::Conn::Sqlite(conn) => {
                let $conn = &mut **conn;
                $query
            }
            $crate::store::Conn::Pg(conn) => {
                let $conn = &mut **conn;
                $query
            }
        }
    };
}
pub(super) use db;

/// Reads a row and holds it until the transaction that writes ends: `held!(c, account::table.find(id))`.
/// On SQLite such a transaction begins IMMEDIATE, and is alone from there on.
macro_rules! held {
    ($c:expr, $query:expr) => {
        match $c {
            $crate::store::Conn::Sqlite(conn) => $query.get_result(&mut **conn).optional(),
            $crate::store::Conn::Pg(conn) => $query.for_update().get_result(&mut **conn).optional(),
        }
    };
}
pub(super) use held;

/// The same beside others who only read it: whoever changes it waits until all of them have ended.
macro_rules! shared {
    ($c:expr, $query:expr) => {
        match $c {
            $crate::store::Conn::Sqlite(conn) => $query.get_result(&mut **conn).optional(),
            $crate::store::Conn::Pg(conn) => $query.for_share().get_result(&mut **conn).optional(),
        }
    };
}
pub(super) use shared;

/// Lets nobody else write to a table until the transaction ends, where what is written depends on
/// all its rows. Whoever reads them does not wait.
pub(super) fn write_alone(c: &mut Conn<'_>, table: &'static str) -> Result<(), Error> {
    if let Conn::Pg(conn) = c {
        let lock = format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");
        diesel::sql_query(lock).execute(&mut **conn)?;
    }
    Ok(())
}

/// How many rows are swept in one transaction: whoever else writes waits for no more.
pub(super) const FEW: i64 = 1000;

/// Deletes rows whose time has come, [`FEW`] at most: `swept!(c, table, key, time, at)`.
macro_rules! swept {
    ($c:expr, $table:ident, $key:ident, $time:ident, $at:expr) => {{
        let old = diesel::alias!($table as old);
        let few = old
            .filter(old.field($table::$time).lt($at.millis()))
            .select(old.field($table::$key))
            .limit($crate::store::engine::FEW);
        // The key alone may have more rows than those whose time has come.
        $crate::store::engine::db!($c, conn => diesel::delete(
            $table::table.filter($table::$key.eq_any(few)).filter($table::$time.lt($at.millis()))
        ).execute(conn))
    }};
}
pub(super) use swept;

/// How often a transaction is tried again after PostgreSQL ended it for another's sake.
const TRIES: usize = 8;

/// How long a story waits for one of PostgreSQL's connections, and how long while it is away.
const WAIT: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_millis(250);
/// How long PostgreSQL may take to let a connection in, unless database.url says otherwise.
const CONNECT: Duration = Duration::from_secs(4);

/// The open database.
pub(super) enum Engine {
    Sqlite {
        readers: r2d2::Pool<ConnectionManager<SqliteConnection>>,
        writer: Writer,
        outage: Outage,
    },
    Pg {
        pool: r2d2::Pool<PgManager>,
        outage: Outage,
    },
}

impl Engine {
    pub(super) fn open(database: &config::Engine, pool: u32) -> Result<Self, Error> {
        let size = |automatic: usize| match pool {
            0 => u32::try_from(automatic).unwrap_or(4),
            set => set,
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        match database {
            config::Engine::Sqlite(path) => {
                let readers = r2d2::Pool::builder()
                    .max_size(size(cores * 2))
                    .min_idle(Some(1))
                    .test_on_check_out(false)
                    .error_handler(Box::new(r2d2::NopErrorHandler))
                    .connection_customizer(Box::new(Pragmas))
                    .build(ConnectionManager::new(path.display().to_string()))
                    .map_err(|error| Error::Broken(error.to_string()))?;
                let writer = Writer::start(open_sqlite(path)?)?;
                Ok(Self::Sqlite {
                    readers,
                    writer,
                    outage: Outage::default(),
                })
            }
            config::Engine::Postgres(at) => {
                let pool = r2d2::Pool::builder()
                    .max_size(size(cores * 4))
                    .min_idle(Some(1))
                    .test_on_check_out(false)
                    // It would write a line for each try; an outage has one.
                    .error_handler(Box::new(r2d2::NopErrorHandler))
                    .connection_timeout(WAIT)
                    .build(PgManager::new(at)?)
                    .map_err(|error| Error::Away(causeless(&error)))?;
                Ok(Self::Pg {
                    pool,
                    outage: Outage::default(),
                })
            }
        }
    }

    /// Whether the database lies in this process, and nothing is waited for but the disk.
    pub(super) fn is_near(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    pub(super) fn outage(&self) -> &Outage {
        match self {
            Self::Sqlite { outage, .. } | Self::Pg { outage, .. } => outage,
        }
    }

    pub(super) fn read<T>(
        &self,
        story: impl FnOnce(&mut Conn<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = match self {
            Self::Sqlite { readers, .. } => readers
                .get()
                .map_err(|error| Error::Busy(error.to_string()))
                .and_then(|mut conn| story(&mut Conn::Sqlite(&mut conn))),
            Self::Pg { pool, outage } => {
                sound(pool, outage).and_then(|mut conn| story(&mut Conn::Pg(&mut conn)))
            }
        };
        // A full disk still reads.
        self.outage().note(&outcome, !self.is_near());
        outcome
    }
}

/// A connection that is not known to be broken. While the database is away nobody waits long.
fn sound(
    pool: &r2d2::Pool<PgManager>,
    outage: &Outage,
) -> Result<r2d2::PooledConnection<PgManager>, Error> {
    let wait = if outage.is_on() { SOON } else { WAIT };
    // Those that broke while they lay in the pool go, one for each turn.
    for _ in 0..=pool.max_size() {
        let mut conn = pool.get_timeout(wait).map_err(|error| {
            let cause = causeless(&error);
            if pool.state().connections == 0 || !cause.is_empty() {
                Error::Away(if cause.is_empty() {
                    "it does not answer".into()
                } else {
                    cause
                })
            } else {
                Error::Busy("every connection is in use".into())
            }
        })?;
        if !diesel::r2d2::R2D2Connection::is_broken(&mut *conn) {
            return Ok(conn);
        }
    }
    Err(Error::Away("its connections were closed".into()))
}

/// Why the pool has no connection to give, if it is not that all are in use.
fn causeless(error: &r2d2::Error) -> String {
    let text = error.to_string();
    text.split_once(": ")
        .map_or_else(String::new, |(_, cause)| cause.to_owned())
}

/// One story's one transaction.
pub(super) async fn write<T, F>(engine: &Arc<Engine>, story: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: Fn(&mut Conn<'_>) -> Result<T, Error> + Send + 'static,
{
    let outcome = match &**engine {
        Engine::Sqlite { writer, .. } => writer.run(story).await,
        Engine::Pg { .. } => {
            let engine = engine.clone();
            aside(move || {
                let Engine::Pg { pool, outage } = &*engine else {
                    return Err(Error::Broken("the engine changed".into()));
                };
                let mut told = None;
                write_pg(pool, outage, &mut |c| {
                    told = Some(story(c)?);
                    Ok(())
                })?;
                told.ok_or_else(|| Error::Broken("the story was not run".into()))
            })
            .await
        }
    };
    engine.outage().note(&outcome, true);
    outcome
}

/// Runs work off the async threads. Behind one type for all: the runtime's machinery for each story
/// would make the program a megabyte larger.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Whoever asked may have gone away.
        let _ = answer.send(work());
    });
    tokio::task::spawn_blocking(work);
    let gone = |_| Error::Broken("a thread of the database ended".into());
    answered.await.map_err(gone)?
}

fn write_pg(
    pool: &r2d2::Pool<PgManager>,
    outage: &Outage,
    story: &mut dyn FnMut(&mut Conn<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut last = Error::Busy("no connection".into());
    for try_ in 0..TRIES {
        if try_ > 0 {
            wait_a_little(try_);
        }
        let mut conn = sound(pool, outage)?;
        let outcome = conn.transaction::<_, Failure, _>(|conn| {
            story(&mut Conn::Pg(conn)).map_err(Failure::Story)?;
            crash::point(Edge::BeforeCommit);
            Ok(())
        });
        crash::point(Edge::AfterCommit);
        match outcome {
            Ok(()) => return Ok(()),
            Err(Failure::Story(error @ (Error::Busy(_) | Error::Away(_)))) => last = error,
            Err(Failure::Story(error)) => return Err(error),
            // A COMMIT that was not answered may have happened; only a clear refusal is tried again.
            Err(Failure::Commit(error)) => match Error::from(error) {
                Error::Busy(why) if why.contains("deadlock") || why.contains("serialize") => {
                    last = Error::Busy(why);
                }
                other => return Err(other),
            },
        }
    }
    Err(last)
}

/// Those who met once should not meet again at once (PROTOCOL 2): up to 2, 4, 8 … 64 ms.
fn wait_a_little(try_: usize) {
    let most = 1000_u64 << try_.min(6);
    let mut drawn = [0; 8];
    Rng::System.fill(&mut drawn);
    let micros = u64::from_le_bytes(drawn) % most;
    #[allow(clippy::disallowed_methods)] // on a blocking thread, between two transactions
    std::thread::sleep(Duration::from_micros(micros));
}

/// What ends a transaction: the story's own error, or the engine's at BEGIN or COMMIT.
enum Failure {
    Story(Error),
    Commit(diesel::result::Error),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Commit(error)
    }
}

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(PRAGMAS)
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Opens one SQLite connection as the house wants it.
pub(super) fn open_sqlite(path: &Path) -> Result<SqliteConnection, Error> {
    let mut conn = SqliteConnection::establish(&path.display().to_string())
        .map_err(|error| Error::Broken(format!("{}: {error}", path.display())))?;
    conn.batch_execute(PRAGMAS)?;
    Ok(conn)
}

/// Makes PostgreSQL connections over rustls on a small runtime of their own.
pub struct PgManager {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    /// There until the end.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for PgManager {
    /// Wherever the last hold is let go, also among async threads, where none may be waited for.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl PgManager {
    pub(super) fn new(at: &config::Postgres) -> Result<Self, Error> {
        let mut config: tokio_postgres::Config = at
            .url
            .reveal()
            .parse()
            .map_err(|error| Error::Broken(format!("database.url: {error}")))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let mut roots =
            rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(file) = &at.ca_file {
            let unread =
                |why: String| Error::Broken(format!("network.ca_file: {}: {why}", file.display()));
            let chain = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| unread(error.to_string()))?;
            if roots.add_parsable_certificates(chain).0 == 0 {
                return Err(unread("it holds no certificate in PEM".into()));
            }
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Broken(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("postgres")
                .enable_all()
                .build()
                .map(Some)
                .map_err(|error| Error::Broken(error.to_string()))?,
        })
    }
}

impl r2d2::ManageConnection for PgManager {
    type Connection = PgConnection;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<PgConnection, diesel::ConnectionError> {
        let ended = || diesel::ConnectionError::BadConnection("the store was closed".into());
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        // Entered, so that the wrapper takes this runtime and builds none of its own.
        let _entered = runtime.enter();
        runtime
            .block_on(async {
                let (client, connection) =
                    self.config
                        .connect(self.tls.clone())
                        .await
                        .map_err(|error| {
                            diesel::ConnectionError::BadConnection(crate::store::engine::causes(
                                &error,
                            ))
                        })?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            })
            .map(PgConnection::from)
    }

    fn is_valid(&self, conn: &mut PgConnection) -> Result<(), diesel::ConnectionError> {
        conn.batch_execute("SELECT 1")
            .map_err(|error| diesel::ConnectionError::BadConnection(error.to_string()))
    }

    fn has_broken(&self, conn: &mut PgConnection) -> bool {
        diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

/// An error with its causes: a TLS failure says nothing without them.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
