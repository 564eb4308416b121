//! A forgotten password: a secret is mailed to the address on file, and sets a new one.

use std::sync::Arc;
use std::time::Duration;

use super::derived::Link;
use super::letter::{Addressed, Letter};
use super::settings::{Place, places_of};
use super::signin::guess::{Who, account_key, key};
use super::signin::{Error, address};
use super::{Visitor, end_session};
use crate::account::password::OwnWords;
use crate::account::{Account, Code, Email, Password};
use crate::app::App;
use crate::clock::Time;
use crate::hash::Class;
use crate::rng::digest;
use crate::store::{self, account, browser, counter, event, grant, reset};

/// How long a mailed way back in works (DESIGN 11).
pub const LIFE: Duration = Duration::from_secs(30 * 60);
/// Ways back in that work at once (PROTOCOL 7).
const LIVE: i64 = 3;
/// Mails in 15 minutes and in a day (SECURITY R24).
const LIMITS: [(&str, i64, Duration); 2] = [
    ("reset quarter", 3, Duration::from_secs(15 * 60)),
    ("reset day", 10, Duration::from_secs(24 * 3600)),
];

/// What the page says; it never tells whether there is an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// If there is an account, a mail is on its way.
    Sent,
    /// Asked for too often by this name: nothing was sent, nothing died.
    Limited,
}

/// Whether no mail to anybody gets out at the moment.
///
/// # Errors
/// When the database does not answer.
pub async fn is_mail_down(app: &App) -> Result<bool, store::Error> {
    app.store.read(store::outbox::is_down).await
}

/// Asks for a way back in. Names that nobody has get the same writes (PROTOCOL 7).
///
/// # Errors
/// When the database does not answer.
pub async fn ask(
    app: &Arc<App>,
    typed: &str,
    device: Option<&str>,
    visitor: &Visitor,
    now: Time,
) -> Result<Asked, store::Error> {
    let device = digest(device.unwrap_or_default());
    let who = Who::typed(app, typed);
    let meant = who.clone();
    let found = app.store.read(move |c| meant.find(c)).await?;
    // A closed account is not opened from here.
    let found = found.filter(|found| found.locked_at.is_none());
    let whose = found.as_ref().map_or("", |found| found.id.as_str());
    let row = reset::Reset {
        id: app.rng.id(),
        account_id: whose.to_owned(),
        created_at: now.millis(),
        expires_at: now.plus(LIFE).millis(),
        used_at: None,
    };
    let line = visitor.event(app, whose, "reset.asked", now);
    let letter = Letter::Reset {
        reset_id: row.id.clone(),
    };
    // Only an address on file is ever written to (SECURITY R28). A letter about nobody's account
    // is found to be about nothing when it is to be written, and is not sent.
    let to = found.as_ref().map_or(NOBODY, |found| found.email.as_str());
    let letter = match Email::parse(to) {
        Ok(to) => Some(Addressed::new(
            app,
            &to,
            &letter,
            None,
            Some(now.plus(LIFE)),
            now,
        )?),
        Err(_) => None,
    };
    let keys = |of: &dyn Fn(&str) -> String| -> Vec<_> {
        LIMITS
            .map(|(what, most, span)| (of(what), most, span))
            .into()
    };
    let by_name = keys(&|what| who.key(app, what));
    let by_account = keys(&|what| match &found {
        Some(found) => Who::Member(found.id.clone()).key(app, what),
        None => who.key(app, &format!("{what} of nobody")),
    });
    let email = found.as_ref().map(|found| found.email.clone());
    let by_device = keys(&|what| key(app, &[what, "device", whose, &device]));
    let asked = app
        .store
        .write(move |c| {
            // Nobody can spend an owner's allowance on a device that the account knows.
            let known = browser::is_known(c, &row.account_id, &device, i64::MAX)?;
            // What is said depends on the name alone: else a name and an address would betray
            // that they are one person.
            let by_door = if known { &by_device } else { &by_name };
            if !is_within(c, by_door, now)? {
                return Ok(Asked::Limited);
            }
            let quiet = !known && !is_within(c, &by_account, now)?;
            let live = reset::count_live(c, &row.account_id, now)?;
            // Whoever proves a new address meanwhile ends what was asked for before: nothing goes to
            // the old one afterwards.
            let held = account::hold(c, &row.account_id, None)?;
            let now_at = account::find(c, &row.account_id)?.map(|now| now.email);
            if now_at != email || held != email.is_some() {
                return Ok(Asked::Sent);
            }
            // What a stranger asked for is not the owner's on a device that the account knows.
            if quiet || !known && live >= LIVE && !row.account_id.is_empty() {
                return Ok(Asked::Sent);
            }
            reset::add(c, &row)?;
            event::add(c, &line)?;
            if let Some(letter) = &letter {
                letter.post(c)?;
            }
            Ok(Asked::Sent)
        })
        .await?;
    app.post.notify_one();
    Ok(asked)
}

/// Counts one more under each key until one is over its limit: what a shorter span refuses spends
/// nothing of a longer one.
pub(super) fn is_within(
    c: &mut store::Conn<'_>,
    limits: &[(String, i64, Duration)],
    now: Time,
) -> Result<bool, store::Error> {
    for (key, most, span) in limits {
        if counter::add(c, key, *span, now)?.count > *most {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Stands where there is no address on file; nothing is sent to it (RFC 6761 6.4). The mail server
/// is asked for it nevertheless: whether mail gets out must not depend on who is meant.
pub const NOBODY: &str = "nobody@gerege.invalid";

/// A way back in that works.
#[derive(Clone, Debug)]
pub struct Opened {
    reset_id: String,
    /// Whose password it sets.
    pub account: Account,
    /// Where the account is signed in, browsers and messengers; all of it ends.
    pub places: Vec<Place>,
}

/// Looks behind a mailed secret and changes nothing (SECURITY R29).
///
/// # Errors
/// When the database does not answer.
pub async fn open(app: &App, secret: &str, now: Time) -> Result<Option<Opened>, store::Error> {
    let Some((id, 0)) = Link::Reset.read(app.keys.master(), secret) else {
        return Ok(None);
    };
    let lifetimes = app.lifetimes;
    app.store
        .read(move |c| {
            let live = reset::find(c, &id)?
                .filter(|row| row.used_at.is_none() && now.millis() < row.expires_at);
            let Some(row) = live else {
                return Ok(None);
            };
            let Some(account) = account::find(c, &row.account_id)? else {
                return Ok(None);
            };
            if account.locked_at.is_some() {
                return Ok(None);
            }
            Ok(Some(Opened {
                reset_id: row.id,
                places: places_of(c, &account.id, "", &lifetimes, now)?,
                account,
            }))
        })
        .await
}

/// What came of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It stands.
    Done,
    /// The secret was used, has run out, or never was.
    Old,
    /// What is wrong with the password.
    Mistake(Code),
}

/// Sets a new password by a mailed secret: every session, grant, other way back in and known
/// device ends. It signs nobody in (SECURITY R30). The device that did it becomes a known one, so
/// that whoever keeps guessing cannot keep the owner waiting (SECURITY R22).
///
/// # Errors
/// When the database or the hashing pool does not answer.
pub async fn renew(
    app: &Arc<App>,
    secret: &str,
    typed: &str,
    device: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Renewed, Error> {
    let Some(opened) = open(app, secret, now).await? else {
        return Ok(Renewed::Old);
    };
    let password = match judge(app, &opened.account, typed).await? {
        Ok(password) => password,
        Err(code) => return Ok(Renewed::Mistake(code)),
    };
    let seat = Class::Reset.from(visitor.address);
    let hash = app.hasher.hash(seat, password.reveal()).await?;
    let Opened {
        reset_id, account, ..
    } = opened;
    let change = Change::draw(app, &account, hash, "reset", device, visitor, now)?;
    let whole = account_key(app, &account.id);
    let done = app
        .store
        .write(move |c| {
            if !account::hold(c, &account.id, None)?
                || !reset::spend(c, &reset_id, &account.id, now)?
            {
                return Ok(false);
            }
            change.write(c, None)?;
            grant::revoke_account(c, &account.id, now)?;
            counter::clear(c, &whole)?;
            Ok(true)
        })
        .await?;
    if !done {
        return Ok(Renewed::Old);
    }
    app.post.notify_one();
    Ok(Renewed::Done)
}

/// Judges a new password for an account, off the async threads: that takes milliseconds.
pub(crate) async fn judge(
    app: &Arc<App>,
    account: &Account,
    typed: &str,
) -> Result<Result<Password, Code>, Error> {
    let (app, account) = (app.clone(), account.clone());
    let typed = zeroize::Zeroizing::new(typed.to_owned());
    tokio::task::spawn_blocking(move || {
        let own = OwnWords {
            name: &account.name,
            username: &account.username,
            email: &account.email,
            server: &app.policy.server,
        };
        Password::check(&typed, &app.policy.password, &own)
    })
    .await
    .map_err(|error| Error::Stopped(error.to_string()))
}

/// A new password with all that hangs on it; drawn before the transaction.
pub(crate) struct Change {
    account_id: String,
    hash: String,
    device: String,
    line: event::Event,
    notice: Option<Addressed>,
    now: Time,
}

impl Change {
    /// Draws it. `kind` is the word in the security log, `device` the known-device cookie's value.
    pub(crate) fn draw(
        app: &App,
        account: &Account,
        hash: String,
        kind: &str,
        device: &str,
        visitor: &Visitor,
        now: Time,
    ) -> Result<Self, store::Error> {
        let notice = Letter::PasswordChanged {
            account_id: account.id.clone(),
            at: now,
            device: visitor.agent.clone(),
        };
        Ok(Self {
            account_id: account.id.clone(),
            hash,
            device: digest(device),
            line: visitor.event(app, &account.id, kind, now),
            notice: address(app, account, &notice, now)?,
            now,
        })
    }

    /// Sets the password; sessions but `except` and what came from them, ways back in and known
    /// devices but this one end; the owner is told.
    pub(crate) fn write(
        &self,
        c: &mut store::Conn<'_>,
        except: Option<&str>,
    ) -> Result<(), store::Error> {
        let (id, now) = (&self.account_id, self.now);
        account::set_password(c, id, &self.hash, Some(now))?;
        for session in browser::sessions_of(c, id)? {
            if except != Some(session.sid.as_str()) {
                end_session(c, &session.sid, now)?;
            }
        }
        reset::end_all(c, id, now)?;
        browser::forget_devices(c, id)?;
        browser::remember_device(c, id, &self.device, now)?;
        event::add(c, &self.line)?;
        if let Some(notice) = &self.notice {
            notice.post(c)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
