//! A file of SQLite's, written as the program writes its own, for a bare handler that keeps something:
//! one thread takes whatever waits as one transaction, and an answer means that it is on disk.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use anyhow::anyhow;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use tokio::sync::oneshot;

diesel::table! {
    kept (hash) {
        hash -> Text,
        body -> Text,
        expires_at -> BigInt,
    }
}

/// A row.
#[derive(Insertable)]
#[diesel(table_name = kept)]
pub struct Kept {
    /// The digest of what was handed out.
    pub hash: String,
    /// What was asked.
    pub body: String,
    /// When it runs out, milliseconds since 1970.
    pub expires_at: i64,
}

/// What waits to be written, and whom to tell.
type Waiting = (Kept, oneshot::Sender<()>);

/// The way to the thread that writes.
#[derive(Clone)]
pub struct Keeper(mpsc::Sender<Waiting>);

impl Keeper {
    /// A new file, and its thread.
    ///
    /// # Errors
    /// When there can be no file.
    pub fn new(file: &Path) -> anyhow::Result<Self> {
        let mut conn = SqliteConnection::establish(&file.display().to_string())?;
        conn.batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE kept (hash TEXT PRIMARY KEY, body TEXT NOT NULL, expires_at BIGINT NOT NULL);
             CREATE INDEX kept_expires ON kept (expires_at);",
        )?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            // Whoever is not told sees that it failed.
            while write(&mut conn, &told).is_some() {}
        });
        Ok(Self(tell))
    }

    /// Keeps a row; it is on disk when this ends.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn keep(&self, row: Kept) -> anyhow::Result<()> {
        let (tell, told) = oneshot::channel();
        let gone = || anyhow!("the thread that writes ended");
        self.0.send((row, tell)).map_err(|_| gone())?;
        told.await.map_err(|_| gone())
    }
}

/// Writes what waits, and waits when nothing does.
fn write(conn: &mut SqliteConnection, told: &mpsc::Receiver<Waiting>) -> Option<()> {
    let mut batch = vec![told.recv().ok()?];
    batch.extend(told.try_iter());
    conn.immediate_transaction(|conn| {
        batch.iter().try_for_each(|(row, _)| {
            let added = diesel::insert_into(kept::table).values(row).execute(conn);
            added.map(|_| ())
        })
    })
    .ok()?;
    for (_, tell) in batch {
        // Whoever asked may have gone away.
        let _ = tell.send(());
    }
    Some(())
}
