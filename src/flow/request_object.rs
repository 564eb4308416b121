//! Request objects (RFC 9101): brought along or fetched, and read with the keys that the client
//! registered.

use super::client::with_keys;
use super::logout::typed;
use crate::app::App;
use crate::keys::{Unread, read_signed};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::fapi;
use crate::oauth::params::Params;
use crate::oauth::request_object::{self, ALGORITHMS, Backchannel, TYPES};

/// The request that a client signed, where it brought one along or says where it lies.
///
/// # Errors
/// `invalid_request` for both at once (RFC 9101 5); `invalid_request_uri`; as [`read`].
pub async fn opened(
    app: &App,
    client: &Client,
    params: &Params,
) -> Result<Option<AuthorizeRequest>, Problem> {
    let object = match (params.one("request"), params.one("request_uri")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let why = "request and request_uri must not come together";
            return Err(Problem::new(Code::InvalidRequest, why));
        }
        (Some(object), None) => object.to_owned(),
        (None, Some(uri)) => fetch(app, client, uri).await?,
    };
    read(app, client, &object).await.map(Some)
}

/// The request object at an address that the client registered (RFC 9101 5.2.3; OpenID Connect
/// Core 6.2).
async fn fetch(app: &App, client: &Client, uri: &str) -> Result<String, Problem> {
    let wrong = |why: &str| Problem::new(Code::InvalidRequestUri, why);
    let address = client.request_address(uri).ok_or_else(|| {
        wrong("request_uri is neither what was pushed here nor an address that this client registered")
    })?;
    let accept = "application/oauth-authz-req+jwt, application/jwt";
    match app.call.read(typed(client), address, accept).await {
        Ok(answer) if answer.status == 200 => String::from_utf8(answer.body)
            .map(|object| object.trim().to_owned())
            .map_err(|_| wrong("what lies at request_uri is no request object")),
        Ok(answer) => Err(wrong(&format!(
            "the server of request_uri answered {}",
            answer.status
        ))),
        Err(failure) => {
            tracing::info!(client = client.id, %failure, "request_object.fetch");
            Err(wrong("request_uri could not be read"))
        }
    }
}

/// The request that a client signed.
///
/// # Errors
/// `invalid_request_object`; `request_not_supported` for one that nobody signed (OpenID Connect
/// Core 6.1 would allow it).
pub async fn read(app: &App, client: &Client, object: &str) -> Result<AuthorizeRequest, Problem> {
    let payload = payload(app, client, object).await?;
    request_object::read(&payload, &client.id, app.config.issuer(), app.clock.now())
}

/// The request that a client's own server signed (CIBA 7.1.1).
///
/// # Errors
/// As [`read`].
pub async fn read_backchannel(
    app: &App,
    client: &Client,
    object: &str,
) -> Result<Backchannel, Problem> {
    let payload = payload(app, client, object).await?;
    request_object::read_backchannel(&payload, &client.id, app.config.issuer(), app.clock.now())
}

async fn payload(app: &App, client: &Client, object: &str) -> Result<Vec<u8>, Problem> {
    let wrong = |why: &str| Err(Problem::new(Code::InvalidRequestObject, why));
    // Whatever else is wrong with it shows without keys, and is no reason to fetch any.
    let judged = match read_signed("", object, &TYPES) {
        Err(Unread::Signature) => {
            with_keys(app, client, |jwks| read_signed(jwks, object, &TYPES).ok())
                .await
                .ok_or(Unread::Signature)
        }
        other => other,
    };
    let payload = match judged {
        Ok(payload) => payload,
        Err(Unread::Unsigned) if !client.must_sign() => {
            return Err(Problem::new(
                Code::RequestNotSupported,
                "a request object must be signed",
            ));
        }
        Err(Unread::Unsigned) => return wrong("the request object must be signed"),
        Err(_) if client.jwks.is_none() && client.registration.jwks_uri.is_none() => {
            return wrong(
                "this client has no keys on file that could have signed the request object",
            );
        }
        Err(Unread::Malformed) => return wrong("the request object is no signed JWT"),
        Err(Unread::Type) => return wrong("typ of the request object is another"),
        Err(Unread::Algorithm) => {
            return wrong(&format!(
                "alg of the request object must be one of {}",
                ALGORITHMS.join(", ")
            ));
        }
        Err(Unread::Signature) => {
            return wrong("no key of this client, of the kind that alg and kid name, signed this");
        }
    };
    if client.fapi.is_some() {
        if !fapi::is_strong(object) {
            let code = Code::InvalidRequestObject;
            return Err(fapi::weak(code, "the request object"));
        }
        fapi::check_times(&payload, app.clock.now())?;
    }
    Ok(payload)
}
