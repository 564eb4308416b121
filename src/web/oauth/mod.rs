//! OAuth 2 and OpenID Connect over HTTP.

pub mod agree;
pub mod authorize;
pub mod consent;
pub mod discovery;
pub mod logout;
pub mod pushed;
pub mod register;
pub mod token;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::fault::Fault;
use crate::oauth::authenticate::{Presented, present};
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

/// How the caller of a token-like endpoint says who it is.
fn presented(http: &HttpRequest, body: &Params) -> Result<Presented, Fault> {
    Ok(present(authorization(http), &query(http)?, body)?)
}
