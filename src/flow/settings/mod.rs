//! What a signed-in person sees of and changes about their own account.

mod email;
mod show;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::email::{Asked, Proved, ask_email, pending, prove_email};
pub use self::show::{Connected, Line, Place, agreements, apps, log, places, places_of, servers};
use super::recover::{Change, judge};
use super::signin::Error;
use super::{Visitor, end_session};
use crate::account::{Account, Code, Name, Session};
use crate::app::App;
use crate::clock::Time;
use crate::hash::Class;
use crate::store::{self, Conn, account, browser, event, grant};

/// Sets the name that others see.
///
/// # Errors
/// When the database does not answer. Inside: what is wrong with the name.
pub async fn rename(
    app: &Arc<App>,
    account: &Account,
    typed: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Result<(), Code>, store::Error> {
    let name = match Name::parse(typed) {
        Ok(name) => name,
        Err(code) => return Ok(Err(code)),
    };
    let line = visitor.event(app, &account.id, "name", now);
    let id = account.id.clone();
    app.store
        .write(move |c| {
            if account::set_name(c, &id, name.as_str())? {
                event::add(c, &line)?;
            }
            Ok(())
        })
        .await
        .map(Ok)
}

/// What came of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It stands.
    Done,
    /// What is wrong with it.
    Mistake(Code),
    /// The session ended, or the password was changed elsewhere meanwhile.
    Gone,
}

/// Sets a new password for a person who has just proved who they are; the caller has looked at
/// the proof's age (SECURITY R41). Every other session, what came from it, and every other known
/// device end.
///
/// # Errors
/// When the database or the hashing pool does not answer.
pub async fn renew(
    app: &Arc<App>,
    (session, account): (&Session, &Account),
    typed: &str,
    device: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Renewed, Error> {
    let password = match judge(app, account, typed).await? {
        Ok(password) => password,
        Err(code) => return Ok(Renewed::Mistake(code)),
    };
    let seat = Class::Reset.from(visitor.address);
    let hash = app.hasher.hash(seat, password.reveal()).await?;
    let change = Change::draw(app, account, hash, "password", device, visitor, now)?;
    let (session, account) = (session.clone(), account.clone());
    let done = app
        .store
        .write(move |c| {
            if !is_still_here(c, &account.id, Some(&account.password), &session.sid)? {
                return Ok(false);
            }
            change.write(c, Some(&session.sid))?;
            for one in grant::list(c, &account.id, now)? {
                if one.sid != session.sid {
                    grant::revoke(c, &one.id, now)?;
                }
            }
            Ok(true)
        })
        .await?;
    if !done {
        return Ok(Renewed::Gone);
    }
    app.post.notify_one();
    Ok(Renewed::Done)
}

/// Whether a person is still signed in here, with that password if one is named. Both are held:
/// whoever takes the account back meanwhile, or signs it out, comes before or after, and never
/// between.
fn is_still_here(
    c: &mut Conn<'_>,
    account_id: &str,
    password: Option<&str>,
    sid: &str,
) -> Result<bool, store::Error> {
    Ok(account::hold(c, account_id, password)? && browser::hold(c, sid)?)
}

/// Signs one place out: a browser session, or a messenger. `false` when it is not there any more,
/// or never was this person's.
///
/// # Errors
/// When the database does not answer.
pub async fn end_place(
    app: &Arc<App>,
    account_id: &str,
    place: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<bool, store::Error> {
    let line = visitor.event(app, account_id, "session.ended", now);
    let (account_id, place) = (account_id.to_owned(), place.to_owned());
    app.store
        .write(move |c| {
            let ended = match place.strip_prefix(show::PROGRAM) {
                Some(id) => {
                    grant::find(c, id)?.is_some_and(|one| one.account_id == account_id)
                        && grant::revoke(c, id, now)?
                }
                None => {
                    let found = browser::find_session(c, &place)?;
                    found.is_some_and(|one| one.account_id == account_id)
                        && end_session(c, &place, now)?
                }
            };
            if ended {
                event::add(c, &line)?;
            }
            Ok(ended)
        })
        .await
}

/// Signs everything out but the present session and the apps that live and die with it.
///
/// # Errors
/// When the database does not answer.
pub async fn end_others(
    app: &Arc<App>,
    session: &Session,
    visitor: &Visitor,
    now: Time,
) -> Result<(), store::Error> {
    let line = visitor.event(app, &session.account_id, "everywhere", now);
    let session = session.clone();
    app.store
        .write(move |c| {
            if !account::hold(c, &session.account_id, None)? {
                return Ok(()); // closed or deleted meanwhile, and signed out everywhere by that
            }
            for one in browser::sessions_of(c, &session.account_id)? {
                if one.sid != session.sid {
                    end_session(c, &one.sid, now)?;
                }
            }
            for one in grant::list(c, &session.account_id, now)? {
                if one.offline || one.sid != session.sid {
                    grant::revoke(c, &one.id, now)?;
                }
            }
            event::add(c, &line)
        })
        .await
}

/// Takes back what an app was allowed; gives its name, or nothing when nothing stood.
///
/// # Errors
/// When the database does not answer.
pub async fn remove_app(
    app: &Arc<App>,
    account_id: &str,
    client_id: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Option<String>, store::Error> {
    let line = visitor.event(app, account_id, "app.removed", now);
    let (account_id, client_id) = (account_id.to_owned(), client_id.to_owned());
    app.store
        .write(move |c| {
            if !account::hold(c, &account_id, None)? {
                return Ok(None);
            }
            let allowed = grant::consent(c, &account_id, &client_id)?.is_some();
            let ended = grant::revoke_client(c, &account_id, &client_id, now)?;
            if !allowed && ended == 0 {
                return Ok(None);
            }
            let client = store::client::find(c, &client_id)?;
            let name = client.map_or_else(|| client_id.clone(), |client| client.name);
            let mut detail: serde_json::Value = serde_json::from_str(&line.detail)?;
            if let Some(detail) = detail.as_object_mut() {
                detail.insert("app".to_owned(), name.clone().into());
            }
            let line = event::Event {
                detail: detail.to_string(),
                ..line.clone()
            };
            event::add(c, &line)?;
            Ok(Some(name))
        })
        .await
}
