//! `/oauth2/register` and `/oauth2/register/{id}`: apps register themselves and look after it
//! (RFC 7591, RFC 7592). No cookie is read.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Map, Value};

use super::authorization;
use crate::app::App;
use crate::flow::register::{self, Answer, Refused};
use crate::oauth::bearer::{self, Scheme};
use crate::oauth::error::{Code, Problem};
use crate::web::fault::Fault;
use crate::web::form;
use crate::web::guard::{address, whence};

/// POST: a new app.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn create(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let sent = sent(&http, payload).await?;
    let token = token(&http)?;
    let done = register::create(&app, &sent, token.as_deref(), address(&http)).await;
    answer(&http, HttpResponse::Created(), done)
}

/// GET: what is on file.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn read(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let token = token(&http)?;
    let done = register::read(&app, &id, token.as_deref()).await;
    answer(&http, HttpResponse::Ok(), done)
}

/// PUT: all of it anew.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn update(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let sent = sent(&http, payload).await?;
    let token = token(&http)?;
    let done = register::update(&app, &id, &sent, token.as_deref(), address(&http)).await;
    answer(&http, HttpResponse::Ok(), done)
}

/// DELETE: gone.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn delete(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let token = token(&http)?;
    match register::delete(&app, &id, token.as_deref()).await {
        Ok(()) => {
            let mut response = HttpResponse::NoContent();
            Ok(response.finish())
        }
        Err(refused) => refuse(&http, refused),
    }
}

fn token(http: &HttpRequest) -> Result<Option<String>, Problem> {
    let token = bearer::token(authorization(http), None)?;
    Ok(token
        .filter(|token| token.scheme == Scheme::Bearer)
        .map(|token| token.text))
}

async fn sent(http: &HttpRequest, payload: web::Payload) -> Result<Map<String, Value>, Fault> {
    let bytes = form::json(http, &mut payload.into_inner()).await?;
    serde_json::from_slice(&bytes).map_err(|_| {
        Fault::Json(Problem::new(
            Code::InvalidClientMetadata,
            "the body is no JSON object",
        ))
    })
}

fn answer(
    http: &HttpRequest,
    mut response: HttpResponseBuilder,
    done: Result<Answer, Refused>,
) -> Result<HttpResponse, Fault> {
    match done {
        Ok(Answer(all)) => {
            // RFC 7591 3.2.1; `Cache-Control: no-store` is on every answer.
            response.insert_header((header::PRAGMA, "no-cache"));
            Ok(response.json(all))
        }
        Err(refused) => refuse(http, refused),
    }
}

fn refuse(http: &HttpRequest, refused: Refused) -> Result<HttpResponse, Fault> {
    match refused {
        Refused::Off => {
            tracing::info!(
                req = whence(http).reference,
                try = "set registration.mode to token or open, if apps may register themselves",
                "registration.off"
            );
            Err(Fault::nothing())
        }
        Refused::Problem(problem) => Err(problem.into()),
        Refused::Slow(wait) => Err(Fault::TooMany(wait)),
        Refused::Store(error) => Err(error.into()),
        Refused::Token => {
            let problem = Problem::new(
                Code::InvalidToken,
                "the token is missing, unknown or has run out",
            );
            // RFC 6750 3.1: no error code where no token came.
            let came = authorization(http).is_some();
            let mut response = HttpResponse::Unauthorized();
            response.insert_header((
                header::WWW_AUTHENTICATE,
                bearer::www_authenticate(Scheme::Bearer, came.then_some(&problem), None),
            ));
            Ok(if came {
                response.json(problem.json())
            } else {
                response.finish()
            })
        }
    }
}
