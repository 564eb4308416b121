//! Request objects (RFC 9101): read with the keys that the client registered.

use super::client::with_keys;
use crate::app::App;
use crate::keys::{Unread, read_signed};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::{Client, Need};
use crate::oauth::error::{Code, Problem};
use crate::oauth::request_object::{self, ALGORITHMS, Backchannel, TYPES};

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
    match judged {
        Ok(payload) => Ok(payload),
        Err(Unread::Unsigned) if client.asking.request_object == Need::Optional => Err(
            Problem::new(Code::RequestNotSupported, "a request object must be signed"),
        ),
        Err(Unread::Unsigned) => wrong("the request object must be signed"),
        Err(_) if client.jwks.is_none() && client.registration.jwks_uri.is_none() => {
            wrong("this client has no keys on file that could have signed the request object")
        }
        Err(Unread::Malformed) => wrong("the request object is no signed JWT"),
        Err(Unread::Type) => wrong("typ of the request object is another"),
        Err(Unread::Algorithm) => wrong(&format!(
            "alg of the request object must be one of {}",
            ALGORITHMS.join(", ")
        )),
        Err(Unread::Signature) => {
            wrong("no key of this client, of the kind that alg and kid name, signed this")
        }
    }
}
