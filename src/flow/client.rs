//! Who calls: a client or a service proves itself (RFC 6749 2.3, RFC 7523).

use crate::app::App;
use crate::keys::read_assertion;
use crate::oauth::authenticate::{
    Presented, Proof, check_assertion, check_secret, check_service, unknown_client,
};
use crate::oauth::client::Client;
use crate::oauth::error::Problem;
use crate::oauth::metadata::Endpoints;
use crate::oauth::service::Service;
use crate::rng::digest;
use crate::store::{self, Error};

/// Authenticates a client.
///
/// # Errors
/// The outer one when the database does not answer; the inner one is `invalid_client`.
pub async fn authenticate(
    app: &App,
    presented: Presented,
) -> Result<Result<Client, Problem>, Error> {
    let id = presented.client_id().to_owned();
    let Some(client) = app.store.read(move |c| store::client::find(c, &id)).await? else {
        return Ok(Err(unknown_client()));
    };
    match (check_secret(&client, &presented), &presented) {
        (Err(problem), _) => Ok(Err(problem)),
        (Ok(Proof::Done), _) => Ok(Ok(client)),
        (Ok(Proof::Signature), Presented::Assertion { assertion, .. }) => {
            assertion_proves(app, client, assertion).await
        }
        (Ok(Proof::Signature), _) => Ok(Err(unknown_client())),
    }
}

async fn assertion_proves(
    app: &App,
    client: Client,
    assertion: &str,
) -> Result<Result<Client, Problem>, Error> {
    let jwks = client.jwks.as_deref().unwrap_or_default();
    let Some(claims) = read_assertion(jwks, assertion) else {
        return Ok(Err(unknown_client()));
    };
    let endpoints = Endpoints::new(app.config.issuer());
    let id = match check_assertion(
        &client.id,
        &claims,
        app.config.issuer(),
        Some(&endpoints.token),
        app.clock.now(),
    ) {
        Ok(id) => id,
        Err(problem) => return Ok(Err(problem)),
    };
    let key = digest(&format!("assertion {} {}", client.id, id.jti));
    let once = app
        .store
        .write(move |c| store::counter::see_once(c, &key, id.until))
        .await?;
    // RFC 7523 3: an assertion is used once.
    Ok(if once {
        Ok(client)
    } else {
        Err(unknown_client())
    })
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
) -> Result<Result<Caller, Problem>, Error> {
    let id = presented.client_id().to_owned();
    let service = app
        .store
        .read(move |c| store::client::find_service(c, &id))
        .await?;
    if let Some(service) = service {
        return Ok(check_service(&service, &presented).map(|()| Caller::Service(service.into())));
    }
    Ok(match authenticate(app, presented).await? {
        Ok(client) if client.is_public() => Err(unknown_client()),
        Ok(client) => Ok(Caller::Client(client.into())),
        Err(problem) => Err(problem),
    })
}
