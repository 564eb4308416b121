//! "Confirm it is you": the password again before a change of how the account is reached, or
//! because an app asked for a fresh proof (`prompt=login`, `max_age`).

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use super::guess::{Reserved, Who, reserve};
use crate::account::{Account, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::browser::Here;
use crate::flow::{Visitor, request};
use crate::hash::Verdict;
use crate::rng::Secret;
use crate::store::{self, browser, event};

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

/// Who is to confirm: the person picked for the waiting request, else the one that the app means,
/// else the one last proved.
///
/// # Errors
/// When the database does not answer.
pub async fn whom(
    app: &App,
    here: &Here,
    request: Option<&str>,
    now: Time,
) -> Result<Option<(Session, Account)>, store::Error> {
    let stored = match (request.map(str::to_owned), &here.browser) {
        (Some(id), Some(browser)) => {
            let browser = browser.id.clone();
            app.store
                .read(move |c| {
                    let stored = request::find(c, &id, now)?;
                    Ok(stored.filter(|stored| stored.browser_id == browser))
                })
                .await?
        }
        _ => None,
    };
    let one = stored.and_then(
        |stored| match (stored.marks.chosen, stored.asked.login_hint) {
            (Some(chosen), _) => here.of(&chosen),
            (None, Some(hint)) => here
                .signed_in
                .iter()
                .find(|(_, account)| account.username == hint || account.email == hint),
            (None, None) => None,
        },
    );
    Ok(one.or_else(|| here.first()).cloned())
}

/// Compares the password of a signed-in person and notes the fresh proof.
///
/// # Errors
/// When the database or the hashing pool does not answer.
pub async fn confirm(
    app: &Arc<App>,
    session: &Session,
    password: &str,
    request: Option<&str>,
    visitor: &Visitor,
    now: Time,
) -> Result<Confirmed, Error> {
    let who = Who::Member(session.account_id.clone());
    let counted = match reserve(app, who, None, now).await? {
        Reserved::Slow(wait) => return Ok(Confirmed::Slow(wait)),
        Reserved::Go(counted) => counted,
    };
    let verdict = counted.compare(app, password, visitor).await?;
    let right = matches!(verdict, Verdict::Right { .. });
    let kind = if right { "confirmed" } else { "confirm.wrong" };
    let line = visitor.event(app, &session.account_id, kind, now);
    if !right {
        app.store.write(move |c| event::add(c, &line)).await?;
        return Ok(Confirmed::Wrong);
    }
    let cookie = app.rng.secret();
    let hash = cookie.hash();
    let (session, request) = (session.clone(), request.map(str::to_owned));
    let proved = app
        .store
        .write(move |c| {
            let still = browser::find_session(c, &session.sid)?;
            if still.is_none_or(|still| still.ended_at.is_some()) {
                return Ok(false);
            }
            counted.clear(c)?;
            browser::rekey(c, &session.browser_id, &hash, now)?;
            browser::prove(c, &session.sid, "pwd", session.keep, session.ends_at, now)?;
            event::add(c, &line)?;
            if let Some(request) = &request {
                request::mark(c, request, &session.browser_id, now, &|marks| {
                    marks.typed = Some(session.account_id.clone());
                    marks.chosen = Some(session.account_id.clone());
                })?;
            }
            Ok(true)
        })
        .await?;
    Ok(if proved {
        Confirmed::Yes(cookie)
    } else {
        Confirmed::Gone
    })
}
