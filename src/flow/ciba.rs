//! Asking a person from an app's own server (CIBA): it is noted for them, they hear of it by mail
//! and decide on a page; an app that wants to be told is told when they have.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::client::{Refused, registered};
use super::letter::{Addressed, Letter};
use super::logout::typed;
use super::opaque::Kind;
use super::recover::is_within;
use super::signin::guess::{Who, key};
use super::{hint, request, request_object, subject};
use crate::account::{Account, Email};
use crate::app::App;
use crate::call::Failure;
use crate::clock::Time;
use crate::keys::{Master, Purpose};
use crate::limit;
use crate::oauth::backchannel::{Heard, again};
use crate::oauth::ciba::{CibaRequest, Hint, heard};
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::pending::{Body, PAUSE, Pending};
use crate::rng::{Secret, digest};
use crate::store::pending::Ping;
use crate::store::{self, Conn, Error, counter};

/// One app may ask so often about one name, whoever it is. Past that it is told to wait.
const ASKED: [(&str, i64, Duration); 2] = [
    ("ciba quarter", 10, Duration::from_secs(15 * 60)),
    ("ciba day", 100, Duration::from_secs(24 * 3600)),
];
/// So many questions of one app lie before one person at a time, and of all apps; more are not
/// shown. One app must not take the places of the others.
const OPEN: usize = 5;
const OPEN_OF_ALL: usize = 20;
/// A person is written to so often; past that what waits stands on their pages only (SECURITY R24).
const MAILED: [(&str, i64, Duration); 2] = [
    ("ciba mail quarter", 3, Duration::from_secs(15 * 60)),
    ("ciba mail day", 10, Duration::from_secs(24 * 3600)),
];
/// How long a notice belongs to the process that took it, and how many go out side by side.
const LEASE: Duration = Duration::from_secs(30);
const AT_ONCE: i64 = 8;

/// The answer of `/oauth2/ciba` (CIBA 7.3).
#[derive(Debug, Serialize)]
pub struct Begun {
    auth_req_id: String,
    expires_in: u64,
    interval: u64,
}

/// The secret that an app asks with: derived, because it has to be sent again with a notice.
fn secret(master: &Master, id: &str) -> String {
    let secret = Secret::derived(master.mac(Purpose::Ciba, &[id.as_bytes()]));
    Kind::Ciba.dress(master, &secret)
}

/// The app's own token, bound to the one question that it was sent with.
fn seal(app: &App, hash: &str, token: &str) -> Result<String, crate::keys::Error> {
    let master = app.keys.master();
    let sealed = master.seal(Purpose::Ciba, hash.as_bytes(), token.as_bytes(), &app.rng)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn unseal(app: &App, hash: &str, sealed: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let master = app.keys.master();
    let plain = master.open(Purpose::Ciba, hash.as_bytes(), &sealed).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

/// Takes a question of an authenticated client. A name that is nobody's is answered as any other,
/// and runs out (PROTOCOL 7): CIBA 13 has `unknown_user_id` for it, but an app could find out by
/// it whose addresses are known here.
///
/// # Errors
/// [`Refused`].
pub async fn begin(
    app: &Arc<App>,
    client: &Client,
    params: &crate::oauth::params::Params,
    from: IpAddr,
) -> Result<Begun, Refused> {
    let services = registered(app).await?;
    let signed = match params.one("request") {
        Some(object) => Some(request_object::read_backchannel(app, client, object).await?),
        None => None,
    };
    let (params, once) = match &signed {
        // CIBA 7.1.1: what stands outside of it is no part of the request.
        Some(signed) => {
            let jti = digest(&format!("ciba {} {}", client.id, signed.jti));
            (&signed.params, Some((jti, signed.until)))
        }
        None => (params, None),
    };
    let asked = CibaRequest::parse(
        params,
        once.is_some(),
        client,
        &services.services,
        app.config.issuer(),
    )?;
    let now = app.clock.now();
    let who = match &asked.hint {
        Hint::Login(login) => Who::typed(app, login),
        Hint::IdToken(token) => Who::Member(hinted(app, client, token, now).await?),
    };
    let ttl = asked.expiry.map_or(app.config.tokens.device_ttl, |wanted| {
        wanted.min(app.config.tokens.device_ttl)
    });
    let id = app.rng.id();
    let auth_req_id = secret(app.keys.master(), &id);
    let hash = digest(&auth_req_id);
    let new = Pending {
        ping: match &asked.notify {
            None => None,
            Some(token) => {
                Some(seal(app, &hash, token).map_err(|error| Error::Broken(error.to_string()))?)
            }
        },
        hash,
        user_code: None,
        client_id: client.id.clone(),
        account_id: None,
        body: Body {
            asked: asked.asked,
            network: limit::network(from),
            id,
            message: asked.message,
        },
        created_at: now,
        expires_at: now.plus(ttl),
        pause: PAUSE,
        next_at: now,
        grant_id: None,
        decided_at: None,
        used_at: None,
    };
    let by_name = ASKED.map(|(what, most, span)| {
        let name = who.key(app, what);
        (key(app, &["ciba", &client.id, &name]), most, span)
    });
    let (house, letter_id) = (app.clone(), app.rng.id());
    let taken = app
        .store
        .write(move |c| {
            if let Some((jti, until)) = &once
                && !counter::see_once(c, jti, *until)?
            {
                let why = "jti of the request object was used before";
                let problem = Problem::new(Code::InvalidRequest, why); // CIBA 13
                return Ok(Err(Refused::Problem(problem)));
            }
            if !is_within(c, &by_name, now)? {
                return Ok(Err(Refused::Slow(ASKED[0].2)));
            }
            let account = who.find(c)?.filter(|found| found.locked_at.is_none());
            let account = match account {
                Some(found) => {
                    let open = store::pending::list_open(c, &found.id, now)?;
                    let own = open.iter().filter(|one| one.client_id == new.client_id);
                    (own.count() < OPEN && open.len() < OPEN_OF_ALL).then_some(found)
                }
                None => None,
            };
            let new = Pending {
                account_id: account.as_ref().map(|found| found.id.clone()),
                ..new.clone()
            };
            store::pending::add(c, &new)?;
            if let Some(account) = &account {
                let limits = MAILED
                    .map(|(what, most, span)| (key(&house, &[what, &account.id]), most, span));
                if is_within(c, &limits, now)? {
                    post(c, &letter_id, account, &new, now)?;
                }
            }
            Ok(Ok(()))
        })
        .await?;
    taken?;
    app.post.notify_one();
    tracing::info!(client = client.id, "ciba.begun");
    Ok(Begun {
        auth_req_id,
        expires_in: ttl.as_secs(),
        interval: PAUSE.as_secs(),
    })
}

fn post(
    c: &mut Conn<'_>,
    id: &str,
    account: &Account,
    asked: &Pending,
    now: Time,
) -> Result<(), Error> {
    // What is on file was read by the same rules when it was proved.
    let Ok(to) = Email::parse(&account.email) else {
        return Ok(());
    };
    let letter = Letter::Asked {
        hash: asked.hash.clone(),
    };
    Addressed::named(
        id.to_owned(),
        &to,
        &letter,
        None,
        Some(asked.expires_at),
        now,
    )?
    .post(c)
}

/// The account that an ID token speaks of: only one that this client was given itself, which
/// therefore learns nothing by the refusal.
async fn hinted(app: &App, client: &Client, token: &str, now: Time) -> Result<String, Refused> {
    let unknown = || {
        let why = "id_token_hint is no ID token that this client was given within a year, or its person is gone";
        Refused::Problem(Problem::new(Code::UnknownUserId, why))
    };
    let hint = hint::read(app, token, now)
        .filter(|hint| hint.client_id == client.id)
        .ok_or_else(unknown)?;
    let (sub, gid) = (hint.sub.clone(), hint.gid.unwrap_or_default());
    // A pairwise `sub` cannot be turned back: its grant tells whose it is.
    let found = app
        .store
        .read(move |c| {
            Ok(match store::account::find(c, &sub)? {
                Some(found) => Some(found.id),
                None => store::grant::find(c, &gid)?.map(|one| one.account_id),
            })
        })
        .await?;
    found
        .filter(|id| subject::of(app, client, id) == hint.sub)
        .ok_or_else(unknown)
}

/// Something that an app asks of a person and that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Names it.
    pub hash: String,
    /// Who asks.
    pub app: String,
    /// What stands on the app's own screen.
    pub message: Option<String>,
    /// When it asked.
    pub at: Time,
}

/// What waits for a person, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(app: &App, account_id: &str) -> Result<Vec<Waiting>, Error> {
    let (id, now) = (account_id.to_owned(), app.clock.now());
    app.store
        .read(move |c| {
            let mut all = Vec::new();
            for one in store::pending::list_open(c, &id, now)? {
                // One whose app was removed waits in vain.
                if let Some(client) = store::client::find(c, &one.client_id)? {
                    all.push(Waiting {
                        hash: one.hash,
                        app: client.name,
                        message: one.body.message,
                        at: one.created_at,
                    });
                }
            }
            Ok(all)
        })
        .await
}

/// Makes a request of what waits, in the browser where the person is signed in; gives its id.
///
/// # Errors
/// When the database does not answer.
pub async fn enter(
    app: &App,
    account_id: &str,
    hash: &str,
    cookie: &str,
) -> Result<Option<String>, Error> {
    let (account_id, hash, cookie) = (account_id.to_owned(), hash.to_owned(), digest(cookie));
    let (id, now) = (app.rng.id(), app.clock.now());
    app.store
        .write(move |c| {
            let all = store::pending::list_open(c, &account_id, now)?;
            let Some(one) = all.into_iter().find(|one| one.hash == hash) else {
                return Ok(None);
            };
            let Some(browser) = store::browser::find(c, &cookie)? else {
                return Ok(None);
            };
            let device = request::Device {
                hash: one.hash,
                code: String::new(),
                account_id: Some(account_id.clone()),
            };
            request::add_device(c, &id, &browser.id, &one.client_id, device, now)?;
            Ok(Some(id.clone()))
        })
        .await
}

/// Tells the apps whose person has decided; gives how many were tried (CIBA 10.2).
///
/// # Errors
/// When the database does not answer.
pub async fn send_due(app: &Arc<App>) -> Result<usize, Error> {
    let now = app.clock.now();
    let due = app.store.read(move |c| store::pending::is_ping_due(c, now));
    if !due.await? {
        return Ok(0);
    }
    let all = app
        .store
        .write(move |c| store::pending::lease_pings(c, AT_ONCE, LEASE, now))
        .await?;
    let tried = all.len();
    let under_way: Vec<_> = all
        .into_iter()
        .map(|one| {
            let app = app.clone();
            tokio::spawn(async move { send(&app, one).await })
        })
        .collect();
    for one in under_way {
        one.await
            .map_err(|error| Error::Broken(error.to_string()))??;
    }
    Ok(tried)
}

async fn send(app: &Arc<App>, one: Ping) -> Result<(), Error> {
    let id = one.client_id.clone();
    let client = app.store.read(move |c| store::client::find(c, &id)).await?;
    let address = client
        .as_ref()
        .and_then(|client| client.registration.ciba_notification.clone());
    let token = one.ping.as_ref();
    let token = token.and_then(|sealed| unseal(app, &one.hash, sealed));
    let (Some(client), Some(address), Some(token)) = (client, address, token) else {
        // The app is gone, or wants to be told no more.
        return note(app, one, Heard::Refused, "nobody is to be told".into()).await;
    };
    let body: Body = serde_json::from_str(&one.body)?;
    let told = serde_json::json!({ "auth_req_id": secret(app.keys.master(), &body.id) });
    let sent = (app.call).notify(typed(&client), &address, &token, told.to_string());
    let (heard, said) = match sent.await {
        Ok(answer) => (heard(answer.status), format!("HTTP {}", answer.status)),
        // It would never be called.
        Err(failure @ Failure::Address(_)) => (Heard::Refused, failure.to_string()),
        Err(failure) => (Heard::Later, failure.to_string()),
    };
    note(app, one, heard, said).await
}

async fn note(app: &Arc<App>, one: Ping, heard: Heard, said: String) -> Result<(), Error> {
    let now = app.clock.now();
    let tries = u32::try_from(one.ping_tries).unwrap_or(u32::MAX);
    let next = match heard {
        Heard::Done | Heard::Refused => None,
        Heard::Later => again(tries, one.expires_at.into(), now),
    };
    let client = one.client_id.clone();
    match (heard, next) {
        (Heard::Done, _) => tracing::info!(client, said, "ciba.told"),
        (_, Some(_)) => tracing::warn!(client, said, tries, "ciba.later"),
        (_, None) => tracing::warn!(
            client,
            said,
            tries,
            try = format!("gerege client pings {client}"),
            "ciba.given-up"
        ),
    }
    let told_at = (heard == Heard::Done).then_some(now);
    app.store
        .write(move |c| store::pending::note_ping(c, &one.hash, &said, told_at, next))
        .await
}

/// The newest decisions that apps were or are to be told of: of one app or of all.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App, client_id: Option<String>, limit: i64) -> Result<Vec<Ping>, Error> {
    app.store
        .read(move |c| store::pending::list_pings(c, client_id.as_deref(), limit))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_asks_with_can_be_told_again_and_is_its_own() {
        let master = Master::new(&[7; 32]);
        let first = secret(&master, "a");
        assert_eq!(first, secret(&master, "a"));
        assert_ne!(first, secret(&master, "b"));
        assert_ne!(first, secret(&Master::new(&[8; 32]), "a"));
        assert!(Kind::Ciba.is_ours(&master, &first));
        // CIBA 7.3: letters, digits and three signs.
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(first.chars().all(legal) && first.len() >= 43);
    }
}
