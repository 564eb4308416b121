//! Brings the key set over HTTP and keeps it fresh: bounded, blocking, through key rotation.
//!
//! How it behaves: a set is kept for as long as its `Cache-Control` says, between one minute and
//! one hour; an unknown `kid` asks once more, at most once in ten seconds; while the server is
//! down the old set stays good for a day (its tokens have all run out long before).

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use ureq::http::Uri;
use ureq::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use crate::claims::Claims;
use crate::dpop::{Call, Proved};
use crate::json;
use crate::key::{KeyError, Keys};
use crate::lists::{Answer, Lists};
use crate::refusal::Refusal;
use crate::status::{self, List};
use crate::verifier::{ACCESS, Verifier};

const LEAST_FRESH: Duration = Duration::from_secs(60);
const USUAL_FRESH: Duration = Duration::from_secs(600);
const MOST_FRESH: Duration = Duration::from_secs(3600);
const BETWEEN_TRIES: Duration = Duration::from_secs(10);
const MOST_STALE: Duration = Duration::from_secs(24 * 3600);
const TIMEOUT: Duration = Duration::from_secs(3);
const MOST_BYTES: u64 = 64 * 1024;

/// Why there is no key set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// Not an address that keys may come from: https, or http on loopback, without user or password.
    Address(String),
    /// No answer: the address and what went wrong.
    Unreachable(String, String),
    /// An answer other than 200. Redirects are not followed.
    Status(String, u16),
    /// The discovery document is not JSON, names another issuer, or has no `jwks_uri`.
    Discovery(String),
    /// The key set is of no use.
    Keys(String, KeyError),
    /// What lies there is not a status list of this issuer, or has run out.
    StatusList(String),
    /// The certificate file has no certificate in PEM.
    Certificate,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(url) => write!(
                f,
                "{url}: keys are read over https only (http from this machine itself)"
            ),
            Self::Unreachable(url, why) => write!(f, "{url} does not answer: {why}"),
            Self::Status(url, status) => write!(f, "{url} answered {status} instead of 200"),
            Self::Discovery(url) => write!(
                f,
                "{url} is not the description of this issuer; compare the issuer letter by letter"
            ),
            Self::Keys(url, why) => write!(f, "{url}: {why}"),
            Self::StatusList(url) => write!(f, "{url} is not a good status list"),
            Self::Certificate => f.write_str("no certificate in PEM was found"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Why a token was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// The token is not good: answer 401.
    Refused(Refusal),
    /// The token could not be judged, as no keys could be loaded: answer 503.
    NoKeys(FetchError),
    /// The token is good by itself, but whether it was ended could not be found out: answer 503.
    NoStatus(FetchError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => why.fmt(f),
            Self::NoKeys(why) | Self::NoStatus(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for CheckError {}

enum Source {
    KeySet(String),
    Discovery(String),
}

struct Loaded {
    verifier: Arc<Verifier>,
    at: SystemTime,
    fresh: Duration,
}

#[derive(Default)]
struct Tries {
    last: Option<(SystemTime, Option<FetchError>)>,
}

/// Checks tokens with keys that it loads itself. Share one for the whole program (`Arc`).
///
/// Its calls block while keys are loaded (3 seconds at most for each of one or two requests), so
/// an async program calls it from a blocking thread.
pub struct Remote {
    issuer: String,
    audience: String,
    leeway: Duration,
    source: Source,
    agent: ureq::Agent,
    loaded: RwLock<Option<Loaded>>,
    tries: Mutex<Tries>,
    lists: Lists,
    /// Brings the keys that sign status lists: the server's own, not the service's.
    house: OnceLock<Box<Self>>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// Finds the issuer's keys by discovery (OpenID Connect Discovery 4). For services whose
    /// tokens the issuer's own key signs (`keys = issuer`).
    ///
    /// # Errors
    /// When the address is neither https nor http on loopback.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, FetchError> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        Self::from_source(Source::Discovery(url), issuer, audience)
    }

    /// Reads the keys of the service `id`, which sign its tokens and nothing else
    /// (`keys = own`, what chat servers have).
    ///
    /// # Errors
    /// When the address is neither https nor http on loopback.
    pub fn for_service(issuer: &str, id: &str, audience: &str) -> Result<Self, FetchError> {
        let url = format!("{}/services/{id}/jwks.json", issuer.trim_end_matches('/'));
        Self::from_key_set(&url, issuer, audience)
    }

    /// Reads the keys at `url`.
    ///
    /// # Errors
    /// When the address is neither https nor http on loopback.
    pub fn from_key_set(url: &str, issuer: &str, audience: &str) -> Result<Self, FetchError> {
        Self::from_source(Source::KeySet(url.to_owned()), issuer, audience)
    }

    fn from_source(source: Source, issuer: &str, audience: &str) -> Result<Self, FetchError> {
        let (Source::KeySet(url) | Source::Discovery(url)) = &source;
        allowed(url)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            leeway: Duration::from_secs(30),
            source,
            agent: agent(RootCerts::WebPki),
            loaded: RwLock::new(None),
            tries: Mutex::new(Tries::default()),
            lists: Lists::default(),
            house: OnceLock::new(),
        })
    }

    /// How far the two clocks may be apart; more than 60 seconds counts as 60.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Trusts the certificate authorities in `pem`, and no others, for TLS.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub fn with_authorities(mut self, pem: &str) -> Result<Self, FetchError> {
        let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(pem.as_bytes())
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(FetchError::Certificate);
        }
        self.agent = agent(RootCerts::from(certificates));
        Ok(self)
    }

    /// Loads the keys, so that a wrong address shows when a program starts and not later.
    ///
    /// # Errors
    /// Why there are no keys.
    pub fn load(&self, now: SystemTime) -> Result<(), FetchError> {
        self.verifier("", ACCESS, now).map(drop)
    }

    /// Checks one token as of `now`, loading keys when that is due. Where it names its place in a
    /// status list, that list is read too, again every few seconds.
    ///
    /// # Errors
    /// The token is refused, or there are no keys or no status list to judge it by.
    pub fn check(&self, token: &str, now: SystemTime) -> Result<Claims, CheckError> {
        let claims = self
            .verifier(token, ACCESS, now)
            .map_err(CheckError::NoKeys)?
            .check(token, now)
            .map_err(CheckError::Refused)?;
        self.stands(&claims, now)?;
        Ok(claims)
    }

    /// Checks one token with the proof of its key, as [`Verifier::check_dpop`] does, loading keys
    /// when that is due.
    ///
    /// # Errors
    /// The token or its proof is refused, or there are no keys to judge it by.
    pub fn check_dpop(
        &self,
        token: &str,
        call: &Call<'_>,
        now: SystemTime,
    ) -> Result<Proved, CheckError> {
        let proved = self
            .verifier(token, ACCESS, now)
            .map_err(CheckError::NoKeys)?
            .check_dpop(token, call, now)
            .map_err(CheckError::Refused)?;
        self.stands(&proved.claims, now)?;
        Ok(proved)
    }

    /// Whether a good token was not ended before its time (Token Status List 8.3).
    fn stands(&self, claims: &Claims, now: SystemTime) -> Result<(), CheckError> {
        let place = status::place(&claims.raw, &self.issuer).map_err(CheckError::Refused)?;
        let Some(place) = place else {
            return Ok(());
        };
        let list = self
            .lists
            .find(&place.uri, now, |tag| self.ask(&place.uri, tag, now))
            .map_err(CheckError::NoStatus)?;
        match list.is_ended(place.idx) {
            Some(false) => Ok(()),
            Some(true) => Err(CheckError::Refused(Refusal::Ended)),
            None => Err(CheckError::Refused(Refusal::Claim("status"))),
        }
    }

    fn ask(&self, uri: &str, tag: Option<&str>, now: SystemTime) -> Result<Answer, FetchError> {
        let bad = || FetchError::StatusList(uri.to_owned());
        let got = self.download(uri, tag, status::MOST_SENT as u64)?;
        let Some(got) = got else {
            return Ok(Answer::Same);
        };
        let token = String::from_utf8(got.body).map_err(|_| bad())?;
        let house = self.house()?.verifier(&token, status::TYP, now)?;
        let list = List::read(&token, uri, house.keys(), self.leeway, now);
        list.map(|list| Answer::New(list, got.tag)).ok_or_else(bad)
    }

    fn house(&self) -> Result<&Self, FetchError> {
        if let Some(house) = self.house.get() {
            return Ok(house);
        }
        let (root, _) = status::house(&self.issuer);
        let mut house = Self::from_key_set(&format!("{root}/jwks.json"), root, "")?;
        house.agent = self.agent.clone();
        Ok(self.house.get_or_init(|| Box::new(house)))
    }

    fn verifier(
        &self,
        token: &str,
        typ: &str,
        now: SystemTime,
    ) -> Result<Arc<Verifier>, FetchError> {
        let old = self.kept(now);
        match &old {
            Some((verifier, true)) if verifier.knows_key(token, typ) => return Ok(verifier.clone()),
            Some((verifier, false)) if verifier.knows_key(token, typ) => {
                // Past its time, but good: one caller renews it, the others go on.
                match self.tries.try_lock() {
                    Ok(tries) => self.renew(tries, now),
                    Err(TryLockError::Poisoned(tries)) => self.renew(tries.into_inner(), now),
                    Err(TryLockError::WouldBlock) => {}
                }
            }
            _ => {
                let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
                // Whoever held the lock before may have brought the key.
                match self.kept(now) {
                    Some((verifier, true)) if verifier.knows_key(token, typ) => {
                        return Ok(verifier);
                    }
                    _ => self.renew(tries, now),
                }
            }
        }
        if let Some((verifier, _)) = self.kept(now) {
            return Ok(verifier);
        }
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        Err(tries
            .last
            .as_ref()
            .and_then(|(_, why)| why.clone())
            .unwrap_or_else(|| FetchError::Address(self.issuer.clone())))
    }

    /// The set that we have, unless it is too old, and whether it is fresh.
    fn kept(&self, now: SystemTime) -> Option<(Arc<Verifier>, bool)> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.as_ref()?;
        // A clock that was put back makes no set stale.
        let age = now.duration_since(loaded.at).unwrap_or_default();
        (age < MOST_STALE).then(|| (loaded.verifier.clone(), age < loaded.fresh))
    }

    fn renew(&self, mut tries: MutexGuard<'_, Tries>, now: SystemTime) {
        if let Some((at, _)) = &tries.last
            && now
                .duration_since(*at)
                .is_ok_and(|since| since < BETWEEN_TRIES)
        {
            return;
        }
        let fetched = self.fetch();
        tries.last = Some((now, fetched.as_ref().err().cloned()));
        if let Ok((keys, fresh)) = fetched {
            let verifier = Verifier::new(self.issuer.as_str(), self.audience.as_str(), keys)
                .with_leeway(self.leeway);
            let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
            *loaded = Some(Loaded {
                verifier: Arc::new(verifier),
                at: now,
                fresh,
            });
        }
    }

    fn fetch(&self) -> Result<(Keys, Duration), FetchError> {
        let url = match &self.source {
            Source::KeySet(url) => url.clone(),
            Source::Discovery(url) => self.discover(url)?,
        };
        let got = self.fresh(&url)?;
        let text = String::from_utf8(got.body)
            .map_err(|_| FetchError::Keys(url.clone(), KeyError::Json))?;
        let keys = Keys::from_jwks(&text).map_err(|why| FetchError::Keys(url, why))?;
        Ok((keys, got.keep))
    }

    /// OpenID Connect Discovery 4.3: the document must name the very issuer that was asked for.
    fn discover(&self, url: &str) -> Result<String, FetchError> {
        let wrong = || FetchError::Discovery(url.to_owned());
        let got = self.fresh(url)?;
        let document: Map<String, Value> = json::object(&got.body).map_err(|_| wrong())?;
        if document.get("issuer").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(wrong());
        }
        let keys = document.get("jwks_uri").and_then(Value::as_str);
        keys.map(str::to_owned).ok_or_else(wrong)
    }

    fn fresh(&self, url: &str) -> Result<Got, FetchError> {
        self.download(url, None, MOST_BYTES)?
            .ok_or_else(|| FetchError::Status(url.to_owned(), 304))
    }

    /// What lies at `url`; nothing when it is what has the tag `had`.
    fn download(&self, url: &str, had: Option<&str>, most: u64) -> Result<Option<Got>, FetchError> {
        allowed(url)?;
        let unreachable =
            |error: ureq::Error| FetchError::Unreachable(url.to_owned(), error.to_string());
        let mut ask = self.agent.get(url);
        if let Some(had) = had {
            ask = ask.header(IF_NONE_MATCH, had);
        }
        let mut answer = ask.call().map_err(unreachable)?;
        match answer.status().as_u16() {
            200 => {}
            304 if had.is_some() => return Ok(None),
            status => return Err(FetchError::Status(url.to_owned(), status)),
        }
        let text = |name| {
            let value = answer.headers().get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let keep = text(CACHE_CONTROL).map_or(USUAL_FRESH, freshness);
        let tag = text(ETAG).map(str::to_owned);
        let body = answer
            .body_mut()
            .with_config()
            .limit(most)
            .read_to_vec()
            .map_err(unreachable)?;
        Ok(Some(Got { body, keep, tag }))
    }
}

/// What was downloaded.
struct Got {
    body: Vec<u8>,
    keep: Duration,
    tag: Option<String>,
}

fn agent(roots: RootCerts) -> ureq::Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ureq::Agent::config_builder()
        .tls_config(
            TlsConfig::builder()
                .unversioned_rustls_crypto_provider(provider)
                .root_certs(roots)
                .build(),
        )
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .max_response_header_size(16 * 1024)
        .build()
        .new_agent()
}

/// Keys over plain http could be anyone's, except from the machine itself.
fn allowed(url: &str) -> Result<(), FetchError> {
    let refuse = || FetchError::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| refuse())?;
    let host = uri.host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(refuse)?;
    if uri
        .authority()
        .is_none_or(|whole| whole.as_str().contains('@'))
    {
        return Err(refuse());
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        _ => Err(refuse()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// How long an answer may be kept (RFC 9111 5.2.2), within our bounds.
fn freshness(header: &str) -> Duration {
    let mut fresh = USUAL_FRESH;
    for directive in header.split(',').map(str::trim) {
        let lower = directive.to_ascii_lowercase();
        if lower == "no-store" || lower == "no-cache" {
            return LEAST_FRESH;
        }
        if let Some(seconds) = lower.strip_prefix("max-age=") {
            fresh = seconds
                .trim_matches('"')
                .parse()
                .map_or(LEAST_FRESH, Duration::from_secs);
        }
    }
    fresh.clamp(LEAST_FRESH, MOST_FRESH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for (url, good) in [
            ("https://id.steppe.example/jwks.json", true),
            ("http://localhost:8777/jwks.json", true),
            ("http://127.0.0.1:8777/jwks.json", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:8777/jwks.json", true),
            ("http://id.steppe.example/jwks.json", false),
            ("http://127.0.0.1.steppe.example/", false),
            ("http://localhost.steppe.example/", false),
            ("http://localhost@steppe.example/", false),
            ("https://user:word@id.steppe.example/", false),
            ("http://10.0.0.1/", false),
            ("ftp://localhost/", false),
            ("file:///etc/keys", false),
            ("/jwks.json", false),
            ("", false),
        ] {
            assert_eq!(allowed(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn max_age_counts_within_bounds() {
        for (header, seconds) in [
            ("max-age=300", 300),
            ("public, Max-Age=300, must-revalidate", 300),
            ("max-age=\"300\"", 300),
            ("max-age=1", 60),
            ("max-age=999999999", 3600),
            ("max-age=-1", 60),
            ("no-store", 60),
            ("public", 600),
            ("", 600),
        ] {
            assert_eq!(freshness(header).as_secs(), seconds, "{header}");
        }
    }
}
