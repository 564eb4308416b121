//! `/signin`, `/signout` and `/confirm` (UX S1, S5, S6).

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use zeroize::Zeroizing;

use super::cookie::Jar;
use super::fault::Fault;
use super::form::{Form, Posted};
use super::visit::Visit;
use crate::config::SignupMode;
use crate::flow::request::{Asking, asking};
use crate::flow::signin::{self, Attempt, Confirmed, Cookies, Outcome};
use crate::flow::terms;
use crate::oauth::params::Params;
use crate::page::view::{Confirm, SignIn, SignOut, SignedOut};
use crate::page::{App as Chip, FieldError, Shell};

impl From<signin::Error> for Fault {
    fn from(error: signin::Error) -> Self {
        match error {
            signin::Error::Store(error) => error.into(),
            signin::Error::Hash(error) => error.into(),
            signin::Error::Stopped(why) => Self::Broken(why),
        }
    }
}

/// A parameter of the query, once and readable.
pub(super) fn query(http: &HttpRequest, name: &str) -> Option<String> {
    let params = Params::parse(http.query_string().as_bytes()).ok()?;
    params.one(name).map(str::to_owned)
}

/// `?request=ID`: the authorization request that this page is a detour of.
pub(super) fn request_of(http: &HttpRequest) -> Option<String> {
    query(http, "request").filter(|id| {
        id.len() == 26
            && id
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    })
}

/// A path of ours that keeps the request.
pub(super) fn keeping(path: &str, request: Option<&str>) -> String {
    match request {
        Some(id) => format!("{path}?request={id}"),
        None => path.to_owned(),
    }
}

/// Where a person goes on: back to the one URL that decides, or home.
fn onward(request: Option<&str>) -> String {
    match request {
        Some(id) => format!("/oauth2/authorize/{id}"),
        None => "/account".to_owned(),
    }
}

/// Failures leave on the next 50 ms step, so that the time of an answer tells little of how it
/// was found (PROTOCOL 7).
pub(super) async fn step(visit: &Visit) {
    const STEP: u64 = 50;
    let took = visit.app.clock.now().since(visit.now).as_millis();
    let over = u64::try_from(took).unwrap_or(0) % STEP;
    // A wait as such is the purpose: nothing is waited for.
    tokio::time::sleep(Duration::from_millis(STEP - over)).await;
}

/// A wait in whole seconds, at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_millis()
        .div_ceil(1000)
        .try_into()
        .unwrap_or(1)
        .max(1)
}

pub(super) async fn asked(visit: &Visit, request: Option<&str>) -> Result<Option<Asking>, Fault> {
    match request {
        Some(id) => Ok(asking(&visit.app, id).await?),
        None => Ok(None),
    }
}

/// A shell with the chip of the app that asks.
pub(super) fn shell(visit: &Visit, asking: Option<&Asking>) -> Shell {
    let mut shell = visit.shell();
    shell.app = asking.map(|asking| Chip {
        name: asking.name.clone(),
        host: asking.host.clone(),
    });
    shell
}

fn view(
    visit: &Visit,
    request: Option<&str>,
    asking: Option<&Asking>,
    login: String,
    keep: bool,
) -> SignIn {
    let open = visit.app.config.signup.mode != SignupMode::Closed;
    SignIn {
        login,
        keep,
        signup: if open {
            keeping("/signup", request)
        } else {
            String::new()
        },
        forgot: keeping("/forgot", request),
        privacy: asking.and_then(|asking| asking.policy.clone()),
        terms: asking.and_then(|asking| asking.tos.clone()),
        errors: Vec::new(),
    }
}

/// GET `/signin`
pub async fn show(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let request = request_of(&http);
    if request.is_none() && visit.here().await?.first().is_some() {
        return Ok(visit.see_other("/account"));
    }
    let asking = asked(&visit, request.as_deref()).await?;
    let hint = asking.as_ref().and_then(|asking| asking.login_hint.clone());
    let view = view(
        &visit,
        request.as_deref(),
        asking.as_ref(),
        hint.unwrap_or_default(),
        false,
    );
    visit.page(&shell(&visit, asking.as_ref()), &view)
}

/// POST `/signin`
pub async fn submit(http: HttpRequest, posted: Posted) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let (visit, request) = (&form.visit, request_of(&http));
    // Signed in meanwhile, in another tab.
    if late.is_some() && visit.here().await?.first().is_some() {
        return Ok(visit.see_other(&onward(request.as_deref())));
    }
    let asking = asked(visit, request.as_deref()).await?;
    let attempt = Attempt {
        login: form.text("login").to_owned(),
        password: Zeroizing::new(form.text("password").to_owned()),
        keep: form.has("keep"),
        request: request.clone(),
    };
    let page = |status, wait: Option<u64>, errors: Vec<FieldError>| {
        let mut view = view(
            visit,
            request.as_deref(),
            asking.as_ref(),
            form.text("login").to_owned(),
            attempt.keep,
        );
        view.errors = errors;
        let mut response = visit.page_with(status, &shell(visit, asking.as_ref()), &view)?;
        if let Some(wait) = wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.into());
        }
        Ok(response)
    };
    let error =
        |field, id, args: &[(&str, String)]| visit.app.page.error(&visit.lang, field, id, args);
    if let Some(late) = late {
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            None,
            vec![late.old(visit)?],
        );
    }
    let mut missing = Vec::new();
    if attempt.login.trim().is_empty() {
        missing.push(error("login", "login-empty", &[]));
    }
    if attempt.password.is_empty() {
        missing.push(error("password", "password-missing", &[]));
    }
    if !missing.is_empty() {
        return page(StatusCode::UNPROCESSABLE_ENTITY, None, missing);
    }
    let device = visit.device_or_new();
    let cookies = Cookies {
        browser: visit.cookie(),
        device: visit.device(),
        device_now: &device,
    };
    let visitor = visit.visitor();
    let outcome = signin::sign_in(&visit.app, &attempt, cookies, &visitor, visit.now).await?;
    let refused = |reason| {
        tracing::warn!(
            req = visit.reference,
            reason,
            from = visitor.network(),
            "signin.refused"
        );
    };
    match outcome {
        Outcome::In {
            cookie,
            username,
            account_id,
            new_device,
        } => {
            tracing::info!(
                req = visit.reference,
                user = username,
                new_device,
                "signin.done"
            );
            visit.signed_in(&cookie, attempt.keep);
            // On the way to an app its own decision asks.
            let due = terms::due(&visit.app, &account_id, &visit.lang.code).await?;
            if request.is_none() && !due.is_empty() {
                return Ok(visit.see_other("/signin/terms"));
            }
            Ok(visit.see_other(&onward(request.as_deref())))
        }
        Outcome::Wrong => {
            refused("password");
            step(visit).await;
            let wrong = vec![error("login", "signin-wrong", &[])];
            page(StatusCode::UNPROCESSABLE_ENTITY, None, wrong)
        }
        Outcome::Slow(wait) => {
            refused("slow");
            step(visit).await;
            let wait = seconds(wait);
            let slow = error("login", "signin-slow", &[("seconds", wait.to_string())]);
            page(StatusCode::TOO_MANY_REQUESTS, Some(wait), vec![slow])
        }
        Outcome::Crowded(wait) => {
            refused("address");
            Err(Fault::TooMany(wait))
        }
        Outcome::Closed => {
            refused("closed");
            let closed = match &visit.app.config.contact {
                Some(contact) => error("login", "signin-locked", &[("contact", contact.clone())]),
                None => error("login", "signin-closed", &[]),
            };
            page(StatusCode::FORBIDDEN, None, vec![closed])
        }
    }
}

/// GET `/signout`: asks; where nobody is signed in it says so.
pub async fn ask_out(visit: Visit) -> Result<HttpResponse, Fault> {
    let here = visit.here().await?;
    match here.first() {
        Some((_, account)) => {
            let view = SignOut {
                person: visit.person(account),
                app: None,
            };
            visit.page(&visit.shell(), &view)
        }
        None => {
            let view = SignedOut {
                apps: Vec::new(),
                signin: "/signin".to_owned(),
            };
            visit.page(&visit.shell(), &view)
        }
    }
}

/// POST `/signout`. The page after it looks again who is signed in, so it cannot say "signed out"
/// when that failed (SECURITY R37).
pub async fn sign_out(posted: Posted) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    if let Some(late) = late {
        // Signed out meanwhile, in another tab or by the first click of two.
        return match visit.here().await?.first() {
            Some(_) => Err(late.refuse()),
            None => Ok(visit.see_other("/signout")),
        };
    }
    if form.text("decision") != "signout" {
        return Ok(visit.see_other("/account"));
    }
    let ended = signin::sign_out(&visit.app, visit.cookie(), &visit.visitor(), visit.now).await?;
    tracing::info!(req = visit.reference, ended, "signout.done");
    visit.clear(Jar::Browser);
    Ok(visit.see_other("/signout"))
}

/// Places that ask for a fresh proof, by a word: no URL comes in from outside (SECURITY R46).
const PLACES: [(&str, &str); 3] = [
    ("details", "/account/details"),
    ("signing-in", "/account/signing-in"),
    ("devices", "/account/devices"),
];

fn place(http: &HttpRequest) -> String {
    if let Some(request) = request_of(http) {
        return onward(Some(&request));
    }
    let word = query(http, "for").unwrap_or_default();
    PLACES
        .iter()
        .find(|(name, _)| *name == word)
        .map_or("/account", |(_, path)| path)
        .to_owned()
}

/// GET `/confirm`
pub async fn show_confirm(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    confirm_page(&http, &visit, StatusCode::OK, None, Vec::new()).await
}

async fn confirm_page(
    http: &HttpRequest,
    visit: &Visit,
    status: StatusCode,
    wait: Option<u64>,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let request = request_of(http);
    let whom = signin::whom(&visit.app, visit.cookie(), request.as_deref()).await?;
    let Some((_, account)) = whom else {
        return Ok(visit.see_other(&keeping("/signin", request.as_deref())));
    };
    let asking = asked(visit, request.as_deref()).await?;
    let view = Confirm {
        person: visit.person(&account),
        minutes: u32::try_from(visit.app.config.signin.confirm_ttl.as_secs() / 60).unwrap_or(0),
        errors,
    };
    let mut response = visit.page_with(status, &shell(visit, asking.as_ref()), &view)?;
    if let Some(wait) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, wait.into());
    }
    Ok(response)
}

/// POST `/confirm`
pub async fn confirm(http: HttpRequest, form: Form) -> Result<HttpResponse, Fault> {
    let (visit, request) = (&form.visit, request_of(&http));
    let error =
        |id, args: &[(&str, String)]| vec![visit.app.page.error(&visit.lang, "password", id, args)];
    let password = form.text("password");
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    if password.is_empty() {
        let missing = error("password-missing", &[]);
        return confirm_page(&http, visit, unprocessable, None, missing).await;
    }
    let whom = match signin::whom(&visit.app, visit.cookie(), request.as_deref()).await? {
        None => signin::whom_again(&visit.app, visit.cookie()).await?,
        whom => whom,
    };
    let Some((session, _)) = whom else {
        return Ok(visit.see_other(&keeping("/signin", request.as_deref())));
    };
    let visitor = visit.visitor();
    let confirmed = signin::confirm(
        &visit.app,
        &session,
        password,
        request.as_deref(),
        visit.cookie(),
        visit.device(),
        &visitor,
        visit.now,
    );
    match confirmed.await? {
        Confirmed::Yes(cookie) => {
            visit.signed_in(&cookie, session.keep);
            Ok(visit.see_other(&place(&http)))
        }
        Confirmed::Gone => Ok(visit.see_other(&keeping("/signin", request.as_deref()))),
        Confirmed::Wrong => {
            tracing::warn!(
                req = visit.reference,
                from = visitor.network(),
                "confirm.refused"
            );
            step(visit).await;
            let wrong = error("confirm-wrong", &[]);
            confirm_page(&http, visit, unprocessable, None, wrong).await
        }
        Confirmed::Slow(wait) => {
            step(visit).await;
            let wait = seconds(wait);
            let slow = error("signin-slow", &[("seconds", wait.to_string())]);
            let status = StatusCode::TOO_MANY_REQUESTS;
            confirm_page(&http, visit, status, Some(wait), slow).await
        }
    }
}
