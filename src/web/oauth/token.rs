//! The endpoints where programs speak: token, introspect, revoke, userinfo. No cookie is read.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{authorization, presented};
use crate::app::App;
use crate::flow::{client, presented as shown, token};
use crate::oauth::bearer;
use crate::oauth::error::{Code, Problem};
use crate::oauth::params::Params;
use crate::oauth::service::Service;
use crate::oauth::token::Exchange;
use crate::web::fault::Fault;
use crate::web::form;
use crate::web::guard::{address, open_to_browsers};

impl From<token::Error> for Fault {
    fn from(error: token::Error) -> Self {
        match error {
            token::Error::Refused(problem) => Self::Json(problem),
            token::Error::Store(error) => error.into(),
            token::Error::Keys(error) => error.into(),
        }
    }
}

impl From<client::Refused> for Fault {
    fn from(refused: client::Refused) -> Self {
        match refused {
            client::Refused::Problem(problem) => Self::Json(problem),
            client::Refused::Slow(wait) => Self::TooMany(wait),
            client::Refused::Store(error) => error.into(),
        }
    }
}

/// POST `/oauth2/token` (RFC 6749 3.2).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn token(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    let ask = Exchange::parse(&body);
    let client = client::authenticate(&app, presented(&http, &body)?, address(&http)).await?;
    let tokens = token::exchange(&app, client, ask?).await?;
    let mut response = HttpResponse::Ok();
    open_to_browsers(&http, &mut response);
    // RFC 6749 5.1; `Cache-Control: no-store` is on every answer.
    Ok(response
        .insert_header((header::PRAGMA, "no-cache"))
        .json(tokens))
}

/// POST `/oauth2/introspect` (RFC 7662 2).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn introspect(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    let caller =
        client::authenticate_caller(&app, presented(&http, &body)?, address(&http)).await?;
    let token = needed(&body)?;
    Ok(HttpResponse::Ok().json(shown::introspect(&app, &caller, token).await?))
}

/// POST `/oauth2/revoke` (RFC 7009 2): 200 whatever the token was.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn revoke(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    let client = client::authenticate(&app, presented(&http, &body)?, address(&http)).await?;
    shown::revoke(&app, &client, needed(&body)?).await?;
    let mut response = HttpResponse::Ok();
    open_to_browsers(&http, &mut response);
    Ok(response.finish())
}

fn needed(body: &Params) -> Result<&str, Problem> {
    body.one("token")
        .ok_or_else(|| Problem::new(Code::InvalidRequest, "token is missing"))
}

/// GET or POST `/oauth2/userinfo` (OpenID Connect Core 5.3).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn userinfo(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    about(&app, &http, payload, None).await
}

/// GET or POST `/services/{id}/userinfo`: only for that service's tokens, and only where the
/// operator opened it.
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn service_userinfo(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let service = client::service(&app, &id)
        .await?
        .filter(|service| service.userinfo)
        .ok_or(Fault::nothing())?;
    about(&app, &http, payload, Some(&service)).await
}

async fn about(
    app: &web::Data<App>,
    http: &HttpRequest,
    payload: web::Payload,
    service: Option<&Service>,
) -> Result<HttpResponse, Fault> {
    let has_form = http
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
    let body = if http.method() == actix_web::http::Method::POST && has_form {
        Some(form::body(http, &mut payload.into_inner()).await?)
    } else {
        None
    };
    let answer = match bearer::token(authorization(http), body.as_ref()) {
        Err(problem) => Err(Some(problem)),
        Ok(None) => Err(None),
        Ok(Some(token)) => shown::userinfo(app, &token, service).await?.map_err(Some),
    };
    let mut response = match &answer {
        Ok(_) => HttpResponse::Ok(),
        Err(problem) => {
            let status = problem
                .as_ref()
                .map_or(401, |problem| problem.code.status());
            let status = actix_web::http::StatusCode::from_u16(status)
                .unwrap_or(actix_web::http::StatusCode::UNAUTHORIZED);
            let mut response = HttpResponse::build(status);
            response.insert_header((
                header::WWW_AUTHENTICATE,
                bearer::www_authenticate(problem.as_ref(), None),
            ));
            response
        }
    };
    open_to_browsers(http, &mut response);
    Ok(match answer {
        Ok(shown::About::Claims(claims)) => response.json(claims),
        Ok(shown::About::Signed(token)) => response.content_type("application/jwt").body(token),
        Err(Some(problem)) => response.json(problem.json()),
        // RFC 6750 3.1: no error code where no token came.
        Err(None) => response.finish(),
    })
}
