//! Request objects (RFC 9101): read with the keys that the client registered.

use crate::app::App;
use crate::keys::{Unread, read_signed};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::fapi;
use crate::oauth::request_object::{self, ALGORITHMS, TYPES};

/// The request that a client signed.
///
/// # Errors
/// `invalid_request_object`; `request_not_supported` for one that nobody signed (OpenID Connect
/// Core 6.1 would allow it).
pub fn read(app: &App, client: &Client, object: &str) -> Result<AuthorizeRequest, Problem> {
    let wrong = |why: &str| Err(Problem::new(Code::InvalidRequestObject, why));
    let jwks = client.jwks.as_deref().unwrap_or_default();
    let payload = match read_signed(jwks, object, &TYPES) {
        Ok(payload) => payload,
        Err(Unread::Unsigned) if !client.must_sign() => {
            return Err(Problem::new(
                Code::RequestNotSupported,
                "a request object must be signed",
            ));
        }
        Err(Unread::Unsigned) => return wrong("the request object must be signed"),
        Err(_) if jwks.is_empty() => {
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
    let now = app.clock.now();
    if client.fapi.is_some() {
        if !fapi::is_strong(object) {
            let code = Code::InvalidRequestObject;
            return Err(fapi::weak(code, "the request object"));
        }
        fapi::check_times(&payload, now)?;
    }
    request_object::read(&payload, &client.id, app.config.issuer(), now)
}
