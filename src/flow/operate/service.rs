//! Servers that trust our tokens, as an operator registers and changes them.

use std::sync::Arc;

use super::is_id;
use crate::account::label;
use crate::app::App;
use crate::clock::Time;
use crate::flow::keyring::{self, Want};
use crate::keys;
use crate::oauth::claims::{RuleFault, check_rule};
use crate::oauth::resource;
use crate::oauth::scope;
use crate::oauth::service::{Algorithm, KeyOwner, Service};
use crate::rng::Secret;
use crate::store::{self, Conn, Error};

/// The longest audience, in bytes.
const AUDIENCE: usize = 512;

/// Why a service is not taken as it is. `Display` says why, in words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The id cannot name a service.
    #[error(
        "a service's id has 1 to 64 letters, digits, dots, hyphens and underscores, begins with a \
         letter or digit, and does not look like a person's id; the word issuer is ours"
    )]
    Id,
    /// A client or service has that id.
    #[error("an app or service with the id {0} is there already")]
    Taken(String),
    /// There is no such service.
    #[error("there is no service with the id {0}")]
    Unknown(String),
    /// The audience cannot be used.
    #[error("an audience has 1 to 512 characters, no spaces, and is not this server's own URL")]
    Audience,
    /// Another service has that audience.
    #[error("another service has the audience {0}, and a token is for one service alone")]
    AudienceTaken(String),
    /// A scope has a character that is not allowed.
    #[error("{0} is no scope: a space, a quote or a backslash is not allowed in it")]
    Scope(String),
    /// The scope belongs to OpenID Connect or another service.
    #[error("the scope {0} belongs to {1}")]
    ScopeTaken(String, String),
    /// A type of authorization details belongs to another service.
    #[error("the type {0} belongs to the service {1}")]
    DetailTaken(String, String),
    /// Its own name would stand under our key.
    #[error("a service that is its own issuer signs with its own key, and this one does not")]
    OwnIssuer,
    /// Its audience cannot be found by.
    #[error(
        "metadata is found by a URL, and the audience {0} is not an https URL without a fragment"
    )]
    NoUrl(String),
    /// A claim's rule.
    #[error("the claim {0}: {1}")]
    Claim(String, RuleFault),
    /// What is said of a scope.
    #[error("what is said of the scope {0} {1}")]
    Words(String, &'static str),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

impl From<keyring::Error> for Refusal {
    fn from(error: keyring::Error) -> Self {
        match error {
            keyring::Error::Store(error) => Self::Store(error),
            keyring::Error::Keys(error) => Self::Keys(error),
        }
    }
}

/// A service on file.
#[derive(Clone, Debug)]
pub struct Kept {
    /// As it stands.
    pub service: Service,
    /// Its new secret, which is shown once.
    pub secret: Option<Secret>,
}

/// Registers a service, and makes its own key at once. `secret`: it may ask `/oauth2/introspect`.
///
/// # Errors
/// [`Refusal`].
pub async fn add(app: &Arc<App>, mut new: Service, secret: bool) -> Result<Kept, Refusal> {
    if !is_id(&new.id) || new.id == keys::ISSUER {
        return Err(Refusal::Id);
    }
    let audience = &new.audience;
    let plain = !audience
        .chars()
        .any(|c| c.is_whitespace() || c.is_control());
    if audience.is_empty() || audience.len() > AUDIENCE || !plain || audience == app.config.issuer()
    {
        return Err(Refusal::Audience);
    }
    new.created_at = app.clock.now();
    check(&new)?;
    let secret = secret.then(|| app.rng.secret());
    new.secret_hash = secret.as_ref().map(Secret::hash);
    let service = new.clone();
    app.store
        .write(move |c| {
            store::client::lock_services(c)?;
            if let Some(refusal) = clash(c, &new)? {
                return Ok(Err(refusal));
            }
            if store::client::find(c, &new.id)?.is_some() {
                return Ok(Err(Refusal::Taken(new.id.clone())));
            }
            Ok(
                store::client::add_service(c, &new)?.map_err(|taken| match taken.0 {
                    "audience" => Refusal::AudienceTaken(new.audience.clone()),
                    _ => Refusal::Taken(new.id.clone()),
                }),
            )
        })
        .await??;
    make_key(app, &service).await?;
    tracing::info!(service = service.id, "service.added");
    Ok(Kept { service, secret })
}

/// Changes a service; `change` must not touch id and audience. With `new_secret` it gets another
/// secret, with `no_secret` it has none.
///
/// # Errors
/// [`Refusal`].
pub async fn edit(
    app: &Arc<App>,
    id: &str,
    new_secret: bool,
    no_secret: bool,
    change: impl Fn(&mut Service) + Send + 'static,
) -> Result<Kept, Refusal> {
    let (id, fresh) = (id.to_owned(), new_secret.then(|| app.rng.secret()));
    let now = app.clock.now();
    let gone_at = now.plus(app.config.tokens.keep_old_keys_ttl);
    let kept = app
        .store
        .write(move |c| {
            store::client::lock_services(c)?;
            let Some(mut service) = store::client::find_service(c, &id)? else {
                return Ok(Err(Refusal::Unknown(id.clone())));
            };
            change(&mut service);
            if let Err(refusal) = check(&service) {
                return Ok(Err(refusal));
            }
            if let Some(refusal) = clash(c, &service)? {
                return Ok(Err(refusal));
            }
            if no_secret {
                service.secret_hash = None;
            }
            if let Some(fresh) = &fresh {
                service.secret_hash = Some(fresh.hash());
            }
            store::client::save_service(c, &service)?;
            retire_others(c, &service, now, gone_at)?;
            Ok(Ok(Kept {
                service,
                secret: fresh.clone(),
            }))
        })
        .await??;
    make_key(app, &kept.service).await?;
    Ok(kept)
}

/// Retires the keys that a service signs with no more, since its algorithm or the owner of its keys
/// was changed; they stay published as long as any that was replaced.
fn retire_others(
    c: &mut Conn<'_>,
    service: &Service,
    now: Time,
    gone_at: Time,
) -> Result<(), Error> {
    let name = keys::name(service.algorithm);
    for row in store::key::list(c)? {
        let signs = service.keys == KeyOwner::Own && row.algorithm == name;
        if row.owner == service.id && row.retired_at.is_none() && !signs {
            store::key::retire(c, &row.kid, now, gone_at)?;
        }
    }
    Ok(())
}

/// Removes a service; its keys sign and are published no more.
///
/// # Errors
/// [`Refusal`].
pub async fn remove(app: &Arc<App>, id: &str) -> Result<(), Refusal> {
    let (id, now) = (id.to_owned(), app.clock.now());
    app.store
        .write(move |c| {
            if !store::client::remove_service(c, &id)? {
                return Ok(Err(Refusal::Unknown(id.clone())));
            }
            for key in store::key::list(c)? {
                if key.owner == id {
                    let retired = key
                        .retired_at
                        .map_or(now, |at| now.min(Time::from_millis(at)));
                    store::key::retire(c, &key.kid, retired, now)?;
                }
            }
            Ok(Ok(()))
        })
        .await?
}

/// Judges what does not depend on others.
fn check(service: &Service) -> Result<(), Refusal> {
    for name in &service.scopes {
        if !scope::is_token(name) {
            return Err(Refusal::Scope(name.clone()));
        }
        if scope::is_standard(name) {
            return Err(Refusal::ScopeTaken(name.clone(), "OpenID Connect".into()));
        }
        if scope::has(&scope::OURS, name) {
            return Err(Refusal::ScopeTaken(name.clone(), "grant management".into()));
        }
    }
    if service.offers.own_issuer && service.keys == KeyOwner::Issuer {
        return Err(Refusal::OwnIssuer);
    }
    if service.offers.metadata && !resource::is_identifier(&service.audience) {
        return Err(Refusal::NoUrl(service.audience.clone()));
    }
    for (name, said) in &service.words.scopes {
        let wrong = |why| Err(Refusal::Words(name.clone(), why));
        if !scope::has(&service.scopes, name) {
            return wrong("is of no use: the service does not have it");
        }
        // A person reads it on one line.
        if let Err(why) = label::read(said) {
            return wrong(why);
        }
    }
    for rule in &service.claims {
        check_rule(rule).map_err(|fault| Refusal::Claim(rule.claim.clone(), fault))?;
    }
    Ok(())
}

/// A scope belongs to one service, or a token's audience would be a guess (PROTOCOL 1).
pub(crate) fn clash(c: &mut Conn<'_>, new: &Service) -> Result<Option<Refusal>, Error> {
    Ok(store::client::list_services(c)?
        .into_iter()
        .filter(|other| other.id != new.id)
        .find_map(|other| {
            new.scopes
                .iter()
                .find(|name| scope::has(&other.scopes, name))
                .map(|name| Refusal::ScopeTaken(name.clone(), format!("the service {}", other.id)))
                .or_else(|| {
                    let taken = |name: &&String| scope::has(&other.details, name);
                    let name = new.details.iter().find(taken)?;
                    Some(Refusal::DetailTaken(name.clone(), other.id.clone()))
                })
        }))
}

/// The key that signs the service's tokens, unless it is there.
async fn make_key(app: &Arc<App>, service: &Service) -> Result<(), Refusal> {
    let owner = match service.keys {
        KeyOwner::Own => service.id.clone(),
        // The issuer always has the other two.
        KeyOwner::Issuer if service.algorithm == Algorithm::EdDSA => keys::ISSUER.to_owned(),
        KeyOwner::Issuer => return Ok(()),
    };
    let rows = app.store.read(store::key::list).await?;
    app.keys.load(&rows)?;
    let now = app.clock.now();
    if app.keys.current(&owner, service.algorithm, now).is_some() {
        return Ok(());
    }
    let number = keyring::next_number(&rows, &owner, service.algorithm);
    let want = Want {
        owner,
        algorithm: service.algorithm,
        number,
        active_at: now,
    };
    keyring::make(app, want, now).await?;
    Ok(())
}
