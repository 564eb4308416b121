//! The endpoints where programs speak: token, introspect, revoke, userinfo. No cookie is read.

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{authorization, held, judge, next_nonce, presented, take};
use crate::app::App;
use crate::flow::dpop::{self, Taken};
use crate::flow::{client, presented as shown, revoke as given_back, token};
use crate::oauth::bearer::{self, Scheme, Token};
use crate::oauth::error::{Code, Problem};
use crate::oauth::introspection;
use crate::oauth::params::Params;
use crate::oauth::service::Service;
use crate::oauth::token::Exchange;
use crate::web::fault::Fault;
use crate::web::form;
use crate::web::guard::{explain, told, whence};

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
    let client =
        client::authenticate(&app, presented(&app, &http, &body).await?, &whence(&http)).await?;
    let judged = judge(&app, &http, None, client.must_prove_key())?;
    let ask = ask?;
    if judged.is_some() {
        token::look(&app, &client, &ask).await?;
    }
    let proof = take(&app, judged).await?;
    let held = held(&http, proof.as_ref());
    let tokens = token::exchange(&app, client, ask, held).await?;
    let mut response = HttpResponse::Ok();
    next_nonce(&app, &mut response, proof.as_ref());
    // RFC 6749 5.1; `Cache-Control: no-store` is on every answer.
    Ok(response
        .insert_header((header::PRAGMA, "no-cache"))
        .json(tokens))
}

/// POST `/oauth2/introspect` (RFC 7662 2), answered in JSON or signed (RFC 9701 4).
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
        client::authenticate_caller(&app, presented(&app, &http, &body).await?, &whence(&http))
            .await?;
    let token = needed(&body)?;
    let heard = shown::introspect(&app, &caller, token).await?;
    let accept: Vec<&str> = http
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|one| one.to_str().ok())
        .collect();
    let accept = accept.join(",");
    let must = heard.signed && introspection::is_taken(&accept);
    if must || introspection::is_wanted(&accept) {
        let signed = shown::sign_answer(&app, &caller, &heard.told).await?;
        let mut response = HttpResponse::Ok();
        return Ok(response.content_type(introspection::SIGNED).body(signed));
    }
    if heard.signed {
        let why = "Accept must be application/token-introspection+jwt: FAPI asks that what is told of this app's tokens is signed";
        return Err(Problem::new(Code::InvalidRequest, why).into());
    }
    let mut response = HttpResponse::Ok();
    let response = response.content_type(ContentType::json());
    Ok(response.body(heard.json.clone()))
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
    let client =
        client::authenticate(&app, presented(&app, &http, &body).await?, &whence(&http)).await?;
    given_back::revoke(&app, &client, needed(&body)?).await??;
    let mut response = HttpResponse::Ok();
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
    let (scheme, answer, proof) = match bearer::token(authorization(http), body.as_ref()) {
        Err(problem) => (Scheme::Bearer, Err(Some(problem)), None),
        Ok(None) => (Scheme::Bearer, Err(None), None),
        Ok(Some(token)) => {
            let (answer, proof) = shown_to(app, http, &token, service).await?;
            (token.scheme, answer.map_err(Some), proof)
        }
    };
    let mut response = match &answer {
        Ok(_) => HttpResponse::Ok(),
        Err(problem) => challenge(app, scheme, problem.as_ref()),
    };
    next_nonce(app, &mut response, proof.as_ref());
    Ok(match answer {
        Ok(shown::About::Claims(claims)) => response.json(claims),
        Ok(shown::About::Signed(token)) => response.content_type("application/jwt").body(token),
        Err(Some(problem)) => {
            explain(&whence(http).reference, http.path(), &problem);
            response.json(told(http, &problem))
        }
        // RFC 6750 3.1: no error code where no token came.
        Err(None) => response.finish(),
    })
}

/// The refusal of a token (RFC 6750 3), or of a call without one.
pub(super) fn challenged(
    app: &App,
    http: &HttpRequest,
    scheme: Scheme,
    problem: Option<&Problem>,
) -> HttpResponse {
    let mut response = challenge(app, scheme, problem);
    match problem {
        Some(problem) => {
            explain(&whence(http).reference, http.path(), problem);
            response.json(told(http, problem))
        }
        // RFC 6750 3.1: no error code where no token came.
        None => response.finish(),
    }
}

fn challenge(
    app: &App,
    scheme: Scheme,
    problem: Option<&Problem>,
) -> actix_web::HttpResponseBuilder {
    let unauthorized = actix_web::http::StatusCode::UNAUTHORIZED;
    let status = actix_web::http::StatusCode::from_u16(problem.map_or(401, status));
    let mut response = HttpResponse::build(status.unwrap_or(unauthorized));
    // RFC 9449 7.2: each way is told of; the error stands with the one that was used.
    for one in [Scheme::Bearer, Scheme::Dpop] {
        let problem = problem.filter(|_| one == scheme);
        response.append_header((
            header::WWW_AUTHENTICATE,
            bearer::www_authenticate(one, problem, None),
        ));
    }
    if problem.is_some_and(|problem| problem.code == Code::UseDpopNonce) {
        response.insert_header(("DPoP-Nonce", dpop::nonce(app)));
    }
    response
}

/// What a token that came opens, with the proof beside it.
async fn shown_to(
    app: &web::Data<App>,
    http: &HttpRequest,
    token: &Token,
    service: Option<&Service>,
) -> Result<(Result<shown::About, Problem>, Option<Taken>), Fault> {
    let judged = match token.scheme {
        Scheme::Bearer => None,
        Scheme::Dpop => match judge(app, http, Some(&token.text), false) {
            Ok(Some(judged)) => Some(judged),
            Ok(None) => {
                let why = "the DPoP header is missing";
                return Ok((Err(Problem::new(Code::InvalidDpopProof, why)), None));
            }
            Err(Fault::Json(problem)) => return Ok((Err(problem), None)),
            Err(other) => return Err(other),
        },
    };
    let proves = judged.as_ref().map(|judged| judged.proves.clone());
    let held = held(http, proves.as_ref());
    // Looking changes nothing, so the token is looked at first: a proof beside one that opens
    // nothing is not written down.
    let answer = shown::userinfo(app, token, &held, service).await?;
    if answer.is_ok() {
        match take(app, judged).await {
            Ok(_) => {}
            Err(Fault::Json(problem)) => return Ok((Err(problem), None)),
            Err(other) => return Err(other),
        }
    }
    Ok((answer, proves))
}

/// At a resource a bad proof is answered as a bad token is (RFC 9449 7.1).
fn status(problem: &Problem) -> u16 {
    match problem.code {
        Code::InvalidDpopProof | Code::UseDpopNonce => 401,
        code => code.status(),
    }
}
