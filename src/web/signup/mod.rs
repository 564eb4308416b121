//! The wizard's doors: each page its own URL, POST then 303, every answer kept.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::cookie::Jar;
use super::fault::Fault;
use super::form::{Form, Posted};
use super::visit::Visit;
use crate::account::signup::{Settings, Step};
use crate::config::SignupMode;
use crate::flow::signup::{self, Door, Found, Moved, Wizard, done};
use crate::limit::Bucket;
use crate::oauth::params::{Params, encode};
use crate::page::view::DraftAsksAddress;
use crate::page::{App as Asker, FieldError, Shell, Step as Station};

pub mod agree;
pub mod check;
pub mod email;
pub mod link;
pub mod name;
pub mod profile;
pub mod ready;
pub mod waiting;

/// Where each page stands.
pub const fn path(step: Step) -> &'static str {
    match step {
        Step::Profile => "/signup",
        Step::Check => "/signup/check",
        Step::Agree => "/signup/agree",
        Step::Email => "/signup/email",
        Step::Name => "/signup/name",
        Step::Waiting => "/signup/waiting",
        Step::Done => "/signup/done",
    }
}

/// The id of a stored request as a page of a detour carries it.
pub(super) fn request_asked(query: &str) -> Option<String> {
    let id = Params::parse(query.as_bytes()).ok()?.owned("request")?;
    let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(id)
}

/// `?request=ID`, or nothing.
fn query(request_id: Option<&str>) -> String {
    request_id.map_or_else(String::new, |id| format!("?request={}", encode(id)))
}

/// Sign-up is open to strangers, or this page says that it is not.
fn open(visit: &Visit) -> Result<(), Fault> {
    match visit.app.config.signup.mode {
        SignupMode::Closed => Err(Fault::Page(StatusCode::FORBIDDEN, "signup-closed")),
        SignupMode::Open | SignupMode::Approve => Ok(()),
    }
}

/// A shell with the road and the app that waits.
async fn shell(
    visit: &Visit,
    settings: &Settings,
    step: Step,
    request_id: Option<&str>,
) -> Result<Shell, Fault> {
    let mut shell = visit.shell();
    let narrow = |number: usize| u32::try_from(number).unwrap_or(1);
    shell.step = Some(Station {
        number: narrow(settings.number(step)),
        total: narrow(settings.total()),
    });
    shell.app = done::waits(&visit.app, request_id)
        .await?
        .map(|waits| Asker {
            name: waits.app.name,
            host: waits.app.host,
        });
    Ok(shell)
}

/// The shell of a draft's page.
async fn shell_of(visit: &Visit, wizard: &Wizard, step: Step) -> Result<Shell, Fault> {
    let request_id = wizard.draft.request_id.as_deref();
    shell(visit, &wizard.settings, step, request_id).await
}

/// The draft for a page that is looked at, or the answer in its place.
async fn look(visit: &Visit, asked: Step) -> Result<Result<Box<Wizard>, HttpResponse>, Fault> {
    open(visit)?;
    Ok(
        match signup::find(&visit.app, visit.draft.as_deref()).await? {
            // A stranger who follows a link here had none.
            Found::Nothing if visit.draft.is_none() => Err(visit.see_other("/signup")),
            Found::Nothing => Err(gone(visit)),
            Found::Idle(_) => Err(asks_address(visit, StatusCode::OK, "", false)?),
            Found::Open(wizard) if wizard.may_show(&visit.app, asked) => Ok(wizard),
            Found::Open(wizard) => Err(visit.see_other(path(wizard.step))),
        },
    )
}

/// The query by which `/signup` says that there was a draft.
pub const GONE: &str = "gone";

/// The draft of this page was swept or deleted: from the start, and it is said why.
fn gone(visit: &Visit) -> HttpResponse {
    visit.clear(Jar::Draft);
    visit.see_other(&format!("/signup?{GONE}=1"))
}

/// A posted page with its draft.
struct Page {
    form: Form,
    wizard: Box<Wizard>,
    /// It was open for too long: its answers are shown again.
    old: Option<FieldError>,
}

/// The draft for a page that is posted, or the answer in its place. Whether the post still fits
/// is for the story to say.
async fn posted(posted: Posted, asked: Step) -> Result<Result<Page, HttpResponse>, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    open(visit)?;
    bounded(visit)?;
    let found = signup::find(&visit.app, visit.draft.as_deref()).await?;
    let old = match late {
        None => None,
        Some(_) if is_done(visit, &found).await? => {
            return Ok(Err(visit.see_other(path(Step::Done))));
        }
        Some(late) => Some(late.old(visit)?),
    };
    let wizard = match found {
        Found::Nothing => return Ok(Err(gone(visit))),
        Found::Open(wizard) if old.is_some() && !wizard.may_show(&visit.app, asked) => {
            return Ok(Err(visit.see_other(path(wizard.step))));
        }
        Found::Open(wizard) => return Ok(Ok(Page { form, wizard, old })),
        Found::Idle(_) if old.is_some() => {
            return Ok(Err(asks_address(visit, StatusCode::OK, "", false)?));
        }
        Found::Idle(wizard) => wizard,
    };
    // Left alone on what may be a shared computer: what was typed counts as its address.
    if form.text("other") == "forget" {
        signup::forget(&visit.app, visit.draft.as_deref()).await?;
        visit.clear(Jar::Draft);
        return Ok(Err(visit.see_other("/signup")));
    }
    let typed = form.text("email");
    if form.fields().has("email") && signup::open_again(&visit.app, &wizard.draft, typed).await? {
        return Ok(Err(visit.see_other(path(asked))));
    }
    let tried = form.fields().has("email");
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(Err(asks_address(visit, status, typed, tried)?))
}

/// The draft became an account, which is signed in here: by a page in another tab.
async fn is_done(visit: &Visit, found: &Found) -> Result<bool, Fault> {
    let (Found::Open(wizard) | Found::Idle(wizard)) = found else {
        return Ok(false);
    };
    let here = visit.here().await?;
    let account_id = wizard.draft.account_id.as_deref();
    Ok(account_id.is_some_and(|id| here.of(id).is_some()))
}

fn asks_address(
    visit: &Visit,
    status: StatusCode,
    typed: &str,
    wrong: bool,
) -> Result<HttpResponse, Fault> {
    let id = if typed.is_empty() {
        "email-empty"
    } else {
        "address-wrong"
    };
    let error = wrong.then(|| visit.app.page.error(&visit.lang, "email", id, &[]));
    let view = DraftAsksAddress {
        email: typed.to_owned(),
        errors: error.into_iter().collect(),
    };
    visit.page_with(status, &visit.shell(), &view)
}

/// Posts of the wizard have a bucket of their own (PROTOCOL 7).
fn bounded(visit: &Visit) -> Result<(), Fault> {
    visit
        .app
        .limiter
        .check(Bucket::SignUp, visit.address, visit.now)
        .map_err(Fault::TooMany)
}

/// Who posts.
fn door(visit: &Visit) -> Door {
    Door {
        visitor: visit.visitor(),
        draft: visit.draft.clone(),
        browser: visit.cookie().map(str::to_owned),
        device: visit.device_or_new(),
    }
}

/// 303 to where a post led; signs the browser in when the account was made.
fn go(visit: &Visit, moved: &Moved) -> HttpResponse {
    if let Some(cookie) = &moved.cookie {
        visit.signed_in(cookie, false);
    }
    if moved.step == Step::Waiting {
        visit.keep_draft();
    }
    visit.see_other(path(moved.step))
}
