//! What an app waits for while a person decides elsewhere: asked for until then, and given once
//! (RFC 8628 3.4 and 3.5, CIBA 10.1 and 11).

use std::sync::Arc;

use super::grants;
use super::opaque::Kind;
use super::token::{self, Asker, Award, Tokens, recipient};
use crate::app::App;
use crate::clock::Time;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::grant::Grant;
use crate::oauth::pending::{Pending, Poll, poll};
use crate::oauth::token::{Exchange, is_offline};
use crate::rng::digest;
use crate::store::{self, Error};

/// What an app waits for, while nobody has decided.
///
/// # Errors
/// When the database does not answer.
pub async fn open(app: &App, hash: &str) -> Result<Option<Pending>, Error> {
    let (hash, now) = (hash.to_owned(), app.clock.now());
    let found = app.store.read(move |c| store::pending::find(c, &hash));
    Ok(found
        .await?
        .filter(|pending| pending.decided_at.is_none() && now < pending.expires_at))
}

/// What a question for tokens comes to: the grant, once a person has allowed it. Until then it is
/// noted when the app may ask again.
fn ready(
    c: &mut store::Conn<'_>,
    hash: &str,
    client: &Client,
    now: Time,
) -> Result<Result<String, Problem>, Error> {
    let Some(pending) = store::pending::lock(c, hash)? else {
        return Ok(Err(unknown()));
    };
    Ok(match poll(&pending, client, now) {
        Poll::Ready(grant_id) => Ok(grant_id),
        Poll::Refused(problem) => {
            if problem.code == Code::AccessDenied {
                store::pending::hush(c, hash)?;
            }
            Err(problem)
        }
        Poll::Wait {
            slow,
            pause,
            next_at,
        } => {
            store::pending::wait(c, hash, pause, next_at)?;
            Err(Poll::waiting(slow))
        }
    })
}

fn unknown() -> Problem {
    Problem::new(Code::InvalidGrant, "what is asked for is unknown")
}

/// Answers a question for tokens as [`exchange`] does, as long as there is nothing to give.
pub(super) async fn look(app: &App, client: &Client, ask: &Exchange) -> Result<(), token::Error> {
    let (Exchange::Device { code, .. } | Exchange::Ciba { id: code, .. }) = ask else {
        return Ok(());
    };
    let (hash, client, now) = (digest(code), client.clone(), app.clock.now());
    let ready = app.store.write(move |c| ready(c, &hash, &client, now));
    ready.await??;
    Ok(())
}

/// A question for tokens (RFC 8628 3.4, CIBA 10.1).
pub(super) async fn exchange(app: &Arc<App>, asker: Asker) -> Result<Tokens, token::Error> {
    let (kind, code, by) = match &asker.ask {
        Exchange::Device { code, .. } => (Kind::Device, code, "device_code"),
        Exchange::Ciba { id, .. } => (Kind::Ciba, id, "ciba"),
        _ => return Err(Problem::new(Code::InvalidRequest, "this asks for no decision").into()),
    };
    if !kind.is_ours(app.keys.master(), code) {
        return Err(unknown().into());
    }
    let (hash, now) = (digest(code), app.clock.now());
    let secret = app.rng.secret();
    let (house, client, log_id) = (app.clone(), asker.client.clone(), app.rng.id());
    let award = app
        .store
        .write(move |c| {
            asker.hold_client(c)?;
            let grant_id = match ready(c, &hash, &asker.client, now)? {
                Ok(grant_id) => grant_id,
                Err(problem) => return Ok(Err(problem)),
            };
            let ended = || Problem::new(Code::InvalidGrant, "what was allowed has been ended");
            let Some(grant) = alive(c, &house, &grant_id, now)? else {
                return Ok(Err(ended()));
            };
            let grant = grant.cut(&asker.client);
            let to = match recipient(c, &house, &grant, &grant.scopes, &asker, now)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            if !store::pending::spend(c, &hash, now)? {
                return Ok(Err(Problem::new(
                    Code::InvalidGrant,
                    "the code was used before",
                )));
            }
            store::pending::hush(c, &hash)?;
            let given = is_offline(&asker.client, &grant.scopes);
            let life = grants::life(&house, &grant, given);
            grants::keep(c, &house, &grant, life, &log_id, now)?;
            let refresh = match given {
                true => Some(asker.begin_family(c, &house, &grant, &secret, now)?),
                false => None,
            };
            Ok(Ok(Award {
                grant,
                to,
                refresh,
                first: true,
                by,
            }))
        })
        .await??;
    token::sign(app, &client, award, now)
}

/// A grant that was not ended since, nor its session where it does not outlive it.
pub(super) fn alive(
    c: &mut store::Conn<'_>,
    app: &App,
    grant_id: &str,
    now: Time,
) -> Result<Option<Grant>, Error> {
    let Some(grant) = store::grant::lock(c, grant_id)? else {
        return Ok(None);
    };
    if grant.revoked_at.is_some() || !grants::is_signed_in(c, app, &grant, now)? {
        return Ok(None);
    }
    Ok(Some(grant))
}
