//! The status lists of services: a place for each token, and the lists as they are sent.

use std::sync::{Arc, PoisonError};

use super::client;
use super::keyring;
use crate::app::{App, StatusList};
use crate::clock::Time;
use crate::keys::ISSUER;
use crate::oauth::client::Client;
use crate::oauth::grant::Grant;
use crate::oauth::metadata::Document;
use crate::oauth::service::{Algorithm, Service, TokenFormat};
use crate::oauth::status::{AFTER, LAST, LIFE, LISTS, Place, TYP, list, uri};
use crate::rng::Rng;
use crate::store::{self, Conn, Error};

/// Places that are tried in a list before the next one is.
const DRAWN: usize = 8;
/// Lists that are kept at hand.
const KEPT: usize = 1024;

/// Places for one token, drawn before the transaction that takes one of them.
pub(super) fn draw(rng: &Rng) -> Vec<i64> {
    let mut bytes = [0; DRAWN * 2];
    rng.fill(&mut bytes);
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| i64::from(u16::from_be_bytes(*two)))
        .collect()
}

/// Whether a service reads status lists. Whoever asks us about opaque tokens needs none.
fn reads(service: &Service) -> bool {
    service.offers.status_list && service.format == TokenFormat::Jwt
}

/// Holds a client as it was read, where a token of its could have a place: whoever takes from it
/// what it may have ([`narrow`]) waits for what is made meanwhile, and ends that too. What no list
/// could end is made without a look.
///
/// # Errors
/// [`Error::Stale`] when it is another one by now.
pub(super) fn hold(c: &mut Conn<'_>, services: &[Service], client: &Client) -> Result<(), Error> {
    let may_name = |service: &Service| service.scopes.iter().any(|name| client.may_have(name));
    let listed = |service: &Service| reads(service) && may_name(service);
    match services.iter().any(listed) {
        true => store::client::hold_as_read(c, client),
        false => Ok(()),
    }
}

/// Takes a place for a token of a grant, where the service reads status lists. `traded_by` is whom
/// an exchanged token is given to.
pub(super) fn take(
    c: &mut Conn<'_>,
    app: &App,
    service: Option<&Service>,
    grant: &Grant,
    traded_by: Option<&Client>,
    drawn: &[i64],
    now: Time,
) -> Result<Option<Place>, Error> {
    let Some(service) = service.filter(|one| reads(one)) else {
        return Ok(None);
    };
    let ends_at = now.plus(app.config.tokens.access_ttl).plus(AFTER);
    let by = traded_by.map(|client| client.id.as_str());
    let place = store::status::take(c, &service.id, &grant.id, by, drawn, ends_at)?;
    // A token without a place could not be ended.
    place
        .map(Some)
        .ok_or_else(|| Error::Busy("the status lists are full".into()))
}

/// A client may have less than before: tokens that hold what was taken end. What they were given
/// by stands, and gives those without it.
pub(super) fn narrow(c: &mut Conn<'_>, old: &Client, new: &Client) -> Result<(), Error> {
    for id in &old.exchange {
        if old.may_trade(id) && !new.may_trade(id) {
            store::status::end_traded(c, &new.id, id)?;
        }
    }
    let lost = |name: &String| old.may_have(name) && !new.may_have(name);
    let types = &old.asking.details;
    if !old.scopes.iter().any(lost) && types.iter().all(|one| new.asking.details.contains(one)) {
        return Ok(());
    }
    for grant in store::status::holders(c, &new.id)? {
        if grant.clone().cut(old) != grant.clone().cut(new) {
            store::status::end(c, &grant.id)?;
        }
    }
    Ok(())
}

/// A list of a service, as it is sent; `None` where there is none.
///
/// # Errors
/// When the database does not answer, or no key signs.
pub async fn show(
    app: &Arc<App>,
    service: &Service,
    number: i64,
) -> Result<Option<Arc<Document>>, keyring::Error> {
    if !(0..LISTS).contains(&number) {
        return Ok(None);
    }
    let (now, key) = (app.clock.now(), (service.id.clone(), number));
    let is_new = |signed_at: Time| now.since(signed_at) < LIFE / 2;
    if let Some(kept) = app
        .statuses
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        && client::is_young(kept.read_at, now)
        && is_new(kept.signed_at)
    {
        return Ok(Some(kept.document.clone()));
    }
    let (id, on) = (service.id.clone(), service.offers.status_list);
    let ended = app
        .store
        .read(move |c| {
            // Switched off, it stays until its last token has run out.
            if !on && !store::status::is_used(c, &id, number)? {
                return Ok(None);
            }
            store::status::ended(c, &id, number).map(Some)
        })
        .await?;
    let Some(ended) = ended else {
        return Ok(None);
    };
    let mut all = app.statuses.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = all.get_mut(&key)
        && kept.ended == ended
        && is_new(kept.signed_at)
    {
        kept.read_at = now;
        return Ok(Some(kept.document.clone()));
    }
    let (house, name) = (
        app.config.issuer(),
        uri(app.config.issuer(), &service.id, number),
    );
    // The issuer's key, never the service's: that one signs access tokens and nothing else.
    let algorithm = match service.algorithm {
        Algorithm::RS256 => Algorithm::RS256,
        Algorithm::ES256 | Algorithm::EdDSA => Algorithm::ES256,
    };
    let claims = list(house, &name, &ended, now);
    let signed = app.keys.sign(ISSUER, algorithm, TYP, &claims, now)?;
    let document = Arc::new(Document::new(signed));
    if all.len() >= KEPT {
        all.clear();
    }
    let kept = StatusList {
        read_at: now,
        signed_at: now,
        ended,
        document: document.clone(),
    };
    all.insert(key, kept);
    Ok(Some(document))
}

const _: () = assert!(LAST == u16::MAX, "a place is drawn as two bytes");
