//! Apps that ask for sign-in, as an operator registers and changes them.

use std::sync::Arc;

use super::is_id;
use crate::app::App;
use crate::flow::status;
use crate::keys;
use crate::keys::certificate::subject;
use crate::oauth::certificate::Known;
use crate::oauth::client::{Client, ClientAuth, GrantType, Pkce};
use crate::oauth::fapi::{self, Unfit};
use crate::oauth::redirect::{self, Kind, register_check};
use crate::oauth::registration::{self, Origin, SubjectType};
use crate::oauth::scope;
use crate::oauth::service::Service;
use crate::rng::Secret;
use crate::store::{self, Error};

/// Why a client is not taken as it is. `Display` says why, in words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The id cannot name a client.
    #[error(
        "an app's id has 1 to 64 letters, digits, dots, hyphens and underscores, begins with a \
         letter or digit, and does not look like a person's id"
    )]
    Id,
    /// A client or service has that id.
    #[error("an app or service with the id {0} is there already")]
    Taken(String),
    /// There is no such client.
    #[error("there is no app with the id {0}")]
    Unknown(String),
    /// An address cannot be registered.
    #[error("{0}: {1}")]
    Redirect(String, redirect::Fault),
    /// Signing in ends at an address, and there is none.
    #[error("an app that people sign in to needs an address to return to")]
    NoRedirect,
    /// A scope has a character that is not allowed.
    #[error("{0} is no scope: a space, a quote or a backslash is not allowed in it")]
    Scope(String),
    /// A public client may not do without PKCE (RFC 9700 2.1.1).
    #[error("a public app cannot keep a secret, so PKCE protects its sign-in")]
    PublicPkce,
    /// A public client cannot act in its own right (RFC 6749 4.4).
    #[error("client_credentials is for apps that keep a secret, and this one is public")]
    PublicMachine,
    /// A public client's name can be taken by anyone who holds a token.
    #[error("token_exchange is for apps that keep a secret, and this one is public")]
    PublicExchange,
    /// A public client cannot prove who asks a person (CIBA 7.1).
    #[error("ciba is for apps that keep a secret, and this one is public")]
    PublicCiba,
    /// `private_key_jwt` needs public keys.
    #[error("private_key_jwt needs the app's public keys")]
    NoKeys,
    /// Signed requests need public keys.
    #[error("an app whose requests must be signed needs its public keys on file")]
    NoRequestKeys,
    /// `tls_client_auth` needs a name.
    #[error("tls_client_auth needs the name by which the app's certificate is known")]
    NoName,
    /// A subject that cannot be read (RFC 4514 3).
    #[error(
        "{0} is no subject of a certificate: write it as RFC 4514 does, without spaces around the commas"
    )]
    Subject(String),
    /// `self_signed_tls_client_auth` needs the certificate.
    #[error("self_signed_tls_client_auth needs the app's certificate, as x5c in its JWK set")]
    NoCertificate,
    /// The keys are not usable.
    #[error("the key file is no set of public keys: {0}")]
    Keys(&'static str),
    /// The profile of FAPI that it is held to asks for something else.
    #[error(transparent)]
    Fapi(#[from] fapi::Fault),
    /// The app has no secret that could be replaced.
    #[error("the app has no secret: it proves itself in another way")]
    NoSecret,
    /// An address or another member of the registration is not usable.
    #[error(transparent)]
    Registration(#[from] registration::Fault),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What an operator should know of a client that was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Any program on the person's machine can be the one that is answered.
    #[error(
        "{0} is on the person's own machine and the app signs in without a click: any program \
         there can take its place. Use it only for an app of your own"
    )]
    SilentLoopback(String),
    /// Without PKCE a stolen code is worth more.
    #[error(
        "PKCE is optional for this app: when it sends neither a code challenge nor a nonce, a \
         stolen code can be used in its place"
    )]
    PkceOptional,
    /// Whoever reads the scope knows the person all the same (PROTOCOL 1).
    #[error(
        "this app sees another sub than others do, but the scope {0} tells it who the person is"
    )]
    PairwiseScope(String),
    /// It would be given no token for the service.
    #[error(
        "FAPI gives this app no tokens for {0}, which takes them from anyone: gerege service edit {0} \
         --proof dpop, or mtls"
    )]
    FapiBearer(String),
    /// It would be given no token for the service.
    #[error(
        "FAPI gives this app no tokens for {0}, whose tokens are signed with RS256: gerege service \
         edit {0} --algorithm ES256"
    )]
    FapiAlgorithm(String),
    /// There is no such service.
    #[error("there is no service {0} yet: gerege service add {0} …")]
    UnknownService(String),
    /// No service knows the scope.
    #[error("no service has the scope {0} yet: gerege service add … --scope {0}")]
    UnknownScope(String),
}

/// A client on file.
#[derive(Clone, Debug)]
pub struct Kept {
    /// As it stands.
    pub client: Client,
    /// Its new secret, which is shown once.
    pub secret: Option<Secret>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Registers a client. Its `created_at` and `secret_hash` are set here.
///
/// # Errors
/// [`Refusal`].
pub async fn add(app: &Arc<App>, mut new: Client) -> Result<Kept, Refusal> {
    if !is_id(&new.id) {
        return Err(Refusal::Id);
    }
    new.created_at = app.clock.now();
    check(&new)?;
    let secret = new.uses_secret().then(|| app.rng.secret());
    new.secret_hash = secret.as_ref().map(Secret::hash);
    let client = new.clone();
    let warnings = app
        .store
        .write(move |c| {
            store::client::lock_services(c)?;
            if store::client::find_service(c, &new.id)?.is_some()
                || store::client::add(c, &new)?.is_err()
            {
                return Ok(None);
            }
            Ok(Some(warnings(&new, &store::client::list_services(c)?)))
        })
        .await?
        .ok_or_else(|| Refusal::Taken(client.id.clone()))?;
    tracing::info!(client = client.id, "client.added");
    Ok(Kept {
        client,
        secret,
        warnings,
    })
}

/// Changes a client. A secret is made when it begins to need one, and dropped when it no longer
/// does; `change` must not touch the id.
///
/// # Errors
/// [`Refusal`].
pub async fn edit(
    app: &Arc<App>,
    id: &str,
    change: impl Fn(&mut Client) + Send + 'static,
) -> Result<Kept, Refusal> {
    let (id, fresh) = (id.to_owned(), app.rng.secret());
    app.store
        .write(move |c| {
            let Some(mut client) = store::client::lock(c, &id)? else {
                return Ok(Err(Refusal::Unknown(id.clone())));
            };
            let old = client.clone();
            change(&mut client);
            client.impose(&old);
            if let Err(refusal) = check(&client) {
                return Ok(Err(refusal));
            }
            let mut secret = None;
            match (client.uses_secret(), &client.secret_hash) {
                (true, None) => {
                    client.secret_hash = Some(fresh.hash());
                    secret = Some(fresh.clone());
                }
                (false, Some(_)) => client.secret_hash = None,
                _ => {}
            }
            store::client::save(c, &client)?;
            status::narrow(c, &old, &client)?;
            let warnings = warnings(&client, &store::client::list_services(c)?);
            Ok(Ok(Kept {
                client,
                secret,
                warnings,
            }))
        })
        .await?
}

/// Gives a client a new secret; the old one opens nothing from here on.
///
/// # Errors
/// [`Refusal`].
pub async fn rotate_secret(app: &Arc<App>, id: &str) -> Result<Kept, Refusal> {
    let (id, fresh) = (id.to_owned(), app.rng.secret());
    app.store
        .write(move |c| {
            let Some(mut client) = store::client::lock(c, &id)? else {
                return Ok(Err(Refusal::Unknown(id.clone())));
            };
            if !client.uses_secret() {
                return Ok(Err(Refusal::NoSecret));
            }
            client.secret_hash = Some(fresh.hash());
            store::client::save(c, &client)?;
            Ok(Ok(Kept {
                client,
                secret: Some(fresh.clone()),
                warnings: Vec::new(),
            }))
        })
        .await?
}

/// What became of a client that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// So many sign-ins ended.
    pub ended: usize,
    /// It stays on file, as one that signs nobody in.
    pub kept_out: bool,
}

/// Removes a client and ends what people granted it. One that is known by a document would be back
/// with the next sign-in: it is kept out, unless it is to be forgotten (`forget`).
///
/// # Errors
/// [`Refusal`].
pub async fn remove(app: &Arc<App>, id: &str, forget: bool) -> Result<Gone, Refusal> {
    let (id, now) = (id.to_owned(), app.clock.now());
    app.store
        .write(move |c| {
            let Some(mut client) = store::client::lock(c, &id)? else {
                return Ok(Err(Refusal::Unknown(id.clone())));
            };
            let kept_out = client.registration.origin == Origin::Document && !forget;
            if kept_out {
                client.registration.imposed.kept_out = true;
                store::client::save(c, &client)?;
            } else {
                store::client::remove(c, &id)?;
                store::client::forget_people(c, &[id.as_str()])?;
            }
            // Nothing of it is swept, or counted as unused.
            store::registered::remove(c, &id)?;
            let ended = store::grant::revoke_app(c, &id, now)?;
            Ok(Ok(Gone { ended, kept_out }))
        })
        .await?
}

/// Judges a client as a whole.
///
/// # Errors
/// The first reason against it.
pub fn check(client: &Client) -> Result<(), Refusal> {
    for uri in client.redirects.iter().chain(&client.post_logout) {
        register_check(uri).map_err(|fault| Refusal::Redirect(uri.clone(), fault))?;
    }
    if client.may(GrantType::AuthorizationCode) && client.redirects.is_empty() {
        return Err(Refusal::NoRedirect);
    }
    if let Some(name) = client.scopes.iter().find(|name| !scope::is_token(name)) {
        return Err(Refusal::Scope(name.clone()));
    }
    if client.is_public() {
        if client.pkce == Pkce::Optional {
            return Err(Refusal::PublicPkce);
        }
        if client.may(GrantType::ClientCredentials) {
            return Err(Refusal::PublicMachine);
        }
        if client.may(GrantType::TokenExchange) {
            return Err(Refusal::PublicExchange);
        }
        if client.may(GrantType::Ciba) {
            return Err(Refusal::PublicCiba);
        }
    }
    fapi::check(client)?;
    registration::check(client)?;
    if client.auth == ClientAuth::TlsClientAuth && client.known.is_none() {
        return Err(Refusal::NoName);
    }
    if let Some(Known::SubjectDn(typed)) = &client.known
        && subject(typed).is_none()
    {
        return Err(Refusal::Subject(typed.clone()));
    }
    let own = client.auth == ClientAuth::SelfSignedTlsClientAuth;
    let away = client.registration.jwks_uri.is_some();
    match (client.auth, &client.jwks) {
        (_, Some(jwks)) if own && !jwks.contains("\"x5c\"") => Err(Refusal::NoCertificate),
        (_, None) if own => Err(Refusal::NoCertificate),
        (ClientAuth::PrivateKeyJwt, None) if !away => Err(Refusal::NoKeys),
        (_, None) if client.must_sign() && !away => Err(Refusal::NoRequestKeys),
        (_, Some(jwks)) => registration::check_keys(jwks)
            .and_then(|()| keys::usable(jwks))
            .map_err(Refusal::Keys),
        _ => Ok(()),
    }
}

fn warnings(client: &Client, services: &[Service]) -> Vec<Warning> {
    let mut out = Vec::new();
    let loopback = client
        .redirects
        .iter()
        .find(|uri| register_check(uri) == Ok(Kind::Loopback));
    if let Some(uri) = loopback.filter(|_| client.silent) {
        out.push(Warning::SilentLoopback(uri.clone()));
    }
    if client.pkce == Pkce::Optional {
        out.push(Warning::PkceOptional);
    }
    if client.registration.subject_type == SubjectType::Pairwise {
        let telling = client
            .scopes
            .iter()
            .filter(|name| [scope::PROFILE, scope::EMAIL].contains(&name.as_str()));
        out.extend(telling.cloned().map(Warning::PairwiseScope));
    }
    let asks = |service: &&Service| {
        let mut own = client.scopes.iter();
        own.any(|name| scope::has(&service.scopes, name))
    };
    for service in services.iter().filter(asks) {
        match fapi::judge_service(client, service) {
            Ok(()) => {}
            Err(Unfit::Bearer) => out.push(Warning::FapiBearer(service.id.clone())),
            Err(Unfit::Algorithm) => out.push(Warning::FapiAlgorithm(service.id.clone())),
        }
    }
    for id in client.service.iter().chain(&client.exchange) {
        if !services.iter().any(|service| service.id == *id) {
            out.push(Warning::UnknownService(id.clone()));
        }
    }
    for name in &client.scopes {
        let known = scope::has(&scope::OURS, name)
            || services
                .iter()
                .any(|service| scope::has(&service.scopes, name));
        if !known {
            out.push(Warning::UnknownScope(name.clone()));
        }
    }
    out
}
