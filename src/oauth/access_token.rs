//! What an access token says (RFC 9068).

use std::time::Duration;

use serde_json::Value;

use super::binding::Binding;
use super::claims::{BOUNDS, Claims, Subject, apply, confirm, put};
use super::scope;
use super::service::Service;
use super::step_up;
use crate::clock::Time;

/// What an access token is made of.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken<'a> {
    /// Us, or the service's own issuer name.
    pub issuer: &'a str,
    /// Whom it stands for.
    pub subject: Subject<'a>,
    /// Who uses it.
    pub client_id: &'a str,
    /// Its audience.
    pub audience: &'a str,
    /// The service behind the audience; `None` for ourselves.
    pub service: Option<&'a Service>,
    /// Scopes, cut to the audience.
    pub scopes: &'a [String],
    /// `{domain}` of the service's rules: what stands after the `@`.
    pub domain: &'a str,
    /// The key that it is bound to.
    pub binding: Option<&'a Binding>,
    /// Who acts by it, where it was exchanged (RFC 8693 4.1).
    pub act: Option<&'a Value>,
    /// What the tokens that it was exchanged for could do elsewhere.
    pub bounds: Option<&'a Value>,
    /// Its place in a status list, as the claim `status`.
    pub status: Option<&'a Value>,
    /// Its id.
    pub jti: &'a str,
    /// When it is made.
    pub now: Time,
    /// How long it holds.
    pub ttl: Duration,
}

/// The claims of an access token (RFC 9068 2.2), with those that its service's rules add.
pub fn access_token(token: &AccessToken<'_>) -> Claims {
    let mut claims = Claims::new();
    match token.subject {
        Subject::Person(person, grant) => {
            let rules = token.service.map(|service| service.claims.as_slice());
            apply(&mut claims, rules.unwrap_or_default(), person, token.domain);
            put(&mut claims, "sub", person.sub.as_str());
            step_up::tell(&mut claims, grant);
            if !grant.sid.is_empty() {
                put(&mut claims, "sid", grant.sid.as_str());
            }
            put(&mut claims, "gid", grant.id.as_str());
            // RFC 9396 9.1
            let details = grant.details.of(token.service);
            if !details.is_empty() {
                put(&mut claims, "authorization_details", details.json());
            }
        }
        // RFC 9068 2.2: `sub` is the client. PROTOCOL.md 1: no person's name.
        Subject::Machine => put(&mut claims, "sub", token.client_id),
    }
    put(&mut claims, "iss", token.issuer);
    put(&mut claims, "aud", token.audience);
    put(&mut claims, "client_id", token.client_id);
    put(&mut claims, "scope", scope::print(token.scopes));
    put(&mut claims, "jti", token.jti);
    put(&mut claims, "iat", token.now.seconds());
    put(&mut claims, "exp", token.now.plus(token.ttl).seconds());
    confirm(&mut claims, token.binding);
    if let Some(act) = token.act {
        put(&mut claims, "act", act.clone());
    }
    if let Some(bounds) = token.bounds {
        put(&mut claims, BOUNDS, bounds.clone());
    }
    if let Some(status) = token.status {
        put(&mut claims, "status", status.clone());
    }
    claims
}
