//! What ID tokens and answers say about a person (OpenID Connect Core 2 and 5, RFC 7662 2.2).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::binding::Binding;
use super::claims_request::PERSONAL;
use super::grant::Grant;
use super::scope::{self, EMAIL};
use super::service::{Algorithm, ClaimRule, Service};
use super::step_up;
use crate::clock::Time;

/// A set of claims.
pub type Claims = Map<String, Value>;

/// The private claim of an exchanged token that keeps what the tokens before it could do: a scope
/// for each of their services. Read by us alone.
pub const BOUNDS: &str = "bounds";

/// Claims that no rule of a service may write.
pub const RESERVED: [&str; 26] = [
    BOUNDS,
    "status",
    "authorization_details",
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "nonce",
    "sid",
    "gid",
    "act",
    "cnf",
    "at_hash",
    "ds_hash",
    "active",
    "token_type",
    "typ",
];

/// A person, as far as tokens tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Opaque and never given to another.
    pub sub: String,
    /// The username: legal as a local part of XMPP and Matrix addresses and as an IRC nick.
    pub username: String,
    /// What others see.
    pub name: String,
    /// The address.
    pub email: String,
    /// Always true for accounts made by sign-up.
    pub email_verified: bool,
    /// When one of these changed.
    pub updated_at: Time,
    /// BCP 47, such as `mn`; may be empty.
    pub language: String,
}

/// What an ID token is made of.
#[derive(Clone, Copy, Debug)]
pub struct IdToken<'a> {
    /// Us.
    pub issuer: &'a str,
    /// What was granted: client, session, nonce, time and way of the last proof.
    pub grant: &'a Grant,
    /// Whom it is about.
    pub person: &'a Person,
    /// The access token beside it.
    pub access_token: Option<&'a str>,
    /// The algorithm that will sign it.
    pub algorithm: Algorithm,
    /// Profile claims in it (`Client::id_token_claims`).
    pub profile: bool,
    /// `nonce` in it: with the code's exchange, not with a refresh.
    pub with_nonce: bool,
    /// The class of the last proof.
    pub acr: Option<&'a str>,
    /// When it is made.
    pub now: Time,
    /// How long it holds.
    pub ttl: Duration,
}

/// The claims of an ID token (OpenID Connect Core 2). A refreshed one keeps `auth_time`
/// (OpenID Connect Core 12.2).
pub fn id_token(token: &IdToken<'_>) -> Claims {
    let grant = token.grant;
    let mut claims = Claims::new();
    if token.profile {
        person_claims(&mut claims, token.person, &grant.scopes);
    }
    named_claims(&mut claims, token.person, &grant.claims.id_token);
    put(&mut claims, "iss", token.issuer);
    put(&mut claims, "sub", token.person.sub.as_str());
    put(&mut claims, "aud", grant.client_id.as_str());
    put(&mut claims, "azp", grant.client_id.as_str());
    put(&mut claims, "iat", token.now.seconds());
    put(&mut claims, "exp", token.now.plus(token.ttl).seconds());
    put(&mut claims, "auth_time", grant.auth_time.seconds());
    put(&mut claims, "sid", grant.sid.as_str());
    if !grant.amr.is_empty() {
        put(&mut claims, "amr", grant.amr.clone());
    }
    if let Some(acr) = token.acr {
        put(&mut claims, "acr", acr);
    }
    if let (true, Some(nonce)) = (token.with_nonce, &grant.nonce) {
        put(&mut claims, "nonce", nonce.as_str());
    }
    if let Some(access_token) = token.access_token {
        put(
            &mut claims,
            "at_hash",
            at_hash(access_token, token.algorithm),
        );
    }
    claims
}

/// The left half of the access token's digest, by the hash of the signing algorithm (OpenID
/// Connect Core 3.1.3.6; for Ed25519 that is SHA-512, RFC 8032 5.1).
pub fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => &SHA256,
        Algorithm::EdDSA => &SHA512,
    };
    let whole = digest(hash, access_token.as_bytes());
    let bytes = whole.as_ref();
    URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() / 2])
}

/// Whom an access token stands for.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A person, by what they granted.
    Person(&'a Person, &'a Grant),
    /// A client of its own right (client_credentials).
    Machine,
}

/// `cnf` (RFC 7800 3.1).
pub(super) fn confirm(claims: &mut Claims, binding: Option<&Binding>) {
    if let Some(Ok(cnf)) = binding.map(serde_json::to_value) {
        put(claims, "cnf", cnf);
    }
}

/// The answer of `/oauth2/userinfo` (OpenID Connect Core 5.3.2): claims by scope, and those
/// `named` one by one.
pub fn userinfo(person: &Person, scopes: &[String], named: &[String]) -> Claims {
    let mut claims = Claims::new();
    person_claims(&mut claims, person, scopes);
    named_claims(&mut claims, person, named);
    put(&mut claims, "sub", person.sub.as_str());
    claims
}

/// The answer of `/services/{id}/userinfo`: the username, which chat servers look up, what the
/// service's rules add, and what the grant's scopes allow.
pub fn service_userinfo(
    person: &Person,
    granted: &[String],
    service: &Service,
    domain: &str,
) -> Claims {
    let mut claims = Claims::new();
    person_claims(&mut claims, person, granted);
    put(&mut claims, "preferred_username", person.username.as_str());
    apply(&mut claims, &service.claims, person, domain);
    put(&mut claims, "sub", person.sub.as_str());
    claims
}

/// A live token, as its service may see it.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Us, or the service's own issuer name.
    pub issuer: &'a str,
    /// Whom it stands for.
    pub subject: Subject<'a>,
    /// Who uses it.
    pub client_id: &'a str,
    /// Its audience; `None` for a refresh token.
    pub audience: Option<&'a str>,
    /// Its scopes.
    pub scopes: &'a [String],
    /// The key that it is bound to.
    pub binding: Option<&'a Binding>,
    /// Who acts by it.
    pub act: Option<&'a Value>,
    /// When it was made.
    pub issued_at: Time,
    /// When it runs out.
    pub expires_at: Time,
    /// When it is asked about.
    pub now: Time,
}

/// The answer of `/oauth2/introspect` for a live token (RFC 7662 2.2): one superset that suits
/// all readers (MESSENGERS.md 0.5). Dovecot wants exactly this `token_type`.
pub fn introspection(token: &Live<'_>) -> Claims {
    let mut claims = Claims::new();
    put(&mut claims, "active", true);
    put(&mut claims, "iss", token.issuer);
    put(&mut claims, "client_id", token.client_id);
    put(&mut claims, "scope", scope::print(token.scopes));
    put(&mut claims, "iat", token.issued_at.seconds());
    put(&mut claims, "exp", token.expires_at.seconds());
    let left = token.expires_at.since(token.now).as_secs();
    put(&mut claims, "expires_in", left);
    if let Some(audience) = token.audience {
        put(&mut claims, "aud", audience);
        put(
            &mut claims,
            "token_type",
            Binding::token_type(token.binding),
        );
    }
    confirm(&mut claims, token.binding); // RFC 9449 6.2, RFC 8705 3.2
    if let Some(act) = token.act {
        put(&mut claims, "act", act.clone()); // RFC 8693 4.1
    }
    match token.subject {
        Subject::Person(person, grant) => {
            put(&mut claims, "sub", person.sub.as_str());
            put(&mut claims, "username", person.username.as_str());
            put(&mut claims, "preferred_username", person.username.as_str());
            put(&mut claims, "sid", grant.sid.as_str());
            step_up::tell(&mut claims, grant);
            if scope::has(&grant.scopes, EMAIL) {
                put(&mut claims, "email", person.email.as_str());
            }
        }
        Subject::Machine => put(&mut claims, "sub", token.client_id),
    }
    claims
}

/// The answer for any other token, whatever is wrong with it (RFC 7662 2.2).
pub fn inactive() -> Claims {
    let mut claims = Claims::new();
    put(&mut claims, "active", false);
    claims
}

/// Claims by scope (OpenID Connect Core 5.4).
fn person_claims(claims: &mut Claims, person: &Person, scopes: &[String]) {
    for (name, owner) in PERSONAL {
        if scope::has(scopes, owner) {
            personal(claims, person, name);
        }
    }
}

/// Claims by name (OpenID Connect Core 5.5).
fn named_claims(claims: &mut Claims, person: &Person, names: &[String]) {
    for name in names {
        personal(claims, person, name);
    }
}

/// One claim about a person. What is not known of them is left out (OpenID Connect Core 5.3.2).
fn personal(claims: &mut Claims, person: &Person, name: &str) {
    let value: Value = match name {
        "name" => person.name.as_str().into(),
        "preferred_username" => person.username.as_str().into(),
        "updated_at" => person.updated_at.seconds().into(),
        "locale" if !person.language.is_empty() => person.language.as_str().into(),
        "email" => person.email.as_str().into(),
        "email_verified" => person.email_verified.into(),
        _ => return,
    };
    put(claims, name, value);
}

/// Adds what a service's rules say. A rule that is not sound writes nothing.
pub(super) fn apply(claims: &mut Claims, rules: &[ClaimRule], person: &Person, domain: &str) {
    for rule in rules {
        if check_rule(rule).is_ok()
            && let Ok(value) = fill(&rule.template, |name| field(name, person, domain))
        {
            put(claims, &rule.claim, value);
        }
    }
}

fn field(name: &str, person: &Person, domain: &str) -> Option<String> {
    Some(match name {
        "username" => person.username.clone(),
        "domain" => domain.to_owned(),
        "name" => person.name.clone(),
        "email" => person.email.clone(),
        "sub" => person.sub.clone(),
        _ => return None,
    })
}

/// Why a rule is refused. `Display` is the sentence for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// Empty, or one that we write ourselves.
    #[error("the claim is empty or one that Gerege writes itself")]
    Claim,
    /// A brace without its pair, or an unknown name between them.
    #[error(
        "the template may hold {{username}}, {{domain}}, {{name}}, {{email}} and {{sub}}, and no other braces"
    )]
    Template,
}

/// Checks a rule that an operator wants to register.
///
/// # Errors
/// What is wrong with it.
pub fn check_rule(rule: &ClaimRule) -> Result<(), RuleFault> {
    if rule.claim.is_empty() || RESERVED.contains(&rule.claim.as_str()) {
        return Err(RuleFault::Claim);
    }
    let known = ["username", "domain", "name", "email", "sub"];
    fill(&rule.template, |name| {
        known.contains(&name).then(String::new)
    })
    .map(|_| ())
}

/// Fills a template in one pass, so that braces in a person's name mean nothing.
fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, RuleFault> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let inner = rest[at..].strip_prefix('{').ok_or(RuleFault::Template)?;
        let (name, after) = inner.split_once('}').ok_or(RuleFault::Template)?;
        out.push_str(&value(name).ok_or(RuleFault::Template)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

pub(super) fn put(claims: &mut Claims, name: &str, value: impl Into<Value>) {
    claims.insert(name.to_owned(), value.into());
}

#[cfg(test)]
#[path = "claims_test.rs"]
mod tests;
