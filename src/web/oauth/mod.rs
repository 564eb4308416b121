//! OAuth 2 and OpenID Connect over HTTP.

pub mod agree;
pub mod authorize;
pub mod ciba;
pub mod consent;
pub mod device;
pub mod discovery;
pub mod grant;
pub mod logout;
pub mod pushed;
pub mod register;
pub mod status;
pub mod token;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::fault::Fault;
use super::guard::peer;
use super::listen::Shown;
use crate::app::App;
use crate::flow;
use crate::flow::client::Whence;
use crate::flow::dpop::{Judged, Taken};
use crate::keys::certificate::fingerprint;
use crate::limit::Bucket;
use crate::oauth::authenticate::{Presented, present};
use crate::oauth::binding::Held;
use crate::oauth::certificate::from_header;
use crate::oauth::client::Client;
use crate::oauth::dpop::{self, Call};
use crate::oauth::params::Params;

/// The parameters of a URL.
fn query(http: &HttpRequest) -> Result<Params, Fault> {
    Ok(Params::parse(http.query_string().as_bytes())?)
}

/// The value of the `Authorization` header.
fn authorization(http: &HttpRequest) -> Option<&[u8]> {
    http.headers()
        .get(header::AUTHORIZATION)
        .map(header::HeaderValue::as_bytes)
}

/// The URL by which a request came; at the door for apps that is another one.
fn called(app: &App, http: &HttpRequest) -> String {
    let door = app.config.mtls.as_ref().and_then(|mtls| mtls.door.as_ref());
    match door.filter(|_| http.conn_data::<Shown>().is_some()) {
        Some(door) => format!("{}{}", door.url, http.path()),
        None => app.config.url(http.path()),
    }
}

/// Judges the proof of a request, if it has one (RFC 9449 4.3); it is not taken yet.
fn judge(
    app: &App,
    http: &HttpRequest,
    access_token: Option<&str>,
    need_nonce: bool,
) -> Result<Option<Judged>, Fault> {
    let headers = http.headers().get_all("dpop");
    let Some(proof) = dpop::find(headers.map(header::HeaderValue::as_bytes))? else {
        return Ok(None);
    };
    let call = Call {
        method: http.method().as_str(),
        url: &called(app, http),
        access_token,
    };
    Ok(Some(flow::dpop::judge(app, &proof, &call, need_nonce)?))
}

/// Takes a proof that was judged.
async fn take(app: &App, judged: Option<Judged>) -> Result<Option<Taken>, Fault> {
    Ok(match judged {
        Some(judged) => Some(flow::dpop::take(app, judged).await??),
        None => None,
    })
}

/// Gives a sender that works with nonces its next one (RFC 9449 8.2).
fn next_nonce(app: &App, response: &mut actix_web::HttpResponseBuilder, taken: Option<&Taken>) {
    if taken.is_some_and(|taken| taken.nonce) {
        response.insert_header(("DPoP-Nonce", flow::dpop::nonce(app)));
    }
}

/// How the caller of a token-like endpoint says who it is.
async fn presented(app: &App, http: &HttpRequest, body: &Params) -> Result<Presented, Fault> {
    let query = query(http)?;
    let presented = match present(authorization(http), &query, body) {
        Ok(presented) => presented,
        Err(problem) => {
            let problem = flow::client::unread(app, problem, &query, body).await?;
            return Err(problem.into());
        }
    };
    Ok(match (presented, certificate(http)) {
        (Presented::None { client_id }, Some(der)) => Presented::Certificate { client_id, der },
        (other, _) => other,
    })
}

/// Whether one more row is kept for a caller: anyone can name a public app.
fn room(app: &App, client: &Client, whence: &Whence) -> Result<(), Fault> {
    if !client.is_public() {
        return Ok(());
    }
    let bound = app
        .limiter
        .check(Bucket::Caller, whence.address, app.clock.now());
    bound.map_err(Fault::TooMany)
}

/// The certificate of a caller, DER: at the door for apps the one that the connection showed,
/// elsewhere by the named header alone, once, from a named proxy (PROTOCOL 7).
fn certificate(http: &HttpRequest) -> Option<Vec<u8>> {
    if let Some(shown) = http.conn_data::<Shown>() {
        return shown.0.clone();
    }
    let app = http.app_data::<actix_web::web::Data<App>>()?;
    let mtls = app.config.mtls.as_ref()?.told.as_ref()?;
    let peer = peer(http)?;
    if !mtls.proxies.iter().any(|net| net.contains(&peer)) {
        return None;
    }
    let mut values = http.headers().get_all(mtls.header.as_str());
    let (first, second) = (values.next()?, values.next());
    match second {
        None => from_header(first.as_bytes()),
        Some(_) => None,
    }
}

/// What a caller proved to hold: the key of its proof, and its certificate.
fn held(http: &HttpRequest, proof: Option<&Taken>) -> Held {
    Held {
        jkt: proof.map(|proof| proof.jkt.clone()),
        certificate: certificate(http).map(|der| fingerprint(&der)),
        weak: proof.is_some_and(|proof| proof.weak),
    }
}
