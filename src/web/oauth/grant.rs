//! `/oauth2/grants/{id}`: a client reads and ends a grant of its own (Grant Management 6).

use actix_web::{HttpRequest, HttpResponse, web};

use super::token::challenged;
use super::{authorization, held, judge, next_nonce, take};
use crate::app::App;
use crate::flow::grants::{self, Act};
use crate::flow::presented::is_ours;
use crate::oauth::bearer::{self, Scheme};
use crate::oauth::error::{Code, Problem};
use crate::web::fault::Fault;

/// GET (6.4).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn show(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    manage(&app, &http, &id, Act::Query).await
}

/// DELETE (6.5).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn end(
    app: web::Data<App>,
    http: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    manage(&app, &http, &id, Act::Revoke).await
}

async fn manage(
    app: &web::Data<App>,
    http: &HttpRequest,
    id: &str,
    act: Act,
) -> Result<HttpResponse, Fault> {
    let token = match bearer::token(authorization(http), None) {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(challenged(app, http, Scheme::Bearer, None)),
        Err(problem) => return Ok(challenged(app, http, Scheme::Bearer, Some(&problem))),
    };
    // Nothing is written down for whoever shows nothing of ours.
    let ours = is_ours(app, &token.text);
    let judged = match token.scheme {
        Scheme::Bearer => Ok(None),
        Scheme::Dpop => judge(app, http, Some(&token.text), false),
    };
    let proof = match judged {
        Ok(judged) if judged.is_some() && !ours => {
            let why = "the token is unknown or has run out";
            let problem = Problem::new(Code::InvalidToken, why);
            return Ok(challenged(app, http, Scheme::Dpop, Some(&problem)));
        }
        Ok(judged) => take(app, judged).await,
        Err(fault) => Err(fault),
    };
    let proof = match (token.scheme, proof) {
        (Scheme::Bearer, _) => None,
        (Scheme::Dpop, Ok(Some(proof))) => Some(proof),
        (Scheme::Dpop, Ok(None)) => {
            let problem = Problem::new(Code::InvalidDpopProof, "the DPoP header is missing");
            return Ok(challenged(app, http, Scheme::Dpop, Some(&problem)));
        }
        (Scheme::Dpop, Err(Fault::Json(problem))) => {
            return Ok(challenged(app, http, Scheme::Dpop, Some(&problem)));
        }
        (Scheme::Dpop, Err(other)) => return Err(other),
    };
    let held = held(http, proof.as_ref());
    let house = app.clone().into_inner();
    match grants::manage(&house, &token, &held, id, act).await? {
        Err(problem) => Ok(challenged(app, http, token.scheme, Some(&problem))),
        Ok(None) => Err(Fault::nothing()),
        Ok(Some(told)) => {
            let mut response = match act {
                Act::Query => HttpResponse::Ok(),
                Act::Revoke => HttpResponse::NoContent(),
            };
            next_nonce(app, &mut response, proof.as_ref());
            Ok(match act {
                Act::Query => response.json(told),
                Act::Revoke => response.finish(),
            })
        }
    }
}
