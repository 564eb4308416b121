//! The house as a command needs it: an existing, migrated database, held beside others while the
//! command runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::count;
use super::fault::Fault;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Engine, is_loopback};
use crate::flow::health;
use crate::rng::Rng;
use crate::store::lock::Lock;
use crate::store::migrate;

/// The parts, and a small runtime for the stories.
pub struct House {
    /// The parts.
    pub app: Arc<App>,
    runtime: tokio::runtime::Runtime,
    _lock: Lock,
}

/// How often, and how many times, a command asks again for a held database.
const ASK_AGAIN: Duration = Duration::from_millis(100);
const ASKS: u32 = 20;

/// What a command does where there is no database yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It says so.
    Refuse,
    /// It makes one, so that people and apps can be registered before the first start.
    Make,
}

impl House {
    /// Opens the house.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(config: Config, missing: Missing) -> Result<Self, Fault> {
        let lock = hold(&config, missing)?;
        mark_by_command(&config);
        let app = App::build(config, Clock::system(), Rng::System)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Fault::new(
                    "the command cannot start",
                    error,
                    "see that the system has threads to give",
                )
            })?;
        let app = Arc::new(app);
        // What a command notes must not be ahead of what the servers sign.
        runtime.block_on(health::set_clock(&app))?;
        Ok(Self {
            app,
            runtime,
            _lock: lock,
        })
    }

    /// Waits for a story.
    pub fn wait<F: Future>(&self, story: F) -> F::Output {
        self.runtime.block_on(story)
    }
}

fn too_old(pending: usize) -> Fault {
    Fault::new(
        "this database is older than this program",
        due(pending),
        "stop the server, then: gerege db migrate (or start the new server, which does it)",
    )
}

/// Refuses a database that has migrations which this program does not know.
pub fn refuse_newer(status: &migrate::Status, fix: &str) -> Result<(), Fault> {
    match status.unknown.first() {
        None => Ok(()),
        Some(newer) => Err(Fault::new(
            "this database was made by a newer Gerege",
            format!("it has migration {newer}, which this program does not know"),
            fix,
        )),
    }
}

fn hold(config: &Config, missing: Missing) -> Result<Lock, Fault> {
    let engine = &config.database.engine;
    if !is_there(engine) && missing == Missing::Refuse {
        return Err(nothing_yet(config));
    }
    if missing == Missing::Make {
        make_folders(config)?;
    }
    let newer = "use the newer program";
    let status = migrate::status(engine)?;
    refuse_newer(&status, newer)?;
    if status.applied.is_empty() {
        if missing == Missing::Refuse {
            return Err(nothing_yet(config));
        }
        let alone = Lock::alone(engine)?;
        if alone.is_some() {
            migrate::run(engine, None)?;
        }
    } else if !status.pending.is_empty() {
        return Err(too_old(status.pending.len()));
    } else {
        has_its_key(config)?;
    }
    // A server that starts holds it alone for a moment.
    for _ in 0..ASKS {
        if let Some(lock) = Lock::shared(engine)? {
            // Whoever held it alone until now may have migrated it, or put another in its place.
            let status = migrate::status(engine)?;
            refuse_newer(&status, newer)?;
            if status.pending.is_empty() {
                return Ok(lock);
            }
            return Err(too_old(status.pending.len()));
        }
        #[allow(clippy::disallowed_methods)] // nothing tells when another process lets go
        std::thread::sleep(ASK_AGAIN);
    }
    Err(Fault::new(
        "the database is held by another program",
        "a migration or a restore is under way",
        "wait for it to end, then the same command again",
    ))
}

/// The file that tells that a data folder is in real use (PROTOCOL 8).
pub fn in_use(config: &Config) -> PathBuf {
    config.data_dir.join("in-use")
}

/// Marks the data folder as in real use: dev mode refuses it from here on.
pub fn mark(config: &Config) -> std::io::Result<()> {
    let mut make = std::fs::OpenOptions::new();
    make.create(true)
        .append(true)
        .open(in_use(config))
        .map(drop)
}

/// Marks it for a command. With a public URL on this machine a command cannot know whether its
/// server runs in dev mode: the server marks it then. A folder that this user may not write, dev
/// mode of this user does not write either.
pub fn mark_by_command(config: &Config) {
    if !is_loopback(config.host()) {
        let _ = mark(config);
    }
}

/// How many migrations are due, as a sentence.
pub fn due(many: usize) -> String {
    let is = if many == 1 { "is" } else { "are" };
    format!("{} {is} due", count(many, "migration", "migrations"))
}

/// Refuses a migrated database whose master key is gone: a new key would be made, and would open
/// nothing.
pub fn has_its_key(config: &Config) -> Result<(), Fault> {
    if config.master_key_file.exists()
        || migrate::setting(&config.database.engine, "master_key_proof")?.is_none()
    {
        return Ok(());
    }
    Err(Fault::new(
        "the master key is missing",
        format!(
            "{} is not there, and this database was made with one",
            config.master_key_file.display()
        ),
        "put the key back, or set master_key_file to where it lies",
    ))
}

/// Whether a file is there; PostgreSQL is asked itself.
pub fn is_there(engine: &Engine) -> bool {
    match engine {
        Engine::Sqlite(path) => path.metadata().is_ok_and(|found| found.len() > 0),
        Engine::Postgres(_) => true,
    }
}

/// Where the database is, without its password.
pub fn place(config: &Config) -> String {
    config
        .show(true)
        .find(|shown| shown.key == "database.url")
        .map_or_else(String::new, |shown| {
            shown.value.trim_matches('"').to_owned()
        })
}

/// The fault of a command that finds no database.
pub fn nothing_yet(config: &Config) -> Fault {
    Fault::new(
        "there is no database yet",
        format!("nothing is at {}", place(config)),
        "gerege serve makes it; or name another with --config, GEREGE_DATA_DIR, \
         GEREGE_DATABASE__URL",
    )
}

/// Makes one folder, for this user alone.
pub fn make_folder(folder: &std::path::Path) -> Result<(), Fault> {
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder).map_err(|error| {
        Fault::new(
            "cannot make the data folder",
            format!("{}: {error}", folder.display()),
            "set data_dir to a folder that this user may write",
        )
    })
}

/// Makes the folders of the data and of the database, for this user alone: everyone's addresses
/// lie there.
pub fn make_folders(config: &Config) -> Result<(), Fault> {
    let beside = match &config.database.engine {
        Engine::Sqlite(path) => path.parent(),
        Engine::Postgres(_) => None,
    };
    let folders = [Some(config.data_dir.as_path()), beside];
    for folder in folders.into_iter().flatten() {
        make_folder(folder)?;
    }
    if let Engine::Sqlite(path) = &config.database.engine {
        let mut make = std::fs::OpenOptions::new();
        make.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut make, 0o600);
        // SQLite gives the files beside it the same mode. What is there already stays as it is.
        let _ = make.open(path);
    }
    Ok(())
}
