//! Pushed authorization requests (RFC 9126): kept for a minute, then one browser's.

use std::net::IpAddr;

use super::authorize::{Refused, room};
use super::opaque::Kind;
use super::request::{Begun, Draft};
use super::{document, request_object};
use crate::app::App;
use crate::oauth::authorize::{AuthorizeRequest, PageError, Refusal};
use crate::oauth::client::Client;
use crate::oauth::dpop;
use crate::oauth::error::Problem;
use crate::oauth::params::Params;
use crate::oauth::pushed;
use crate::rng::{digest, id_of};
use crate::store::{self, Error};

/// What a client gets for a request that it pushed (RFC 9126 2.2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    /// The reference that the browser brings.
    pub request_uri: String,
    /// Seconds for which it waits.
    pub expires_in: u64,
}

/// Judges and keeps a request that an authenticated client pushes; `jkt` is the key of the proof
/// beside it, to which the code will be bound.
///
/// # Errors
/// The outer one when the database does not answer; the inner one when the request is refused.
pub async fn push(
    app: &App,
    client: &Client,
    params: &Params,
    jkt: Option<String>,
) -> Result<Result<Receipt, Problem>, Error> {
    let registered = super::client::registered(app).await?;
    let signed = match params.one("request") {
        Some(object) => Some(request_object::read(app, client, object).await),
        None => None,
    };
    let mut asked = match pushed::read(params, client, signed) {
        Ok(asked) => asked,
        Err(problem) => return Ok(Err(problem)),
    };
    // RFC 9449 10.1: a proof here says the same as the parameter, and may not say another.
    if let Some(jkt) = jkt {
        if asked.dpop_jkt.as_ref().is_some_and(|named| *named != jkt) {
            return Ok(Err(dpop::another_key()));
        }
        asked.dpop_jkt = Some(jkt);
    }
    if let Err(problem) = pushed::judge(&asked, client, &registered.services, app.config.issuer()) {
        return Ok(Err(problem));
    }
    let secret = Kind::Pushed.dress(app.keys.master(), &app.rng.secret());
    let life = client.pushed_life(app.config.tokens.par_ttl);
    let row = store::pushed::Pushed {
        hash: digest(&secret),
        client_id: client.id.clone(),
        body: serde_json::to_string(&asked)?,
        expires_at: app.clock.now().plus(life).millis(),
    };
    app.store
        .write(move |c| store::pushed::add(c, &row))
        .await?;
    Ok(Ok(Receipt {
        request_uri: pushed::reference(&secret),
        expires_in: life.as_secs(),
    }))
}

/// Makes a pushed request that of the browser behind `cookie` (RFC 9126 4, PROTOCOL 3); whatever
/// else the browser brought is not looked at. The request was judged when it was pushed, and is
/// again where it is answered. Until then the same browser may bring it again, by going back or
/// reloading (FAPI 2.0 Security Profile 5.3.2.2, note 3).
///
/// # Errors
/// The outer one when the database does not answer; the inner one when there is no such request.
pub async fn begin(
    app: &App,
    client_id: &str,
    secret: &str,
    cookie: &str,
    from: IpAddr,
) -> Result<Result<Begun, Refused>, Error> {
    let gone = || {
        let client_id = client_id.to_owned();
        Refused(
            Box::new(Refusal::Page(PageError::PushedGone { client_id })),
            None,
        )
    };
    if !Kind::Pushed.is_ours(app.keys.master(), secret) {
        return Ok(Err(gone()));
    }
    let unlisted = match document::asking(app, client_id, from).await? {
        Ok(unlisted) => unlisted,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Err(wait) = room(app, cookie, from).await? {
        return Ok(Err(Refused::slow(wait)));
    }
    let (hash, whose, now) = (digest(secret), client_id.to_owned(), app.clock.now());
    // It names the request and opens nothing: only its own browser goes on by it.
    let draft = Draft::draw(app, cookie).with_id(id_of(&format!("request {secret}")));
    let taken = app
        .store
        .write(move |c| {
            let Some(body) = store::pushed::spend(c, &hash, &whose, now)? else {
                return draft.again(c, &whose, now);
            };
            let asked: AuthorizeRequest = serde_json::from_str(&body)?;
            draft.write(c, &asked, unlisted.as_ref(), now)?;
            Ok(Some(draft.begun(&asked)))
        })
        .await?;
    Ok(taken.ok_or_else(gone))
}
