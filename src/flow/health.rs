//! Whether the house can do its work, for the machines that watch; and the one clock of several
//! processes.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock::Time;
use crate::keys::ISSUER;
use crate::oauth::service::Algorithm;
use crate::store::{self, Error};

/// How often the clock is set by the database's.
pub const CLOCK: Duration = Duration::from_secs(60);
/// Past this a clock counts as wrong: processes that far apart would not agree on what has run
/// out (PROTOCOL 2).
const SKEW: Duration = Duration::from_secs(2);

/// How long the database may take to say that it is there.
const WAIT: Duration = Duration::from_secs(2);

/// What the house can do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The database answers.
    pub database: bool,
    /// The issuer's keys are there.
    pub keys: bool,
    /// This process goes by the same clock as the others on its database.
    pub clock: bool,
}

impl Health {
    /// Everything.
    pub fn good(self) -> bool {
        self.database && self.keys && self.clock
    }
}

/// Looks.
pub async fn look(app: &App) -> Health {
    // Whoever watches does not wait as long as the pool does.
    let read = tokio::time::timeout(WAIT, app.store.read(store::now)).await;
    let read = read.unwrap_or_else(|_| Err(Error::Busy("it does not answer in time".into())));
    let now = app.clock.now();
    let near = |right: Time| right.since(now).max(now.since(right)) <= SKEW;
    Health {
        database: read.is_ok(),
        keys: [Algorithm::RS256, Algorithm::ES256]
            .iter()
            .all(|algorithm| app.keys.current(ISSUER, *algorithm, now).is_some()),
        clock: read.ok().flatten().is_none_or(near),
    }
}

/// Letters that are to be sent and are not yet.
///
/// # Errors
/// When the database does not answer.
pub async fn unsent(app: &App) -> Result<i64, Error> {
    app.store.read(store::outbox::count_waiting).await
}

/// Sets this process's clock by PostgreSQL's; SQLite has the machine's own.
///
/// # Errors
/// When the database does not answer.
pub async fn set_clock(app: &Arc<App>) -> Result<(), Error> {
    let clock = app.clock.clone();
    let off = app.store.read(move |c| {
        let before = clock.now();
        let Some(right) = store::now(c)? else {
            return Ok(0);
        };
        let half = clock.now().since(before) / 2;
        Ok(clock.correct(before.plus(half), right))
    });
    let off = off.await?;
    if Duration::from_millis(off.unsigned_abs()) > SKEW {
        tracing::warn!(
            ms = off,
            try = "set this machine's clock by NTP",
            "clock.off"
        );
    }
    Ok(())
}
