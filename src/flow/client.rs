//! Who calls: a client or a service proves itself (RFC 6749 2.3, RFC 7523).

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::document;
use super::logout::typed;
use super::short;
use crate::app::{App, Registered};
use crate::call::{Ask, Purpose, Wanted};
use crate::clock::Time;
use crate::config::RegistrationMode;
use crate::keys::{self, read_assertion};
use crate::limit::{self, Bucket};
use crate::oauth::assertion;
use crate::oauth::authenticate::{
    Presented, Proof, check_secret, check_service, is_secret, unknown_client,
};
use crate::oauth::certificate::{self, Known};
use crate::oauth::client::{Client, ClientAuth};
use crate::oauth::document::is_address;
use crate::oauth::error::{Code, Problem};
use crate::oauth::fapi;
use crate::oauth::metadata::{self, Document, Endpoints};
use crate::oauth::params::Params;
use crate::oauth::registration::check_keys;
use crate::oauth::service::Service;
use crate::rng::digest;
use crate::store::{self, Error};

/// A client by its id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(app: &App, id: &str) -> Result<Option<Client>, Error> {
    let id = id.to_owned();
    app.store.read(move |c| store::client::find(c, &id)).await
}

/// A service by its id.
///
/// # Errors
/// When the database does not answer.
pub async fn service(app: &App, id: &str) -> Result<Option<Service>, Error> {
    let id = id.to_owned();
    let found = app.store.read(move |c| store::client::find_service(c, &id));
    found.await
}

/// How old a copy of what is registered may be: what the operator changes is to be seen within a
/// second.
const OLD: Duration = Duration::from_millis(500);

/// A clock that stands still makes nothing old, so what was read in this very moment is read again.
pub(super) fn is_young(read_at: Time, now: Time) -> bool {
    read_at < now && now.since(read_at) < OLD
}

/// Every service, and what we tell about ourselves. Each token and each reader needs it, and it
/// hardly ever changes, so it is kept for a moment.
///
/// # Errors
/// When the database does not answer.
pub async fn registered(app: &App) -> Result<Arc<Registered>, Error> {
    let now = app.clock.now();
    let kept = app
        .registered
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some((at, registered)) = kept
        && is_young(at, now)
    {
        return Ok(registered);
    }
    let services = app.store.read(store::client::list_services).await?;
    let languages: Vec<String> = app.page.languages().map(|lang| lang.code.clone()).collect();
    let mut fields = metadata::discovery(app.config.issuer(), &services, &languages);
    let rules = &app.config.registration;
    metadata::add_registration(
        &mut fields,
        app.config.issuer(),
        rules.mode != RegistrationMode::Off,
        rules.metadata_documents,
    );
    if let Some(mtls) = &app.config.mtls {
        let door = mtls.door.as_ref().map(|door| door.url.as_str());
        metadata::tell_of_certificates(&mut fields, app.authority.is_some(), door);
    }
    let registered = Arc::new(Registered {
        services,
        discovery: Document::new(Value::Object(fields).to_string()),
    });
    let mut kept = app
        .registered
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    *kept = Some((now, registered.clone()));
    Ok(registered)
}

/// How long what we tell about ourselves waits for the database when there is an older copy.
const PATIENCE: Duration = Duration::from_millis(500);

/// What we tell about ourselves: as it was read last while the database is away, since apps and
/// verifiers begin with it.
///
/// # Errors
/// When the database does not answer and never did.
pub async fn told(app: &App) -> Result<Arc<Registered>, Error> {
    let kept = app
        .registered
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some((_, kept)) = kept else {
        return registered(app).await;
    };
    if app.store.is_away() {
        return Ok(kept);
    }
    match tokio::time::timeout(PATIENCE, registered(app)).await {
        Ok(Err(Error::Away(_))) | Err(_) => Ok(kept),
        Ok(read) => read,
    }
}

/// Where a request came from: its network address, and the number by which the log knows it.
#[derive(Clone, Debug)]
pub struct Whence {
    /// The network address.
    pub address: IpAddr,
    /// The request's number.
    pub reference: String,
}

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// `invalid_client` (RFC 6749 5.2).
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Too many wrong secrets from there; a right one is still let in (PROTOCOL 7).
    #[error("too many wrong secrets")]
    Slow(Duration),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What a caller is told, and what the operator is told of it: they may know whether the id or the
/// secret was wrong.
struct Wrong {
    problem: Problem,
    why: &'static str,
}

impl Wrong {
    /// One of the reasons that are answered alike.
    fn alike(why: &'static str) -> Self {
        let problem = unknown_client();
        Self { problem, why }
    }
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        Self { problem, why: "" }
    }
}

/// Authenticates a client that calls from `whence`.
///
/// # Errors
/// [`Refused`].
pub async fn authenticate(
    app: &App,
    presented: Presented,
    whence: &Whence,
) -> Result<Client, Refused> {
    let (id, from) = (presented.client_id().to_owned(), whence.address);
    let id = id.as_str();
    // An app known by a document may push its first request before any browser came.
    let unlisted = if is_address(id) && find(app, id).await?.is_none() {
        let current = document::current(app, id, from).await?;
        current.map_err(Refused::Slow)?
    } else {
        None
    };
    let proved = prove(app, presented, unlisted, from).await?;
    proved.map_err(|wrong| failed(app, whence, id, wrong))
}

/// A wrong secret counts for its address. What is right is never kept out: a chat server is one
/// address for all its people.
fn failed(app: &App, whence: &Whence, id: &str, wrong: Wrong) -> Refused {
    let Wrong { problem, why } = wrong;
    let from = whence.address;
    match app.limiter.check(Bucket::Caller, from, app.clock.now()) {
        Ok(()) => {
            tracing::info!(
                req = whence.reference,
                network = limit::network(from),
                client = short(id),
                why = if why.is_empty() {
                    problem.description.as_str()
                } else {
                    why
                },
                "caller.refused"
            );
            Refused::Problem(problem)
        }
        Err(wait) => Refused::Slow(wait),
    }
}

/// `unlisted` is who calls, where that is not on file.
async fn prove(
    app: &App,
    presented: Presented,
    unlisted: Option<Client>,
    from: IpAddr,
) -> Result<Result<Client, Wrong>, Refused> {
    let now = app.clock.now();
    let good = |client: &Client| matches!(check_secret(client, &presented), Ok(Proof::Done));
    if let Some((at, client)) = app
        .proved
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(presented.client_id())
        && is_young(*at, now)
        && good(client)
    {
        return Ok(Ok(client.clone()));
    }
    // A copy refuses nobody: a new secret works at once.
    let found = find(app, presented.client_id()).await?.or(unlisted);
    let Some(client) = found.filter(|client| document::is_open(app, client)) else {
        let mut wrong = Wrong::alike("there is no app with this id");
        wrong.problem = wrong.problem.mend("gerege client list".into());
        return Ok(Err(wrong));
    };
    match (check_secret(&client, &presented), &presented) {
        (Err(problem), _) if problem.description == unknown_client().description => {
            let why = "its secret is wrong";
            Ok(Err(Wrong { problem, why }))
        }
        (Err(problem), _) => Ok(Err(problem.into())),
        (Ok(Proof::Done), _) => {
            let mut proved = app.proved.write().unwrap_or_else(PoisonError::into_inner);
            proved.retain(|_, (at, _)| is_young(*at, now));
            proved.insert(client.id.clone(), (now, client.clone()));
            Ok(Ok(client))
        }
        (Ok(Proof::Signature), Presented::Assertion { assertion, .. }) => {
            if client.is_strangers() {
                // Anyone can register and be wrong: the work waits too, not only the answer.
                let bound = app.limiter.peek(Bucket::Caller, from, now);
                bound.map_err(Refused::Slow)?;
            }
            Ok(assertion_proves(app, client, assertion).await?)
        }
        (Ok(Proof::Certificate), Presented::Certificate { der, .. }) => {
            Ok(if is_its_certificate(app, &client, der) {
                Ok(client)
            } else {
                Err(Wrong::alike("its certificate is another one"))
            })
        }
        (Ok(Proof::Signature | Proof::Certificate), _) => {
            Ok(Err(Wrong::alike("it did not prove itself")))
        }
    }
}

/// A client's public keys as a JWK set: on file, or read from its `jwks_uri`, where they are kept
/// for as long as its server says. `None` when there are none, or they cannot be read.
pub async fn keys(app: &App, client: &Client, wanted: Wanted) -> Option<String> {
    let Some(uri) = &client.registration.jwks_uri else {
        return client.jwks.clone();
    };
    let ask = Ask {
        typed: typed(client),
        address: uri,
        purpose: Purpose::Keys,
        wanted,
        asker: None,
    };
    match app.call.document(ask, app.clock.now()).await {
        Ok(answer) => String::from_utf8(answer.body.clone())
            .ok()
            .filter(|set| check_keys(set).is_ok()),
        Err(failure) => {
            tracing::warn!(client = client.id, %failure, try = failure.mend(uri), "client.keys");
            None
        }
    }
}

/// Reads something that a client signed. Where its keys do not fit they may have been changed
/// since they were read: they are read anew, once a minute at most.
pub async fn with_keys<T>(
    app: &App,
    client: &Client,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let known = keys(app, client, Wanted::Kept).await;
    if let Some(found) = known.as_deref().and_then(&read) {
        return Some(found);
    }
    client.registration.jwks_uri.as_ref()?;
    let anew = keys(app, client, Wanted::Anew).await;
    if anew == known {
        return None;
    }
    anew.as_deref().and_then(&read)
}

/// Whether a certificate is the client's (RFC 8705 2.1.2 and 2.2.2).
fn is_its_certificate(app: &App, client: &Client, der: &[u8]) -> bool {
    if client.auth == ClientAuth::SelfSignedTlsClientAuth {
        let jwks = client.jwks.as_deref().unwrap_or_default();
        return certificate::is_registered(jwks, der);
    }
    let vouched = app
        .authority
        .as_ref()
        .is_some_and(|authority| authority.vouches(der, app.clock.now()));
    // The subject is compared as we write it.
    let known = match &client.known {
        Some(Known::SubjectDn(typed)) => keys::certificate::subject(typed).map(Known::SubjectDn),
        other => other.clone(),
    };
    let names = keys::certificate::names(der);
    vouched
        && known
            .zip(names)
            .is_some_and(|(known, names)| names.has(&known))
}

async fn assertion_proves(
    app: &App,
    client: Client,
    assertion: &str,
) -> Result<Result<Client, Wrong>, Error> {
    let read = with_keys(app, &client, |jwks| read_assertion(jwks, assertion)).await;
    let Some(claims) = read else {
        return Ok(Err(Wrong::alike(
            "none of its keys made the assertion's signature",
        )));
    };
    if client.fapi.is_some() && !fapi::is_strong(assertion) {
        let problem = fapi::weak(Code::InvalidClient, "client_assertion");
        return Ok(Err(problem.into()));
    }
    // RFC 9126 2: at /oauth2/par all three are the audience; CIBA 7.1: so it is there. RFC 8705 5:
    // so are their other names.
    let door = app.config.mtls.as_ref().and_then(|mtls| mtls.door.as_ref());
    let roots = [
        Some(app.config.issuer()),
        door.map(|door| door.url.as_str()),
    ];
    let doors = roots.map(|root| root.map(Endpoints::new));
    let doors = doors.iter().flatten();
    let older: Vec<&str> = doors
        .flat_map(|at| [at.token.as_str(), &at.par, &at.ciba])
        .collect();
    let id = match assertion::check(
        &client.id,
        &claims,
        app.config.issuer(),
        // FAPI 2.0 Security Profile 5.3.2.1, 8
        if client.fapi.is_some() { &[] } else { &older },
        app.clock.now(),
    ) {
        Ok(id) => id,
        Err(problem) => return Ok(Err(problem.into())),
    };
    let key = digest(&format!("assertion {} {}", client.id, id.jti));
    let once = app
        .store
        .write(move |c| store::counter::see_once(c, &key, id.until))
        .await?;
    // RFC 7523 3: an assertion is used once. Whoever holds it knows that the app is there.
    Ok(if once {
        Ok(client)
    } else {
        let said = "the assertion was used before; make a new one for each request";
        Err(Problem::new(Code::InvalidClient, said).into())
    })
}

/// The refusal of a request that could not say who it is from. A secret in its URL was seen by all who
/// keep a log on the way: where it is one of ours (a stranger can send any), it has to be made anew.
///
/// # Errors
/// When the database does not answer.
pub async fn unread(
    app: &App,
    problem: Problem,
    query: &Params,
    body: &Params,
) -> Result<Problem, Error> {
    let named = body.owned("client_id").or_else(|| query.owned("client_id"));
    let (Some(client_id), Some(secret)) = (named, query.owned("client_secret")) else {
        return Ok(problem);
    };
    if let Some(client) = find(app, &client_id).await? {
        return Ok(match is_secret(&client, &secret) {
            true => problem.mend(format!("gerege client rotate-secret {client_id}")),
            false => problem,
        });
    }
    let Some(service) = service(app, &client_id).await? else {
        return Ok(problem);
    };
    Ok(
        match check_service(&service, &Presented::Post { client_id, secret }) {
            Ok(()) => problem.mend(format!("gerege service edit {} --new-secret", service.id)),
            Err(_) => problem,
        },
    )
}

/// Who asks about a token.
pub enum Caller {
    /// A service, about tokens for its own audience.
    Service(Box<Service>),
    /// A client, about its own refresh tokens.
    Client(Box<Client>),
}

/// Authenticates whoever introspects (RFC 7662 2.1).
///
/// # Errors
/// As [`authenticate`]; a public client is refused too.
pub async fn authenticate_caller(
    app: &App,
    presented: Presented,
    whence: &Whence,
) -> Result<Caller, Refused> {
    let registered = registered(app).await?;
    let mut services = registered.services.iter();
    if let Some(service) = services.find(|service| service.id == presented.client_id()) {
        return match check_service(service, &presented) {
            Ok(()) => Ok(Caller::Service(service.clone().into())),
            Err(problem) => {
                let why = "the service's secret is wrong";
                Err(failed(app, whence, &service.id, Wrong { problem, why }))
            }
        };
    }
    let client = authenticate(app, presented, whence).await?;
    if client.is_public() {
        let wrong = Wrong::alike("a public app may not ask about tokens");
        return Err(failed(app, whence, &client.id, wrong));
    }
    Ok(Caller::Client(client.into()))
}
