//! Request objects (RFC 9101): brought along or fetched, and read with the keys that the client
//! registered.

use std::net::IpAddr;

use super::client::with_keys;
use super::logout::typed;
use crate::app::App;
use crate::call::{Ask, Failure, Purpose, Wanted};
use crate::keys::{Unread, read_signed};
use crate::limit::Bucket;
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::fapi;
use crate::oauth::params::Params;
use crate::oauth::request_object::{self, ALGORITHMS, Backchannel, TYPES};
use crate::rng::digest;

/// The request that a client signed, where it brought one along or says where it lies; `from` is
/// whose browser brought it.
///
/// # Errors
/// `invalid_request` for both at once (RFC 9101 5); `invalid_request_uri`;
/// `temporarily_unavailable` when too much is fetched; as [`read`].
pub async fn opened(
    app: &App,
    client: &Client,
    params: &Params,
    from: IpAddr,
) -> Result<Option<AuthorizeRequest>, Problem> {
    let uri = match (params.one("request"), params.one("request_uri")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let why = "request and request_uri must not come together";
            return Err(Problem::new(Code::InvalidRequest, why));
        }
        (Some(object), None) => return read(app, client, object).await.map(Some),
        (None, Some(uri)) => uri,
    };
    let address = client.request_address(uri).ok_or_else(|| {
        let why = "request_uri is neither what was pushed here nor an address that this client registered";
        let problem = Problem::new(Code::InvalidRequestUri, why);
        match client.add_request_address(uri) {
            // A stranger can send any.
            Some(command) => {
                problem.mend_quoted(format!("if the app itself keeps it there: {command}"), &client.id)
            }
            None => problem,
        }
    })?;
    let (object, was_kept) = fetch(app, client, address, Wanted::Kept, from).await?;
    let first = read(app, client, &object).await;
    // Another object may lie there by now: by its hash (OpenID Connect Core 6.2), or because what
    // is kept has run out or was signed with another key.
    let hash = uri.split_once('#').map(|(_, hash)| hash);
    let meant = hash.is_none_or(|hash| hash == digest(&object));
    if first.is_ok() && meant || !was_kept {
        return first.map(Some);
    }
    match fetch(app, client, address, Wanted::Anew, from).await {
        Ok((anew, _)) if anew != object => read(app, client, &anew).await.map(Some),
        _ => first.map(Some),
    }
}

/// The request object at an address that the client registered (RFC 9101 5.2.3; OpenID Connect
/// Core 6.2), and whether it was kept from before. Anyone can make us read a stranger's: at the
/// rate of registrations.
async fn fetch(
    app: &App,
    client: &Client,
    address: &str,
    wanted: Wanted,
    from: IpAddr,
) -> Result<(String, bool), Problem> {
    let now = app.clock.now();
    let ask = Ask {
        typed: typed(client),
        address,
        purpose: Purpose::Request,
        wanted,
        asker: client.is_strangers().then_some(from),
    };
    let kept = match wanted {
        Wanted::Kept => app.call.kept(ask, now),
        Wanted::Anew => None,
    };
    let was_kept = kept.is_some();
    let later = || {
        let why = "too much is fetched for apps like this one; try again in a while";
        Problem::new(Code::TemporarilyUnavailable, why)
    };
    let read = match kept {
        Some(kept) => kept,
        None => {
            if client.is_strangers() {
                let bound = app.limiter.check(Bucket::Register, from, now);
                bound.map_err(|_| later())?;
            }
            app.call.document(ask, now).await
        }
    };
    let wrong = |why: &str| Problem::new(Code::InvalidRequestUri, why);
    match read {
        Ok(answer) => String::from_utf8(answer.body.clone())
            .map(|object| (object.trim().to_owned(), was_kept))
            .map_err(|_| wrong("what lies at request_uri is no request object")),
        Err(Failure::Busy) => Err(later()),
        // One sentence, whatever is there: an answer must not map somebody's network.
        Err(failure) => {
            tracing::info!(
                client = client.id,
                %failure,
                try = failure.mend(address),
                "request_object.fetch"
            );
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
/// `invalid_request`, whatever is wrong with it: CIBA 13 has no word of its own for these.
pub async fn read_backchannel(
    app: &App,
    client: &Client,
    object: &str,
) -> Result<Backchannel, Problem> {
    let judged = match payload(app, client, object).await {
        Ok(payload) => {
            let (issuer, now) = (app.config.issuer(), app.clock.now());
            request_object::read_backchannel(&payload, &client.id, issuer, now)
        }
        Err(problem) => Err(problem),
    };
    judged.map_err(|problem| Problem {
        code: Code::InvalidRequest,
        ..problem
    })
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
            let why = "this client has no keys on file that could have signed the request object";
            return Err(Problem::new(Code::InvalidRequestObject, why)
                .mend(format!("gerege client edit {} --jwks FILE", client.id)));
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
