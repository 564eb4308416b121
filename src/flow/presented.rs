//! Tokens that are shown to us: userinfo and introspection. Each is judged with its grant, session
//! and account as they stand now.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::access::OPAQUE;
use super::client::{self, Caller};
use super::grants;
use super::keyring;
use super::opaque::Refresh;
use super::subject;
use super::token::person;
use crate::account::Account;
use crate::app::{App, Heard, Standing, Told};
use crate::clock::Time;
use crate::keys::{ISSUER, Purpose};
use crate::oauth::bearer::{Scheme, Token};
use crate::oauth::binding::{Binding, Held, check_proof};
use crate::oauth::claims::{self, Live, Subject};
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::grant::Grant;
use crate::oauth::introspection;
use crate::oauth::scope::{self, OPENID};
use crate::oauth::service::{KeyOwner, Service, own_issuer};
use crate::oauth::subject::pairwise;
use crate::oauth::token::is_offline;
use crate::rng::digest;
use crate::store::{self, Conn, Error};

/// An access token that is good by itself: signature, type, issuer, time.
pub(super) struct Good {
    /// Whose key signed it.
    owner: String,
    pub(super) claims: Arc<Map<String, Value>>,
}

impl Good {
    pub(super) fn text(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn scopes(&self) -> Vec<String> {
        let scopes = self.text("scope").split_whitespace();
        scopes.map(str::to_owned).collect()
    }

    /// The key that it is bound to; `Err` when that cannot be read.
    pub(super) fn binding(&self) -> Result<Option<Binding>, serde_json::Error> {
        let cnf = self.claims.get("cnf").cloned();
        cnf.map(serde_json::from_value).transpose()
    }

    pub(super) fn time(&self, name: &str) -> Time {
        let seconds = self.claims.get(name).and_then(Value::as_i64);
        Time::from_seconds(seconds.unwrap_or_default())
    }
}

/// The mark by which an exchanged token is known once it was given back: the grant behind it is
/// another app's, and stands. `None` for any other token.
pub(super) fn mark(claims: &Map<String, Value>) -> Option<String> {
    let jti = claims.get("jti").and_then(Value::as_str);
    let traded = claims.contains_key("act");
    traded.then(|| digest(&format!("ended {}", jti.unwrap_or_default())))
}

/// Whether a token that was issued then may be of a client, or for a service, that was added at this
/// time. Who is added anew under the id of one that was removed has nothing of what that one had.
pub(super) fn is_of(issued_at: Time, added_at: Time) -> bool {
    issued_at.seconds() >= added_at.seconds()
}

/// Reads an access token of ours, signed or sealed.
pub(super) fn read(app: &App, token: &str, now: Time) -> Option<Good> {
    let good = match token.strip_prefix(OPAQUE) {
        Some(sealed) => {
            use base64::Engine as _;
            let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(sealed)
                .ok()?;
            let plain = app
                .keys
                .master()
                .open(Purpose::Opaque, b"access", &sealed)
                .ok()?;
            Good {
                owner: String::new(),
                claims: Arc::new(serde_json::from_slice(&plain).ok()?),
            }
        }
        None => {
            // A key that was taken back takes its tokens with it (PROTOCOL 4).
            let read = app
                .keys
                .read(token, "at+jwt")
                .filter(|read| read.key.is_published(now))?;
            Good {
                owner: read.key.owner.clone(),
                claims: read.claims,
            }
        }
    };
    (is_named(app, &good) && now < good.time("exp")).then_some(good)
}

/// Whether a token is under our name, or under the name of the service whose key signed it.
fn is_named(app: &App, good: &Good) -> bool {
    let (named, house) = (good.text("iss"), app.config.issuer());
    let owner = good.owner.as_str();
    named == house || !owner.is_empty() && owner != ISSUER && named == own_issuer(house, owner)
}

/// Whether an access token is one of ours that has not run out; what it opens is not looked at.
pub fn is_ours(app: &App, token: &str) -> bool {
    read(app, token, app.clock.now()).is_some()
}

/// Whether a grant still stands: not ended, its client there, its account open, its session alive
/// unless it outlives it. What it stands for is what its client may still have.
pub(super) fn stands(
    c: &mut Conn<'_>,
    app: &App,
    gid: &str,
    now: Time,
) -> Result<Option<(Grant, Account, Client)>, Error> {
    let Some(grant) = store::grant::find(c, gid)? else {
        return Ok(None);
    };
    if grant.revoked_at.is_some() || !grants::is_signed_in(c, app, &grant, now)? {
        return Ok(None);
    }
    let Some(client) = store::client::find(c, &grant.client_id)? else {
        return Ok(None);
    };
    let account = store::account::find(c, &grant.account_id)?;
    Ok(account
        .filter(|account| account.locked_at.is_none())
        .map(|account| (grant.cut(&client), account, client)))
}

/// What the database is asked of a token.
struct Asked {
    gid: String,
    client_id: String,
    traded: Option<Traded>,
}

/// The same of an exchanged one.
struct Traded {
    mark: String,
    /// The service that it is for.
    service_id: String,
    issued_at: Time,
}

impl Asked {
    fn of(good: &Good, service: Option<&Service>) -> Self {
        let service_id = service.map_or_else(String::new, |service| service.id.clone());
        Self {
            gid: good.text("gid").to_owned(),
            client_id: good.text("client_id").to_owned(),
            traded: mark(&good.claims).map(|mark| Traded {
                mark,
                service_id,
                issued_at: good.time("iat"),
            }),
        }
    }

    /// By what its answer is remembered.
    fn name(&self) -> String {
        let mark = self.traded.as_ref().map_or("", |traded| &traded.mark);
        format!("{} {} {mark}", self.gid, self.client_id)
    }

    /// What it stands for, with the client that it was given to, and the client of its grant. An
    /// exchanged one ends with the grant behind it, and also with that client, with what that may
    /// exchange, and when it was given back.
    fn answer(
        &self,
        c: &mut Conn<'_>,
        app: &App,
        now: Time,
    ) -> Result<Option<(Standing, Client)>, Error> {
        let Some((grant, account, owner)) = stands(c, app, &self.gid, now)? else {
            return Ok(None);
        };
        let client = match owner.id == self.client_id {
            true => Some(owner.clone()),
            false => store::client::find(c, &self.client_id)?,
        };
        let Some(client) = client else {
            return Ok(None);
        };
        if let Some(traded) = &self.traded
            && (!client.may_trade(&traded.service_id)
                || !is_of(traded.issued_at, client.created_at)
                || store::counter::was_seen(c, &traded.mark)?)
        {
            return Ok(None);
        }
        let standing = Standing {
            read_at: now,
            grant,
            account,
            client,
        };
        Ok(Some((standing, owner)))
    }
}

/// What a token stands for now, and the client of its grant; `service` is the one that it is for.
pub(super) async fn standing(
    app: &Arc<App>,
    good: &Good,
    service: Option<&Service>,
    now: Time,
) -> Result<Option<(Standing, Client)>, Error> {
    let (house, asked) = (app.clone(), Asked::of(good, service));
    let found = app.store.read(move |c| asked.answer(c, &house, now));
    found.await
}

/// What a token stands for. A chat server asks about the same one again and again: what was read in
/// the last half second is good, unless this process has written since. So what ends a token is
/// seen at once here, and within a second by other processes.
async fn stood(
    app: &Arc<App>,
    good: &Good,
    service: Option<&Service>,
    now: Time,
) -> Result<Option<Arc<Standing>>, Error> {
    let (name, written) = (Asked::of(good, service).name(), app.store.written());
    if let Some((before, standing)) = app.standings.find(&name)
        && before == written
        && client::is_young(standing.read_at, now)
    {
        return Ok(Some(standing));
    }
    let Some((standing, _)) = standing(app, good, service, now).await? else {
        return Ok(None);
    };
    let standing = Arc::new(standing);
    app.standings.put(name, (written, standing.clone()));
    Ok(Some(standing))
}

/// Whether a token's signer is the one that its audience trusts.
pub(super) fn signed_for(good: &Good, service: &Service) -> bool {
    good.text("aud") == service.audience
        && is_of(good.time("iat"), service.created_at)
        && (good.owner.is_empty()
            || match service.keys {
                KeyOwner::Own => good.owner == service.id,
                KeyOwner::Issuer => good.owner == ISSUER,
            })
}

/// Whether a token is for ourselves and signed by us.
pub(super) fn is_our_own(app: &App, good: &Good) -> bool {
    good.text("aud") == app.config.issuer() && good.owner == ISSUER
}

/// The scopes of a token that its client may still have.
fn still(good: &Good, had: &[String]) -> Vec<String> {
    scope::cut(&good.scopes(), had)
}

impl Heard {
    /// What is told of a client's token.
    fn of(client: Option<&Client>, told: Map<String, Value>) -> Self {
        let fapi = client.and_then(|client| client.fapi);
        let signed = fapi.is_some_and(|fapi| fapi.introspection);
        let json = Value::Object(told.clone()).to_string();
        Self { told, json, signed }
    }

    fn nothing() -> Self {
        Self::of(None, claims::inactive())
    }
}

/// `/oauth2/introspect`: what a caller may know of a token (RFC 7662 2.2, PROTOCOL 1). A chat server
/// asks about the same one again and again: what it heard is good for as long as the [`Standing`]
/// that it was made of, within one second of the clock, since what is left of the token's life is
/// told.
///
/// # Errors
/// When the database does not answer.
pub async fn introspect(app: &Arc<App>, caller: &Caller, token: &str) -> Result<Arc<Heard>, Error> {
    let now = app.clock.now();
    let service = match caller {
        Caller::Client(client) => {
            let told = introspect_refresh(app, client, token, now).await?;
            return Ok(Heard::of(Some(client), told).into());
        }
        Caller::Service(service) => service,
    };
    let (name, written) = (digest(token) + &service.id, app.store.written());
    if let Some(told) = app.heard.find(&name)
        && told.written == written
        && client::is_young(told.read_at, now)
        && told.at.seconds() == now.seconds()
    {
        return Ok(told.heard);
    }
    let (heard, read_at) = introspect_access(app, service, token, now).await?;
    let heard = Arc::new(heard);
    if let Some(read_at) = read_at {
        let told = Told {
            heard: heard.clone(),
            at: now,
            read_at,
            written,
        };
        app.heard.put(name, told);
    }
    Ok(heard)
}

/// The same for an access token; with when its [`Standing`] was read, if it has one.
async fn introspect_access(
    app: &Arc<App>,
    service: &Service,
    token: &str,
    now: Time,
) -> Result<(Heard, Option<Time>), Error> {
    let nothing = || Ok((Heard::nothing(), None));
    let Some(good) = read(app, token, now).filter(|good| signed_for(good, service)) else {
        return nothing();
    };
    let binding = good.binding()?;
    let issuer = service.issuer(app.config.issuer());
    let live = |subject, scopes: Vec<String>| {
        claims::introspection(&Live {
            issuer: &issuer,
            subject,
            client_id: good.text("client_id"),
            audience: Some(&service.audience),
            scopes: &scopes,
            binding: binding.as_ref(),
            act: good.claims.get("act"),
            issued_at: good.time("iat"),
            expires_at: good.time("exp"),
            now,
        })
    };
    let detailed = |mut heard: Map<String, Value>, grant: &Grant| {
        let details = grant.details.of(Some(service));
        if !details.is_empty() {
            // RFC 9396 9.2
            heard.insert("authorization_details".into(), details.json());
        }
        heard
    };
    if good.text("gid").is_empty() {
        let known = client::find(app, good.text("client_id")).await?;
        let own = |client: &Client| is_of(good.time("iat"), client.created_at);
        let heard = match known.filter(|client| service.machine && own(client)) {
            Some(client) => match still(&good, &client.scopes) {
                left if left.is_empty() => Heard::nothing(),
                left => Heard::of(Some(&client), live(Subject::Machine, left)),
            },
            None => Heard::nothing(),
        };
        return Ok((heard, None));
    }
    let Some(standing) = stood(app, &good, Some(service), now).await? else {
        return nothing();
    };
    let (grant, account) = (&standing.grant, &standing.account);
    let left = still(&good, &grant.scopes);
    if left.is_empty() {
        return nothing();
    }
    let heard = live(Subject::Person(&person(account), grant), left);
    let heard = Heard::of(Some(&standing.client), detailed(heard, grant));
    Ok((heard, Some(standing.read_at)))
}

/// The same answer, signed for the caller (RFC 9701 5).
///
/// # Errors
/// When the database or the cryptography fails.
pub async fn sign_answer(
    app: &Arc<App>,
    caller: &Caller,
    answer: &Map<String, Value>,
) -> Result<String, Error> {
    let (audience, id, algorithm) = match caller {
        Caller::Service(service) => (&service.audience, &service.id, service.algorithm),
        Caller::Client(client) => (&client.id, &client.id, client.id_token_algorithm),
    };
    let now = app.clock.now();
    keyring::have(app, algorithm, now).await?;
    let claims = introspection::signed(app.config.issuer(), audience, id, answer.clone(), now);
    // The issuer's key, never the service's: that one signs access tokens and nothing else.
    let typ = introspection::SIGNED.trim_start_matches("application/");
    app.keys
        .sign(ISSUER, algorithm, typ, &claims, now)
        .map_err(|error| Error::Busy(error.to_string()))
}

async fn introspect_refresh(
    app: &Arc<App>,
    client: &Client,
    token: &str,
    now: Time,
) -> Result<Map<String, Value>, Error> {
    let Some(token) = Refresh::read(app.keys.master(), token) else {
        return Ok(claims::inactive());
    };
    let gid = token.grant_id().to_owned();
    let Some(family) = app
        .store
        .read(move |c| store::grant::find_family(c, &gid))
        .await?
        .filter(|family| token.counts(family) && now < family.idle_until && now < family.ends_at)
    else {
        return Ok(claims::inactive());
    };
    let (house, gid) = (app.clone(), family.grant_id.clone());
    let found = app.store.read(move |c| stands(c, &house, &gid, now));
    Ok(match found.await? {
        Some((grant, account, _))
            if grant.client_id == client.id
                && (!grant.offline || is_offline(client, &grant.scopes)) =>
        {
            claims::introspection(&Live {
                issuer: app.config.issuer(),
                subject: Subject::Person(
                    &subject::person(app, client, &account),
                    &subject::grant(app, client, &grant),
                ),
                client_id: &client.id,
                audience: None,
                scopes: &grant.scopes,
                binding: family.binding.as_ref(),
                act: None,
                issued_at: family.created_at,
                expires_at: family.idle_until,
                now,
            })
        }
        _ => claims::inactive(),
    })
}

/// What userinfo answers.
pub enum About {
    /// Plain claims.
    Claims(Map<String, Value>),
    /// The same, signed (OpenID Connect Core 5.3.2).
    Signed(String),
}

const NOT_PROVED: &str =
    "the token is not bound to the key that was proved, or not sent as its kind asks";

const ENDED: &str = "what the token stands for has been ended";

/// Whether a token came as its kind asks, with its key.
fn is_proved(good: &Good, scheme: Scheme, held: &Held) -> Result<bool, Error> {
    Ok(match (good.binding()?, scheme) {
        (None, Scheme::Bearer) => true,
        // RFC 9449 7.1: a token that is not bound has no key to prove.
        (None, Scheme::Dpop) | (Some(Binding::Dpop(_)), Scheme::Bearer) => false,
        (Some(Binding::Mtls(_)), Scheme::Dpop) => false,
        (Some(binding), _) => held.has(&binding),
    })
}

/// A token that was shown to ourselves, made for us, with its proof.
pub(super) fn own(
    app: &App,
    token: &Token,
    held: &Held,
    now: Time,
) -> Result<Result<Good, Problem>, Error> {
    let refuse = |why: &str| Ok(Err(Problem::new(Code::InvalidToken, why)));
    match read(app, &token.text, now).filter(|good| is_our_own(app, good)) {
        None => refuse("the token is unknown, has run out, or is for another"),
        Some(good) if !is_proved(&good, token.scheme, held)? => refuse(NOT_PROVED),
        Some(good) => Ok(Ok(good)),
    }
}

/// `/oauth2/userinfo` and `/services/{id}/userinfo` (OpenID Connect Core 5.3, PROTOCOL 1): the
/// first takes the issuer's audience, the second only that service's. `held` are the keys that
/// were proved with the token.
///
/// # Errors
/// The outer one when the database does not answer; the inner one is `invalid_token` or
/// `insufficient_scope` (RFC 6750 3.1).
pub async fn userinfo(
    app: &Arc<App>,
    token: &Token,
    held: &Held,
    service: Option<&Service>,
) -> Result<Result<About, Problem>, Error> {
    let now = app.clock.now();
    let refuse = |code, why: &str| Ok(Err(Problem::new(code, why)));
    let fits = |good: &Good| match service {
        None => is_our_own(app, good),
        Some(service) => signed_for(good, service),
    };
    let Some(good) = read(app, &token.text, now).filter(fits) else {
        return refuse(
            Code::InvalidToken,
            "the token is unknown, has run out, or is for another",
        );
    };
    if !is_proved(&good, token.scheme, held)? {
        return refuse(Code::InvalidToken, NOT_PROVED);
    }
    // A machine's token has no grant, and speaks of no person.
    let Some(standing) = stood(app, &good, service, now).await? else {
        return refuse(Code::InvalidToken, ENDED);
    };
    let (grant, account, client) = (&standing.grant, &standing.account, &standing.client);
    if let Err(problem) = check_proof(client, held) {
        return Ok(Err(problem));
    }
    let scopes = still(&good, &grant.scopes);
    if let Some(service) = service {
        if scopes.is_empty() {
            return refuse(Code::InvalidToken, ENDED);
        }
        // PROTOCOL.md 1: whom the token was given to could ask here as well as the service, and
        // would read the public `sub`. The service asks by introspection.
        if pairwise(client).is_some() {
            return refuse(
                Code::InvalidToken,
                "the token's client sees a sub of its own: ask about it by introspection",
            );
        }
        return Ok(Ok(About::Claims(claims::service_userinfo(
            &person(account),
            &grant.scopes,
            service,
            &app.config.domain,
        ))));
    }
    if !scope::has(&scopes, OPENID) {
        let problem = Problem::new(Code::InsufficientScope, "the token does not have openid");
        return Ok(Err(match client.may_have(OPENID) {
            true => problem,
            false => problem.mend(format!(
                "gerege client edit {} --add-scope openid",
                client.id
            )),
        }));
    }
    let mut told = claims::userinfo(
        &subject::person(app, client, account),
        &scopes,
        &grant.claims.userinfo,
    );
    let Some(algorithm) = client.registration.userinfo_algorithm else {
        return Ok(Ok(About::Claims(told)));
    };
    keyring::have(app, algorithm, now).await?;
    // OpenID Connect Core 5.3.2: a signed answer names who says it and to whom. Without `exp` it
    // cannot pass for an ID token.
    told.insert("iss".into(), app.config.issuer().into());
    told.insert("aud".into(), client.id.clone().into());
    app.keys
        .sign(ISSUER, algorithm, "JWT", &told, now)
        .map(|signed| Ok(About::Signed(signed)))
        .map_err(|error| Error::Busy(error.to_string()))
}
