//! `gerege db`: the database itself.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::fault::Fault;
use super::house::{is_there, make_folder, mark_by_command, nothing_yet, place};
use super::out::{self, Out};
use super::{count, postgres};
use crate::clock::Clock;
use crate::config::{Config, Engine};
use crate::keys::{Master, Purpose};
use crate::rng::Rng;
use crate::store::lock::{Lock, real};
use crate::store::{self, migrate};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say where the database is and how it stands
    #[command(after_help = "Examples:\n  gerege db status\n  gerege db status --json")]
    Status,
    /// Bring the database up to this program, after a copy of it
    #[command(after_help = "Examples:\n  gerege db migrate --dry-run\n  gerege db migrate")]
    Migrate {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy the database into a new file while the server runs
    ///
    /// The master key is not in it: keep a copy of that file elsewhere, for
    /// without it a backup can be read but no key in it can sign.
    #[command(after_help = "Examples:\n  gerege db backup /backup/gerege-2026-11-22.db")]
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Put a backup in the place of the database; no server may run
    #[command(after_help = "Examples:\n  gerege db restore /backup/gerege-2026-11-22.db")]
    Restore {
        /// The backup
        file: PathBuf,
    },
}

/// Does it.
pub fn run(config: &Config, command: Command, out: Out) -> Result<(), Fault> {
    match command {
        Command::Status => status(config, out),
        Command::Migrate { dry_run } => migrate_(config, dry_run, out),
        Command::Backup { file } => backup(config, &file, out),
        Command::Restore { file } => restore(config, &file, out),
    }
}

fn status(config: &Config, out: Out) -> Result<(), Fault> {
    let engine = &config.database.engine;
    if !is_there(engine) {
        return Err(nothing_yet(config));
    }
    let status = migrate::status(engine)?;
    let whole = migrate::integrity(engine)?;
    let (kind, size) = match engine {
        Engine::Sqlite(path) => ("sqlite", path.metadata().ok().map(|found| found.len())),
        Engine::Postgres(_) => ("postgresql", None),
    };
    let held = Lock::alone(engine)?.is_none();
    if out.json {
        out::json(&json!({
            "engine": kind,
            "place": place(config),
            "bytes": size,
            "applied": status.applied,
            "pending": status.pending,
            "unknown": status.unknown,
            "integrity": whole,
            "in_use": held,
        }));
        return Ok(());
    }
    let list = |list: &[String]| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join("\n")
        }
    };
    let mut lines = vec![("engine", kind.to_owned()), ("place", place(config))];
    if let Some(size) = size {
        lines.push(("size", format!("{} KiB", size.div_ceil(1024))));
    }
    lines.extend([
        ("migrations done", list(&status.applied)),
        ("migrations due", list(&status.pending)),
    ]);
    if !status.unknown.is_empty() {
        lines.push(("of a newer Gerege", list(&status.unknown)));
    }
    lines.push(("integrity", whole));
    let use_ = if held {
        "yes, a server or command"
    } else {
        "no"
    };
    lines.push(("in use", use_.to_owned()));
    out::facts(&lines);
    Ok(())
}

/// Takes the database alone, or says who might have it.
fn alone(engine: &Engine, what: &str) -> Result<Lock, Fault> {
    Lock::alone(engine)?.ok_or_else(|| {
        Fault::new(
            what,
            "a server or another command uses the database",
            "stop the server, then the same command again",
        )
    })
}

fn migrate_(config: &Config, dry_run: bool, out: Out) -> Result<(), Fault> {
    let engine = &config.database.engine;
    if !is_there(engine) {
        return Err(nothing_yet(config));
    }
    let status = migrate::status(engine)?;
    if let Some(newer) = status.unknown.first() {
        return Err(Fault::new(
            "this database was made by a newer Gerege",
            format!("it has migration {newer}, which this program does not know"),
            "use the newer program, or restore the backup that was made before it",
        ));
    }
    if dry_run || status.pending.is_empty() {
        if out.json {
            out::json(&json!({ "pending": status.pending, "ran": [] }));
        } else if status.pending.is_empty() {
            out::line("nothing to do: the database is up to date");
        } else {
            out::line(&format!(
                "would run {}: {}",
                count(status.pending.len(), "migration", "migrations"),
                status.pending.join(", ")
            ));
        }
        return Ok(());
    }
    let _alone = alone(engine, "nothing was migrated")?;
    let backups = config.data_dir.join("backup");
    let wanted = config.database.backup_before_migrate;
    let done = migrate::run(engine, wanted.then_some(backups.as_path()))?;
    if out.json {
        out::json(&json!({
            "pending": [],
            "ran": done.ran,
            "backup": done.backup,
        }));
        return Ok(());
    }
    if let Some(file) = &done.backup {
        out::line(&format!("copied first to {}", file.display()));
    }
    out::line(&format!("ran {}", done.ran.join(", ")));
    Ok(())
}

fn backup(config: &Config, file: &Path, out: Out) -> Result<(), Fault> {
    let engine = &config.database.engine;
    if !is_there(engine) {
        return Err(nothing_yet(config));
    }
    let failed = |error: &dyn std::fmt::Display| {
        Fault::new(
            "no backup was made",
            format!("{}: {error}", file.display()),
            "name a new file in a folder that this user may write",
        )
    };
    begin(file).map_err(|error| failed(&error))?;
    let copied = match engine {
        Engine::Sqlite(_) => migrate::copy(engine, file).map_err(|error| failed(&error)),
        Engine::Postgres(at) => postgres::dump(at, file),
    };
    let copied = copied.and_then(|()| {
        File::open(file)
            .and_then(|open| {
                open.sync_all()?;
                open.metadata()
            })
            .map_err(|error| failed(&error))
    });
    let size = match copied {
        Ok(found) => found.len(),
        Err(fault) => {
            let _ = fs::remove_file(file);
            return Err(fault);
        }
    };
    if out.json {
        out::json(&json!({
            "file": file,
            "bytes": size,
            "master_key_included": false,
            "master_key_file": config.master_key_file,
        }));
    } else {
        out::line(&format!(
            "copied to {} ({} KiB)",
            file.display(),
            size.div_ceil(1024)
        ));
        out::line(&format!(
            "The master key is not in it. Keep a copy of {} elsewhere:\n\
             without it nobody can use the signing keys in this backup.",
            config.master_key_file.display()
        ));
    }
    Ok(())
}

/// Makes a new file for this user alone: a backup holds everyone's addresses.
fn begin(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// Whether a backup goes with the master key at hand, by the value that proves it; one that was
/// never used goes with any.
fn fits(proof: Option<String>, config: &Config) -> Result<(), Fault> {
    let Some(proof) = proof else {
        return Ok(());
    };
    let master = Master::load(&config.master_key_file, false, &Rng::System).map_err(|error| {
        Fault::new(
            "nothing was restored",
            format!("{error}; the backup needs the master key that it was made with"),
            "put that key at master_key_file first",
        )
    })?;
    if master.mac_text(Purpose::Proof, &[]) == proof {
        return Ok(());
    }
    Err(Fault::new(
        "nothing was restored: the backup does not go with this master key",
        format!(
            "it was made with another key than {}",
            config.master_key_file.display()
        ),
        "put the key of that time at master_key_file, then the same command again",
    ))
}

/// Whether this program knows what a backup holds.
fn known(status: &migrate::Status, file: &Path) -> Result<(), Fault> {
    if status.applied.is_empty() {
        return Err(bad(file, "it holds no database of Gerege"));
    }
    status.unknown.first().map_or(Ok(()), |newer| {
        Err(bad(
            file,
            format!(
                "a newer Gerege made it: it has migration {newer}, which this program does not know"
            ),
        ))
    })
}

/// A backup that is none.
fn bad(file: &Path, why: impl ToString) -> Fault {
    Fault::new(
        format!("{} was not restored", file.display()),
        why,
        "name a file that gerege db backup made",
    )
}

fn restore(config: &Config, file: &Path, out: Out) -> Result<(), Fault> {
    let engine = &config.database.engine;
    if let Err(error) = File::open(file) {
        return Err(Fault::new(
            format!("cannot read {}", file.display()),
            error,
            "name a file that gerege db backup made",
        ));
    }
    let saved = match engine {
        Engine::Sqlite(path) => restore_file(config, engine, &real(path), file)?,
        Engine::Postgres(at) => {
            let _alone = alone(engine, "nothing was restored")?;
            judge_dump(config, file)?;
            let saved = migrate::status(engine)?.applied.first().map(|_| {
                let to = before_restore(config, "dump")?;
                postgres::dump(at, &to)?;
                Ok::<_, Fault>(to)
            });
            let saved = saved.transpose()?;
            postgres::restore(at, file, &migrate::tables()?)?;
            saved
        }
    };
    mark_by_command(config);
    let status = migrate::status(engine)?;
    if out.json {
        out::json(&json!({
            "restored": file,
            "before": saved,
            "pending": status.pending,
        }));
        return Ok(());
    }
    out::line(&format!("restored {}", file.display()));
    if let Some(saved) = saved {
        out::line(&format!(
            "what was there before lies in {}",
            saved.display()
        ));
    }
    if !status.pending.is_empty() {
        out::line("It is older than this program: gerege db migrate, or start the server.");
    }
    Ok(())
}

/// Replaces the SQLite file in one step, after a copy of what was there.
fn restore_file(
    config: &Config,
    engine: &Engine,
    path: &Path,
    file: &Path,
) -> Result<Option<PathBuf>, Fault> {
    let failed = |error: std::io::Error| {
        Fault::new(
            "nothing was restored",
            error,
            "see that this user may write the data folder, and that the disk has room",
        )
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let is_new = !folder.as_os_str().is_empty() && !folder.exists();
    if is_new {
        make_folder(folder)?;
    }
    let _alone = alone(engine, "nothing was restored")?;
    let new = with_end(path, ".restore");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_end(&new, end));
    }
    fs::copy(file, &new).map_err(failed)?;
    let judged = judge(config, &new, file);
    if judged.is_err() {
        let _ = fs::remove_file(&new);
        if is_new {
            let _ = fs::remove_dir_all(folder); // it holds our lock alone
        }
    }
    judged?;
    let mut saved = None;
    if is_there(engine) {
        let to = before_restore(config, "db")?;
        migrate::copy(engine, &to)?;
        saved = Some(to);
    }
    File::open(&new)
        .and_then(|open| open.sync_all())
        .map_err(failed)?;
    // The old log goes first: it must never be played into the new file.
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(with_end(path, end));
    }
    fs::rename(&new, path).map_err(failed)?;
    File::open(folder)
        .and_then(|open| open.sync_all())
        .map_err(failed)?;
    Ok(saved)
}

/// Whether a copy of a backup is a whole database of ours that this program and key can use.
fn judge(config: &Config, copy: &Path, file: &Path) -> Result<(), Fault> {
    let engine = Engine::Sqlite(copy.to_owned());
    let unread = |error: store::Error| bad(file, error.cause());
    known(&migrate::status(&engine).map_err(unread)?, file)?;
    let whole = migrate::integrity(&engine).map_err(unread)?;
    if whole != "ok" {
        return Err(bad(file, format!("it is damaged: {whole}")));
    }
    let proof = migrate::setting(&engine, "master_key_proof").map_err(unread)?;
    fits(proof, config)
}

/// The same for a backup in PostgreSQL's form, before anything is touched.
fn judge_dump(config: &Config, file: &Path) -> Result<(), Fault> {
    let mut start = [0; 5];
    let read = File::open(file).and_then(|mut open| open.read_exact(&mut start));
    if read.is_err() || start != *b"PGDMP" {
        return Err(bad(file, "it is no copy of a PostgreSQL database"));
    }
    let mut applied: Vec<String> = postgres::rows(file, "__diesel_schema_migrations")?
        .into_iter()
        .filter_map(|row| row.into_iter().next())
        .collect();
    applied.sort();
    known(&migrate::standing(applied)?, file)?;
    let settings = postgres::rows(file, "setting")?;
    let proof = settings.into_iter().find_map(|row| match row.as_slice() {
        [key, value, ..] if key == "master_key_proof" => Some(value.clone()),
        _ => None,
    });
    fits(proof, config)
}

/// A new file for what was there before.
fn before_restore(config: &Config, kind: &str) -> Result<PathBuf, Fault> {
    let backups = config.data_dir.join("backup");
    let stamp = Clock::system().now().rfc3339().replace(':', "");
    let made = fs::create_dir_all(&backups).and_then(|()| {
        // Two in one second are two.
        let mut end = String::new();
        for number in 2.. {
            let file = backups.join(format!("before-restore-{stamp}{end}.{kind}"));
            match begin(&file) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    end = format!("-{number}");
                }
                made => return made.map(|()| file),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    });
    made.map_err(|error| {
        Fault::new(
            "nothing was restored",
            format!("{}: {error}", backups.display()),
            "see that this user may write the data folder, and that the disk has room",
        )
    })
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
