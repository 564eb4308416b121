//! `/oauth2/authorize`, where an app sends a person; `/oauth2/authorize/{id}`, where every detour
//! comes back to.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::consent::document;
use super::query;
use crate::flow::authorize::{self, Outcome, Refused};
use crate::flow::short;
use crate::oauth::authorize::{PageError, Refusal};
use crate::oauth::client::Client;
use crate::oauth::error::quote;
use crate::oauth::next::Next;
use crate::oauth::params::{Params, encode_all};
use crate::oauth::redirect::{Kind, RedirectUri, Response};
use crate::page::App as Chip;
use crate::page::view::{FormPost, Hidden, Leave, RedirectMismatch};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form;
use crate::web::guard::explain;
use crate::web::visit::Visit;

/// As the log names it: behind it stands the id of a request.
const DOOR: &str = "/oauth2/authorize";

/// GET: the request in the URL.
///
/// # Errors
/// [`Fault`].
pub async fn get(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    match query(&http) {
        Ok(params) => begin(&visit, &params).await,
        Err(fault) => unread(&visit, fault),
    }
}

/// POST: the request in the body, from whatever site (OpenID Connect Core 3.1.2.1). It changes
/// nothing: the browser is asked to come again by GET, with its cookie (PROTOCOL 3).
///
/// # Errors
/// [`Fault`].
pub async fn post(
    visit: Visit,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    match form::body(&http, &mut payload.into_inner()).await {
        Ok(params) => {
            let query = encode_all(params.iter());
            Ok(visit.see_other(&format!("/oauth2/authorize?{query}")))
        }
        Err(fault) => unread(&visit, fault),
    }
}

/// Parameters that cannot be read: nobody is known to whom the answer could go. The person reads
/// that the app is at fault, the operator's log in what.
fn unread(visit: &Visit, fault: Fault) -> Result<HttpResponse, Fault> {
    let Fault::Json(problem) = fault else {
        return Err(fault);
    };
    explain(&visit.reference, DOOR, &problem);
    visit.fault(StatusCode::BAD_REQUEST, "app-request", 0)
}

async fn begin(visit: &Visit, params: &Params) -> Result<HttpResponse, Fault> {
    let (cookie, from) = (visit.cookie_or_new(), visit.address);
    match authorize::begin(&visit.app, params, cookie, from).await? {
        Ok(begun) => {
            if begun.silent && visit.cookie().is_none() {
                // Nobody is signed in where there is no cookie. Another site's frame gets none and
                // keeps none: sent on, it would come to a page instead of an answer (PROTOCOL 3).
                return decided(visit, &begun.id, Some(visit.cookie_or_new())).await;
            }
            visit.speak(begun.ui_locales.as_deref());
            if visit.cookie().is_none() {
                visit.set(Jar::Browser, visit.cookie_or_new(), false);
            }
            Ok(visit.see_other(&format!("/oauth2/authorize/{}", begun.id)))
        }
        Err(refused) => {
            // What asks without a page is answered without one (OpenID Connect Core 3.1.2.1).
            let silently = params.one("prompt") == Some("none");
            refuse(visit, &refused, silently).await
        }
    }
}

/// The one place that decides what comes next for a request.
///
/// # Errors
/// [`Fault`].
pub async fn decide(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    decided(&visit, &id, visit.cookie()).await
}

async fn decided(visit: &Visit, id: &str, cookie: Option<&str>) -> Result<HttpResponse, Fault> {
    let go = |page: &str| Ok(visit.see_other(&format!("{page}?request={id}")));
    match authorize::decide(&visit.app, id, cookie).await? {
        Outcome::Gone => visit.fault(StatusCode::BAD_REQUEST, "request-old", 0),
        Outcome::Used => visit.fault(StatusCode::CONFLICT, "request-used", 0),
        Outcome::Answer(response, refused) => {
            if let Some(problem) = refused {
                explain(&visit.reference, DOOR, &problem);
            }
            answer(visit, response)
        }
        Outcome::Refused(refused) => refuse(visit, &refused, false).await,
        Outcome::Device(allowed) => {
            let ended = if allowed { "allowed" } else { "denied" };
            Ok(visit.see_other(&format!("/device/done?ended={ended}")))
        }
        Outcome::Detour {
            next,
            device: Some(device),
        } if matches!(*next, Next::Consent { .. }) => match device.account_id {
            Some(_) => go("/account/asked/allow"),
            None => go("/device/allow"),
        },
        Outcome::Detour { next, .. } => match *next {
            Next::Create => go("/signup"),
            Next::SignIn { .. } => go("/signin"),
            Next::Choose => go("/signin/choose"),
            Next::Confirm { .. } => go("/confirm"),
            Next::ContinueAs { .. } => go("/signin/continue"),
            Next::Terms { .. } => go("/signin/terms"),
            Next::Consent { .. } => go("/consent"),
            Next::Issue { .. } | Next::Refuse(_) => {
                Err(Fault::Broken("an answer was left undone".into()))
            }
        },
    }
}

/// Sends an answer to the client. Only addresses that it registered can stand in it.
fn answer(visit: &Visit, response: Response) -> Result<HttpResponse, Fault> {
    match response {
        // 303: a browser that posted must not post again (RFC 9700 4.12).
        Response::Redirect(location) => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, location))
            .finish()),
        Response::FormPost { action, fields } => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| Hidden { name, value })
                .collect();
            visit.page(&visit.shell(), &FormPost { action, fields })
        }
    }
}

async fn refuse(visit: &Visit, refused: &Refused, silently: bool) -> Result<HttpResponse, Fault> {
    if let Some(problem) = refused.0.problem() {
        explain(&visit.reference, DOOR, problem);
    }
    let unchecked = refused.1.as_deref().filter(|client| client.is_unchecked());
    match refused.response(&visit.app).await? {
        Ok(response) => match (unchecked, &*refused.0) {
            (Some(client), Refusal::Redirect { to, .. }) if !silently => {
                leave(visit, client, to, response)
            }
            _ => answer(visit, response),
        },
        Err(error) => page(visit, error, refused.1.as_deref()),
    }
}

/// A refusal of an app that nobody here has looked at: whoever may register could else lead people
/// anywhere by our name (RFC 9700 4.11.2). They see where to, and go by a click.
fn leave(
    visit: &Visit,
    client: &Client,
    to: &RedirectUri,
    response: Response,
) -> Result<HttpResponse, Fault> {
    let host = match to.kind() {
        Kind::Https => to.host().to_owned(),
        Kind::Loopback | Kind::PrivateUse => String::new(),
    };
    let (link, action, fields) = match response {
        Response::Redirect(location) => (location, String::new(), Vec::new()),
        Response::FormPost { action, fields } => (String::new(), action, fields),
    };
    let view = Leave {
        app: Chip {
            name: client.name.clone(),
            host,
        },
        unchecked_since: Some(client.created_at),
        document: document(client),
        link,
        action,
        fields: fields
            .into_iter()
            .map(|(name, value)| Hidden { name, value })
            .collect(),
    };
    visit.page_with(StatusCode::BAD_REQUEST, &visit.shell(), &view)
}

/// C3: an error that stops the road. It is never redirected (RFC 6749 4.1.2.1).
fn page(visit: &Visit, error: &PageError, client: Option<&Client>) -> Result<HttpResponse, Fault> {
    let bad = StatusCode::BAD_REQUEST;
    match error {
        PageError::ClientMissing | PageError::RedirectMissing => visit.fault(bad, "app-request", 0),
        PageError::Slow(wait) => Err(Fault::TooMany(*wait)),
        PageError::ClientUnknown { client_id } => {
            tracing::warn!(
                req = visit.reference,
                client = short(client_id),
                try = "gerege client list",
                "client.unknown"
            );
            visit.fault(bad, "app-unknown", 0)
        }
        PageError::PushedGone { client_id } => {
            tracing::info!(
                req = visit.reference,
                client = short(client_id),
                try = "push the request again, and open each request_uri once, within tokens.par_seconds",
                "pushed.gone"
            );
            visit.fault(bad, "pushed-gone", 0)
        }
        PageError::RedirectUnknown {
            client_id,
            asked,
            on_file,
            nearest,
        } => {
            let app = Chip {
                name: client.map_or_else(|| client_id.clone(), |client| client.name.clone()),
                host: String::new(),
            };
            let view = RedirectMismatch::new(app, client_id, asked, on_file);
            let show = format!("gerege client show {}", quote(client_id));
            tracing::warn!(
                req = visit.reference,
                client = client_id,
                asked = short(asked),
                onfile = nearest.as_ref().map(|(near, _)| near.as_str()),
                differs = nearest.as_ref().map(|(_, differs)| differs.part.name()),
                // Quoted for a shell: a stranger wrote the address. Half a command is none.
                try = if short(asked) == asked { &view.command } else { &show },
                "client.redirect"
            );
            visit.page_with(bad, &visit.shell(), &view)
        }
    }
}
