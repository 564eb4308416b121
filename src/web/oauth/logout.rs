//! `/oauth2/logout`: signing out at an app's wish (OpenID Connect RP-Initiated Logout 1.0).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::query;
use crate::app::App;
use crate::clock::Time;
use crate::flow::browser::Here;
use crate::flow::{client, hint, short, signin, subject};
use crate::oauth::client::Client;
use crate::oauth::error::quote;
use crate::oauth::logout::{
    Decision, Hint, LogoutError, LogoutRequest, Return, SignedIn, client_id, decide,
};
use crate::oauth::params::{Params, encode_all};
use crate::page::App as Chip;
use crate::page::view::{LogoutRefused, RedirectMismatch, SignOut, SignedOut};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::{self, Form};
use crate::web::visit::Visit;

/// GET: judged here, because a browser's cookie comes along.
///
/// # Errors
/// [`Fault`].
pub async fn get(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    answer(&visit, &query(&http)?, false).await
}

/// POST: an app's own (from another site, without our cookie) is asked to come again by GET; one
/// of our page carries the answer to "Sign out?".
///
/// # Errors
/// [`Fault`].
pub async fn post(
    visit: Visit,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    if body.has("form") {
        return confirmed(visit, &http, &body).await;
    }
    let query = encode_all(body.iter());
    Ok(visit.see_other(&format!("/oauth2/logout?{query}")))
}

async fn confirmed(visit: Visit, http: &HttpRequest, body: &Params) -> Result<HttpResponse, Fault> {
    Form::check(&visit, http, body).await?;
    if body.one("decision") != Some("signout") {
        return Ok(visit.see_other("/account"));
    }
    answer(&visit, &query(http)?, true).await
}

async fn answer(visit: &Visit, params: &Params, confirmed: bool) -> Result<HttpResponse, Fault> {
    let request = LogoutRequest::parse(params);
    let hint = hint(&visit.app, &request, visit.now);
    let named = client_id(&request, &hint).map(str::to_owned);
    let client = match named {
        Some(id) => client::find(&visit.app, &id).await?,
        None => None,
    };
    let here = visit.here().await?;
    let sessions: Vec<SignedIn> = here
        .signed_in
        .iter()
        .map(|(session, account)| SignedIn {
            // As the client that asks knows the person.
            sub: client.as_ref().map_or_else(
                || account.id.clone(),
                |client| subject::of(&visit.app, client, &account.id),
            ),
            seen: client.as_ref().map_or_else(
                || session.sid.clone(),
                |client| subject::sid(&visit.app, client, &session.sid),
            ),
            sid: session.sid.clone(),
        })
        .collect();
    match decide(&request, &hint, client.as_ref(), &sessions) {
        Err(error) => refuse(visit, &request, client.as_ref(), error),
        Ok(Decision::Out { then }) => leave(visit, then),
        Ok(Decision::End { sids, then }) => {
            end(visit, &sids, sids.len() == sessions.len()).await?;
            leave(visit, then)
        }
        Ok(Decision::Confirm { then }) if confirmed => {
            let sids: Vec<String> = sessions.into_iter().map(|one| one.sid).collect();
            end(visit, &sids, true).await?;
            leave(visit, then)
        }
        Ok(Decision::Confirm { .. }) => ask(visit, &here, client.map(|client| client.name)),
    }
}

/// A wish that cannot be followed ends on a page from which the person can sign out by themselves;
/// the log names what mends it.
fn refuse(
    visit: &Visit,
    request: &LogoutRequest,
    client: Option<&Client>,
    error: LogoutError,
) -> Result<HttpResponse, Fault> {
    let bad = StatusCode::BAD_REQUEST;
    let asked = request
        .post_logout_redirect_uri
        .as_deref()
        .unwrap_or_default();
    if let (LogoutError::Return, Some(client)) = (error, client) {
        let chip = Chip {
            name: client.name.clone(),
            host: String::new(),
        };
        let view = RedirectMismatch::after_logout(chip, &client.id, asked, &client.post_logout);
        let show = format!("gerege client show {}", quote(&client.id));
        tracing::warn!(
            req = visit.reference,
            client = client.id,
            reason = "post_logout_redirect_uri",
            asked = short(asked),
            onfile = client.post_logout.join(" "),
            // Quoted for a shell: a stranger wrote the address. Half a command is none.
            try = if short(asked) == asked { &view.command } else { &show },
            "logout.refused"
        );
        return visit.page_with(bad, &visit.shell(), &view);
    }
    let (reason, mend) = match error {
        LogoutError::Hint => (
            "id_token_hint",
            "send an ID token that this server gave to the same client",
        ),
        LogoutError::Client | LogoutError::Return => ("client_id", "gerege client list"),
    };
    let named = request.client_id.as_deref().unwrap_or_default();
    tracing::warn!(
        req = visit.reference,
        client = client.map_or(short(named), |client| client.id.as_str()),
        reason,
        asked = short(asked),
        try = mend,
        "logout.refused"
    );
    visit.page_with(bad, &visit.shell(), &LogoutRefused {})
}

fn ask(visit: &Visit, here: &Here, app: Option<String>) -> Result<HttpResponse, Fault> {
    let person = here
        .first()
        .map(|(_, account)| visit.person(account))
        .unwrap_or_default();
    visit.page(&visit.shell(), &SignOut { person, app })
}

/// Ends sessions; when all of the browser's are among them, its cookie opens nothing any more
/// (SECURITY R37). Who else is signed in here stays.
async fn end(visit: &Visit, sids: &[String], all: bool) -> Result<(), Fault> {
    if all {
        let visitor = visit.visitor();
        signin::sign_out(&visit.app, visit.cookie(), &visitor, visit.now).await?;
        visit.clear(Jar::Browser);
        return Ok(());
    }
    signin::end(&visit.app, sids, &visit.visitor(), visit.now).await?;
    Ok(())
}

fn leave(visit: &Visit, then: Option<Return>) -> Result<HttpResponse, Fault> {
    match then {
        Some(then) => {
            let mut response = HttpResponse::SeeOther();
            response.insert_header((header::LOCATION, then.location()));
            visit.with_cookies(&mut response);
            Ok(response.finish())
        }
        None => visit.page(
            &visit.shell(),
            &SignedOut {
                apps: Vec::new(),
                signin: "/signin".into(),
            },
        ),
    }
}

fn hint(app: &App, request: &LogoutRequest, now: Time) -> Hint {
    let Some(sent) = &request.id_token_hint else {
        return Hint::Absent;
    };
    match hint::read(app, sent, now) {
        Some(hint) if !hint.client_id.is_empty() => Hint::Good {
            client_id: hint.client_id,
            sub: hint.sub,
            sid: hint.sid,
        },
        _ => Hint::Bad,
    }
}
