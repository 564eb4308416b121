//! Apps that register themselves and look after it (RFC 7591, RFC 7592).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::opaque::Kind;
use super::status;
use crate::app::App;
use crate::call::{self, Ask, Failure, Purpose, Typed, Wanted};
use crate::clock::Time;
use crate::config::RegistrationMode;
use crate::keys;
use crate::limit::Bucket;
use crate::oauth::client::{Client, Pkce};
use crate::oauth::error::{Code, Problem};
use crate::oauth::register::{Identity, Names, Policy, check_change, check_sector, client, told};
use crate::oauth::registration::Origin;
use crate::oauth::scope;
use crate::oauth::subject::pairwise;
use crate::rng::{Secret, digest};
use crate::store::registered::Initial;
use crate::store::{self, Conn, Error};

/// So many apps that nobody let in are kept at once: an address that is one of many thousands must
/// not fill the disk.
pub const MOST_UNUSED: i64 = 10_000;
/// When to come again then: they go by themselves (`registration.unused_days`).
const FULL: Duration = Duration::from_secs(3600);

/// Why nothing was registered, shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Registration is off: nothing is here.
    #[error("registration is off")]
    Off,
    /// The token is missing or opens nothing (RFC 6750 3.1, RFC 7592 2.1).
    #[error("the token opens nothing")]
    Token,
    /// What was sent.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Too many from there.
    #[error("too many registrations")]
    Slow(Duration),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// A registration as it is answered (RFC 7591 3.2.1). It holds secrets: never logged.
pub struct Answer(pub Map<String, Value>);

/// Registers an app. `token` is the initial access token that came.
///
/// # Errors
/// [`Refused`].
pub async fn create(
    app: &Arc<App>,
    sent: &Map<String, Value>,
    token: Option<&str>,
    from: IpAddr,
) -> Result<Answer, Refused> {
    let now = app.clock.now();
    let needs_token = match app.config.registration.mode {
        RegistrationMode::Off => return Err(Refused::Off),
        RegistrationMode::Token => true,
        RegistrationMode::Open => false,
    };
    let initial = match token {
        None if needs_token => return Err(Refused::Token),
        None => None,
        // Even where none is needed, one that is wrong is a mistake to be told.
        Some(token) if !Kind::Initial.is_ours(app.keys.master(), token) => {
            return Err(Refused::Token);
        }
        Some(token) => Some(digest(token)),
    };
    match initial.clone() {
        None => {
            let slow = app.limiter.check(Bucket::Register, from, now);
            slow.map_err(Refused::Slow)?;
        }
        // Before anything is called for its sake.
        Some(hash) => {
            let open = app
                .store
                .read(move |c| store::registered::is_initial_open(c, &hash, now));
            if !open.await? {
                return Err(Refused::Token);
            }
        }
    }
    // Whom the operator gave a token to is not kept out by those who need none.
    if initial.is_none() && is_full(app).await? {
        tracing::warn!(
            unused = MOST_UNUSED,
            try = "gerege client list, and a smaller registration.unused_days",
            "registration.full"
        );
        return Err(Refused::Slow(FULL));
    }
    let identity = Identity {
        // Never the form of a person's id (PROTOCOL 1).
        id: format!("app-{}", app.rng.id()),
        origin: Origin::Registered,
        created_at: now,
    };
    let mut new = client(sent, identity, &policy(app).await?)?;
    usable(&new)?;
    sector(app, &new, from).await?;
    let secret = new.uses_secret().then(|| app.rng.secret());
    new.secret_hash = secret.as_ref().map(Secret::hash);
    let access = Kind::Manage.dress(app.keys.master(), &app.rng.secret());
    let (kept, hash) = (new.clone(), digest(&access));
    let stands = app
        .store
        .write(move |c| {
            if let Some(initial) = &initial
                && !store::registered::spend_initial(c, initial, now)?
            {
                return Ok(false);
            }
            store::registered::add(c, &kept.id, Some(&hash), now)?;
            Ok(store::client::add(c, &kept)?.is_ok())
        })
        .await?;
    if !stands {
        return Err(Refused::Token);
    }
    tracing::info!(client = new.id, "client.registered");
    Ok(answer(app, &new, secret.as_ref(), Some(&access)))
}

/// Whether the keys that were sent could ever check what the app signs.
pub(super) fn usable(new: &Client) -> Result<(), Problem> {
    new.jwks.as_deref().map_or(Ok(()), |jwks| {
        keys::usable(jwks)
            .map_err(|why| Problem::new(Code::InvalidClientMetadata, format!("jwks: {why}")))
    })
}

async fn is_full(app: &App) -> Result<bool, Error> {
    let unused = app
        .store
        .read(|c| store::registered::count_unused(c, MOST_UNUSED));
    Ok(unused.await? >= MOST_UNUSED)
}

/// Shows an app its registration (RFC 7592 2.1).
///
/// # Errors
/// [`Refused`].
pub async fn read(app: &Arc<App>, id: &str, token: Option<&str>) -> Result<Answer, Refused> {
    let client = Pass::read(app, id, token)?.find(app).await?;
    Ok(answer(app, &client, None, token))
}

/// Changes a registration as a whole (RFC 7592 2.2). The app is unknown again: the operator had
/// looked at what it was before.
///
/// # Errors
/// [`Refused`].
pub async fn update(
    app: &Arc<App>,
    id: &str,
    sent: &Map<String, Value>,
    token: Option<&str>,
    from: IpAddr,
) -> Result<Answer, Refused> {
    let pass = Pass::read(app, id, token)?;
    let old = pass.find(app).await?;
    let slow = app.limiter.check(Bucket::Register, from, app.clock.now());
    slow.map_err(Refused::Slow)?;
    check_change(sent, &old)?;
    let identity = Identity {
        id: old.id.clone(),
        origin: old.registration.origin,
        created_at: old.created_at,
    };
    let new = client(sent, identity, &policy(app).await?)?;
    usable(&new)?;
    sector(app, &new, from).await?;
    let (fresh, now) = (app.rng.secret(), app.clock.now());
    let saved = app.store.write(move |c| {
        let Some(old) = pass.lock(c)? else {
            return Ok(None);
        };
        let mut kept = new.clone();
        // What the operator demands stands, also when it came meanwhile.
        if let Err(problem) = kept.lay_over(&old) {
            return Ok(Some(Err(problem)));
        }
        let mut secret = None;
        if kept.uses_secret() {
            kept.secret_hash = old.secret_hash.clone().or_else(|| {
                secret = Some(fresh.clone());
                Some(fresh.hash())
            });
        }
        replace(c, &old, &kept, now)?;
        Ok(Some(Ok((kept, secret))))
    });
    let (new, secret) = saved.await?.ok_or(Refused::Token)??;
    tracing::info!(client = new.id, "client.changed-itself");
    Ok(answer(app, &new, secret.as_ref(), token))
}

/// Puts what an app says of itself now in the place of what it said. People who let in one that
/// they would not know again are asked anew; one that sees other `sub`s than before is another app.
pub(super) fn replace(
    c: &mut Conn<'_>,
    old: &Client,
    new: &Client,
    now: Time,
) -> Result<(), Error> {
    store::client::save(c, new)?;
    status::narrow(c, old, new)?;
    if pairwise(old) != pairwise(new) {
        store::grant::revoke_app(c, &new.id, now)?;
    } else if new.is_another(old) {
        store::grant::forget_app(c, &new.id)?;
    }
    Ok(())
}

/// Removes an app at its own wish and ends what people granted it (RFC 7592 2.3).
///
/// # Errors
/// [`Refused`].
pub async fn delete(app: &Arc<App>, id: &str, token: Option<&str>) -> Result<(), Refused> {
    let pass = Pass::read(app, id, token)?;
    let now = app.clock.now();
    let removed = app.store.write(move |c| {
        let Some(client) = pass.lock(c)? else {
            return Ok(None);
        };
        store::client::remove(c, &client.id)?;
        store::client::forget_people(c, &[client.id.as_str()])?;
        store::grant::revoke_app(c, &client.id, now)?;
        store::registered::remove(c, &client.id).map(Some)
    });
    removed.await?.ok_or(Refused::Token)?;
    tracing::info!(client = id, "client.removed-itself");
    Ok(())
}

/// A registration access token (RFC 7592 3), by its digest, and the app that it came with. An app
/// that is gone and one that the token does not open are answered the same (2.1).
#[derive(Clone)]
struct Pass {
    id: String,
    hash: String,
}

impl Pass {
    fn read(app: &App, id: &str, token: Option<&str>) -> Result<Self, Refused> {
        if app.config.registration.mode == RegistrationMode::Off {
            return Err(Refused::Off);
        }
        let token = token
            .filter(|token| Kind::Manage.is_ours(app.keys.master(), token))
            .ok_or(Refused::Token)?;
        Ok(Self {
            id: id.to_owned(),
            hash: digest(token),
        })
    }

    fn opens(&self, c: &mut Conn<'_>) -> Result<bool, Error> {
        // The token is 256 bits and was found by its tag: comparing digests tells nothing.
        Ok(store::registered::token_hash(c, &self.id)?.as_deref() == Some(&self.hash))
    }

    /// The app that it opens.
    async fn find(&self, app: &App) -> Result<Client, Refused> {
        let pass = self.clone();
        let found = app.store.read(move |c| match pass.opens(c)? {
            true => store::client::find(c, &pass.id),
            false => Ok(None),
        });
        found.await?.ok_or(Refused::Token)
    }

    /// The same as it stands now, held until the transaction ends.
    fn lock(&self, c: &mut Conn<'_>) -> Result<Option<Client>, Error> {
        let client = store::client::lock(c, &self.id)?;
        let opens = self.opens(c)?;
        Ok(client.filter(|_| opens))
    }
}

/// What the operator allows an app that registers itself.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn policy(app: &App) -> Result<Policy, Error> {
    let rules = &app.config.registration;
    let known = app.store.read(store::registered::operators_names).await?;
    let registered = super::client::registered(app).await?;
    // Without a scope of a service there is no token for it, and nothing in detail.
    let open = registered
        .services
        .iter()
        .filter(|service| !scope::cut(&service.scopes, &rules.scopes).is_empty());
    Ok(Policy {
        scopes: rules.scopes.clone(),
        details: open.flat_map(|service| service.details.clone()).collect(),
        certificates: app.config.mtls.is_some(),
        pkce: if rules.pkce_required {
            Pkce::Required
        } else {
            Pkce::Optional
        },
        own: app.config.issuer().to_owned(),
        names: Names {
            server: app.config.name.clone(),
            known: registered
                .services
                .iter()
                .map(|service| service.name.clone())
                .chain(known)
                .collect(),
        },
    })
}

/// Reads the list at `sector_identifier_uri` (OpenID Connect Registration 5); one that is kept and
/// does not serve is read anew, once a minute at most.
async fn sector(app: &App, client: &Client, from: IpAddr) -> Result<(), Refused> {
    let Some(uri) = &client.registration.sector_identifier_uri else {
        return Ok(());
    };
    let now = app.clock.now();
    let ask = |wanted| Ask {
        typed: Typed::ByStranger,
        address: uri,
        purpose: Purpose::Sector,
        wanted,
        asker: Some(from),
    };
    let judge = |read: Result<Arc<call::Answer>, Failure>| match read {
        Ok(answer) => check_sector(client, &answer.body),
        // One sentence, whatever is there: an answer must not map somebody's network.
        Err(failure) => {
            tracing::info!(client = client.id, %failure, try = failure.mend(uri), "client.sector");
            let why = "sector_identifier_uri cannot be read";
            Err(Problem::new(Code::InvalidClientMetadata, why))
        }
    };
    let kept = app.call.kept(ask(Wanted::Kept), now);
    let was_kept = kept.is_some();
    let read = match kept {
        Some(kept) => kept,
        None => app.call.document(ask(Wanted::Kept), now).await,
    };
    let judged = judge(read);
    if judged.is_ok() || !was_kept {
        return Ok(judged?);
    }
    Ok(judge(app.call.document(ask(Wanted::Anew), now).await)?)
}

fn answer(app: &App, client: &Client, secret: Option<&Secret>, token: Option<&str>) -> Answer {
    let mut all = told(client);
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    if let Some(secret) = secret {
        put("client_secret", secret.reveal().into());
    }
    if client.uses_secret() {
        // RFC 7591 3.2.1: required beside a secret; 0 = never.
        put("client_secret_expires_at", 0.into());
    }
    put(
        "registration_client_uri",
        app.config
            .url(&format!("/oauth2/register/{}", client.id))
            .into(),
    );
    if let Some(token) = token {
        put("registration_access_token", token.into());
    }
    Answer(all)
}

/// Makes an initial access token (RFC 7591 1.2); it is shown once.
///
/// # Errors
/// When the database does not answer.
pub async fn make_initial(
    app: &Arc<App>,
    note: &str,
    uses: i64,
    life: Duration,
) -> Result<(String, Time), Error> {
    let now = app.clock.now();
    let token = Kind::Initial.dress(app.keys.master(), &app.rng.secret());
    let new = Initial {
        hash: digest(&token),
        note: note.to_owned(),
        uses_left: uses,
        created_at: now.millis(),
        expires_at: now.plus(life).millis(),
    };
    app.store
        .write(move |c| store::registered::add_initial(c, &new))
        .await?;
    Ok((token, now.plus(life)))
}

/// Ends all initial access tokens; gives how many still worked.
///
/// # Errors
/// When the database does not answer.
pub async fn end_initial(app: &Arc<App>) -> Result<usize, Error> {
    let now = app.clock.now();
    app.store
        .write(move |c| store::registered::end_initial(c, now))
        .await
}
