//! "Confirm it is you": the password again before a change of how the account is reached, or
//! because an app asked for a fresh proof (`prompt=login`, `max_age`).

use std::sync::Arc;
use std::time::Duration;

use super::guess::{Reserved, Who, reserve};
use super::{Error, note};
use crate::account::{Account, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::{Visitor, authorize, browser, request};
use crate::hash::Verdict;
use crate::rng::Secret;
use crate::store::{self, event};

/// What came of it.
#[derive(Debug)]
pub enum Confirmed {
    /// It is the person; the browser's new cookie value (SECURITY R35).
    Yes(Secret),
    /// Another password.
    Wrong,
    /// Too many tries; not before the span is over.
    Slow(Duration),
    /// The session ended meanwhile.
    Gone,
}

/// Who is to confirm: whom the waiting request is about, else the one last proved.
///
/// # Errors
/// When the database does not answer.
pub async fn whom(
    app: &App,
    cookie: Option<&str>,
    request: Option<&str>,
) -> Result<Option<(Session, Account)>, store::Error> {
    if let Some(id) = request
        && let Some(Ok(scene)) = authorize::scene(app, id, cookie).await?
        && let Some(account) = authorize::whose(app, &scene).await?
    {
        return Ok(scene.here.of(&account.id).cloned());
    }
    Ok(browser::find(app, cookie).await?.first().cloned())
}

/// Whom a confirmation that is sent a second time is of: the answer to the first never reached the
/// page, and with it the browser's new cookie.
///
/// # Errors
/// When the database does not answer.
pub async fn whom_again(
    app: &App,
    cookie: Option<&str>,
) -> Result<Option<(Session, Account)>, store::Error> {
    match cookie {
        Some(cookie) => browser::before(app, cookie).await,
        None => Ok(None),
    }
}

/// Compares the password of a signed-in person and notes the fresh proof. `device` is the
/// known-device cookie: guesses made elsewhere do not keep the owner out (SECURITY R22); `cookie`
/// is the browser's.
///
/// # Errors
/// When the database or the hashing pool does not answer.
#[allow(clippy::too_many_arguments)] // each is a fact of the one visit
pub async fn confirm(
    app: &Arc<App>,
    session: &Session,
    password: &str,
    request: Option<&str>,
    cookie: Option<&str>,
    device: Option<&str>,
    visitor: &Visitor,
    now: Time,
) -> Result<Confirmed, Error> {
    let who = Who::Member(session.account_id.clone());
    let counted = match reserve(app, who, device, now).await? {
        Reserved::Slow(wait) => return Ok(Confirmed::Slow(wait)),
        Reserved::Go(counted) => counted,
    };
    let verdict = counted.compare(app, password, visitor).await?;
    let right = matches!(verdict, Verdict::Right { .. });
    let kind = if right { "confirmed" } else { "confirm.wrong" };
    let line = visitor.event(app, &session.account_id, kind, now);
    if !right {
        note(app, line).await?;
        return Ok(Confirmed::Wrong);
    }
    let turn = browser::Turn::draw(app, cookie, now);
    let (session, request) = (session.clone(), request.map(str::to_owned));
    let proved = app
        .store
        .write(move |c| {
            if !store::browser::hold(c, &session.sid)? {
                return Ok(None);
            }
            let Some((_, cookie)) = turn.write(c, &session.account_id)? else {
                return Ok(None);
            };
            counted.clear(c)?;
            store::browser::prove(c, &session.sid, "pwd", session.keep, session.ends_at, now)?;
            event::add(c, &line)?;
            if let Some(request) = &request {
                request::mark(c, request, &session.browser_id, now, &|marks| {
                    marks.typed = Some(session.account_id.clone());
                    marks.chosen = Some(session.account_id.clone());
                })?;
            }
            Ok(Some(cookie))
        })
        .await?;
    Ok(proved.map_or(Confirmed::Gone, Confirmed::Yes))
}
