//! A typed password, counted before it is compared, so that parallel guesses and a restart change
//! nothing (PROTOCOL 7).

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::account::{Account, Login, Password, throttle};
use crate::app::App;
use crate::clock::Time;
use crate::flow::Visitor;
use crate::hash::{self, Class, Verdict};
use crate::keys::Purpose;
use crate::rng::digest;
use crate::store::{self, Conn, account, browser, counter};

/// Wrong tries that a known device has of its own (PROTOCOL 7).
pub(super) const KNOWN: i64 = 10;
/// The visible wait forgets after a day; it only slows.
const WAIT_SPAN: Duration = Duration::from_secs(24 * 3600);
/// The account's own count ends with a success or a reset; the year is for accounts that nobody
/// comes back to (SP 800-63B-4 3.2.2).
const ACCOUNT_SPAN: Duration = Duration::from_secs(365 * 24 * 3600);

/// Whose password is typed.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// At the sign-in page: whatever was typed.
    Typed {
        /// As read.
        login: Login,
        /// What the visible wait is keyed by.
        text: String,
    },
    /// At "confirm it is you": the person of a session.
    Member(String),
}

impl Who {
    /// Who is meant by what was typed at a password door.
    pub(crate) fn typed(app: &App, typed: &str) -> Self {
        let login = Login::parse(typed, &app.config.domain);
        let text = match &login {
            // One bucket for all impossible names would make one person's slip another's wait.
            Login::Nobody => digest(&typed.trim().to_lowercase()),
            named => named.canonical().to_owned(),
        };
        Self::Typed { login, text }
    }

    /// The account meant, if there is one.
    pub(crate) fn find(&self, c: &mut Conn<'_>) -> Result<Option<Account>, store::Error> {
        match self {
            Self::Typed { login, .. } => match login {
                Login::Username(name) => account::find_by_username(c, name),
                Login::Email(key) => account::find_by_email(c, key),
                // The same work as for a name that could be.
                Login::Nobody => account::find_by_username(c, ""),
            },
            Self::Member(id) => account::find(c, id),
        }
    }

    /// The key of a count of what is visible at this door for this login.
    pub(crate) fn key(&self, app: &App, what: &str) -> String {
        let (door, text) = match self {
            Self::Typed { text, .. } => ("login", text),
            Self::Member(id) => ("member", id),
        };
        key(app, &[what, door, text])
    }
}

/// The key of a counter: no login or address lies in it.
pub(crate) fn key(app: &App, parts: &[&str]) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    app.keys.master().mac_text(Purpose::Counter, &parts)
}

/// The key under which an account's failures in a row are counted, by whatever name they came.
pub(crate) fn account_key(app: &App, account_id: &str) -> String {
    key(app, &["failures", account_id])
}

/// A try that was counted and may be compared.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    /// The account meant.
    pub(crate) account: Option<Account>,
    /// From a device that the account is known on, with tries left.
    known: bool,
    /// Past the limit the password is not compared, but the same work is done.
    evaluate: bool,
    visible: String,
    whole: String,
    device: String,
}

/// What came of counting.
pub(crate) enum Reserved {
    /// Not before this span is over.
    Slow(Duration),
    /// To be compared.
    Go(Box<Counted>),
}

/// Counts a try in one transaction, before any hashing.
pub(crate) async fn reserve(
    app: &Arc<App>,
    who: Who,
    device: Option<&str>,
    now: Time,
) -> Result<Reserved, Error> {
    let device = digest(device.unwrap_or_default());
    let (app, house) = (app.clone(), app);
    let reserved = house.store.write(move |c| {
        let account = who.find(c)?;
        let whose = account.as_ref().map_or("", |account| account.id.as_str());
        let visible = who.key(&app, "wait");
        // Unknown names get the same writes (PROTOCOL 7).
        let whole = match &account {
            Some(account) => account_key(&app, &account.id),
            None => who.key(&app, "failures of nobody"),
        };
        let tries = browser::count_try(c, whose, &device)?;
        let known = tries.is_some_and(|tries| tries <= KNOWN);
        let mut evaluate = true;
        if !known {
            let seen = counter::add(c, &visible, WAIT_SPAN, now)?;
            if now < seen.blocked_until {
                counter::take_back(c, &visible)?;
                return Ok(Reserved::Slow(seen.blocked_until.since(now)));
            }
            let wait = throttle::wait(number(seen.count), &app.throttle());
            counter::block(c, &visible, now.plus(wait))?;
            let failures = counter::add(c, &whole, ACCOUNT_SPAN, now)?.count - 1;
            evaluate = throttle::is_evaluated(number(failures));
        }
        Ok(Reserved::Go(Box::new(Counted {
            account,
            known,
            evaluate,
            visible,
            whole,
            device: device.clone(),
        })))
    });
    Ok(reserved.await?)
}

fn number(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

impl Counted {
    /// Where this try waits for its hash.
    pub(crate) fn class(&self) -> Class {
        if self.known {
            Class::Known
        } else {
            Class::SignIn
        }
    }

    /// Compares the password. A try that could not be compared is not counted.
    pub(crate) async fn compare(
        &self,
        app: &App,
        typed: &str,
        visitor: &Visitor,
    ) -> Result<Verdict, Error> {
        let password = Password::typed(typed);
        let on_file = self
            .account
            .as_ref()
            .filter(|_| self.evaluate && password.is_some())
            .map(|account| account.password.as_str());
        let text = password.as_ref().map_or("", Password::reveal);
        let seat = self.class().from(visitor.address);
        match app.hasher.verify(seat, text, on_file).await {
            Ok(verdict) => Ok(verdict),
            Err(error) => {
                self.give_back(app, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn give_back(&self, app: &App, why: &hash::Error) -> Result<(), Error> {
        if !matches!(why, hash::Error::Busy { .. }) {
            return Ok(());
        }
        let this = self.clone();
        app.store
            .write(move |c| {
                if this.known {
                    let whose = this.account.as_ref().map_or("", |account| &account.id);
                    return browser::take_try_back(c, whose, &this.device);
                }
                counter::take_back(c, &this.visible)?;
                counter::block(c, &this.visible, Time::default())?;
                counter::take_back(c, &this.whole)
            })
            .await?;
        Ok(())
    }

    /// Forgets the failures before a success. Only the wait of the login that was typed: else a
    /// name and an address would betray that they are one person (PROTOCOL 7).
    pub(crate) fn clear(&self, c: &mut Conn<'_>) -> Result<(), store::Error> {
        counter::clear(c, &self.visible)?;
        counter::clear(c, &self.whole)
    }
}
