//! How a client proves itself (RFC 6749 2.3, OpenID Connect Core 9), as a value.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::assertion;
use super::client::{Client, ClientAuth};
use super::error::{Code, Problem};
use super::params::{Params, decode};
use super::service::Service;
use crate::rng::digest;

/// What a request shows of its client. Never shows secrets when printed for debugging.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// A public client names itself.
    None {
        /// Who it says it is.
        client_id: String,
    },
    /// HTTP Basic.
    Basic {
        /// Who it says it is.
        client_id: String,
        /// Its secret.
        secret: String,
    },
    /// The secret in the body.
    Post {
        /// Who it says it is.
        client_id: String,
        /// Its secret.
        secret: String,
    },
    /// A signed assertion.
    Assertion {
        /// Who it says it is: `sub` of the assertion, whose signature is not checked yet.
        client_id: String,
        /// The assertion.
        assertion: String,
    },
    /// It names itself, and its connection was made with a certificate (RFC 8705 2).
    Certificate {
        /// Who it says it is.
        client_id: String,
        /// The certificate, DER.
        der: Vec<u8>,
    },
}

impl Presented {
    /// Who the request says it is from.
    pub fn client_id(&self) -> &str {
        match self {
            Self::None { client_id }
            | Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Certificate { client_id, .. } => client_id,
        }
    }

    /// The method it uses.
    pub fn method(&self) -> ClientAuth {
        match self {
            Self::None { .. } => ClientAuth::None,
            Self::Basic { .. } => ClientAuth::ClientSecretBasic,
            Self::Post { .. } => ClientAuth::ClientSecretPost,
            Self::Assertion { .. } => ClientAuth::PrivateKeyJwt,
            Self::Certificate { .. } => ClientAuth::TlsClientAuth,
        }
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({:?})", self.method(), self.client_id())
    }
}

/// Finds the one method by which a request authenticates. `authorization` is the header's
/// value, `query` the parameters of the URL, `body` those of the form.
///
/// # Errors
/// `invalid_request` for two methods or a secret in the URL; `invalid_client` for none, or one
/// that cannot be read.
pub fn present(
    authorization: Option<&[u8]>,
    query: &Params,
    body: &Params,
) -> Result<Presented, Problem> {
    // RFC 6749 2.3.1: never in the URL, which ends up in logs.
    if query.has("client_secret") {
        return Err(twisted("client_secret must not stand in the URL"));
    }
    if query.has("client_assertion") {
        return Err(twisted("client_assertion must not stand in the URL"));
    }
    let client_id = body.owned("client_id");
    let secret = body.owned("client_secret");
    let assertion = body.owned("client_assertion");
    // RFC 6749 2.3: no more than one method in each request.
    let methods = [
        authorization.is_some(),
        secret.is_some(),
        assertion.is_some(),
    ];
    if methods.iter().filter(|used| **used).count() > 1 {
        return Err(twisted(
            "the request uses more than one way to authenticate",
        ));
    }
    let presented = if let Some(header) = authorization {
        let (client_id, secret) = basic(header).ok_or_else(|| {
            failed("the Authorization header is not Basic with a form-encoded id and secret")
        })?;
        Presented::Basic { client_id, secret }
    } else if let Some(assertion) = assertion {
        if body.one("client_assertion_type") != Some(assertion::TYPE) {
            return Err(twisted("client_assertion_type is missing or unknown"));
        }
        Presented::Assertion {
            client_id: assertion::subject(&assertion)
                .ok_or_else(|| failed("client_assertion is malformed"))?,
            assertion,
        }
    } else {
        let client_id = client_id
            .clone()
            .ok_or_else(|| failed("client_id is missing"))?;
        match secret {
            Some(secret) => Presented::Post { client_id, secret },
            None => Presented::None { client_id },
        }
    };
    // RFC 7521 4.2: a client_id beside it must name the same client.
    if client_id.is_some_and(|named| named != presented.client_id()) {
        return Err(twisted(
            "client_id names another client than the one that authenticates",
        ));
    }
    Ok(presented)
}

/// Id and secret of a Basic header: each form-encoded before they are joined (RFC 6749 2.3.1).
pub fn basic(header: &[u8]) -> Option<(String, String)> {
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, rest) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = STANDARD.decode(rest.trim_matches(' ')).ok()?;
    let colon = joined.iter().position(|byte| *byte == b':')?;
    let client_id = decode(&joined[..colon]).filter(|client_id| !client_id.is_empty())?;
    Some((client_id, decode(&joined[colon + 1..])?))
}

/// What is left to do after `check_secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The client has proved itself, or is public and cannot.
    Done,
    /// The assertion's signature must be verified with the client's keys, then its claims by
    /// [`assertion::check`].
    Signature,
    /// The certificate must be compared with the registration.
    Certificate,
}

/// Checks method and secret against the registration, which allows one method (SECURITY R53).
///
/// # Errors
/// `invalid_client`.
pub fn check_secret(client: &Client, presented: &Presented) -> Result<Proof, Problem> {
    if client.id != presented.client_id() {
        return Err(unknown_client());
    }
    // A public client may come with a certificate too, to which its tokens are bound.
    if let Presented::Certificate { .. } = presented {
        match client.auth {
            ClientAuth::None => return Ok(Proof::Done),
            ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth => {
                return Ok(Proof::Certificate);
            }
            _ => {}
        }
    }
    if client.auth != presented.method() {
        let wrong = failed("the client is registered for another way to authenticate");
        let id = &client.id;
        // Whoever knows an id can come so: no advice may make the app weaker.
        return Err(wrong.mend(match (client.auth, presented) {
            (ClientAuth::ClientSecretBasic, Presented::Post { .. }) => {
                format!("gerege client edit {id} --auth post")
            }
            (ClientAuth::ClientSecretPost, Presented::Basic { .. }) => {
                format!("gerege client edit {id} --auth basic")
            }
            _ => format!("gerege client show {id}"),
        }));
    }
    match presented {
        Presented::None { .. } => Ok(Proof::Done),
        Presented::Assertion { .. } => Ok(Proof::Signature),
        Presented::Certificate { .. } => Ok(Proof::Certificate),
        Presented::Basic { secret, .. } | Presented::Post { secret, .. } => {
            let fits = fits(client.secret_hash.as_deref(), secret).map(|()| Proof::Done);
            // A stranger can be wrong, too.
            fits.map_err(|why| {
                let id = &client.id;
                why.mend(format!(
                    "if the app itself lost its secret: gerege client rotate-secret {id}"
                ))
            })
        }
    }
}

/// Checks a service that introspects (RFC 7662 2.1): Basic or the secret in the body.
///
/// # Errors
/// `invalid_client`.
pub fn check_service(service: &Service, presented: &Presented) -> Result<(), Problem> {
    match presented {
        Presented::Basic { client_id, secret } | Presented::Post { client_id, secret }
            if *client_id == service.id =>
        {
            fits(service.secret_hash.as_deref(), secret)
        }
        _ => Err(unknown_client()),
    }
}

/// The answer for an id that is not on file: the same as for a wrong secret.
pub fn unknown_client() -> Problem {
    failed("the client is unknown or its secret is wrong")
}

/// Whether a secret is the one of a client.
pub fn is_secret(client: &Client, secret: &str) -> bool {
    fits(client.secret_hash.as_deref(), secret).is_ok()
}

/// Compares in constant time, on digests of equal length.
fn fits(on_file: Option<&str>, secret: &str) -> Result<(), Problem> {
    let on_file = on_file.ok_or_else(unknown_client)?;
    verify_slices_are_equal(digest(secret).as_bytes(), on_file.as_bytes())
        .map_err(|_| unknown_client())
}

pub(super) fn failed(why: &str) -> Problem {
    Problem::new(Code::InvalidClient, why)
}

fn twisted(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
#[path = "authenticate_test.rs"]
mod tests;
