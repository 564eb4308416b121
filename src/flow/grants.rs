//! Grants that clients manage: found by their name, taken over, read and ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::client;
use super::presented;
use crate::app::App;
use crate::clock::Time;
use crate::oauth::bearer::Token;
use crate::oauth::binding::{Held, check_proof};
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::grant::Grant;
use crate::oauth::management::{self, Action, QUERY, REVOKE};
use crate::oauth::scope::{self, DEVICE_SSO};
use crate::store::{self, Conn, Error, event::Event};

/// So many sign-ins of one app to one account stand at once: a sign-in with each start of an app
/// must not fill the disk for as long as the last of them could be used. Those that end with their
/// access token are counted apart: they come and go.
pub const MOST: i64 = 100;
/// So many more wait for the app to come for them.
pub const MOST_WAITING: i64 = 100;

/// The line of the log that says so.
const MANY: &str = "app.many";
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Whether the session of a grant lives, where the grant does not outlive it.
pub(super) fn is_signed_in(
    c: &mut Conn<'_>,
    app: &App,
    grant: &Grant,
    now: Time,
) -> Result<bool, Error> {
    if grant.offline {
        return Ok(true);
    }
    let session = store::browser::find_session(c, &grant.sid)?;
    Ok(session.is_some_and(|session| session.alive(&app.lifetimes, now)))
}

/// How long the row of a grant is kept that an app has come for, from now.
pub(super) fn life(app: &App, grant: &Grant, given: bool) -> Duration {
    let tokens = app.config.tokens;
    // A device secret opens further apps while the session lives.
    if given || scope::has(&grant.scopes, DEVICE_SSO) {
        tokens.refresh_max_ttl
    } else {
        tokens.access_ttl
    }
}

/// An app has come for its grant: it is kept as long as what it gave can be used, and where there
/// are too many for this app and account, the oldest end. `log_id` is of the line that says so, once
/// a day.
pub(super) fn keep(
    c: &mut Conn<'_>,
    app: &App,
    grant: &Grant,
    life: Duration,
    log_id: &str,
    now: Time,
) -> Result<(), Error> {
    store::grant::extend(c, &grant.id, now.plus(life))?;
    let (person, client) = (&grant.account_id, &grant.client_id);
    let soon = now.plus(app.config.tokens.access_ttl);
    let like = match now.plus(life) > soon {
        true => (soon, Time::from_millis(i64::MAX)),
        false => (now, soon),
    };
    let old = store::grant::beyond(c, grant, MOST - 1, like)?;
    if old.is_empty() {
        return Ok(());
    }
    for id in &old {
        store::grant::revoke(c, id, now)?;
    }
    tracing::info!(client, ended = old.len(), "grant.many");
    if store::event::stands(c, person, MANY, now.minus(DAY))? {
        return Ok(());
    }
    let name = store::client::find(c, client)?.map(|client| client.name);
    let line = Event {
        id: log_id.to_owned(),
        account_id: person.clone(),
        at: now.millis(),
        kind: MANY.into(),
        detail: serde_json::json!({ "client": client, "app": name.unwrap_or_default() })
            .to_string(),
    };
    store::event::add(c, &line)
}

/// Takes back the oldest that wait for an app that does not come for them.
pub(super) fn bound_waiting(c: &mut Conn<'_>, grant: &Grant) -> Result<(), Error> {
    store::grant::forget_waiting(c, grant, MOST_WAITING - 1)
}

/// The grant of this name that counts now, of a client: one that is to take its place and waits
/// for its code to be redeemed does not yet.
fn find(c: &mut Conn<'_>, client_id: &str, id: &str, now: Time) -> Result<Option<Grant>, Error> {
    for grant in store::grant::managed(c, id, now)? {
        if grant.client_id == client_id && !store::grant::has_open_code(c, &grant.id)? {
            return Ok(Some(grant));
        }
    }
    Ok(None)
}

/// The grant that a request names, one of this client's.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn named(
    app: &App,
    action: Option<&Action>,
    client: &Client,
) -> Result<Option<Grant>, Error> {
    let Some(id) = action.and_then(Action::names) else {
        return Ok(None);
    };
    let (id, client_id, now) = (id.to_owned(), client.id.clone(), app.clock.now());
    let found = app.store.read(move |c| find(c, &client_id, &id, now));
    Ok(found.await?.map(|grant| grant.cut(client)))
}

/// Whether the grant that a request names is one of this client's and person's.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn stands(
    app: &App,
    action: Option<&Action>,
    client: &Client,
    account_id: &str,
) -> Result<bool, Error> {
    if action.and_then(Action::names).is_none() {
        return Ok(true);
    }
    let found = named(app, action, client).await?;
    Ok(found.is_some_and(|grant| grant.account_id == account_id))
}

/// A new grant as the action of its request wants it; `None` when the one that it names is gone.
/// Of an app of the operator's own nobody is asked: what they allow is not on file.
pub(super) fn settle(
    c: &mut Conn<'_>,
    action: Option<&Action>,
    new: Grant,
    first_party: bool,
    now: Time,
) -> Result<Option<Grant>, Error> {
    let Some(action) = action else {
        return Ok(Some(new));
    };
    let old = match action.names() {
        None => None,
        Some(id) => match find(c, &new.client_id, id, now)? {
            Some(old) if old.account_id == new.account_id => Some(old),
            _ => return Ok(None),
        },
    };
    let on_file = match first_party {
        true => None,
        false => store::grant::consent(c, &new.account_id, &new.client_id)?.or(Some(Vec::new())),
    };
    Ok(Some(action.settle(new, old.as_ref(), on_file.as_deref())))
}

/// Ends the grants whose place this one takes, now that its code is redeemed: their refresh tokens
/// give nothing any more (5.2).
pub(super) fn take_over(c: &mut Conn<'_>, grant: &Grant, now: Time) -> Result<(), Error> {
    let Some(managed) = grant.managed.as_ref().filter(|one| one.takes_over) else {
        return Ok(());
    };
    for old in store::grant::managed(c, &managed.id, now)? {
        if old.id != grant.id && old.client_id == grant.client_id {
            store::grant::revoke(c, &old.id, now)?;
        }
    }
    Ok(())
}

/// What a client does with a grant by its own token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Reads it (6.4).
    Query,
    /// Ends it (6.5).
    Revoke,
}

/// Reads or ends a grant by a token of its client's: one of the client's own (client_credentials)
/// opens each of its grants, one that it was given for a person the grant that it is of and no
/// other. The inner `None`: there is no such grant, or it is another's, or the token's own has ended.
///
/// # Errors
/// The outer one when the database does not answer; the inner one is `invalid_token` or
/// `insufficient_scope` (6.6).
pub async fn manage(
    app: &Arc<App>,
    token: &Token,
    held: &Held,
    id: &str,
    act: Act,
) -> Result<Result<Option<Map<String, Value>>, Problem>, Error> {
    let now = app.clock.now();
    let good = match presented::own(app, token, held, now)? {
        Ok(good) => good,
        Err(problem) => return Ok(Err(problem)),
    };
    let needed = match act {
        Act::Query => QUERY,
        Act::Revoke => REVOKE,
    };
    let client = client::find(app, good.text("client_id")).await?;
    let own = |client: &Client| presented::is_of(good.time("iat"), client.created_at);
    let Some(client) = client.filter(own) else {
        let why = "the client is not there any more";
        let problem = Problem::new(Code::InvalidToken, why);
        return Ok(Err(problem.mend("gerege client list".into())));
    };
    let (had, may) = (scope::has(&good.scopes(), needed), client.may_have(needed));
    if !had || !may {
        let why = match had {
            false => format!("the token does not have {needed}"),
            true => format!("the client may not have {needed} any more"),
        };
        let problem = Problem::new(Code::InsufficientScope, why);
        return Ok(Err(match may {
            true => problem,
            false => problem.mend(format!(
                "gerege client edit {} --add-scope {needed}",
                client.id
            )),
        }));
    }
    if let Err(problem) = check_proof(&client, held) {
        return Ok(Err(problem));
    }
    let wanted = Wanted {
        id: id.to_owned(),
        client_id: client.id.clone(),
        gid: good.text("gid").to_owned(),
    };
    let house = app.clone();
    let found = match act {
        Act::Query => {
            let found = app.store.read(move |c| wanted.find(c, &house, now));
            found.await?
        }
        Act::Revoke => {
            let ended = app.store.write(move |c| wanted.end(c, &house, now));
            ended.await?
        }
    };
    if act == Act::Revoke && found.is_some() {
        tracing::info!(client = client.id, "grant.ended");
    }
    Ok(Ok(found.as_ref().map(management::show)))
}

/// A grant that a token asks for.
struct Wanted {
    id: String,
    client_id: String,
    /// The grant that the token is of; nothing of a client's own.
    gid: String,
}

impl Wanted {
    fn find(&self, c: &mut Conn<'_>, app: &App, now: Time) -> Result<Option<Grant>, Error> {
        if !self.gid.is_empty() {
            let stands = presented::stands(c, app, &self.gid, now)?;
            let own = stands.is_some_and(|(grant, _, client)| {
                let managed = grant.managed.as_ref();
                client.id == self.client_id && managed.is_some_and(|named| named.id == self.id)
            });
            if !own {
                return Ok(None);
            }
        }
        find(c, &self.client_id, &self.id, now)
    }

    /// Ends it. Where the client has no other one of the person's, it is connected no more.
    fn end(&self, c: &mut Conn<'_>, app: &App, now: Time) -> Result<Option<Grant>, Error> {
        let Some(grant) = self.find(c, app, now)? else {
            return Ok(None);
        };
        store::account::hold(c, &grant.account_id, None)?;
        for one in store::grant::managed(c, &self.id, now)? {
            if one.client_id == self.client_id {
                store::grant::revoke(c, &one.id, now)?;
            }
        }
        let others = store::grant::list(c, &grant.account_id, now)?;
        if !others.iter().any(|other| other.client_id == self.client_id) {
            store::grant::revoke_client(c, &grant.account_id, &self.client_id, now)?;
        }
        Ok(Some(grant))
    }
}
