//! Signing keys over time: made where one is missing, made ahead of their turn, retired.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::clock::Time;
use crate::keys::{self, ISSUER, parse};
use crate::oauth::service::{Algorithm, KeyOwner, Rotation, Service};
use crate::store::{self, key::Row};

/// How long a key is published before it signs (DESIGN 11).
pub const LEAD: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why keys could not be kept ready.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

/// Takes over what other processes did, and makes the keys that are missing or due.
///
/// # Errors
/// When the database or the cryptography fails.
pub async fn refresh(app: &Arc<App>) -> Result<(), Error> {
    let (rows, services) = app
        .store
        .read(|c| Ok((store::key::list(c)?, store::client::list_services(c)?)))
        .await?;
    app.keys.load(&rows)?;
    let now = app.clock.now();
    for want in missing(&rows, &services, app.config.tokens.rotate_keys_ttl, now) {
        make(app, want, now).await?;
    }
    Ok(())
}

/// A key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// [`ISSUER`] or a service's id.
    pub owner: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Its number among its owner's, from 1.
    pub number: usize,
    /// From when it signs.
    pub active_at: Time,
}

/// Which keys are missing, or so old that their successors must be published now.
pub fn missing(rows: &[Row], services: &[Service], rotate: Duration, now: Time) -> Vec<Want> {
    let mut owners = vec![
        (ISSUER.to_owned(), Algorithm::ES256, true),
        (ISSUER.to_owned(), Algorithm::RS256, true),
    ];
    for service in services {
        match service.keys {
            KeyOwner::Own => owners.push((
                service.id.clone(),
                service.algorithm,
                service.rotation == Rotation::Jwks,
            )),
            KeyOwner::Issuer if service.algorithm == Algorithm::EdDSA => {
                owners.push((ISSUER.to_owned(), Algorithm::EdDSA, true));
            }
            KeyOwner::Issuer => {}
        }
    }
    // One that was asked for once goes on (`have`).
    let lasts = |row: &Row| {
        row.owner == ISSUER
            && parse(&row.algorithm) == Some(Algorithm::EdDSA)
            && row.retired_at.is_none()
    };
    let own = (ISSUER.to_owned(), Algorithm::EdDSA, true);
    if rows.iter().any(lasts) && !owners.contains(&own) {
        owners.push(own);
    }
    owners.dedup();
    owners
        .into_iter()
        .filter_map(|(owner, algorithm, by_calendar)| {
            let own: Vec<&Row> = rows
                .iter()
                .filter(|row| row.owner == owner && parse(&row.algorithm) == Some(algorithm))
                .collect();
            let number = next_number(rows, &owner, algorithm);
            let newest = own
                .iter()
                .filter(|row| row.retired_at.is_none())
                .map(|row| Time::from_millis(row.active_at))
                .max();
            let active_at = match newest {
                None => now,
                Some(at) if by_calendar && now >= at.plus(rotate).minus(LEAD) => {
                    at.plus(rotate).max(now.plus(LEAD))
                }
                Some(_) => return None,
            };
            Some(Want {
                owner,
                algorithm,
                number,
                active_at,
            })
        })
        .collect()
}

/// Sees to it that the issuer has a key of an algorithm that signs now. EdDSA is made when it is
/// asked for first (DESIGN 11); the others are always there soon.
///
/// # Errors
/// When the database or the cryptography fails, or a key is still being made.
pub async fn have(app: &Arc<App>, algorithm: Algorithm, now: Time) -> Result<(), store::Error> {
    let there = || app.keys.current(ISSUER, algorithm, now).is_some();
    if there() {
        return Ok(());
    }
    let rows = app.store.read(store::key::list).await?;
    let busy = |error: Error| store::Error::Busy(error.to_string());
    app.keys.load(&rows).map_err(|error| busy(error.into()))?;
    if !there() && algorithm == Algorithm::EdDSA {
        let want = Want {
            owner: ISSUER.to_owned(),
            algorithm,
            number: next_number(&rows, ISSUER, algorithm),
            active_at: now,
        };
        make(app, want, now).await.map_err(busy)?;
    }
    if there() {
        Ok(())
    } else {
        Err(store::Error::Unready)
    }
}

/// The number of the next key of an owner and algorithm. Rows of old keys are swept in time, so
/// that counting them would give a number twice.
pub fn next_number(rows: &[Row], owner: &str, algorithm: Algorithm) -> usize {
    rows.iter()
        .filter(|row| row.owner == owner && parse(&row.algorithm) == Some(algorithm))
        .map(|row| row.slot.rsplit('/').next().and_then(|n| n.parse().ok()))
        .map(|number| number.unwrap_or(1))
        .max()
        .map_or(1, |last: usize| last + 1)
}

/// Makes a key, retires the ones before it at the moment it begins to sign, and takes it over.
/// Where two processes make the same key at once, one of them wins and both use it.
///
/// # Errors
/// When the database or the cryptography fails.
pub async fn make(app: &Arc<App>, want: Want, now: Time) -> Result<(), Error> {
    let made = {
        let (app, want) = (app.clone(), want.clone());
        tokio::task::spawn_blocking(move || {
            app.keys.make(
                &want.owner,
                want.algorithm,
                want.number,
                want.active_at,
                now,
                &app.rng,
            )
        })
        .await
        .map_err(|error| keys::Error::Crypto(error.to_string()))??
    };
    let gone_at = want.active_at.plus(app.config.tokens.keep_old_keys_ttl);
    let rows = app
        .store
        .write(move |c| {
            if store::key::add(c, &made)? {
                for row in store::key::list(c)? {
                    if row.owner == made.owner
                        && row.algorithm == made.algorithm
                        && row.kid != made.kid
                        && row.retired_at.is_none()
                    {
                        store::key::retire(c, &row.kid, want.active_at, gone_at)?;
                    }
                }
            }
            store::key::list(c)
        })
        .await?;
    app.keys.load(&rows)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize, active_at: Time) -> Row {
        Row {
            kid: number.to_string(),
            owner: ISSUER.into(),
            algorithm: "ES256".into(),
            public_jwk: String::new(),
            private_wrapped: String::new(),
            slot: keys::slot(ISSUER, Algorithm::ES256, number),
            created_at: 0,
            active_at: active_at.millis(),
            retired_at: None,
            gone_at: None,
        }
    }

    #[test]
    fn a_successor_is_published_a_week_before_it_signs() {
        let day = Duration::from_secs(24 * 3600);
        let start = Time::from_seconds(1_800_000_000);
        let rows = [row(1, start)];
        let wants = |now| {
            missing(&rows, &[], day * 90, now)
                .into_iter()
                .find(|want| want.algorithm == Algorithm::ES256)
        };
        assert_eq!(wants(start), None);
        assert_eq!(wants(start.plus(day * 82)), None);
        let want = wants(start.plus(day * 83)).unwrap();
        assert_eq!((want.number, want.active_at), (2, start.plus(day * 90)));
        // A server that was off for long still publishes before it signs.
        let late = wants(start.plus(day * 200)).unwrap();
        assert_eq!(late.active_at, start.plus(day * 207));
    }

    #[test]
    fn a_number_is_not_given_again_after_old_keys_were_swept() {
        let start = Time::from_seconds(1_800_000_000);
        let rows = [row(4, start), row(5, start)];
        assert_eq!(next_number(&rows, ISSUER, Algorithm::ES256), 6);
        assert_eq!(next_number(&rows, ISSUER, Algorithm::RS256), 1);
    }

    #[test]
    fn an_empty_ring_gets_its_keys_at_once() {
        let now = Time::from_seconds(1_800_000_000);
        let wants = missing(&[], &[], Duration::from_secs(1), now);
        assert_eq!(wants.len(), 2);
        assert!(
            wants
                .iter()
                .all(|want| want.active_at == now && want.number == 1)
        );
    }
}
