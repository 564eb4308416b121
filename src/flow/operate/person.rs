//! People, as an operator sees and changes them.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::account::signup::{Profile, check_profile};
use crate::account::{Account, Email, Invalid, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::signin::guess::account_key;
use crate::hash;
use crate::oauth::grant::Grant;
use crate::store::event::Event;
use crate::store::{self, Conn, Error};

/// An account that an operator makes.
pub struct New {
    /// The username.
    pub username: String,
    /// The address, which counts as proved.
    pub email: String,
    /// The name that others see; the username when there is none.
    pub name: Option<String>,
    /// The password, as typed.
    pub password: Zeroizing<String>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What is wrong with the answers.
    #[error("the answers are not good")]
    Invalid(Vec<Invalid>),
    /// The username, one that looks like it, or the address belongs to someone; or the username
    /// belonged to someone once. The column's name.
    #[error("the {0} is taken")]
    Taken(&'static str),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] hash::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Makes an account with a proved address.
///
/// # Errors
/// [`Refusal`].
pub async fn add(app: &Arc<App>, new: New) -> Result<Account, Refusal> {
    let checked = {
        let app = app.clone();
        tokio::task::spawn_blocking(move || {
            let typed = Profile {
                name: new.name.as_deref().unwrap_or(&new.username),
                username: &new.username,
                email: &new.email,
                password: &new.password,
            };
            let checked = check_profile(&typed, &app.policy).map_err(Refusal::Invalid)?;
            let hash = app.hasher.hash_now(checked.password.reveal())?;
            Ok::<_, Refusal>((checked, hash))
        })
        .await
        .map_err(|error| Error::Broken(error.to_string()))??
    };
    let (checked, password) = checked;
    let now = app.clock.now();
    let account = Account {
        id: app.rng.id(),
        username: checked.username.as_str().to_owned(),
        name: checked.name.as_str().to_owned(),
        email: checked.email.as_str().to_owned(),
        email_key: checked.email.key(),
        password,
        language: app.page.pick(None, None, None).code,
        created_at: now,
        password_at: now,
        locked_at: None,
    };
    let skeleton = checked.username.skeleton();
    let mac = app.name_mac(&skeleton);
    let event = event(app, &account.id, "account.made", now);
    let made = account.clone();
    app.store
        .write(move |c| {
            let added = store::account::add(c, &account, &skeleton, &mac)?;
            if added.is_ok() {
                store::event::add(c, &event)?;
            }
            Ok(added)
        })
        .await?
        .map_err(|taken| Refusal::Taken(taken.0))?;
    tracing::info!(user = made.username, "account.made");
    Ok(made)
}

/// Finds a person by username, address or `sub`.
///
/// # Errors
/// When the database does not answer.
pub async fn find(app: &App, typed: &str) -> Result<Option<Account>, Error> {
    let typed = typed.to_owned();
    let own = format!("@{}", app.config.domain);
    app.store
        .read(move |c| {
            let name = typed.strip_suffix(&own).unwrap_or(&typed);
            if let Some(found) = store::account::find_by_username(c, &name.to_ascii_lowercase())? {
                return Ok(Some(found));
            }
            if let Ok(email) = Email::parse(&typed)
                && let Some(found) = store::account::find_by_email(c, &email.key())?
            {
                return Ok(Some(found));
            }
            store::account::find(c, &typed)
        })
        .await
}

/// A page of people, by username, from after `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App, after: String, limit: i64) -> Result<Vec<Account>, Error> {
    app.store
        .read(move |c| store::account::list(c, &after, limit))
        .await
}

/// Where a person is signed in.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    /// Live browser sessions, last seen first.
    pub sessions: Vec<Session>,
    /// What apps hold, newest first.
    pub grants: Vec<Grant>,
    /// The security log, newest first.
    pub events: Vec<Event>,
}

/// Where a person is signed in, and what happened to the account.
///
/// # Errors
/// When the database does not answer.
pub async fn signed(app: &App, account_id: String) -> Result<Signed, Error> {
    let (now, lifetimes) = (app.clock.now(), app.lifetimes);
    app.store
        .read(move |c| {
            let mut sessions = store::browser::sessions_of(c, &account_id)?;
            sessions.retain(|session| session.alive(&lifetimes, now));
            Ok(Signed {
                sessions,
                grants: store::grant::list(c, &account_id, now)?,
                events: store::event::list(c, &account_id, 20)?,
            })
        })
        .await
}

/// What ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Browser sessions.
    pub sessions: usize,
    /// Grants of apps, messengers among them.
    pub grants: usize,
}

/// Closes an account and signs it out everywhere.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(app: &Arc<App>, account_id: String) -> Result<Ended, Error> {
    let now = app.clock.now();
    let event = event(app, &account_id, "account.locked", now);
    let ended = app
        .store
        .write(move |c| {
            if !store::account::set_locked(c, &account_id, Some(now))? {
                return Ok(Ended::default()); // deleted meanwhile
            }
            store::event::add(c, &event)?;
            end(c, &account_id, now)
        })
        .await?;
    tracing::info!(sessions = ended.sessions, "account.locked");
    Ok(ended)
}

/// Opens an account that was closed, or that passwords are compared for no longer after too many
/// wrong ones; the person signs in again.
///
/// # Errors
/// When the database does not answer.
pub async fn unlock(app: &Arc<App>, account_id: String) -> Result<(), Error> {
    let now = app.clock.now();
    let event = event(app, &account_id, "account.unlocked", now);
    let failures = account_key(app, &account_id);
    app.store
        .write(move |c| {
            let stays = store::account::set_locked(c, &account_id, None)?;
            store::counter::clear(c, &failures)?;
            match stays {
                true => store::event::add(c, &event),
                false => Ok(()), // deleted meanwhile
            }
        })
        .await
}

/// Signs a person out everywhere, messengers too.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out(app: &Arc<App>, account_id: String) -> Result<Ended, Error> {
    let now = app.clock.now();
    let event = event(app, &account_id, "signout.everywhere", now);
    app.store
        .write(move |c| {
            let ended = end(c, &account_id, now)?;
            if store::account::stays(c, &account_id)? {
                store::event::add(c, &event)?;
            }
            Ok(ended)
        })
        .await
}

/// Deletes an account. Its username is never given again (PROTOCOL 9).
///
/// # Errors
/// When the database does not answer.
pub async fn delete(app: &Arc<App>, account: Account) -> Result<Ended, Error> {
    let now = app.clock.now();
    let mac = app.name_mac(&crate::account::username::skeleton(&account.username));
    app.store
        .write(move |c| {
            let ended = end(c, &account.id, now)?;
            store::account::delete(c, &account.id, &mac, now)?;
            Ok(ended)
        })
        .await
}

fn end(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<Ended, Error> {
    store::account::hold(c, account_id, None)?;
    let sessions = store::browser::end_all(c, account_id, None, now)?;
    for sid in &sessions {
        // Codes that were not exchanged yet die with their session.
        store::grant::revoke_session(c, sid, now)?;
        crate::flow::logout::tell(c, sid, now)?;
    }
    Ok(Ended {
        sessions: sessions.len(),
        grants: store::grant::revoke_account(c, account_id, now)?,
    })
}

fn event(app: &App, account_id: &str, kind: &str, now: Time) -> Event {
    Event {
        id: app.rng.id(),
        account_id: account_id.to_owned(),
        at: now.millis(),
        kind: kind.to_owned(),
        detail: r#"{"by":"operator"}"#.to_owned(),
    }
}
