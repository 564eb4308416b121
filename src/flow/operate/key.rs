//! Signing keys by hand: published ahead, switched at once, or thrown away after a theft.

use std::sync::Arc;

use crate::app::App;
use crate::clock::Time;
use crate::flow::keyring::{self, Want};
use crate::keys::{self, ISSUER, parse};
use crate::oauth::service::{Algorithm, KeyOwner, Service};
use crate::store::key::Row;
use crate::store::{self, Error};

/// When a new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After its lead, so that everyone has seen it by then.
    Ahead,
    /// Now; the one before stays published, so that its tokens stay good.
    Now,
    /// Now; the ones before are unpublished, so that their tokens are good no more (PROTOCOL 4).
    Compromised,
}

/// What became of one owner's key of one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The key that signs next.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// From when it signs.
    pub active_at: Time,
    /// It was published before this command.
    pub waited: bool,
    /// Keys that sign no more from then on.
    pub before: Vec<String>,
}

/// What became of one owner's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Those that have a successor.
    pub turns: Vec<Turn>,
    /// Those that the owner had left behind, and that are published no more.
    pub left: Vec<String>,
}

/// Why no key was rotated.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such owner.
    #[error("{0} is neither issuer nor a service with keys of its own")]
    Owner(String),
    /// The owner has no keys of that algorithm.
    #[error("{0} has no {1} key")]
    Algorithm(String, &'static str),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

impl From<keyring::Error> for Refusal {
    fn from(error: keyring::Error) -> Self {
        match error {
            keyring::Error::Store(error) => Self::Store(error),
            keyring::Error::Keys(error) => Self::Keys(error),
        }
    }
}

/// All keys, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App) -> Result<Vec<Row>, Error> {
    app.store.read(store::key::list).await
}

/// Rotates the keys of `owner` ([`ISSUER`] or a service), all of them or those of one algorithm.
/// After a theft those go too that the owner left behind, as a service does that changes its
/// algorithm or signs with the issuer's keys.
///
/// # Errors
/// [`Refusal`].
pub async fn rotate(
    app: &Arc<App>,
    owner: &str,
    algorithm: Option<Algorithm>,
    when: When,
) -> Result<Turned, Refusal> {
    let id = owner.to_owned();
    let (rows, service) = app
        .store
        .read(move |c| Ok((store::key::list(c)?, store::client::find_service(c, &id)?)))
        .await?;
    let own = service
        .as_ref()
        .is_some_and(|service| service.keys == KeyOwner::Own);
    let left = match when {
        When::Compromised => left_behind(app, &rows, owner, service.as_ref(), algorithm).await?,
        When::Ahead | When::Now => Vec::new(),
    };
    let now_own = owner == ISSUER || own;
    if !now_own && left.is_empty() {
        return Err(Refusal::Owner(owner.to_owned()));
    }
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for row in rows.iter().filter(|row| now_own && row.owner == owner) {
        if let Some(found) = parse(&row.algorithm)
            && !algorithms.contains(&found)
            && algorithm.is_none_or(|asked| asked == found)
            // Keys of an algorithm that the service left behind are not made again.
            && service.as_ref().is_none_or(|service| service.algorithm == found)
        {
            algorithms.push(found);
        }
    }
    if algorithms.is_empty() && left.is_empty() {
        let name = algorithm.map_or("signing", keys::name);
        return Err(Refusal::Algorithm(owner.to_owned(), name));
    }
    let mut turns = Vec::new();
    for algorithm in algorithms {
        turns.push(turn(app, &rows, owner, algorithm, when).await?);
    }
    Ok(Turned { turns, left })
}

/// Takes back the keys of an owner that nothing signs with any more.
async fn left_behind(
    app: &Arc<App>,
    rows: &[Row],
    owner: &str,
    service: Option<&Service>,
    algorithm: Option<Algorithm>,
) -> Result<Vec<String>, Refusal> {
    let now = app.clock.now();
    let signs = |name: &str| match service {
        Some(one) => one.keys == KeyOwner::Own && keys::name(one.algorithm) == name,
        None => owner == ISSUER,
    };
    let left: Vec<Row> = rows
        .iter()
        .filter(|row| row.owner == owner && !signs(&row.algorithm))
        .filter(|row| algorithm.is_none_or(|asked| keys::name(asked) == row.algorithm))
        .filter(|row| row.gone_at.is_none_or(|at| at > now.millis()))
        .cloned()
        .collect();
    let kids = left.iter().map(|row| row.kid.clone()).collect();
    let rows = app
        .store
        .write(move |c| {
            for row in &left {
                let retired = row
                    .retired_at
                    .map_or(now, |at| now.min(Time::from_millis(at)));
                store::key::retire(c, &row.kid, retired, now)?;
            }
            store::key::list(c)
        })
        .await?;
    app.keys.load(&rows)?;
    Ok(kids)
}

async fn turn(
    app: &Arc<App>,
    rows: &[Row],
    owner: &str,
    algorithm: Algorithm,
    when: When,
) -> Result<Turn, Refusal> {
    let now = app.clock.now();
    let mine = |row: &&Row| row.owner == owner && row.algorithm == keys::name(algorithm);
    let next = rows
        .iter()
        .filter(mine)
        .find(|row| row.active_at > now.millis() && row.retired_at.is_none());
    // A key that waits may have been taken with the one before it: after a theft it is not used.
    let waiting = next.filter(|_| when != When::Compromised);
    let (kid, active_at) = match (waiting, when) {
        (Some(row), When::Ahead) => (row.kid.clone(), Time::from_millis(row.active_at)),
        (Some(row), _) => (row.kid.clone(), now),
        (None, _) => {
            let active_at = match when {
                When::Ahead => now.plus(keyring::LEAD),
                When::Now | When::Compromised => now,
            };
            let number = keyring::next_number(rows, owner, algorithm);
            let want = Want {
                owner: owner.to_owned(),
                algorithm,
                number,
                active_at,
            };
            keyring::make(app, want, now).await?;
            let slot = keys::slot(owner, algorithm, number);
            let rows = app.store.read(store::key::list).await?;
            // Another process may have made the key of this slot first: then that one counts, from
            // the earlier of the two moments.
            rows.iter().find(|row| row.slot == slot).map_or_else(
                || (String::new(), active_at),
                |row| {
                    let theirs = Time::from_millis(row.active_at);
                    (row.kid.clone(), theirs.min(active_at))
                },
            )
        }
    };
    let gone_at = match when {
        When::Compromised => now,
        When::Ahead | When::Now => active_at.plus(app.config.tokens.keep_old_keys_ttl),
    };
    let (owner, name, chosen) = (owner.to_owned(), keys::name(algorithm), kid.clone());
    let (rows, before) = app
        .store
        .write(move |c| {
            let mut before = Vec::new();
            store::key::activate(c, &chosen, active_at)?;
            for row in store::key::list(c)? {
                let over = row.retired_at.is_some_and(|at| at <= now.millis());
                if row.owner != owner || row.algorithm != name || row.kid == chosen {
                    continue;
                }
                if !over {
                    store::key::retire(c, &row.kid, active_at, gone_at)?;
                    before.push(row.kid);
                } else if when == When::Compromised
                    && row.gone_at.is_none_or(|at| at > gone_at.millis())
                {
                    let retired = row.retired_at.map_or(active_at, Time::from_millis);
                    store::key::retire(c, &row.kid, retired, gone_at)?;
                    before.push(row.kid);
                }
            }
            Ok((store::key::list(c)?, before))
        })
        .await?;
    app.keys.load(&rows)?;
    tracing::info!(kid, compromised = when == When::Compromised, "key.rotated");
    Ok(Turn {
        kid,
        algorithm,
        active_at,
        waited: waiting.is_some(),
        before,
    })
}
