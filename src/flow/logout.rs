//! Telling apps that a session ended: noted in the transaction that ends it, sent afterwards
//! (OpenID Connect Back-Channel Logout 1.0; PROTOCOL 3).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::subject;
use crate::app::App;
use crate::call::{Failure, Typed};
use crate::clock::Time;
use crate::keys::ISSUER;
use crate::oauth::backchannel::{Heard, LogoutToken, TYP, again, heard, logout_token};
use crate::oauth::client::Client;
use crate::oauth::params::encode_all;
use crate::store::logout::{Count, Logout, Queue};
use crate::store::{self, Conn, Error};

/// How long one belongs to the process that took it.
const LEASE: Duration = Duration::from_secs(30);
/// Apps told side by side, the operator's and strangers' each.
const AT_ONCE: usize = 8;
/// How often an app of strangers is tried, over about ten minutes.
const MOST_TRIES: u32 = 8;

/// Notes which apps are to be told that a session ended.
pub(crate) fn tell(c: &mut Conn<'_>, sid: &str, now: Time) -> Result<(), Error> {
    let Some(session) = store::browser::find_session(c, sid)? else {
        return Ok(());
    };
    for client_id in store::logout::visited(c, sid)? {
        let client = store::client::find(c, &client_id)?;
        if client.is_none_or(|client| client.registration.backchannel_logout_uri.is_none()) {
            continue;
        }
        let new = Logout {
            sid: sid.to_owned(),
            client_id,
            account_id: session.account_id.clone(),
            created_at: now.millis(),
            due_at: now.millis(),
            ends_at: session.ends_at.millis(),
            tries: 0,
            sent_at: None,
            failed_at: None,
            said: None,
        };
        store::logout::add(c, &new)?;
    }
    Ok(())
}

/// Who typed a client's addresses.
pub(crate) fn typed(client: &Client) -> Typed {
    if client.is_strangers() {
        Typed::ByStranger
    } else {
        Typed::ByOperator
    }
}

/// Apps that are being told, by this process. The operator's have places of their own, each app
/// is told of one session at a time, and nobody waits for the slowest.
#[derive(Default)]
pub struct Telling {
    calls: JoinSet<(Queue, String, Result<(), Error>)>,
    operators: HashSet<String>,
    strangers: HashSet<String>,
}

impl Telling {
    /// Begins to tell the apps that are due, as far as there are places; gives how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&mut self, app: &Arc<App>) -> Result<usize, Error> {
        let now = app.clock.now();
        let due = app.store.read(move |c| store::logout::is_due(c, now));
        if !due.await? {
            return Ok(0);
        }
        let mut begun = 0;
        for queue in [Queue::Operator, Queue::Strangers] {
            let busy = self.of(queue).clone();
            let free = AT_ONCE.saturating_sub(busy.len());
            if free == 0 {
                continue;
            }
            let all = app
                .store
                .write(move |c| store::logout::lease(c, queue, &busy, free, LEASE, now))
                .await?;
            for one in all {
                begun += 1;
                let (id, app) = (one.client_id.clone(), app.clone());
                self.of(queue).insert(id.clone());
                self.calls.spawn(async move {
                    let told = tokio::spawn(async move { send(&app, one).await }).await;
                    let told = told.map_err(|error| Error::Broken(error.to_string()));
                    (queue, id, told.and_then(|told| told))
                });
            }
        }
        Ok(begun)
    }

    /// Waits until one of them is told, or could not be; `None` when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ended(&mut self) -> Option<Result<(), Error>> {
        match self.calls.join_next().await? {
            Ok((queue, id, told)) => {
                self.of(queue).remove(&id);
                Some(told)
            }
            Err(error) => Some(Err(Error::Broken(error.to_string()))),
        }
    }

    /// How many are being told.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Nobody is being told.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    fn of(&mut self, queue: Queue) -> &mut HashSet<String> {
        match queue {
            Queue::Operator => &mut self.operators,
            Queue::Strangers => &mut self.strangers,
        }
    }
}

/// Tells apps that are due now and waits for all of them; gives how many were tried.
///
/// # Errors
/// When the database does not answer.
pub async fn send_due(app: &Arc<App>) -> Result<usize, Error> {
    let mut telling = Telling::default();
    let tried = telling.begin(app).await?;
    while let Some(ended) = telling.ended().await {
        ended?;
    }
    Ok(tried)
}

async fn send(app: &Arc<App>, one: Logout) -> Result<(), Error> {
    let id = one.client_id.clone();
    let client = app.store.read(move |c| store::client::find(c, &id)).await?;
    let address = client
        .as_ref()
        .and_then(|client| client.registration.backchannel_logout_uri.clone());
    let (Some(client), Some(address)) = (client, address) else {
        // The app is gone, or wants to be told no more.
        return app
            .store
            .write(move |c| store::logout::delete(c, &one))
            .await;
    };
    let now = app.clock.now();
    let claims = logout_token(&LogoutToken {
        issuer: app.config.issuer(),
        client_id: &client.id,
        sub: &subject::of(app, &client, &one.account_id),
        sid: &subject::sid(app, &client, &one.sid),
        jti: &app.rng.id(),
        now,
    });
    // 2.4: the algorithm of the client's ID tokens.
    let signed = app
        .keys
        .sign(ISSUER, client.id_token_algorithm, TYP, &claims, now);
    let (heard, said) = match signed {
        Ok(token) => {
            let form = encode_all([("logout_token", token.as_str())]);
            match app.call.post(typed(&client), &address, form).await {
                Ok(answer) => (heard(answer.status), format!("HTTP {}", answer.status)),
                // It would never be called.
                Err(failure @ Failure::Address(_)) => (Heard::Refused, failure.to_string()),
                Err(failure) => (Heard::Later, failure.to_string()),
            }
        }
        // A key that is being made, or was lost.
        Err(error) => (Heard::Later, error.to_string()),
    };
    let last = client.is_strangers() && one.tries >= i64::from(MOST_TRIES);
    let heard = match heard {
        Heard::Later if last => Heard::Refused,
        other => other,
    };
    note(app, one, heard, said).await
}

async fn note(app: &Arc<App>, one: Logout, heard: Heard, said: String) -> Result<(), Error> {
    let now = app.clock.now();
    let tries = u32::try_from(one.tries).unwrap_or(u32::MAX);
    let next = match heard {
        Heard::Done => None,
        Heard::Refused => None,
        Heard::Later => again(tries, one.ends_at.into(), now),
    };
    let client = one.client_id.clone();
    match (heard, next) {
        (Heard::Done, _) => tracing::info!(client, said, "logout.told"),
        (_, Some(_)) => tracing::warn!(client, said, tries, "logout.later"),
        (_, None) => tracing::warn!(
            client,
            said,
            tries,
            try = format!("gerege client logouts {client}"),
            "logout.given-up"
        ),
    }
    app.store
        .write(move |c| match heard {
            Heard::Done => store::logout::sent(c, &one, &said, now),
            Heard::Refused | Heard::Later => store::logout::unsent(c, &one, &said, next, now),
        })
        .await
}

/// The newest sign-outs that apps were or are to be told of: of one app or of all.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App, client_id: Option<String>, limit: i64) -> Result<Vec<Logout>, Error> {
    app.store
        .read(move |c| store::logout::list(c, client_id.as_deref(), limit))
        .await
}

/// How many wait, were taken and were given up: of one app or of all.
///
/// # Errors
/// When the database does not answer.
pub async fn count(app: &App, client_id: Option<String>) -> Result<Count, Error> {
    app.store
        .read(move |c| store::logout::count(c, client_id.as_deref()))
        .await
}
