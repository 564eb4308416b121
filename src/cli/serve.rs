//! `gerege serve`: migrate, build the house, listen, work, stop in order.

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;

use super::fault::Fault;
use super::file;
use super::house::{has_its_key, in_use, make_folders, mark, refuse_newer};
use super::out;
use crate::app::App;
use crate::clock::{Clock, Time};
use crate::config::{Config, Engine, LogFormat};
use crate::flow::{demo, domain, health};
use crate::rng::Rng;
use crate::store::lock::Lock;
use crate::store::migrate;
use crate::{web, worker};

/// Run the server
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Examples:\n  gerege serve --dev\n  gerege -c /etc/gerege/gerege.toml serve"
)]
pub struct Serve {
    /// Dev mode: everything stays on this machine, mail is caught and shown at /dev/mail
    #[arg(long)]
    pub dev: bool,
}

/// How often a second process asks again for a database that a first one is migrating.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How often it asks.
const ASKS: u32 = 100;

/// Runs until it is told to stop.
pub fn run(config: Config) -> Result<(), Fault> {
    #[allow(clippy::disallowed_methods)] // how long the start took is no part of any story
    let began = std::time::Instant::now();
    let mistakes = file::judge(&config);
    if !mistakes.is_empty() {
        return Err(Fault::Config(mistakes));
    }
    log(&config)?;
    make_folders(&config)?;
    judge_folder(&config)?;
    let (done, alone_at, _lock) = prepare(&config)?;
    let app = Arc::new(App::build(config, Clock::system(), Rng::System)?);
    web::run(async move {
        health::set_clock(&app).await?;
        domain::keep(&app).await?;
        if let Some(since) = alone_at {
            worker::take_over(&app, since).await?;
        }
        if app.config.dev {
            demo::set_up(&app).await?;
        }
        // Before anyone can be answered: who sees it ready may ask it to stop.
        let asked_to_stop = heed_signals();
        let server = web::bind(app.clone()).map_err(|error| unheard(&error))?;
        let (stop, stopped) = watch::channel(false);
        let work = tokio::task::spawn_local(worker::run(app.clone(), stopped));
        let handle = server.handle.clone();
        tokio::task::spawn_local(async move {
            asked_to_stop.await;
            let _ = stop.send(true);
            handle.stop(true).await;
        });
        if app.config.dev {
            welcome(&app, &done, began.elapsed());
        }
        tracing::info!(
            url = app.config.issuer(),
            address = %server.address,
            v = env!("CARGO_PKG_VERSION"),
            "ready"
        );
        server
            .run
            .await
            .map_err(|error| Fault::new("the server stopped", error, "see the log above"))?;
        let _ = work.await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// What to do about an address that is not to be had.
fn unheard(error: &anyhow::Error) -> Fault {
    let Some(unbound) = error.downcast_ref::<web::Unbound>() else {
        return Fault::new("cannot listen", format!("{error:#}"), "gerege config check");
    };
    let mut other = unbound.address;
    let variable = format!("GEREGE_{}", unbound.key.replace('.', "__").to_uppercase());
    let fix = match unbound.error.kind() {
        ErrorKind::AddrInUse => {
            other.set_port(other.port().checked_add(1).unwrap_or(8777));
            format!("end it, or use another port: {variable}={other}")
        }
        ErrorKind::PermissionDenied => {
            other.set_port(8777);
            format!("{variable}={other} with a proxy in front, or let the system allow this port")
        }
        _ => format!("give {} an address of this machine", unbound.key),
    };
    Fault::new(
        format!("cannot listen on {} ({})", unbound.address, unbound.key),
        unbound.why(),
        fix,
    )
}

/// Migrates where that is due, and takes the server's hold on the database. Says when no other
/// process had one, if so.
fn prepare(config: &Config) -> Result<(migrate::Done, Option<Time>, Lock), Fault> {
    let engine = &config.database.engine;
    let backups = config.data_dir.join("backup");
    let backups = config
        .database
        .backup_before_migrate
        .then_some(backups.as_path());
    let mut done = migrate::Done {
        new: false,
        backup: None,
        ran: Vec::new(),
    };
    let mut alone_at = None;
    let newer = "start the newer program, or restore the backup that was made before it";
    for _ in 0..ASKS {
        let status = migrate::status(engine)?;
        refuse_newer(&status, newer)?;
        if let Some(_alone) = Lock::alone(engine)? {
            alone_at = Some(Clock::system().now());
            if !status.pending.is_empty() {
                done = migrate::run(engine, backups)?;
            }
        } else if !status.pending.is_empty() {
            wait();
            continue;
        }
        if let Some(lock) = Lock::shared(engine)? {
            // Whoever held it alone until now may have migrated it, or put another in its place.
            let status = migrate::status(engine)?;
            refuse_newer(&status, newer)?;
            if status.pending.is_empty() {
                has_its_key(config)?;
                return Ok((done, alone_at, lock));
            }
        }
        wait();
    }
    Err(Fault::new(
        "the database is held by another program",
        "a migration, a restore, or an older server that still runs",
        "stop it, then start this one again",
    ))
}

#[allow(clippy::disallowed_methods)] // another process migrates; nothing tells when
fn wait() {
    std::thread::sleep(ASK_AGAIN);
}

/// A data folder belongs to dev mode or to real use, never to both (PROTOCOL 8).
fn judge_folder(config: &Config) -> Result<(), Fault> {
    let real = in_use(config);
    if config.dev && real.exists() {
        return Err(Fault::new(
            "dev mode does not touch this data folder",
            format!("{} was used outside dev mode", config.data_dir.display()),
            "set GEREGE_DATA_DIR to another folder",
        ));
    }
    if !config.dev {
        mark(config).map_err(|error| {
            Fault::new(
                "cannot write to the data folder",
                format!("{}: {error}", real.display()),
                "set data_dir to a folder that this user may write",
            )
        })?;
    }
    Ok(())
}

fn log(config: &Config) -> Result<(), Fault> {
    use tracing_subscriber::EnvFilter;
    // What anyone can cause by speaking no HTTP is no error of ours: it is answered, not logged.
    let level = &config.log.level;
    let filter = EnvFilter::new(format!("warn,actix_http=off,gerege={level}"));
    let file = |path: &Path| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| {
                Fault::new(
                    "cannot write the log",
                    format!("{}: {error}", path.display()),
                    "set log.file to a place that this user may write",
                )
            })
    };
    let plain = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let done = match (&config.log.format, &config.log.file) {
        (LogFormat::Text, None) => plain.with_writer(std::io::stderr).try_init(),
        (LogFormat::Json, None) => plain.json().with_writer(std::io::stderr).try_init(),
        (LogFormat::Text, Some(path)) => plain
            .with_ansi(false)
            .with_writer(std::sync::Mutex::new(file(path)?))
            .try_init(),
        (LogFormat::Json, Some(path)) => plain
            .with_ansi(false)
            .json()
            .with_writer(std::sync::Mutex::new(file(path)?))
            .try_init(),
    };
    // A second subscriber in one process can only be a test's.
    let _ = done;
    Ok(())
}

fn welcome(app: &App, done: &migrate::Done, took: Duration) {
    let new = if done.new { " (new)" } else { "" };
    let database = match &app.config.database.engine {
        Engine::Sqlite(path) => path.display().to_string(),
        Engine::Postgres(_) => "PostgreSQL".to_owned(),
    };
    out::line(&format!(
        "  Gerege {}   dev mode: everything stays on this machine\n\
         \x20 Database     {database}{new}\n\
         \x20 Signing keys RS256, ES256{new}\n\
         \x20 Mail         caught in the dev mailbox, nothing is sent\n\
         \n\
         \x20 Sign up      {}\n\
         \x20 Mailbox      {}\n\
         \x20 Ready in {} ms. Stop with Ctrl-C.",
        env!("CARGO_PKG_VERSION"),
        app.config.url("/signup"),
        app.config.url("/dev/mail"),
        took.as_millis()
    ));
}

/// Heeds from now on whoever asks it to stop; what it gives waits for that.
fn heed_signals() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async {
        let (Ok(mut term), Ok(mut int)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}
