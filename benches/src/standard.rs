//! The figures of the newer standards: each beside a bare handler that does the same cryptography and
//! nothing else.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use serde_json::json;

use crate::figure::{CALLERS, best, flat_out, same};
use crate::http::{Caller, get, post};
use crate::key::{Key, draw};
use crate::load::{Call, Done};
use crate::process::Process;
use crate::story::{Browser, MACHINE, Secrets, basic, member, pushed};
use crate::table::Row;
use crate::television::{self, Television};

/// A handler of the bare server and what it does.
struct Bound {
    ask: Vec<u8>,
    what: &'static str,
}

impl Bound {
    fn text() -> Self {
        Self {
            ask: get("/document", ""),
            what: "a bare handler with a fixed text",
        }
    }

    /// What no program does without that keeps what it is asked and lets in those it knows.
    fn stored() -> Self {
        Self {
            ask: post("/stored", "", &MACHINE),
            what: "a bare handler that hashes a secret and writes a row to disk",
        }
    }

    fn token(path: &str, what: &'static str) -> Self {
        Self {
            ask: post(path, "", &MACHINE),
            what,
        }
    }
}

/// All of them.
///
/// # Errors
/// When the program does not do what it is asked.
pub fn all(
    server: &Process,
    bare: &Process,
    browser: &mut Browser,
    secrets: &Secrets,
) -> anyhow::Result<Vec<Row>> {
    let own = browser.allow("openid profile")?;
    let chat = browser.allow("chat-es chat-rs")?;
    let bearer = format!("Authorization: Bearer {}\r\n", own.access);
    let about = [("token", chat.access.as_str())];
    let passed = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", chat.access.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", "chat-rs"),
    ];
    let code = Television::new(server.address, 0).begin()?;
    let plain = [
        (
            "Userinfo of a token seen before",
            get("/oauth2/userinfo", &bearer),
            Bound::text(),
            Some(2.0),
        ),
        (
            "Introspection of a token seen before",
            post(
                "/oauth2/introspect",
                &basic("chat-es", &secrets.chat),
                &about,
            ),
            Bound::text(),
            Some(2.0),
        ),
        (
            "A pushed request, on disk",
            pushed(&secrets.forum, "s"),
            Bound::text(),
            None,
        ),
        (
            "A pushed request, beside what it cannot do without",
            pushed(&secrets.forum, "s"),
            Bound::stored(),
            None,
        ),
        (
            "A device that polls too often",
            television::poll(&code),
            Bound::text(),
            None,
        ),
        (
            "Token exchange, ES256 for RS256",
            post("/oauth2/token", &basic("behind", &secrets.behind), &passed),
            Bound::token("/checked-rs256", "a bare handler that checks and signs"),
            None,
        ),
    ];
    let mut rows = Vec::new();
    for (what, ask, bound, goal) in plain {
        let (ours, bound_) = best(
            || flat_out(server, same(server, &ask, CALLERS)),
            || flat_out(bare, same(bare, &bound.ask, CALLERS)),
        )
        .with_context(|| what.to_owned())?;
        rows.push(row(what, &ours, &bound_, bound.what, goal));
    }
    rows.extend(devices(server, bare)?);
    rows.push(proved(server, bare, secrets)?);
    Ok(rows)
}

/// Devices that begin, and devices that ask when they may (RFC 8628 3.5).
fn devices(server: &Process, bare: &Process) -> anyhow::Result<Vec<Row>> {
    let mut televisions: Vec<Television> = (0..CALLERS)
        .map(|n| Television::new(server.address, n))
        .collect();
    let bound = Bound::stored();
    let mut beside = |what: &str, each: fn(&mut Television) -> anyhow::Result<()>| {
        let (ours, bound_) = best(
            || {
                let calls = televisions
                    .iter_mut()
                    .map(|one| -> Call<'_> { Box::new(|| each(one)) });
                flat_out(server, calls.collect())
            },
            || flat_out(bare, same(bare, &bound.ask, CALLERS)),
        )
        .with_context(|| what.to_owned())?;
        Ok(row(what, &ours, &bound_, bound.what, None))
    };
    let begins: anyhow::Result<Row> = beside("A device that begins, on disk", |one| {
        one.begin().map(|_| ())
    });
    let polls = beside(
        "A device that polls when it may, on disk",
        Television::poll_in_time,
    );
    Ok(vec![begins?, polls?])
}

fn row(what: &str, ours: &Done, bound: &Done, of: &str, goal: Option<f64>) -> Row {
    let ratio = ours.micros() / bound.micros();
    Row {
        what: format!("{what}, CPU for each request"),
        measured: format!(
            "{:.1} µs, {ratio:.2} × ({:.0}/s)",
            ours.micros(),
            ours.rate()
        ),
        bound: format!("{:.1} µs, {of}", bound.micros()),
        goal: goal.map_or("beside its bound".into(), |goal| format!("≤ {goal:.0} ×")),
        used: goal.map(|goal| ratio / goal),
    }
}

/// Tokens bound to a key, each with a proof of its own (RFC 9449 5).
fn proved(server: &Process, bare: &Process, secrets: &Secrets) -> anyhow::Result<Row> {
    let what = "client_credentials bound by DPoP, ES256";
    let bound = Bound::token("/checked", "a bare handler that checks and signs");
    let mut provers = (0..CALLERS)
        .map(|_| Prover::new(server.address, &secrets.nightly))
        .collect::<anyhow::Result<Vec<Prover>>>()?;
    let (ours, bound_) = best(
        || {
            let calls = provers
                .iter_mut()
                .map(|prover| -> Call<'_> { Box::new(|| prover.ask(now()?)) });
            flat_out(server, calls.collect())
        },
        || flat_out(bare, same(bare, &bound.ask, CALLERS)),
    )?;
    Ok(row(what, &ours, &bound_, bound.what, None))
}

/// Seconds since 1970.
fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// An app with a key that it proves to have.
pub struct Prover {
    caller: Caller,
    key: Key,
    at: String,
    secret: String,
    nonce: Option<String>,
}

impl Prover {
    /// The app that asks for itself, with a key of its own.
    ///
    /// # Errors
    /// When the server does not say where its endpoints are.
    pub fn new(server: SocketAddr, secret: &str) -> anyhow::Result<Self> {
        let mut caller = Caller::new(server);
        let about = caller.send(&get("/.well-known/openid-configuration", ""))?;
        let at = member(&about, "token_endpoint")?;
        Ok(Self {
            caller,
            key: Key::new()?,
            at,
            secret: basic("nightly", secret),
            nonce: None,
        })
    }

    fn proof(&self, now: u64) -> anyhow::Result<String> {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.jwk() });
        let mut claims = json!({ "jti": draw()?, "htm": "POST", "htu": self.at, "iat": now });
        if let (Some(nonce), Some(claims)) = (&self.nonce, claims.as_object_mut()) {
            claims.insert("nonce".into(), nonce.as_str().into());
        }
        self.key.sign(&header, &claims)
    }

    /// Asks for a token at `now`, in seconds since 1970; with the server's nonce, once it is known.
    ///
    /// # Errors
    /// When there is none.
    pub fn ask(&mut self, now: u64) -> anyhow::Result<()> {
        for _ in 0..2 {
            let headers = format!("{}DPoP: {}\r\n", self.secret, self.proof(now)?);
            let answer = self
                .caller
                .send(&post("/oauth2/token", &headers, &MACHINE))?;
            if let Some(nonce) = answer.header("dpop-nonce") {
                self.nonce = Some(nonce.to_owned());
            }
            if answer.status != 400 {
                answer.expect(200)?;
                return Ok(());
            }
        }
        Err(anyhow!("no nonce helps"))
    }
}
