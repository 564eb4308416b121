//! Signing in with a password, and signing out.

mod confirm;
pub(crate) mod guess;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use self::confirm::{Confirmed, confirm, whom, whom_again};
use self::guess::{Reserved, Who, reserve};
use super::browser::Begin;
use super::letter::{Addressed, Letter};
use super::{Visitor, end_session, request};
use crate::account::{Account, Email};
use crate::app::App;
use crate::clock::Time;
use crate::hash::{self, Verdict};
use crate::limit::Bucket;
use crate::rng::{Secret, digest};
use crate::store::{self, account, browser, event};

/// What keeps a story from its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The hashing pool.
    #[error(transparent)]
    Hash(#[from] hash::Error),
    /// A thread of ours ended.
    #[error("{0}")]
    Stopped(String),
}

/// What a person typed at the sign-in page.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Username or e-mail address.
    pub login: String,
    /// The password.
    pub password: zeroize::Zeroizing<String>,
    /// "Keep me signed in on this device".
    pub keep: bool,
    /// The waiting authorization request.
    pub request: Option<String>,
}

/// The cookies of the browser at the door.
#[derive(Clone, Copy, Debug)]
pub struct Cookies<'a> {
    /// The value of the browser's cookie, if it came with one.
    pub browser: Option<&'a str>,
    /// The value of the known-device cookie, if it came with one.
    pub device: Option<&'a str>,
    /// The same, or the value drawn for this browser.
    pub device_now: &'a str,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Outcome {
    /// Signed in.
    In {
        /// The browser's new cookie value.
        cookie: Secret,
        /// Who it is.
        username: String,
        /// The same, by id.
        account_id: String,
        /// On a device that is new to the account.
        new_device: bool,
    },
    /// No such person, or another password: nobody can tell which.
    Wrong,
    /// Too many tries for this login; not before the span is over.
    Slow(Duration),
    /// Too much from this address; not before the span is over.
    Crowded(Duration),
    /// The password was right, and the operator closed the account.
    Closed,
}

/// Signs a person in. The try is counted before it is hashed.
///
/// # Errors
/// When the database or the hashing pool does not answer.
pub async fn sign_in(
    app: &Arc<App>,
    attempt: &Attempt,
    cookies: Cookies<'_>,
    visitor: &Visitor,
    now: Time,
) -> Result<Outcome, Error> {
    let who = Who::typed(app, &attempt.login);
    if let Err(wait) = app.limiter.check(Bucket::SignIn, visitor.address, now)
        && !is_known(app, &who, cookies.device).await?
    {
        return Ok(Outcome::Crowded(wait));
    }
    let counted = match reserve(app, who, cookies.device, now).await? {
        Reserved::Slow(wait) => return Ok(Outcome::Slow(wait)),
        Reserved::Go(counted) => counted,
    };
    let verdict = counted.compare(app, &attempt.password, visitor).await?;
    let (Verdict::Right { rehash }, Some(found)) = (verdict, counted.account.clone()) else {
        note_failure(app, counted.account.as_ref(), visitor, now).await?;
        return Ok(Outcome::Wrong);
    };
    if found.locked_at.is_some() {
        return Ok(Outcome::Closed);
    }
    let newer = match crate::account::Password::typed(&attempt.password) {
        // Not worth a refusal: the next sign-in tries again (SECURITY R09).
        Some(typed) if rehash => {
            let seat = counted.class().from(visitor.address);
            app.hasher.hash(seat, typed.reveal()).await.ok()
        }
        _ => None,
    };
    let begin = Begin::draw(
        app,
        &found.id,
        &["pwd"],
        attempt.keep,
        cookies.browser,
        cookies.device_now,
        visitor,
        now,
    );
    let line = visitor.event(app, &found.id, "signin", now);
    let notice = Letter::NewDevice {
        account_id: found.id.clone(),
        at: now,
        device: visitor.agent.clone(),
        place: visitor.network(),
    };
    let notice = address(app, &found, &notice, now)?;
    let (username, request) = (found.username.clone(), attempt.request.clone());
    let account_id = found.id.clone();
    let begun = app
        .store
        .write(move |c| {
            // Closed, deleted or given a new password while the hash was computed.
            // Held, so that a reset that comes now sees this session and ends it.
            if !account::hold(c, &found.id, Some(&found.password))? {
                return Ok(None);
            }
            counted.clear(c)?;
            if let Some(newer) = &newer {
                account::rehash(c, &found.id, &found.password, newer)?;
            }
            let begun = begin.write(c)?;
            let mut line = line.clone();
            if begun.new_device {
                line.kind = "signin.new".to_owned();
                if let Some(notice) = &notice {
                    notice.post(c)?;
                }
            }
            event::add(c, &line)?;
            if let Some(request) = &request {
                request::mark(c, request, &begun.browser_id, now, &|marks| {
                    marks.typed = Some(found.id.clone());
                    marks.chosen = Some(found.id.clone());
                })?;
            }
            Ok(Some(begun))
        })
        .await?;
    let Some(begun) = begun else {
        return Ok(Outcome::Wrong);
    };
    if begun.new_device {
        app.post.notify_one();
    }
    Ok(Outcome::In {
        cookie: begun.cookie,
        username,
        account_id,
        new_device: begun.new_device,
    })
}

/// A wrong password stands in the log. An unknown name gets the same write (SECURITY R10, R71).
async fn note_failure(
    app: &App,
    account: Option<&Account>,
    visitor: &Visitor,
    now: Time,
) -> Result<(), Error> {
    let whose = account.map_or("", |account| account.id.as_str());
    note(app, visitor.event(app, whose, "signin.failed", now)).await
}

/// Writes a line of a person's log, or of nobody's, by the same statements (SECURITY R10); of who
/// was deleted meanwhile nothing is kept.
async fn note(app: &App, line: event::Event) -> Result<(), Error> {
    let noted = app.store.write(move |c| {
        if account::stays(c, &line.account_id)? || line.account_id.is_empty() {
            event::add(c, &line)?;
        }
        Ok(())
    });
    Ok(noted.await?)
}

/// A known device passes an address from which too much comes (SECURITY R22).
async fn is_known(app: &App, who: &Who, device: Option<&str>) -> Result<bool, Error> {
    let Some(device) = device.map(digest) else {
        return Ok(false);
    };
    let who = who.clone();
    Ok(app
        .store
        .read(move |c| match who.find(c)? {
            Some(account) => browser::is_known(c, &account.id, &device, guess::KNOWN),
            None => Ok(false),
        })
        .await?)
}

/// A letter to the address on file.
pub(crate) fn address(
    app: &App,
    account: &Account,
    letter: &Letter,
    now: Time,
) -> Result<Option<Addressed>, store::Error> {
    // What is on file was read by the same rules when it was proved.
    let Ok(to) = Email::parse(&account.email) else {
        return Ok(None);
    };
    Addressed::new(app, &to, letter, None, None, now).map(Some)
}

/// Signs everyone out of a browser: its sessions and what does not outlive them. Its cookie opens
/// nothing from then on (SECURITY R37). Gives how many sessions were ended.
///
/// # Errors
/// When the database does not answer; then nobody was signed out.
pub async fn sign_out(
    app: &Arc<App>,
    cookie: Option<&str>,
    visitor: &Visitor,
    now: Time,
) -> Result<usize, store::Error> {
    let Some(cookie) = cookie.map(digest) else {
        return Ok(0);
    };
    let never_given = app.rng.secret().hash();
    let lines = Lines::draw(app, visitor, now);
    app.store
        .write(move |c| {
            let Some(found) = browser::find(c, &cookie)? else {
                return Ok(0);
            };
            let sessions = browser::sessions(c, &found.id)?;
            let ended = lines.end(c, sessions)?;
            browser::rekey(c, &found.id, &never_given, now)?;
            Ok(ended)
        })
        .await
}

/// Ends some of a browser's sessions and what does not outlive them; the others stay. Gives how
/// many were ended.
///
/// # Errors
/// When the database does not answer; then none was.
pub async fn end(
    app: &Arc<App>,
    sids: &[String],
    visitor: &Visitor,
    now: Time,
) -> Result<usize, store::Error> {
    let (sids, lines) = (sids.to_vec(), Lines::draw(app, visitor, now));
    app.store
        .write(move |c| {
            let mut sessions = Vec::new();
            for sid in &sids {
                sessions.extend(browser::find_session(c, sid)?);
            }
            lines.end(c, sessions)
        })
        .await
}

/// Lines of the log for sessions that end together. Each needs an id of its own: drawn before the
/// transaction, for as many as a browser holds.
struct Lines {
    line: event::Event,
    ids: Vec<String>,
}

impl Lines {
    fn draw(app: &App, visitor: &Visitor, now: Time) -> Self {
        Self {
            line: visitor.event(app, "", "signout", now),
            ids: (0..MOST).map(|_| app.rng.id()).collect(),
        }
    }

    fn end(
        &self,
        c: &mut store::Conn<'_>,
        sessions: Vec<crate::account::Session>,
    ) -> Result<usize, store::Error> {
        let mut ended = 0;
        for session in sessions {
            if !end_session(c, &session.sid, self.line.at.into())? {
                continue;
            }
            if let Some(id) = self.ids.get(ended) {
                let line = event::Event {
                    id: id.clone(),
                    account_id: session.account_id,
                    ..self.line.clone()
                };
                event::add(c, &line)?;
            }
            ended += 1;
        }
        Ok(ended)
    }
}

/// Sessions of one browser of which the log speaks when they end together.
const MOST: usize = 16;
