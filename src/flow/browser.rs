//! Who is signed in in a browser: found, begun, ended.

use crate::account::session::Lifetimes;
use crate::account::{Account, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::Visitor;
use crate::rng::{Secret, digest};
use crate::store::browser::{self, Browser};
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

/// What a sign-in writes into a browser; drawn before the transaction.
pub struct Begin {
    /// The browser's new cookie value: the one from before opens nothing any more.
    pub cookie: Secret,
    /// The digest of the cookie that the browser came with.
    came_with: Option<String>,
    browser_id: String,
    session: Session,
    lifetimes: Lifetimes,
    /// The digest of the known-device cookie.
    device: String,
}

/// A sign-in that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The browser's record.
    pub browser_id: String,
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
        app: &App,
        account_id: &str,
        amr: &[&str],
        keep: bool,
        came_with: Option<&str>,
        device: &str,
        visitor: &Visitor,
        now: Time,
    ) -> Self {
        Self {
            cookie: app.rng.secret(),
            came_with: came_with.map(digest),
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
            },
            lifetimes: app.lifetimes,
            device: digest(device),
        }
    }

    /// Signs the account in: a new cookie value, a session (the one it has in this browser keeps
    /// its `sid`), the device remembered.
    pub fn write(&self, c: &mut Conn<'_>) -> Result<Begun, Error> {
        let now = self.session.created_at;
        let found = match &self.came_with {
            Some(hash) => browser::find(c, hash)?,
            None => None,
        };
        let browser_id = match found {
            Some(found) => {
                browser::rekey(c, &found.id, &self.cookie.hash(), now)?;
                found.id
            }
            None => {
                browser::add(
                    c,
                    &Browser {
                        id: self.browser_id.clone(),
                        secret_hash: self.cookie.hash(),
                        created_at: now.millis(),
                        seen_at: now.millis(),
                    },
                )?;
                self.browser_id.clone()
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
                had.sid
            }
            None => {
                let session = Session {
                    browser_id: browser_id.clone(),
                    ..self.session.clone()
                };
                browser::add_session(c, &session)?;
                session.sid
            }
        };
        let known = browser::count_devices(c, &self.session.account_id)?;
        let new = browser::remember_device(c, &self.session.account_id, &self.device, now)?;
        Ok(Begun {
            browser_id,
            sid,
            new_device: new && known > 0,
        })
    }
}
