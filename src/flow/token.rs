//! The token endpoint: what a client brings, or its own right (RFC 6749 4.4), becomes an access token
//! (PROTOCOL 2). What was written is on disk before anything is signed.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::access::{Made, access, can_sign};
use super::client::{find, registered};
use super::keyring;
use super::opaque::{self, Refresh};
use super::{code, exchange, pending, refresh, sso, status, subject};
use crate::account::Account;
use crate::app::{App, Registered};
use crate::clock::Time;
use crate::keys::ISSUER;
use crate::oauth::audience::{Audience, Target, audience};
use crate::oauth::authenticate::unknown_client;
use crate::oauth::binding::{self, Binding, Held};
use crate::oauth::claims::{self, IdToken, Person, Subject};
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::exchange::ACCESS_TOKEN;
use crate::oauth::grant::Grant;
use crate::oauth::refresh::{Family, Lifetimes};
use crate::oauth::scope::{self, DEVICE_SSO, OPENID};
use crate::oauth::service::Service;
use crate::oauth::status::Place;
use crate::oauth::step_up;
use crate::oauth::subject::pairwise;
use crate::oauth::token::{Exchange, machine};
use crate::rng::{Secret, digest};
use crate::store::{self, Conn, event::Event};

/// After the first use the same successor is given for this long (DESIGN 11).
const GRACE: Duration = Duration::from_secs(30);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The standard's refusal.
    #[error("{0}")]
    Refused(#[from] Problem),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key is missing or broken.
    #[error(transparent)]
    Keys(#[from] crate::keys::Error),
}

/// The answer of the token endpoint (RFC 6749 5.1, OpenID Connect Core 3.1.3.3).
#[derive(Debug, Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_secret: Option<String>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
}

impl Tokens {
    /// The answer to an exchange (RFC 8693 2.2.1): one access token, and what it is.
    pub(super) fn traded(access_token: String, made: &Made<'_>) -> Self {
        Self {
            access_token,
            token_type: Binding::token_type(made.binding),
            expires_in: made.ttl.as_secs(),
            refresh_token: None,
            id_token: None,
            issued_token_type: Some(ACCESS_TOKEN),
            device_secret: None,
            scope: scope::print(made.scopes),
            authorization_details: None,
            grant_id: None,
        }
    }

    /// Says what was given in an exchange (RFC 8693 2.2.1).
    pub(super) fn issued(self, kind: &'static str) -> Self {
        Self {
            issued_token_type: Some(kind),
            ..self
        }
    }
}

/// Looks at what an authenticated client brings, before a proof beside it is taken: anyone can make
/// good proofs of keys of their own, so nothing is written down for whoever shows nothing of ours, or
/// what a person has yet to decide.
///
/// # Errors
/// [`Error`].
pub async fn look(app: &App, client: &Client, ask: &Exchange) -> Result<(), Error> {
    ask.allowed(client)?;
    opaque::check(app, ask)?;
    pending::look(app, client, ask).await
}

/// Exchanges what an authenticated client brings; `held` are the keys that it proved to hold.
///
/// # Errors
/// [`Error`].
pub async fn exchange(
    app: &Arc<App>,
    client: Client,
    ask: Exchange,
    held: Held,
) -> Result<Tokens, Error> {
    let mut client = client;
    for _ in 0..ASKS {
        ask.allowed(&client)?;
        match once(app, client.clone(), ask.clone(), held.clone()).await {
            Err(Error::Store(store::Error::Unready)) => tokio::time::sleep(ASK).await,
            // What the operator has changed since it was read counts.
            Err(Error::Store(store::Error::Stale)) => {
                let found = find(app, &client.id).await?;
                client = found.ok_or_else(unknown_client)?;
            }
            done => return done,
        }
    }
    Err(store::Error::Unready.into())
}

/// How often a key that is being made is looked for, for ten seconds in all: on an empty folder RSA
/// keys are made after the start, and whoever is that quick waits for them.
const ASK: Duration = Duration::from_millis(50);
const ASKS: u32 = 200;

/// The exchange, unless a key for it is still being made; then nothing has happened.
async fn once(app: &Arc<App>, client: Client, ask: Exchange, held: Held) -> Result<Tokens, Error> {
    keyring::have(app, client.id_token_algorithm, app.clock.now()).await?;
    match &ask {
        Exchange::Code { .. } => code::exchange(app, client, ask, held).await,
        Exchange::Refresh { .. } => refresh::exchange(app, client, ask, held).await,
        Exchange::Device { .. } | Exchange::Ciba { .. } => {
            pending::exchange(app, asker(app, client, ask, held).await?).await
        }
        Exchange::Sso(_) => sso::exchange(app, asker(app, client, ask, held).await?).await,
        Exchange::Trade(_) => exchange::exchange(app, asker(app, client, ask, held).await?).await,
        Exchange::Machine { .. } => by_itself(app, &client, &ask, &held).await,
    }
}

pub(super) async fn asker(
    app: &App,
    client: Client,
    ask: Exchange,
    held: Held,
) -> Result<Asker, Error> {
    Ok(Asker {
        client,
        ask,
        held,
        registered: registered(app).await?,
        drawn: status::draw(&app.rng),
    })
}

/// What a transaction found to be given; signed after it stands.
pub(super) struct Award {
    pub(super) grant: Grant,
    pub(super) to: Recipient,
    pub(super) refresh: Option<String>,
    /// The first tokens of the grant: `nonce` stands in the ID token.
    pub(super) first: bool,
    /// For the log.
    pub(super) by: &'static str,
}

pub(super) fn invalid_grant(why: &str) -> Problem {
    Problem::new(Code::InvalidGrant, why)
}

/// Whom an access token is about and for.
pub(super) struct Recipient {
    pub(super) account: Account,
    /// None: ourselves.
    pub(super) service: Option<Service>,
    pub(super) scopes: Vec<String>,
    pub(super) binding: Option<Binding>,
    /// The token's place in a status list of the service.
    pub(super) place: Option<Place>,
}

/// Who asks for what, and what they proved to hold.
pub(super) struct Asker {
    pub(super) client: Client,
    pub(super) ask: Exchange,
    pub(super) held: Held,
    pub(super) registered: Arc<Registered>,
    /// Places in a status list for what it is given.
    pub(super) drawn: Vec<i64>,
}

impl Asker {
    /// Holds the client as it was read, before a token is made that ends when it is changed.
    ///
    /// # Errors
    /// [`store::Error::Stale`] when it is another one by now.
    pub(super) fn hold_client(&self, c: &mut Conn<'_>) -> Result<(), store::Error> {
        status::hold(c, &self.registered.services, &self.client)
    }

    /// Writes the first refresh token of a grant; gives it.
    pub(super) fn begin_family(
        &self,
        c: &mut Conn<'_>,
        app: &App,
        grant: &Grant,
        secret: &Secret,
        now: Time,
    ) -> Result<String, store::Error> {
        let token = Refresh::first(app.keys.master(), secret, &grant.id);
        let (idle_until, ends_at) = lifetimes(app).first(now);
        let family = Family {
            grant_id: grant.id.clone(),
            hash: digest(token.reveal()),
            generation: 0,
            created_at: now,
            used_at: now,
            used: Vec::new(),
            idle_until,
            ends_at,
            binding: binding::refresh(&self.client, &self.held),
        };
        store::grant::add_family(c, &family)?;
        Ok(token.reveal().to_owned())
    }
}

/// What every exchange needs besides the token itself: the person, and whom the token is for.
pub(super) fn recipient(
    c: &mut Conn<'_>,
    app: &App,
    grant: &Grant,
    scopes: &[String],
    asker: &Asker,
    now: Time,
) -> Result<Result<Recipient, Problem>, store::Error> {
    let Some(account) = store::account::find(c, &grant.account_id)? else {
        return Ok(Err(invalid_grant("the account is gone")));
    };
    if account.locked_at.is_some() {
        return Ok(Err(invalid_grant("the account is closed")));
    }
    if scopes.is_empty() {
        let why = "the operator has taken from the client all that it was allowed";
        let show = format!("gerege client show {}", asker.client.id);
        return Ok(Err(invalid_grant(why).mend(show)));
    }
    let target = match audience(
        asker.ask.resource(),
        &grant.resources,
        scopes,
        &asker.registered.services,
        app.config.issuer(),
    ) {
        Ok(target) => target,
        Err(problem) => return Ok(Err(problem)),
    };
    let (mut service, scopes) = owned(target);
    if let Some(service) = service.as_mut()
        && let Err(problem) = subject::hide(&asker.client, service)
    {
        return Ok(Err(problem));
    }
    let binding = match binding::access(&asker.client, service.as_ref(), &asker.held) {
        Ok(binding) => binding,
        Err(problem) => return Ok(Err(problem)),
    };
    can_sign(app, service.as_ref(), now)?;
    let place = status::take(c, app, service.as_ref(), grant, None, &asker.drawn, now)?;
    Ok(Ok(Recipient {
        account,
        service,
        scopes,
        binding,
        place,
    }))
}

fn owned(target: Target<'_>) -> (Option<Service>, Vec<String>) {
    let service = match target.audience {
        Audience::Issuer => None,
        Audience::Service(service) => Some(service.clone()),
    };
    (service, target.scopes)
}

pub(super) fn replayed(id: &str, grant: &Grant, what: &str, now: Time) -> Event {
    tracing::warn!(client = grant.client_id, what, "token.replayed");
    Event {
        id: id.to_owned(),
        account_id: grant.account_id.clone(),
        at: now.millis(),
        kind: "token.replayed".into(),
        detail: serde_json::json!({ "client": grant.client_id, "what": what }).to_string(),
    }
}

async fn by_itself(
    app: &Arc<App>,
    client: &Client,
    ask: &Exchange,
    held: &Held,
) -> Result<Tokens, Error> {
    let services = &registered(app).await?.services;
    let (service, scopes) = owned(machine(client, ask, services, app.config.issuer())?);
    let binding = binding::access(client, service.as_ref(), held)?;
    let now = app.clock.now();
    can_sign(app, service.as_ref(), now)?;
    let made = Made {
        subject: Subject::Machine,
        client_id: &client.id,
        service: service.as_ref(),
        scopes: &scopes,
        binding: binding.as_ref(),
        act: None,
        bounds: None,
        // Nothing ends it before its time.
        place: None,
        ttl: app.config.tokens.access_ttl,
    };
    let access_token = access(app, &made, now)?;
    tracing::info!(
        client = client.id,
        grant = "client_credentials",
        "token.issued"
    );
    Ok(Tokens {
        access_token,
        token_type: Binding::token_type(binding.as_ref()),
        expires_in: app.config.tokens.access_ttl.as_secs(),
        refresh_token: None,
        id_token: None,
        issued_token_type: None,
        device_secret: None,
        scope: scope::print(&scopes),
        authorization_details: None,
        grant_id: None,
    })
}

pub(super) fn lifetimes(app: &App) -> Lifetimes {
    Lifetimes {
        idle: app.config.tokens.refresh_ttl,
        max: app.config.tokens.refresh_max_ttl,
        grace: GRACE,
    }
}

/// A person as tokens tell of them.
pub(super) fn person(account: &Account) -> Person {
    Person {
        sub: account.id.clone(),
        username: account.username.clone(),
        name: account.name.clone(),
        email: account.email.clone(),
        email_verified: true,
        updated_at: account.created_at,
        language: account.language.clone(),
    }
}

/// A person as the reader of an access token sees them: we read our own by its grant, so that the
/// client, who may look into it, finds its own `sub` there.
fn reader(app: &App, client: &Client, service: Option<&Service>, account: &Account) -> Person {
    match service {
        None => subject::person(app, client, account),
        Some(_) => person(account),
    }
}

pub(super) fn sign(app: &App, client: &Client, award: Award, now: Time) -> Result<Tokens, Error> {
    let to = &award.to;
    let person = reader(app, client, to.service.as_ref(), &to.account);
    let grant = match to.service {
        None => subject::bare(client, &award.grant),
        Some(_) => award.grant.clone(),
    };
    let made = Made {
        subject: Subject::Person(&person, &grant),
        client_id: &client.id,
        service: to.service.as_ref(),
        scopes: &to.scopes,
        binding: to.binding.as_ref(),
        act: None,
        bounds: None,
        place: to.place,
        ttl: app.config.tokens.access_ttl,
    };
    let access_token = access(app, &made, now)?;
    let details = award.grant.details.of(to.service.as_ref());
    // Native SSO 3.4: given once, named by every ID token of the grant.
    let device_secret = scope::has(&award.grant.scopes, DEVICE_SSO)
        .then(|| sso::device_secret(app.keys.master(), &award.grant.id));
    let id_token = if scope::has(&award.grant.scopes, OPENID) {
        let algorithm = client.id_token_algorithm;
        let mut claims = claims::id_token(&IdToken {
            issuer: app.config.issuer(),
            grant: &subject::grant(app, client, &award.grant),
            person: &subject::person(app, client, &to.account),
            access_token: Some(&access_token),
            algorithm,
            profile: client.id_token_claims,
            with_nonce: award.first,
            acr: Some(step_up::ACR_PASSWORD),
            now,
            ttl: app.config.tokens.access_ttl,
        });
        if pairwise(client).is_some() {
            // Tells nobody but us whose it is: each client's grants are its own.
            claims.insert("gid".into(), award.grant.id.clone().into());
        }
        if let Some(secret) = &device_secret {
            claims.insert("ds_hash".into(), sso::ds_hash(secret).into());
        }
        Some(app.keys.sign(ISSUER, algorithm, "JWT", &claims, now)?)
    } else {
        None
    };
    tracing::info!(
        user = to.account.username,
        client = client.id,
        grant = award.by,
        "token.issued"
    );
    Ok(Tokens {
        access_token,
        token_type: Binding::token_type(to.binding.as_ref()),
        expires_in: app.config.tokens.access_ttl.as_secs(),
        id_token,
        issued_token_type: None,
        device_secret: device_secret.filter(|_| award.first),
        refresh_token: award.refresh,
        scope: scope::print(&to.scopes),
        // RFC 9396 7
        authorization_details: (!details.is_empty()).then(|| details.json()),
        // Grant Management 5.5
        grant_id: award.grant.managed.map(|managed| managed.id),
    })
}
