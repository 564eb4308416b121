//! Calls to other servers over HTTP: bounded, without redirects, and for addresses that a stranger
//! typed only to machines that everyone may reach (PROTOCOL 6).

mod cache;
mod crowd;
mod public;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout};
use url::{Host, Url};

pub use cache::{Ask, Purpose, Wanted};
pub use public::is_public;

use crate::config::{Network, Reachable};
use crowd::{Crowd, Flights};

/// The longest call, from the look-up of the name to the last byte.
const LONGEST: Duration = Duration::from_secs(3);
/// A longer answer, in bytes, is refused.
const MOST_BYTES: u64 = 64 * 1024;
/// A longer head of an answer, in bytes, is refused.
const MOST_HEAD: usize = 16 * 1024;
/// A longer address, in bytes, is refused.
const MOST_ADDRESS: usize = 2000;
/// A longer name of a host, in bytes, is not named to the operator.
const MOST_HOST: usize = 253;
/// Calls under way at once, for strangers and for the operator's own apps apart: each holds a
/// thread, and what a stranger typed may never answer.
const AT_ONCE: usize = 16;
/// Of a stranger's calls, those to one host, and those that one network makes us make: servers that
/// never answer close the door for nobody else.
const AT_ONE_HOST: usize = 4;
const FOR_ONE_NETWORK: usize = 4;

/// Who typed the address that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The operator: it may be a private machine, where chat servers stand.
    ByOperator,
    /// Somebody else: only what everyone may reach, or what `network.allow` names.
    ByStranger,
}

/// Why there is no answer. `Display` is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not an address that is called.
    #[error("{0}")]
    Address(&'static str),
    /// The name leads to a machine that strangers' addresses may not reach.
    #[error("it leads to an address inside a network ([network] allow can name it)")]
    Inside,
    /// Its certificate is of an authority that is not known here.
    #[error(
        "no authority that is known here vouches for its certificate ([network] ca_file can add one)"
    )]
    Unvouched,
    /// No answer in time, or none that could be read.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The answer is longer than 64 KiB.
    #[error("the answer is longer than 64 KiB")]
    TooLong,
    /// Too many calls are under way: of all, to that host, or for whoever asks.
    #[error("too many calls are under way")]
    Busy,
    /// It was read, and is not what it has to be.
    #[error("{0}")]
    Unfit(String),
}

impl Failure {
    /// What the operator may do about it, where that helps.
    pub fn mend(&self, address: &str) -> Option<String> {
        // A stranger may have typed it.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        let host = match Url::parse(address).ok()?.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        let host = Some(host).filter(|host| host.len() <= MOST_HOST && host.chars().all(plain))?;
        match self {
            Self::Inside => Some(format!(
                "name {host} in network.allow, if it is a machine of yours"
            )),
            Self::Unvouched => Some(format!(
                "name a file with the authority of {host} in network.ca_file"
            )),
            _ => None,
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type` without its parameters, in small letters; empty when there is none.
    pub kind: String,
    /// `Cache-Control: max-age`; zero when the answer may not be kept.
    pub max_age: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why the caller could not be built.
#[derive(Debug, thiserror::Error)]
#[error("network.ca_file: {0}")]
pub struct Error(String);

/// The two ways out.
pub struct Caller {
    operator: Way,
    stranger: Way,
    allow: Arc<Vec<Reachable>>,
    cache: cache::Cache,
    under_way: Flights<cache::Key, Result<Arc<Answer>, Failure>>,
    hosts: Crowd,
    askers: Crowd,
}

struct Way {
    agent: ureq::Agent,
    free: Arc<Semaphore>,
}

impl Caller {
    /// Builds both.
    ///
    /// # Errors
    /// When `network.ca_file` holds no certificate.
    pub fn new(network: &Network) -> Result<Self, Error> {
        Self::by(network, || {
            (DefaultConnector::new(), DefaultResolver::default())
        })
    }

    /// By a way to connect and one to look names up.
    fn by<C: Connector, N: Resolver>(
        network: &Network,
        parts: impl Fn() -> (C, N),
    ) -> Result<Self, Error> {
        let roots = roots(network)?;
        let allow = Arc::new(network.allow.clone());
        let way = |guarded| {
            let (connector, names) = parts();
            let guard = Guard {
                allow: allow.clone(),
                guarded,
                names,
            };
            Way {
                agent: ureq::Agent::with_parts(settings(roots.clone()), connector, guard),
                free: Arc::new(Semaphore::new(AT_ONCE)),
            }
        };
        Ok(Self {
            operator: way(false),
            stranger: way(true),
            allow: allow.clone(),
            cache: cache::Cache::default(),
            under_way: Flights::default(),
            hosts: Crowd::default(),
            askers: Crowd::default(),
        })
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Failure`]; another status than 200 is an answer.
    pub async fn read(&self, typed: Typed, address: &str, accept: &str) -> Result<Answer, Failure> {
        let url = self.check(typed, address)?;
        let accept = accept.to_owned();
        self.on_thread(typed, host(&url), move |agent| {
            agent.get(url.as_str()).header("accept", accept).call()
        })
        .await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// [`Failure`]; any status is an answer.
    pub async fn post(&self, typed: Typed, address: &str, form: String) -> Result<Answer, Failure> {
        let url = self.check(typed, address)?;
        self.on_thread(typed, host(&url), move |agent| {
            agent
                .post(url.as_str())
                .content_type("application/x-www-form-urlencoded")
                .send(form)
        })
        .await
    }

    /// Tells another server something in JSON, with a bearer token (RFC 6750 2.1).
    ///
    /// # Errors
    /// [`Failure`]; any status is an answer.
    pub async fn notify(
        &self,
        typed: Typed,
        address: &str,
        bearer: &str,
        json: String,
    ) -> Result<Answer, Failure> {
        let url = self.check(typed, address)?;
        let bearer = format!("Bearer {bearer}");
        self.on_thread(typed, host(&url), move |agent| {
            agent
                .post(url.as_str())
                .content_type("application/json")
                .header("authorization", bearer)
                .send(json)
        })
        .await
    }

    /// Judges an address before anything is resolved.
    ///
    /// # Errors
    /// [`Failure::Address`] or [`Failure::Inside`].
    pub fn check(&self, typed: Typed, address: &str) -> Result<Url, Failure> {
        let refuse = |why| Err(Failure::Address(why));
        if address.len() > MOST_ADDRESS {
            return refuse("it is longer than 2000 bytes");
        }
        let Ok(url) = Url::parse(address) else {
            return refuse("it is no URL");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it has a user name or password before the host");
        }
        let Some(host) = url.host() else {
            return refuse("it has no host");
        };
        if url.fragment().is_some() {
            return refuse("it has a fragment (#)");
        }
        let named = self.allow.iter().any(|one| one.names(&host));
        match (url.scheme(), typed) {
            ("https", _) | ("http", Typed::ByOperator) => {}
            // For trials on one machine; the operator has to name it.
            ("http", Typed::ByStranger) if named && is_loopback(&host) => {}
            ("http", Typed::ByStranger) => return refuse("it must begin with https://"),
            _ => return refuse("it begins with neither https:// nor http://"),
        }
        let ip = match host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        };
        let inside = match url.host() {
            // A name may still lead to a network that the operator named: the look-up tells.
            Some(Host::Domain(name)) => is_inner(name) && !self.allow.iter().any(Reachable::is_net),
            _ => ip.is_some_and(|ip| !is_public(ip)),
        };
        if typed == Typed::ByStranger && !named && inside {
            return Err(Failure::Inside);
        }
        Ok(url)
    }

    async fn on_thread(
        &self,
        typed: Typed,
        host: String,
        ask: impl FnOnce(&ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>
        + Send
        + 'static,
    ) -> Result<Answer, Failure> {
        let way = match typed {
            Typed::ByOperator => &self.operator,
            Typed::ByStranger => &self.stranger,
        };
        let there = match typed {
            Typed::ByOperator => None,
            Typed::ByStranger => Some(self.hosts.enter(host, AT_ONE_HOST).ok_or(Failure::Busy)?),
        };
        let Ok(place) = way.free.clone().try_acquire_owned() else {
            return Err(Failure::Busy);
        };
        let agent = way.agent.clone();
        tokio::task::spawn_blocking(move || {
            let answer = ask(&agent).and_then(read);
            drop((place, there));
            answer.map_err(failed)
        })
        .await
        .map_err(|error| Failure::Unreachable(error.to_string()))?
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let header = |name: &str| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some(value.to_ascii_lowercase())
    };
    let kind = header("content-type").unwrap_or_default();
    Ok(Answer {
        status: answer.status().as_u16(),
        kind: kind.split(';').next().unwrap_or_default().trim().to_owned(),
        max_age: header("cache-control").and_then(|value| max_age(&value)),
        body: answer
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_vec()?,
    })
}

/// RFC 9111 5.2.2; the header in small letters.
fn max_age(header: &str) -> Option<Duration> {
    let mut age = None;
    for directive in header.split(',').map(str::trim) {
        if directive == "no-store" || directive == "no-cache" {
            return Some(Duration::ZERO);
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
            age = Some(Duration::from_secs(seconds));
        }
    }
    age
}

fn failed(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::BodyExceedsLimit(_) => Failure::TooLong,
        ureq::Error::Other(inner) if inner.is::<IsInside>() => Failure::Inside,
        other if is_unvouched(&other) => Failure::Unvouched,
        ureq::Error::Timeout(_) => Failure::Unreachable(format!(
            "nothing whole within {} seconds",
            LONGEST.as_secs()
        )),
        // The words of an error never hold what was sent.
        other => Failure::Unreachable(other.to_string().chars().take(160).collect()),
    }
}

/// Whether a server is fine but for the authority behind its certificate.
fn is_unvouched(error: &ureq::Error) -> bool {
    use rustls::{CertificateError::UnknownIssuer, Error::InvalidCertificate};
    let cause = match error {
        ureq::Error::Rustls(cause) => Some(cause),
        ureq::Error::Io(error) => error.get_ref().and_then(|cause| cause.downcast_ref()),
        _ => None,
    };
    matches!(cause, Some(InvalidCertificate(UnknownIssuer)))
}

fn settings(roots: RootCerts) -> ureq::config::Config {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ureq::Agent::config_builder()
        .tls_config(
            TlsConfig::builder()
                .unversioned_rustls_crypto_provider(provider)
                .root_certs(roots)
                .build(),
        )
        .timeout_global(Some(LONGEST))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .max_response_header_size(MOST_HEAD)
        // A kept connection would skip the look-up, and with it the check.
        .max_idle_connections(0)
        .user_agent(concat!("Gerege/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The built-in public authorities, and the operator's own beside them.
fn roots(network: &Network) -> Result<RootCerts, Error> {
    let mut all: Vec<Certificate<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|one| Certificate::from_der(one.as_ref()).to_owned())
        .collect();
    if let Some(file) = &network.ca_file {
        let wrong = |why: String| Error(format!("{}: {why}", file.display()));
        let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let built_in = all.len();
        all.extend(ureq::tls::parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        }));
        if all.len() == built_in {
            return Err(wrong("it holds no certificate in PEM".into()));
        }
    }
    Ok(RootCerts::from(all))
}

/// Looks a name up once, and lets the call go on only to addresses that were checked.
#[derive(Debug)]
struct Guard<N> {
    allow: Arc<Vec<Reachable>>,
    guarded: bool,
    names: N,
}

/// The mark of an answer that leads inside.
#[derive(Debug, thiserror::Error)]
#[error("inside")]
struct IsInside;

impl<N: Resolver> Resolver for Guard<N> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let named = || {
            let host = uri.host().and_then(|host| Host::parse(host).ok());
            host.is_some_and(|host| self.allow.iter().any(|one| one.names(&host)))
        };
        let fits = |ip| is_public(ip) || self.allow.iter().any(|one| one.holds(ip));
        // All of them: a name with one good and one bad address is a trick.
        if self.guarded && !named() && !found.iter().all(|at| fits(at.ip())) {
            return Err(ureq::Error::Other(Box::new(IsInside)));
        }
        Ok(found)
    }
}

/// A name that only a network's own servers know: looking it up would tell which there are.
fn is_inner(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    // RFC 6762 3, RFC 6761 6.3, RFC 8375; `internal` is ICANN's for private use.
    let kept = ["local", "localhost", "internal", "lan", "home", "corp"];
    !name.contains('.') || kept.contains(&last) || name.ends_with(".home.arpa")
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

#[cfg(test)]
#[path = "call/tests.rs"]
mod tests;
