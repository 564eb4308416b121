//! Who is signed in in a browser: found, begun, ended.

use std::sync::Arc;

use crate::account::session::Lifetimes;
use crate::account::{Account, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::grants::DAY;
use crate::flow::{Visitor, end_session};
use crate::keys::Purpose;
use crate::rng::{Secret, digest};
use crate::store::browser::{self, Browser};
use crate::store::event::Event;
use crate::store::{self, Conn, Error};

/// A browser as it stands: its record, and the people who are signed in in it.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The record behind the cookie; nothing when the cookie is new or opens nothing.
    pub browser: Option<Browser>,
    /// Live sessions with their accounts, newest proof first.
    pub signed_in: Vec<(Session, Account)>,
}

impl Here {
    /// The session that counts where only one can: the one last proved.
    pub fn first(&self) -> Option<&(Session, Account)> {
        self.signed_in.first()
    }

    /// The session of one account.
    pub fn of(&self, account_id: &str) -> Option<&(Session, Account)> {
        self.signed_in
            .iter()
            .find(|(session, _)| session.account_id == account_id)
    }
}

/// How stale the note of a session's last use may be: writing it on each page would make every
/// read a write.
const SEEN_EVERY: std::time::Duration = std::time::Duration::from_secs(300);

/// Finds who is signed in behind a cookie's value.
pub async fn find(app: &App, cookie: Option<&str>) -> Result<Here, Error> {
    let Some(cookie) = cookie else {
        return Ok(Here::default());
    };
    let (now, lifetimes, hash) = (app.clock.now(), app.lifetimes, digest(cookie));
    let here = app
        .store
        .read(move |c| {
            let Some(browser) = browser::find(c, &hash)? else {
                return Ok(Here::default());
            };
            let mut signed_in = Vec::new();
            for session in browser::sessions(c, &browser.id)? {
                if !session.alive(&lifetimes, now) {
                    continue;
                }
                // An account that was closed or deleted opens nothing from here on.
                match store::account::find(c, &session.account_id)? {
                    Some(account) if account.locked_at.is_none() => {
                        signed_in.push((session, account));
                    }
                    _ => {}
                }
            }
            Ok(Here {
                browser: Some(browser),
                signed_in,
            })
        })
        .await?;
    if let (Some(browser), Some((session, _))) = (&here.browser, here.first())
        && now.since(session.seen_at) > SEEN_EVERY
    {
        let (browser, sid) = (browser.id.clone(), session.sid.clone());
        app.store
            .write(move |c| browser::touch(c, &browser, &sid, now))
            .await?;
    }
    Ok(here)
}

/// How long the cookie from before a sign-in is still known: the second click of a double click
/// brings it, since the answer to the first never reached the page.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// The digest of the cookie that the browser behind `cookie` had a moment ago. It opens nothing;
/// pages that were shown before the sign-in are bound to it.
///
/// # Errors
/// When the database does not answer.
pub async fn former(app: &App, cookie: &str) -> Result<Option<String>, Error> {
    let (hash, now) = (digest(cookie), app.clock.now());
    app.store
        .read(move |c| browser::former_of(c, &hash, now))
        .await
}

/// Who proved themselves a moment ago in the browser that came with `cookie`, and would do so
/// again. This opens nothing before they did.
///
/// # Errors
/// When the database does not answer.
pub async fn before(app: &App, cookie: &str) -> Result<Option<(Session, Account)>, Error> {
    let (hash, now, lifetimes) = (digest(cookie), app.clock.now(), app.lifetimes);
    app.store
        .read(move |c| {
            let Some((found, _)) = browser::find_former(c, &hash, now)? else {
                return Ok(None);
            };
            let last = browser::sessions(c, &found.id)?.into_iter().next();
            let Some(session) = last.filter(|session| session.alive(&lifetimes, now)) else {
                return Ok(None);
            };
            let account = store::account::find(c, &session.account_id)?;
            Ok(account
                .filter(|account| account.locked_at.is_none())
                .map(|account| (session, account)))
        })
        .await
}

/// The new cookie that a browser gets with each proof of who the person is (SECURITY R35), drawn
/// before the transaction. The same proof from the same cookie gives the same value for half a
/// minute: a double click signs in once, whichever answer the browser keeps.
pub struct Turn {
    app: Arc<App>,
    came_with: Option<String>,
    /// The value of a browser that came without one.
    fresh: Secret,
    salt: String,
    now: Time,
}

impl Turn {
    /// For the browser that came with the cookie's value `came_with`.
    pub fn draw(app: &Arc<App>, came_with: Option<&str>, now: Time) -> Self {
        Self {
            app: app.clone(),
            came_with: came_with.map(str::to_owned),
            fresh: app.rng.secret(),
            salt: app.rng.id(),
            now,
        }
    }

    /// The value in the place of `came_with`: neither the database nor the old cookie yields it.
    fn derived(&self, came_with: &str, salt: &str) -> Secret {
        let parts = [came_with.as_bytes(), salt.as_bytes()];
        Secret::derived(self.app.keys.master().mac(Purpose::Browser, &parts))
    }

    /// Gives the browser of a person who proved to be `account_id` its new value. Nothing when the
    /// cookie opens no browser.
    pub fn write(
        &self,
        c: &mut Conn<'_>,
        account_id: &str,
    ) -> Result<Option<(String, Secret)>, Error> {
        let Some(came_with) = &self.came_with else {
            return Ok(None);
        };
        let former = self.former(came_with);
        if let Some(found) = browser::find(c, &former.hash)? {
            let cookie = self.derived(came_with, &self.salt);
            if browser::turn(c, &found.id, &cookie.hash(), &former, self.now)? {
                return Ok(Some((found.id, cookie)));
            }
        }
        self.again(c, account_id)
    }

    /// As [`Self::write`] for a proof that was given a moment ago already: the value that was
    /// given then, if this account was the last that proved itself there. Whoever planted the old
    /// cookie would have to know the person's own password too.
    pub fn again(
        &self,
        c: &mut Conn<'_>,
        account_id: &str,
    ) -> Result<Option<(String, Secret)>, Error> {
        let Some(came_with) = &self.came_with else {
            return Ok(None);
        };
        let Some((found, salt)) = browser::find_former(c, &digest(came_with), self.now)? else {
            return Ok(None);
        };
        let cookie = self.derived(came_with, &salt);
        let last = browser::sessions(c, &found.id)?.into_iter().next();
        let same = cookie.hash() == found.secret_hash
            && last.is_some_and(|session| session.account_id == account_id);
        Ok(same.then_some((found.id, cookie)))
    }

    /// The record of a browser that has none yet.
    fn add(&self, c: &mut Conn<'_>, id: &str) -> Result<Secret, Error> {
        let cookie = match &self.came_with {
            Some(came_with) => self.derived(came_with, &self.salt),
            None => self.fresh.clone(),
        };
        let new = Browser {
            id: id.to_owned(),
            secret_hash: cookie.hash(),
            created_at: self.now.millis(),
            seen_at: self.now.millis(),
        };
        browser::add(c, &new)?;
        if let Some(came_with) = &self.came_with {
            browser::note_former(c, id, &self.former(came_with))?;
        }
        Ok(cookie)
    }

    fn former(&self, came_with: &str) -> browser::Former {
        browser::Former {
            hash: digest(came_with),
            salt: self.salt.clone(),
            until: self.now.plus(AGAIN),
        }
    }
}

/// So many sessions of one account stand at once: a sign-in from a new browser each time must not
/// fill the disk for as long as the last of them could be used.
pub const MOST: i64 = 100;
/// The line of the log that says that one was ended for that, once a day.
const MANY: &str = "session.many";

/// What a sign-in writes into a browser; drawn before the transaction.
pub struct Begin {
    turn: Turn,
    browser_id: String,
    session: Session,
    lifetimes: Lifetimes,
    /// The digest of the known-device cookie.
    device: String,
    /// Of the line that says that a session was ended, since there are too many.
    log_id: String,
}

/// A sign-in that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The browser's record.
    pub browser_id: String,
    /// The browser's new cookie value: the one from before opens nothing any more.
    pub cookie: Secret,
    /// The session.
    pub sid: String,
    /// The device is new to an account that knows others: its owner is told.
    pub new_device: bool,
}

impl Begin {
    /// Draws what a sign-in of `account_id` by `amr` needs. `came_with` and `device` are the
    /// values of the browser's and the known-device cookie.
    #[allow(clippy::too_many_arguments)] // one call site for each door; a struct would only rename
    pub fn draw(
        app: &Arc<App>,
        account_id: &str,
        amr: &[&str],
        keep: bool,
        came_with: Option<&str>,
        device: &str,
        visitor: &Visitor,
        now: Time,
    ) -> Self {
        Self {
            turn: Turn::draw(app, came_with, now),
            browser_id: app.rng.id(),
            session: Session {
                sid: app.rng.id(),
                browser_id: String::new(),
                account_id: account_id.to_owned(),
                auth_time: now,
                amr: amr.iter().map(|way| (*way).to_owned()).collect(),
                keep,
                agent: visitor.agent.clone(),
                network: visitor.network(),
                created_at: now,
                seen_at: now,
                ends_at: app.lifetimes.ends_at(keep, now),
                ended_at: None,
                terms_later: false,
            },
            lifetimes: app.lifetimes,
            device: digest(device),
            log_id: app.rng.id(),
        }
    }

    /// The browser's value after a sign-in of `account_id` that was written a moment ago.
    pub fn again(&self, c: &mut Conn<'_>, account_id: &str) -> Result<Option<Secret>, Error> {
        Ok(self.turn.again(c, account_id)?.map(|(_, cookie)| cookie))
    }

    /// Ends the sessions that were seen the longest ago, where the account has too many.
    fn bound(&self, c: &mut Conn<'_>) -> Result<(), Error> {
        let (account_id, now) = (&self.session.account_id, self.session.created_at);
        let old = browser::beyond(c, &self.session, MOST - 1, now)?;
        let last = match old.first() {
            Some(sid) => browser::find_session(c, sid)?,
            None => return Ok(()),
        };
        for sid in &old {
            end_session(c, sid, now)?;
        }
        tracing::info!(ended = old.len(), "session.many");
        if store::event::stands(c, account_id, MANY, now.minus(DAY))? {
            return Ok(());
        }
        let (device, network) = last.map_or_else(Default::default, |it| (it.agent, it.network));
        let line = Event {
            id: self.log_id.clone(),
            account_id: account_id.clone(),
            at: now.millis(),
            kind: MANY.into(),
            detail: serde_json::json!({ "device": device, "network": network }).to_string(),
        };
        store::event::add(c, &line)
    }

    /// Signs the account in: a new cookie value, a session (the one it has in this browser keeps
    /// its `sid`), the device remembered.
    pub fn write(&self, c: &mut Conn<'_>) -> Result<Begun, Error> {
        let now = self.session.created_at;
        let (browser_id, cookie) = match self.turn.write(c, &self.session.account_id)? {
            Some(found) => found,
            None => {
                let cookie = self.turn.add(c, &self.browser_id)?;
                (self.browser_id.clone(), cookie)
            }
        };
        let had = browser::sessions(c, &browser_id)?.into_iter().find(|had| {
            had.account_id == self.session.account_id && had.alive(&self.lifetimes, now)
        });
        let sid = match had {
            Some(had) => {
                let session = &self.session;
                browser::prove(
                    c,
                    &had.sid,
                    &session.amr.join(" "),
                    session.keep,
                    session.ends_at,
                    now,
                )?;
                browser::put_terms_off(c, &had.sid, false)?;
                had.sid
            }
            None => {
                let session = Session {
                    browser_id: browser_id.clone(),
                    ..self.session.clone()
                };
                browser::add_session(c, &session)?;
                self.bound(c)?;
                session.sid
            }
        };
        let known = browser::count_devices(c, &self.session.account_id)?;
        let new = browser::remember_device(c, &self.session.account_id, &self.device, now)?;
        Ok(Begun {
            browser_id,
            cookie,
            sid,
            new_device: new && known > 0,
        })
    }
}
