//! The check itself: shape, header, key, signature, and only then the claims.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::dpop::{self, Call, Proved};
use crate::json::{self, Broken};
use crate::key::Keys;
use crate::refusal::{Part, Refusal};

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// The type of an access token (RFC 9068 2.1).
pub(crate) const ACCESS: &str = "at+jwt";
/// How far clocks may be apart at most.
const MOST_LEEWAY: Duration = Duration::from_secs(60);
/// The last second of the year 9999; a later time is no time.
const LAST_SECOND: u64 = 253_402_300_799;
/// Header members that would choose keys or rules for us (RFC 7515 4.1, RFC 7797, RFC 7516). Gerege
/// writes none of them into what it signs; other members that are not known say nothing.
const UNWELCOME: [&str; 10] = [
    "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "enc", "zip",
];

/// Checks the tokens of one issuer for one service.
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: Keys,
    leeway: Duration,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Trusts tokens of `issuer` (compared as a string, byte for byte), made for `audience`,
    /// signed with one of `keys`. Clocks may be 30 seconds apart.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: Keys) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            leeway: Duration::from_secs(30),
        }
    }

    /// How far the two clocks may be apart; more than 60 seconds counts as 60.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MOST_LEEWAY);
        self
    }

    /// Checks one token as of `now` (RFC 9068 4, RFC 8725). A place that it names in a status list
    /// is not looked up here: `Remote` (feature `fetch`) does that.
    ///
    /// # Errors
    /// The first reason found. The claims are judged only after the signature was found good.
    pub fn check(&self, token: &str, now: SystemTime) -> Result<Claims, Refusal> {
        let claims = self.read(token, now)?;
        if claims.raw.contains_key("cnf") {
            return Err(Refusal::Bound); // RFC 7800 3.1
        }
        Ok(claims)
    }

    /// Checks one token that is bound to a key, with the proof beside it, as of `now` (RFC 9449
    /// 7.1). Whether the proof came before is for the caller to know: see [`Proved::jti`].
    ///
    /// # Errors
    /// The first reason found, the token's before the proof's.
    pub fn check_dpop(
        &self,
        token: &str,
        call: &Call<'_>,
        now: SystemTime,
    ) -> Result<Proved, Refusal> {
        let claims = self.read(token, now)?;
        let bound = match claims.raw.get("cnf") {
            None => return Err(Refusal::NotBound),
            Some(cnf) => cnf.get("jkt").and_then(Value::as_str),
        };
        let bound = bound.ok_or(Refusal::Bound)?.to_owned();
        let proof = dpop::check(call, token, self.leeway, now)?;
        if proof.jkt != bound {
            return Err(Refusal::Proof("it is by another key than the token's"));
        }
        Ok(proof.with(claims))
    }

    fn read(&self, token: &str, now: SystemTime) -> Result<Claims, Refusal> {
        let parts = Parts::split(token)?;
        let header = parts.header(ACCESS)?;
        let key = self
            .keys
            .choose(header.kid.as_deref())
            .ok_or(Refusal::UnknownKey)?;
        // RFC 8725 3.1: the key says which algorithm; the header may only agree.
        if header.alg != key.algorithm.name() {
            return Err(Refusal::Algorithm);
        }
        let signature = decode(parts.signature, Part::Signature)?;
        if !key.verifies(parts.signed.as_bytes(), &signature) {
            return Err(Refusal::Signature);
        }
        self.judge(read(parts.claims, Part::Claims)?, now)
    }

    /// Whether the key that `token`, of the type `typ`, names is known; `true` for what is refused
    /// anyway.
    #[cfg(feature = "fetch")]
    pub(crate) fn knows_key(&self, token: &str, typ: &str) -> bool {
        Parts::split_within(token, crate::status::MOST_SENT)
            .and_then(|parts| parts.header(typ))
            .map_or(true, |header| self.keys.has(header.kid.as_deref()))
    }

    /// The keys that it trusts.
    #[cfg(feature = "fetch")]
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    fn judge(&self, raw: Map<String, Value>, now: SystemTime) -> Result<Claims, Refusal> {
        if text(&raw, "iss")? != self.issuer {
            return Err(Refusal::Issuer);
        }
        // RFC 7519 4.1.3. A list may hold this audience alone: Gerege makes a token for one
        // service, and one that opens several doors could be carried from one to another.
        let meant = match raw.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(list)) => {
                matches!(list.as_slice(), [Value::String(one)] if *one == self.audience)
            }
            _ => return Err(Refusal::Claim("aud")),
        };
        if !meant {
            return Err(Refusal::Audience);
        }
        let expires_at = instant(&raw, "exp")?.ok_or(Refusal::Claim("exp"))?;
        if now >= after(expires_at, self.leeway) {
            return Err(Refusal::Expired); // RFC 7519 4.1.4: "on or after"
        }
        let issued_at = instant(&raw, "iat")?.ok_or(Refusal::Claim("iat"))?;
        let starts = [Some(issued_at), instant(&raw, "nbf")?];
        if starts
            .into_iter()
            .flatten()
            .any(|start| start > after(now, self.leeway))
        {
            return Err(Refusal::NotYet); // RFC 7519 4.1.5
        }
        let scopes = match raw.get("scope") {
            None => Vec::new(),
            Some(Value::String(list)) => list
                .split(' ')
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            Some(_) => return Err(Refusal::Claim("scope")), // RFC 9068 2.2.3: one text
        };
        Ok(Claims {
            sub: text(&raw, "sub")?.to_owned(),
            client_id: text(&raw, "client_id")?.to_owned(),
            jti: text(&raw, "jti")?.to_owned(),
            username: optional_text(&raw, "preferred_username")?,
            jid: optional_text(&raw, "jid")?,
            scopes,
            issued_at,
            expires_at,
            raw,
        })
    }
}

/// The three parts, still written in base64url.
pub(crate) struct Parts<'a> {
    pub(crate) signed: &'a str,
    pub(crate) header: &'a str,
    pub(crate) claims: &'a str,
    pub(crate) signature: &'a str,
}

pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, Refusal> {
        Self::split_within(token, LONGEST)
    }

    pub(crate) fn split_within(token: &'a str, longest: usize) -> Result<Self, Refusal> {
        if token.len() > longest {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Shape)?;
        if claims.contains('.') {
            return Err(Refusal::Shape);
        }
        Ok(Self {
            signed,
            header,
            claims,
            signature,
        })
    }

    /// The header, of a token of the type `typ`.
    pub(crate) fn header(&self, typ: &str) -> Result<Header, Refusal> {
        let members = read(self.header, Part::Header)?;
        let typed = is_type(&members, typ);
        welcome(&members)?;
        if !typed {
            return Err(Refusal::Type);
        }
        Header::of(members)
    }

    /// The header of a token of whatever type.
    #[cfg(test)]
    pub(crate) fn untyped(&self) -> Result<Header, Refusal> {
        let members = read(self.header, Part::Header)?;
        welcome(&members)?;
        Header::of(members)
    }
}

/// Whether a header is of a type, in its short or its long form (RFC 9068 4, RFC 7515 4.1.9).
pub(crate) fn is_type(header: &Map<String, Value>, typ: &str) -> bool {
    let named = header.get("typ").and_then(Value::as_str);
    named.map(|name| name.strip_prefix("application/").unwrap_or(name)) == Some(typ)
}

/// Whether no member would choose a key or a rule for us.
fn welcome(members: &Map<String, Value>) -> Result<(), Refusal> {
    let mut unwelcome = UNWELCOME.into_iter();
    match unwelcome.find(|name| members.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::HeaderMember(name)),
    }
}

impl Header {
    fn of(mut header: Map<String, Value>) -> Result<Self, Refusal> {
        let kid = match header.remove("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid),
            Some(_) => return Err(Refusal::UnknownKey),
        };
        match header.remove("alg") {
            Some(Value::String(alg)) => Ok(Self { alg, kid }),
            _ => Err(Refusal::Algorithm),
        }
    }
}

/// Canonical base64url only: no padding, no stray bits (RFC 7515 2).
pub(crate) fn decode(text: &str, part: Part) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refusal::Base64(part))
}

pub(crate) fn read(text: &str, part: Part) -> Result<Map<String, Value>, Refusal> {
    json::object(&decode(text, part)?).map_err(|broken| match broken {
        Broken::Json => Refusal::Json(part),
        Broken::Doubled => Refusal::Doubled(part),
    })
}

pub(crate) fn text<'a>(
    raw: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    match raw.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Refusal::Claim(name)),
    }
}

fn optional_text(raw: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Refusal> {
    match raw.get(name) {
        None => Ok(None),
        Some(_) => text(raw, name).map(|text| Some(text.to_owned())),
    }
}

/// A NumericDate in whole seconds (RFC 7519 2); Gerege writes no others.
pub(crate) fn instant(
    raw: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<SystemTime>, Refusal> {
    match raw.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|seconds| *seconds <= LAST_SECOND)
            .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
            .map(Some)
            .ok_or(Refusal::Claim(name)),
    }
}

/// A NumericDate as others write it: it may have a fraction (RFC 7519 2), which counts nothing.
pub(crate) fn seconds(value: &Value) -> Option<SystemTime> {
    let seconds = value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (0.0..1e12).contains(&number).then_some(number as u64)
    })?;
    (seconds <= LAST_SECOND)
        .then(|| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .flatten()
}

/// `at` plus `span`; a time past the end of time stays where it is.
pub(crate) fn after(at: SystemTime, span: Duration) -> SystemTime {
    at.checked_add(span).unwrap_or(at)
}
