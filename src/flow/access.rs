//! An access token as it is made: its claims put together, and signed or sealed (RFC 9068).

use std::time::Duration;

use serde_json::{Map, Value};

use crate::app::App;
use crate::clock::Time;
use crate::keys::{ISSUER, Purpose};
use crate::oauth::access_token::{AccessToken, access_token};
use crate::oauth::binding::Binding;
use crate::oauth::claims::Subject;
use crate::oauth::service::{Algorithm, KeyOwner, Service, TokenFormat};
use crate::oauth::status::{Place, claim};
use crate::store;

/// Opaque access tokens begin with this.
pub(crate) const OPAQUE: &str = "ga_";

/// Whose key signs an access token, and by which algorithm.
fn signer(service: Option<&Service>) -> (&str, Algorithm) {
    match service {
        None => (ISSUER, Algorithm::ES256),
        Some(service) => match service.keys {
            KeyOwner::Own => (&service.id, service.algorithm),
            KeyOwner::Issuer => (ISSUER, service.algorithm),
        },
    }
}

/// Whether an access token for a service can be signed now: a key that is still being made must not
/// cost anyone what they bring.
///
/// # Errors
/// [`store::Error::Unready`].
pub(super) fn can_sign(
    app: &App,
    service: Option<&Service>,
    now: Time,
) -> Result<(), store::Error> {
    let (owner, algorithm) = signer(service);
    match app.keys.current(owner, algorithm, now) {
        Some(_) => Ok(()),
        None => Err(store::Error::Unready),
    }
}

/// What an access token is made of, beside who makes it and when.
pub(super) struct Made<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) client_id: &'a str,
    /// None: ourselves.
    pub(super) service: Option<&'a Service>,
    pub(super) scopes: &'a [String],
    pub(super) binding: Option<&'a Binding>,
    /// Who acts by it, where it was exchanged.
    pub(super) act: Option<&'a Value>,
    /// What the tokens before it could do elsewhere.
    pub(super) bounds: Option<&'a Value>,
    /// Where its status stands.
    pub(super) place: Option<Place>,
    /// At most `tokens.access_minutes`.
    pub(super) ttl: Duration,
}

pub(super) fn access(app: &App, made: &Made<'_>, now: Time) -> Result<String, crate::keys::Error> {
    let (issuer, service) = (app.config.issuer(), made.service);
    let opaque = service.is_some_and(|service| service.format == TokenFormat::Opaque);
    // What only we can read is under our own name.
    let named = service.filter(|_| !opaque).map(|one| one.issuer(issuer));
    let place = service.zip(made.place);
    let status = place.map(|(one, place)| claim(issuer, &one.id, place));
    let claims: Map<String, Value> = access_token(&AccessToken {
        issuer: named.as_deref().unwrap_or(issuer),
        subject: made.subject,
        client_id: made.client_id,
        audience: service.map_or(issuer, |service| &service.audience),
        service,
        scopes: made.scopes,
        domain: &app.config.domain,
        binding: made.binding,
        act: made.act,
        bounds: made.bounds,
        status: status.as_ref(),
        jti: &app.rng.id(),
        now,
        ttl: made.ttl,
    });
    if opaque {
        use base64::Engine as _;
        let plain = Value::Object(claims).to_string();
        let sealed =
            app.keys
                .master()
                .seal(Purpose::Opaque, b"access", plain.as_bytes(), &app.rng)?;
        let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sealed);
        return Ok(format!("{OPAQUE}{sealed}"));
    }
    let (owner, algorithm) = signer(service);
    app.keys.sign(owner, algorithm, "at+jwt", &claims, now)
}
