//! The device grant (RFC 8628): an app without a browser begins, a person types its code in a
//! browser. What follows is the same as where a server asked: `pending`.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::opaque::Kind;
use super::{Visitor, browser, request};
use crate::app::App;
use crate::keys::{Master, Purpose};
use crate::limit;
use crate::oauth::client::{Client, GrantType};
use crate::oauth::device;
use crate::oauth::error::Problem;
use crate::oauth::params::Params;
use crate::oauth::pending::{Asked, Body, PAUSE, Pending};
use crate::rng::{Rng, digest};
use crate::store::{self, Error, counter};

/// Wrong codes from one browser, and by one account, before the next must wait; and those from one
/// network, past which codes are looked up one after another: others there are slowed, not shut out.
const MOST: i64 = 10;
const MOST_OF_NETWORK: i64 = 50;
/// Over which span they are counted, how long the wait is then, and the pace of a network.
const SPAN: Duration = Duration::from_secs(3600);
const REST: Duration = Duration::from_secs(15 * 60);
const PACE: Duration = Duration::from_secs(2);
/// How many codes are drawn, should one be taken.
const DRAWS: usize = 4;

/// The answer of `/oauth2/device` (RFC 8628 3.2).
#[derive(Debug, Serialize)]
pub struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// Begins: gives an authenticated client its codes.
///
/// # Errors
/// The outer one when the database does not answer; the inner one is the standard's refusal.
pub async fn begin(
    app: &App,
    client: &Client,
    params: &Params,
    from: IpAddr,
) -> Result<Result<Begun, Problem>, Error> {
    let services = app.store.read(store::client::list_services).await?;
    let (kind, issuer) = (GrantType::DeviceCode, app.config.issuer());
    let asked = match Asked::parse(params, kind, client, &services, issuer) {
        Ok(asked) => asked,
        Err(problem) => return Ok(Err(problem)),
    };
    let (now, ttl) = (app.clock.now(), app.config.tokens.device_ttl);
    let secret = Kind::Device.dress(app.keys.master(), &app.rng.secret());
    let codes: Vec<(String, String)> = (0..DRAWS)
        .map(|_| {
            let code = draw(&app.rng);
            (kept(app.keys.master(), &code), code)
        })
        .collect();
    let new = Pending {
        hash: digest(&secret),
        user_code: None,
        client_id: client.id.clone(),
        account_id: None,
        ping: None,
        body: Body {
            asked,
            network: limit::network(from),
            ..Body::default()
        },
        created_at: now,
        expires_at: now.plus(ttl),
        pause: PAUSE,
        next_at: now,
        grant_id: None,
        decided_at: None,
        used_at: None,
    };
    let code = app
        .store
        .write(move |c| {
            for (kept, code) in &codes {
                let one = Pending {
                    user_code: Some(kept.clone()),
                    ..new.clone()
                };
                if store::pending::add(c, &one)? {
                    return Ok(code.clone());
                }
            }
            Err(Error::Busy("every code that was drawn is taken".into()))
        })
        .await?;
    tracing::info!(client = client.id, "device.begun");
    let shown = device::shown(&code);
    Ok(Ok(Begun {
        device_code: secret,
        verification_uri: app.config.url("/device"),
        verification_uri_complete: link(app, &code),
        user_code: shown,
        expires_in: ttl.as_secs(),
        interval: PAUSE.as_secs(),
    }))
}

/// The address with a code in it (RFC 8628 3.3.1).
pub fn link(app: &App, code: &str) -> String {
    let shown = device::shown(code);
    app.config.url(&format!("/device?user_code={shown}"))
}

/// A code that a person types; each of its letters as likely as any other.
fn draw(rng: &Rng) -> String {
    let mut letters = Vec::with_capacity(device::LENGTH);
    while letters.len() < device::LENGTH {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        // 240 is the last multiple of 20 below 256.
        letters.extend(bytes.into_iter().filter(|byte| *byte < 240));
    }
    device::user_code(letters.into_iter())
}

/// A user code as it is kept: a keyed digest, since one of so few could be found again from a
/// plain one.
fn kept(master: &Master, code: &str) -> String {
    master.mac_text(Purpose::UserCode, &[code.as_bytes()])
}

/// What a typed code led to.
#[derive(Debug)]
pub enum Found {
    /// Go on with this request.
    Request(String),
    /// It is nobody's now.
    Unknown,
    /// Too many wrong ones: this long nothing is looked up.
    Slow(Duration),
}

/// Looks up what a person typed, and makes a request of it that belongs to the browser behind
/// `cookie`. Wrong ones are counted by browser, and by the account that is signed in there, or else
/// by network (RFC 8628 5.1): whoever is signed in does not wait for strangers next door.
///
/// # Errors
/// When the database does not answer.
pub async fn enter(
    app: &App,
    typed: &str,
    cookie: &str,
    visitor: &Visitor,
) -> Result<Found, Error> {
    let (now, hash) = (app.clock.now(), digest(cookie));
    let code = device::typed(typed);
    let wanted = code.as_ref().map(|code| kept(app.keys.master(), code));
    let key = |of: &str, what: &str| {
        let parts: [&[u8]; 3] = [b"device", of.as_bytes(), what.as_bytes()];
        app.keys.master().mac_text(Purpose::Counter, &parts)
    };
    let here = browser::find(app, Some(cookie)).await?;
    // The network first: who waits for its pace has not tried yet.
    let counted = [
        match here.first() {
            Some((_, account)) => (key("account", &account.id), MOST, REST),
            None => (key("network", &visitor.network()), MOST_OF_NETWORK, PACE),
        },
        (key("browser", cookie), MOST, REST),
    ];
    let (id, browser_id) = (app.rng.id(), app.rng.id());
    app.store
        .write(move |c| {
            for (key, most, wait) in &counted {
                let count = counter::add(c, key, SPAN, now)?;
                if count.blocked_until > now {
                    return Ok(Found::Slow(count.blocked_until.since(now)));
                }
                if count.count > *most {
                    counter::block(c, key, now.plus(*wait))?;
                    if *wait == REST {
                        return Ok(Found::Slow(REST));
                    }
                }
            }
            let found = match &wanted {
                Some(wanted) => store::pending::find_open(c, wanted, now)?,
                None => None,
            };
            let (Some(pending), Some(code)) = (found, &code) else {
                return Ok(Found::Unknown);
            };
            for (key, ..) in &counted {
                counter::take_back(c, key)?;
            }
            let browser_id = store::browser::enter(c, &hash, &browser_id, now)?;
            let device = request::Device {
                hash: pending.hash,
                code: code.clone(),
                account_id: None,
            };
            request::add_device(c, &id, &browser_id, &pending.client_id, device, now)?;
            Ok(Found::Request(id.clone()))
        })
        .await
}
