//! What every request passes: its number, its network address, dev mode's rules, the headers of
//! every answer, faults made readable, one log line.

use std::net::IpAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};

use super::fault::Fault;
use super::listen::Shown;
use super::metrics::Metrics;

use crate::app::App;
use crate::config::Config;
use crate::crash::{self, Edge};
use crate::flow::client::Whence;
use crate::flow::short;
use crate::limit::Bucket;
use crate::oauth::cors;
use crate::oauth::error::{Code, Problem};
use crate::rng::Rng;

/// What the guard found out; every visit has it.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The person's network address.
    pub address: IpAddr,
    /// The request's number.
    pub reference: String,
}

/// The network address that a request came from.
pub fn address(http: &HttpRequest) -> IpAddr {
    http.extensions()
        .get::<Passed>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |passed| passed.address)
}

/// Where a request came from.
pub fn whence(http: &HttpRequest) -> Whence {
    let extensions = http.extensions();
    let passed = extensions.get::<Passed>();
    Whence {
        address: passed.map_or(IpAddr::from([0, 0, 0, 0]), |passed| passed.address),
        reference: passed.map_or_else(String::new, |passed| passed.reference.clone()),
    }
}

/// Headers by which proxies speak. In dev mode a request with one did not come from this machine.
const FORWARDED: [&str; 4] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The request's number, for whoever asks the operator about an answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Pages that can end an authorization: browsers check `form-action` at every hop after the
/// form, and messengers redirect again (PROTOCOL 3).
const ENDS: [&str; 7] = [
    "/signin",
    "/consent",
    "/confirm",
    "/signup/done",
    "/signup/let-in",
    "/oauth2/authorize",
    "/oauth2/logout",
];

/// Pages that an app may open in a window of its own (`display=popup`, OpenID Connect Core 3.1.2.1)
/// and waits for there, and those that they link to: cut off from it, it would think that the person
/// closed the window. On the others, where accounts are changed and devices let in, no other site
/// has a hand.
const OPENED: [&str; 10] = [
    "/oauth2/", "/signin", "/signup", "/confirm", "/consent", "/forgot", "/reset", "/help",
    "/terms", "/cookies",
];

/// The middleware.
///
/// # Errors
/// None of ours: a fault below has become an answer.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    #[allow(clippy::disallowed_methods)] // how long an answer took is no part of any story
    let began = std::time::Instant::now();
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError().finish()));
    };
    let passed = Passed {
        address: far_end(request.request(), &app.config),
        reference: reference(&app.rng),
    };
    request.extensions_mut().insert(passed.clone());
    let (http, response) = match refuse(request.request(), &app, &passed) {
        Some(fault) => {
            let (http, _) = request.into_parts();
            let response = fault_response(&http, &fault);
            (http, response)
        }
        None => {
            let (http, response) = next.call(request).await?.into_parts();
            (http, response.map_into_boxed_body())
        }
    };
    let fault = response.extensions().get::<Fault>().cloned();
    let mut response = match fault.or_else(|| bare(&response)) {
        Some(fault) => {
            let mut told = fault_response(&http, &fault);
            if let Some(allow) = response.headers().get(header::ALLOW) {
                told.headers_mut().insert(header::ALLOW, allow.clone());
            }
            told
        }
        None => response,
    };
    let status = response.status();
    dress(http.path(), app.config.secure(), response.headers_mut());
    if cors::is_open(http.path()) {
        open_to_browsers(response.headers_mut());
    }
    if let Ok(number) = HeaderValue::from_str(&passed.reference) {
        response.headers_mut().insert(REQUEST_ID, number);
    }
    let took = began.elapsed();
    if let Some(metrics) = http.app_data::<web::Data<Metrics>>() {
        metrics.count(status, took);
    }
    // The path alone: queries and bodies hold codes and secrets; so do two paths.
    tracing::debug!(
        req = passed.reference,
        method = %http.method(),
        path = short(shown(http.path())),
        status = status.as_u16(),
        us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    crash::point(Edge::BeforeAnswer);
    Ok(ServiceResponse::new(http, response))
}

/// A path without the secret that some carry.
fn shown(path: &str) -> &str {
    for (prefix, shown) in [
        ("/reset/", "/reset/…"),
        ("/e/", "/e/…"),
        ("/signup/let-in/", "/signup/let-in/…"),
    ] {
        if path.starts_with(prefix) {
            return shown;
        }
    }
    path
}

/// Dev mode answers this machine only (PROTOCOL 8); everyone has a bound.
fn refuse(http: &HttpRequest, app: &App, passed: &Passed) -> Option<Fault> {
    if app.config.dev {
        let peer = peer(http).is_some_and(|peer| peer.is_loopback());
        let host = host(http);
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                name
            } else {
                host.as_str()
            }
        });
        let local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        if !peer || !local {
            return Some(Fault::Page(StatusCode::MISDIRECTED_REQUEST, "not-here"));
        }
        let forwarded = FORWARDED
            .iter()
            .any(|name| http.headers().contains_key(*name));
        if forwarded && http.path().starts_with("/dev/") {
            return Some(Fault::Page(StatusCode::FORBIDDEN, "not-here"));
        }
    }
    // No person is asked for a certificate: at the door for apps there are no pages.
    if http.conn_data::<Shown>().is_some() && !speaks_json(http.path()) {
        return Some(Fault::nothing());
    }
    // Nothing of ours holds a NUL, and PostgreSQL keeps no text with one.
    let uri = http.uri();
    let has_nul = |text: &str| text.contains('\0') || text.contains("%00");
    if has_nul(http.path()) || has_nul(uri.path()) || uri.query().is_some_and(has_nul) {
        return Some(Fault::unreadable());
    }
    // A chat server is one address for all its people and is never refused as a whole
    // (PROTOCOL 7): the endpoints of programs are cheap to refuse at, and made-up tokens are known
    // without a read.
    let path = http.path();
    if speaks_json(path)
        || ["/healthz", "/readyz", "/static/"]
            .iter()
            .any(|free| path.starts_with(free))
    {
        return None;
    }
    app.limiter
        .check(Bucket::General, passed.address, app.clock.now())
        .err()
        .map(Fault::TooMany)
}

/// The host that was asked for (RFC 9112 3.2.2), by no word of a proxy: in dev mode none is trusted,
/// and a page of another site could put one into its request.
fn host(http: &HttpRequest) -> String {
    let named = http.headers().get(header::HOST);
    http.uri()
        .authority()
        .map(ToString::to_string)
        .or_else(|| named.and_then(|host| host.to_str().ok()).map(str::to_owned))
        .unwrap_or_default()
}

/// The other end of the connection. An IPv4 one at a listener for both is IPv4.
pub fn peer(http: &HttpRequest) -> Option<IpAddr> {
    http.peer_addr().map(|peer| peer.ip().to_canonical())
}

/// The peer, or the rightmost hop that is no trusted proxy (PROTOCOL 7).
fn far_end(http: &HttpRequest, config: &Config) -> IpAddr {
    let peer = peer(http).unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let trusted = |address: &IpAddr| {
        config
            .listen
            .trusted_proxies
            .iter()
            .any(|net| net.contains(address))
    };
    if !trusted(&peer) {
        return peer;
    }
    let hops: Vec<&str> = http
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    // From the right, as each proxy added its own; what stands left of the first stranger, or of
    // what cannot be read, is the stranger's word.
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        match forwarded(hop.trim()) {
            Some(hop) if trusted(&hop) => nearest = hop,
            Some(hop) => return hop,
            None => break,
        }
    }
    nearest
}

/// A hop as proxies write it: an address, with or without brackets and a port.
fn forwarded(hop: &str) -> Option<IpAddr> {
    let hop = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| Some(hop.parse::<std::net::SocketAddr>().ok()?.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    hop.map(|hop: IpAddr| hop.to_canonical())
}

/// Six characters that can be read out on the telephone.
fn reference(rng: &Rng) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0; 6];
    rng.fill_plain(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
        .collect()
}

/// An error without words, as actix makes them.
fn bare(response: &HttpResponse) -> Option<Fault> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let spoken = response.headers().contains_key(header::WWW_AUTHENTICATE)
        || kind.is_some_and(|kind| kind != "text/plain; charset=utf-8");
    if spoken || !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    Some(match status {
        StatusCode::METHOD_NOT_ALLOWED => Fault::Page(status, "method"),
        StatusCode::NOT_FOUND => Fault::nothing(),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::Page(status, "too-large"),
        _ if status.is_client_error() => Fault::Page(status, "bad-request"),
        _ => Fault::Broken(format!("an answer {status} without words")),
    })
}

/// Programs ask here; they are answered in JSON.
fn speaks_json(path: &str) -> bool {
    path.starts_with("/.well-known/")
        || path.starts_with("/services/")
        || path == "/jwks.json"
        || path.starts_with("/oauth2/")
            && !path.starts_with("/oauth2/authorize")
            && path != "/oauth2/logout"
}

fn fault_response(http: &HttpRequest, fault: &Fault) -> HttpResponse {
    let reference = http
        .extensions()
        .get::<Passed>()
        .map(|passed| passed.reference.clone())
        .unwrap_or_default();
    if let Fault::Broken(cause) = fault {
        tracing::error!(
            req = reference,
            path = short(shown(http.path())),
            cause,
            "broken"
        );
    }
    let mut response = if speaks_json(http.path()) {
        json(http, fault, &reference)
    } else {
        if let Fault::Json(problem) = fault {
            explain(&reference, http.path(), problem);
        }
        page(http, fault).unwrap_or_else(|cause| {
            tracing::error!(req = reference, %cause, "the error page is broken");
            HttpResponse::InternalServerError()
                .content_type("text/plain; charset=utf-8")
                .body(format!("This page is broken. Reference: {reference}\n"))
        })
    };
    if let Some(wait) = fault.wait() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

fn page(http: &HttpRequest, fault: &Fault) -> Result<HttpResponse, Fault> {
    let visit = super::visit::of(http)?;
    let wait = fault.wait().map_or(0, |wait| wait.as_secs());
    let (status, name) = match fault {
        Fault::Page(status, name) => (*status, *name),
        Fault::Json(_) => (StatusCode::BAD_REQUEST, "bad-request"),
        Fault::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Fault::Away => (StatusCode::SERVICE_UNAVAILABLE, "away"),
        Fault::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "slow"),
        Fault::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, "broken"),
    };
    visit.fault(status, name, wait)
}

fn json(http: &HttpRequest, fault: &Fault, reference: &str) -> HttpResponse {
    use actix_web::ResponseError as _;
    let problem = match fault {
        Fault::Json(problem) => problem.clone(),
        Fault::Page(status, _) => Problem::new(
            Code::InvalidRequest,
            match *status {
                StatusCode::NOT_FOUND => "nothing is at this address",
                StatusCode::METHOD_NOT_ALLOWED => "this address takes another method",
                StatusCode::PAYLOAD_TOO_LARGE => "the request is too large",
                StatusCode::UNSUPPORTED_MEDIA_TYPE
                    if http.path().starts_with("/oauth2/register") =>
                {
                    "the body must be application/json"
                }
                StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                    "the body must be application/x-www-form-urlencoded"
                }
                _ => "the request cannot be read",
            },
        ),
        Fault::Busy(_) | Fault::TooMany(_) => Problem::new(
            Code::TemporarilyUnavailable,
            "too much at once; try again after Retry-After",
        ),
        Fault::Away => Problem::new(
            Code::TemporarilyUnavailable,
            "the database cannot be used at the moment; try again after Retry-After",
        ),
        Fault::Broken(_) => Problem::new(
            Code::ServerError,
            format!("something here is broken; reference {reference}"),
        ),
    };
    explain(reference, http.path(), &problem);
    let mut response = HttpResponse::build(fault.status_code());
    if let Some(challenge) = problem.www_authenticate() {
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    if problem.code == Code::UseDpopNonce
        && let Some(app) = http.app_data::<web::Data<App>>()
    {
        response.insert_header(("DPoP-Nonce", crate::flow::dpop::nonce(app))); // RFC 9449 8
    }
    response.json(told(http, &problem))
}

/// The body of a refusal (RFC 6749 5.2).
pub fn told(http: &HttpRequest, problem: &Problem) -> serde_json::Map<String, serde_json::Value> {
    let mut body = problem.json();
    let app = http.app_data::<web::Data<App>>();
    if let Some(page) = app.and_then(|app| app.config.clients.error_page(problem.code.name())) {
        body.insert("error_uri".into(), page.into());
    }
    body
}

/// Tells the operator of a refusal whose mend is known. Others are the app's own business.
pub fn explain(reference: &str, path: &str, problem: &Problem) {
    if let Some(fix) = &problem.fix {
        tracing::info!(
            req = reference,
            path = shown(path),
            code = problem.code.name(),
            why = problem.description,
            try = fix,
            "request.refused"
        );
    }
}

/// The headers of every answer (UX 1.1, SECURITY R33, R43).
fn dress(path: &str, secure: bool, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_FRAME_OPTIONS, "DENY");
    let ends = ENDS.iter().any(|prefix| path.starts_with(prefix));
    set(
        header::CONTENT_SECURITY_POLICY,
        if ends {
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
             media-src 'self'; script-src 'self'; connect-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        } else {
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
             media-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        },
    );
    if !OPENED.iter().any(|prefix| path.starts_with(prefix)) {
        set(OPENER_POLICY, "same-origin");
    }
    if secure {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
    }
}

/// Lets pages of every origin read an answer, never with credentials (PROTOCOL 3). Each answer of an
/// open address says so, whoever asked: one that a browser keeps may be handed to such a page later
/// (Fetch, "CORS protocol and HTTP caches").
fn open_to_browsers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, cors::READABLE),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The answer to a page that asks before it sends (a CORS-preflight request of Fetch), at an address
/// with these methods.
pub fn preflight(methods: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, cors::SENDABLE))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

#[cfg(test)]
#[path = "guard_test.rs"]
mod tests;
