//! Apps on other devices (RFC 8628): where they begin, `/device` where a person types the code and
//! decides (UX C2), and the picture that carries it.

use actix_web::http::{StatusCode, header};
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse, web};

use super::consent::{Asking, ability, allow, decline, scene, shell};
use super::{presented, room};
use crate::app::App;
use crate::flow::device::Found;
use crate::flow::{authorize, client, device as story, pending as waits, shown};
use crate::oauth::device;
use crate::page::view::{Device, DeviceAllow, DeviceDone};
use crate::page::{App as Chip, FieldError, qr};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::{self, Form};
use crate::web::guard::whence;
use crate::web::signin::{query, seconds};
use crate::web::visit::Visit;

/// POST `/oauth2/device` (RFC 8628 3.1).
///
/// # Errors
/// [`Fault`], as JSON.
pub async fn begin(
    app: web::Data<App>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let body = form::body(&http, &mut payload.into_inner()).await?;
    let whence = whence(&http);
    let client = client::authenticate(&app, presented(&app, &http, &body).await?, &whence).await?;
    room(&app, &client, &whence)?;
    let begun = story::begin(&app, &client, &body, whence.address).await??;
    let mut response = HttpResponse::Ok();
    Ok(response.json(begun))
}

fn ask(visit: &Visit, code: &str, wrong: Option<&str>) -> Result<HttpResponse, Fault> {
    let errors: Vec<FieldError> = wrong
        .map(|id| visit.app.page.error(&visit.lang, "user_code", id, &[]))
        .into_iter()
        .collect();
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    // Letters that can be no code are the person's own: shown as typed, within reason.
    let code = device::typed(code).map_or_else(
        || code.chars().take(40).collect(),
        |code| device::shown(&code),
    );
    visit.page_with(status, &visit.shell(), &Device { code, errors })
}

/// GET `/device`: the code, typed or from the link. The link changes nothing (RFC 8628 5.4).
///
/// # Errors
/// [`Fault`].
pub async fn show(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let code = query(&http, "user_code").unwrap_or_default();
    ask(&visit, &code, None)
}

/// POST `/device`: goes on with what waits under the code.
///
/// # Errors
/// [`Fault`].
pub async fn enter(form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let typed = form.text("user_code");
    if typed.trim().is_empty() {
        return ask(visit, typed, Some("device-code-missing"));
    }
    let cookie = visit.cookie_or_new();
    match story::enter(&visit.app, typed, cookie, &visit.visitor()).await? {
        Found::Request(id) => {
            if visit.cookie().is_none() {
                visit.set(Jar::Browser, cookie, false);
            }
            Ok(visit.see_other(&format!("/oauth2/authorize/{id}")))
        }
        Found::Unknown => ask(visit, typed, Some("device-code-wrong")),
        Found::Slow(wait) => {
            let wait = seconds(wait);
            let mut page = visit.fault(StatusCode::TOO_MANY_REQUESTS, "slow", wait)?;
            page.headers_mut().insert(header::RETRY_AFTER, wait.into());
            Ok(page)
        }
    }
}

/// GET `/device/allow`: which app, asked for from where and when, and what it will be able to do.
///
/// # Errors
/// [`Fault`].
pub async fn look(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    decision(&visit, &asking, Again::No).await
}

/// Why the page is shown once more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    No,
    /// "I can see the code" was not ticked.
    Unseen,
    /// What is asked for is not what the page showed.
    Changed,
}

async fn decision(visit: &Visit, asking: &Asking, again: Again) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(visit, asking).await? else {
        return Ok(asking.back(visit));
    };
    let Some(asked) = &scene.stored.device else {
        return Ok(asking.back(visit));
    };
    let Some(pending) = waits::open(&visit.app, &asked.hash).await? else {
        return Ok(asking.back(visit));
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(visit));
    };
    let (can, cannot) = ability(visit, &scene, &account).await?;
    let errors = if again == Again::Unseen {
        vec![(visit.app.page).error(&visit.lang, "seen", "device-seen-missing", &[])]
    } else {
        Vec::new()
    };
    let status = match again {
        Again::No => StatusCode::OK,
        Again::Unseen => StatusCode::UNPROCESSABLE_ENTITY,
        Again::Changed => StatusCode::CONFLICT,
    };
    let view = DeviceAllow {
        app: Chip {
            name: scene.client.name.clone(),
            host: String::new(),
        },
        person: visit.person(&account),
        code: device::shown(&asked.code),
        network: pending.body.network,
        at: pending.created_at,
        can,
        cannot,
        changed: again == Again::Changed,
        shown: shown::digest_of(&scene, &account.id),
        not_you: format!("/signin?request={}", asking.request),
        errors,
    };
    visit.page_with(status, &shell(visit, &scene), &view)
}

/// POST `/device/allow`: "Allow", with the code seen on the person's own screen, or "This is not
/// mine".
///
/// # Errors
/// [`Fault`].
pub async fn decide(form: Form, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let Some(scene) = scene(visit, &asking).await? else {
        return Ok(asking.back(visit));
    };
    if scene.stored.device.is_none() {
        return Ok(asking.back(visit));
    }
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(visit));
    };
    if form.text("decision") != "allow" {
        return decline(visit, &asking, &scene).await;
    }
    let shown = shown::digest_of(&scene, &account.id);
    if form.text("shown") != shown {
        return decision(visit, &asking, Again::Changed).await;
    }
    if !form.has("seen") {
        return decision(visit, &asking, Again::Unseen).await;
    }
    let allowed = (account.id, scene.checked.asked());
    allow(visit, &asking, &scene, allowed, shown).await
}

/// GET `/device/done`: it goes on at the other device.
///
/// # Errors
/// [`Fault`].
pub async fn done(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let allowed = query(&http, "ended").as_deref() == Some("allowed");
    visit.page(&visit.shell(), &DeviceDone { allowed })
}

/// GET `/device/qr.svg?user_code=…`: the link with a code as a picture, for devices that can show
/// one. It tells nothing of whether the code is anyone's.
///
/// # Errors
/// [`Fault`].
pub async fn picture(app: web::Data<App>, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let code = query(&http, "user_code").and_then(|text| device::typed(&text));
    let code = code.ok_or(Fault::nothing())?;
    let svg = qr::picture(&story::link(&app, &code)).ok_or(Fault::nothing())?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg))
}
