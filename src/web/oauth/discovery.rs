//! What others read to trust us: metadata and public keys. All of it has an ETag.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use crate::app::App;
use crate::flow::client;
use crate::keys::ISSUER;
use crate::oauth::metadata::Document;
use crate::oauth::resource;
use crate::oauth::service::{Algorithm, KeyOwner, Service};
use crate::web::fault::Fault;

/// How long readers may keep it, in seconds: short beside the week that a key is published
/// before it signs.
const KEEP: &str = "public, max-age=300";

/// How often, and how many times, the first answer asks for a key that is still being made.
const ASK: Duration = Duration::from_millis(20);
const ASKS: u32 = 100;

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn discovery(app: web::Data<App>, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let registered = client::told(&app).await?;
    Ok(send(&http, &registered.discovery, "application/json"))
}

/// `/jwks.json`: the issuer's keys. It waits for a key that is still being made, and never
/// answers without it (PROTOCOL 4).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn jwks(app: web::Data<App>, http: HttpRequest) -> Result<HttpResponse, Fault> {
    wait(&app, ISSUER, Algorithm::RS256).await?;
    let set = app.keys.set(ISSUER, app.clock.now());
    Ok(send(&http, &set, "application/jwk-set+json"))
}

async fn wait(app: &App, owner: &str, algorithm: Algorithm) -> Result<(), Fault> {
    for _ in 0..ASKS {
        if app
            .keys
            .current(owner, algorithm, app.clock.now())
            .is_some()
        {
            return Ok(());
        }
        tokio::time::sleep(ASK).await;
    }
    Err(Fault::Busy(Duration::from_secs(1)))
}

async fn service(app: &App, id: &str) -> Result<Service, Fault> {
    client::service(app, id).await?.ok_or(Fault::nothing())
}

fn owner(service: &Service) -> &str {
    match service.keys {
        KeyOwner::Own => &service.id,
        KeyOwner::Issuer => ISSUER,
    }
}

/// `/services/{id}/jwks.json`: the keys that sign a service's tokens.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn service_jwks(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let service = service(&app, &id).await?;
    wait(&app, owner(&service), service.algorithm).await?;
    let set = app.keys.set(owner(&service), app.clock.now());
    Ok(send(&http, &set, "application/jwk-set+json"))
}

/// What verifiers read of a service that is its own issuer (RFC 8414, OpenID Connect Discovery).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn service_issuer(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let found = client::service(&app, &id).await?;
    let service = found.filter(|service| service.offers.own_issuer);
    let service = service.ok_or(Fault::nothing())?;
    let told = resource::issuer(&service, app.config.issuer());
    let told = Document::new(Value::Object(told).to_string());
    Ok(send(&http, &told, "application/json"))
}

/// `/.well-known/oauth-protected-resource/services/{id}`: by which an app that knows only the
/// service finds us (RFC 9728).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn resource(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let found = client::service(&app, &id).await?;
    let service = found.filter(|service| service.offers.metadata);
    let service = service.ok_or(Fault::nothing())?;
    let told = resource::metadata(&service, app.config.issuer());
    let told = Document::new(Value::Object(told).to_string());
    Ok(send(&http, &told, "application/json"))
}

/// `/services/{id}/current.jwk` and `current.pem`: the one key that signs now, for servers that
/// hold a single key file.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn current(
    app: web::Data<App>,
    http: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (id, form) = path.into_inner();
    let service = service(&app, &id).await?;
    wait(&app, owner(&service), service.algorithm).await?;
    let key = app
        .keys
        .current(owner(&service), service.algorithm, app.clock.now())
        .ok_or(Fault::Busy(Duration::from_secs(1)))?;
    match form.as_str() {
        "jwk" => {
            let jwk = Document::new(key.jwk.to_string());
            Ok(send(&http, &jwk, "application/jwk+json"))
        }
        "pem" => {
            let pem = Document::new(key.pem.clone());
            Ok(send(&http, &pem, "application/x-pem-file"))
        }
        _ => Err(Fault::nothing()),
    }
}

fn send(http: &HttpRequest, document: &Document, kind: &str) -> HttpResponse {
    send_for(http, document, kind, KEEP)
}

/// Sends a document that readers may keep for as long as `keep` says, or says that theirs is it.
pub fn send_for(http: &HttpRequest, document: &Document, kind: &str, keep: &str) -> HttpResponse {
    let same = http
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|had| had == document.tag.as_str());
    let mut response = HttpResponse::build(if same {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    response
        .insert_header((header::ETAG, document.tag.as_str()))
        .insert_header((header::CACHE_CONTROL, keep));
    if same {
        response.finish()
    } else {
        response.content_type(kind).body(document.text.clone())
    }
}
