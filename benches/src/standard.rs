//! The figures of the newer standards: each beside a bare handler that does the same cryptography and
//! nothing else.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::figure::{CALLERS, best, flat_out, same};
use crate::http::{Caller, get, post};
use crate::load::Call;
use crate::process::Process;
use crate::story::{Browser, MACHINE, Secrets, basic, member, pushed};
use crate::table::Row;

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
    let device = [("client_id", "television"), ("scope", "openid")];
    let begun = Caller::new(server.address).send(&post("/oauth2/device", "", &device))?;
    let code = member(&begun.expect(200)?, "device_code")?;
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "television"),
        ("device_code", &code),
    ];
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
            "A device that polls too often",
            post("/oauth2/token", "", &poll),
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
    rows.push(proved(server, bare, secrets)?);
    Ok(rows)
}

fn row(
    what: &str,
    ours: &crate::load::Done,
    bound: &crate::load::Done,
    of: &str,
    goal: Option<f64>,
) -> Row {
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
    key: EcdsaKeyPair,
    header: String,
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
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| anyhow!("no EC key"))?;
        let point = key.public_key().as_ref();
        let part =
            |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": part(1), "y": part(33) });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut caller = Caller::new(server);
        let about = caller.send(&get("/.well-known/openid-configuration", ""))?;
        let at = member(&about, "token_endpoint")?;
        Ok(Self {
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            caller,
            key,
            at,
            secret: basic("nightly", secret),
            nonce: None,
        })
    }

    fn proof(&self, now: u64) -> anyhow::Result<String> {
        let mut random = [0; 16];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| anyhow!("no randomness"))?;
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(random), "htm": "POST", "htu": self.at,
            "iat": now,
        });
        if let (Some(nonce), Some(claims)) = (&self.nonce, claims.as_object_mut()) {
            claims.insert("nonce".into(), nonce.as_str().into());
        }
        let message = format!(
            "{}.{}",
            self.header,
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), message.as_bytes())
            .map_err(|_| anyhow!("no signature"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
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
