//! `/forgot` and `/reset` (UX S4).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::account::place;
use super::fault::Fault;
use super::form::{Form, Posted};
use super::signin::{asked, keeping, query, request_of, shell, step};
use super::visit::Visit;
use crate::flow::recover::{self, Asked, Opened, Renewed};
use crate::limit::Bucket;
use crate::page::FieldError;
use crate::page::view::{Forgot, ForgotSent, Reset, ResetDone};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// GET `/forgot`
pub async fn show(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    forgot_page(&http, &visit, StatusCode::OK, "", Vec::new()).await
}

async fn forgot_page(
    http: &HttpRequest,
    visit: &Visit,
    status: StatusCode,
    login: &str,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let request = request_of(http);
    let asking = asked(visit, request.as_deref()).await?;
    let view = Forgot {
        login: login.to_owned(),
        signin: keeping("/signin", request.as_deref()),
        errors,
    };
    visit.page_with(status, &shell(visit, asking.as_ref()), &view)
}

/// POST `/forgot`
pub async fn ask(http: HttpRequest, posted: Posted) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let (visit, login) = (&form.visit, form.text("login"));
    if let Some(late) = late {
        let old = late.old(visit)?;
        return forgot_page(&http, visit, UNPROCESSABLE, login, vec![old]).await;
    }
    if login.trim().is_empty() {
        let empty = visit
            .app
            .page
            .error(&visit.lang, "login", "login-empty", &[]);
        return forgot_page(&http, visit, UNPROCESSABLE, "", vec![empty]).await;
    }
    visit
        .app
        .limiter
        .check(Bucket::Mail, visit.address, visit.now)
        .map_err(Fault::TooMany)?;
    let asked = recover::ask(
        &visit.app,
        login,
        visit.device(),
        &visit.visitor(),
        visit.now,
    )
    .await?;
    step(visit).await;
    let path = keeping("/reset", request_of(&http).as_deref());
    Ok(visit.see_other(&match asked {
        Asked::Sent => path,
        Asked::Limited => format!("{path}{}limited=1", separator(&path)),
    }))
}

fn separator(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}

/// GET `/reset`: the mail is on its way; its secret can be pasted.
pub async fn sent(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    sent_page(&http, &visit, StatusCode::OK, Vec::new()).await
}

async fn sent_page(
    http: &HttpRequest,
    visit: &Visit,
    status: StatusCode,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let asking = asked(visit, request_of(http).as_deref()).await?;
    let view = ForgotSent {
        minutes: u32::try_from(recover::LIFE.as_secs() / 60).unwrap_or(0),
        from: visit.app.config.mail.from.address.clone(),
        limited: query(http, "limited").is_some(),
        down: recover::is_mail_down(&visit.app).await?,
        forgot: keeping("/forgot", request_of(http).as_deref()),
        errors,
    };
    visit.page_with(status, &shell(visit, asking.as_ref()), &view)
}

/// POST `/reset`: the secret, pasted; a whole link is read too.
pub async fn paste(http: HttpRequest, form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let pasted = form.text("secret").trim();
    let secret = pasted.rsplit('/').next().unwrap_or_default();
    let problem = if secret.is_empty() {
        "secret-empty"
    } else if recover::open(&visit.app, secret, visit.now)
        .await?
        .is_some()
    {
        // It opened, so it has only characters of ours.
        let path = format!("/reset/{secret}");
        return Ok(visit.see_other(&keeping(&path, request_of(&http).as_deref())));
    } else {
        "secret-wrong"
    };
    let error = visit.app.page.error(&visit.lang, "secret", problem, &[]);
    sent_page(&http, visit, UNPROCESSABLE, vec![error]).await
}

/// GET `/reset/{secret}`: asks for the new password and changes nothing (SECURITY R29).
pub async fn open(visit: Visit, secret: web::Path<String>) -> Result<HttpResponse, Fault> {
    match recover::open(&visit.app, &secret, visit.now).await? {
        Some(opened) => reset_page(&visit, &opened, StatusCode::OK, Vec::new()),
        None => old(&visit),
    }
}

/// The secret opens nothing: 410, with the way to a new one.
fn old(visit: &Visit) -> Result<HttpResponse, Fault> {
    let (status, page) = (StatusCode::GONE, &visit.app.page);
    let mut view = page.fault(&visit.lang, status.as_u16(), "reset-old", &[]);
    let words = page.text(&visit.lang, "fault-reset-old-way", &[]);
    view.way = Some(("/forgot".to_owned(), words));
    visit.page_with(status, &visit.shell(), &view)
}

fn reset_page(
    visit: &Visit,
    opened: &Opened,
    status: StatusCode,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let view = Reset {
        secret: None,
        person: visit.person(&opened.account),
        min_length: visit.app.policy.password.min_length,
        sessions: opened
            .places
            .iter()
            .map(|one| place(visit, one.clone()))
            .collect(),
        errors,
    };
    visit.page_with(status, &visit.shell(), &view)
}

/// POST `/reset/{secret}`
pub async fn renew(
    http: HttpRequest,
    form: Form,
    secret: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let (device, visitor) = (visit.device_or_new(), visit.visitor());
    let renewed = recover::renew(
        &visit.app,
        &secret,
        form.text("password"),
        &device,
        &visitor,
        visit.now,
    );
    match renewed.await? {
        Renewed::Done => {
            tracing::info!(req = visit.reference, "reset.done");
            Ok(visit.see_other(&keeping("/reset/done", request_of(&http).as_deref())))
        }
        Renewed::Old => old(visit),
        Renewed::Mistake(code) => {
            let Some(opened) = recover::open(&visit.app, &secret, visit.now).await? else {
                return old(visit);
            };
            let page = &visit.app.page;
            let error = page.error(&visit.lang, "password", code.id(), &code.args());
            reset_page(visit, &opened, UNPROCESSABLE, vec![error])
        }
    }
}

/// GET `/reset/done`
pub async fn done(http: HttpRequest, visit: Visit) -> Result<HttpResponse, Fault> {
    let view = ResetDone {
        signin: keeping("/signin", request_of(&http).as_deref()),
    };
    visit.page(&visit.shell(), &view)
}
