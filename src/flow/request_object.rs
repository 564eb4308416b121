//! Request objects (RFC 9101): read with the keys that the client registered.

use super::client::with_keys;
use crate::app::App;
use crate::keys::{Unread, read_signed};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::{Client, Need};
use crate::oauth::error::{Code, Problem};
use crate::oauth::request_object::{self, ALGORITHMS, TYPES};

/// The request that a client signed.
///
/// # Errors
/// `invalid_request_object`; `request_not_supported` for one that nobody signed (OpenID Connect
/// Core 6.1 would allow it).
pub async fn read(app: &App, client: &Client, object: &str) -> Result<AuthorizeRequest, Problem> {
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
        Err(Unread::Unsigned) if client.asking.request_object == Need::Optional => {
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
    request_object::read(&payload, &client.id, app.config.issuer(), app.clock.now())
}
