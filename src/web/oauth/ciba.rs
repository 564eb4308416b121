//! What apps ask of a person from their own servers (CIBA): the endpoint where they ask, and the
//! pages where the person sees it and decides.

use actix_web::http::StatusCode;
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse, web};

use super::consent::{Asking, ability, allow, decline, scene, shell};
use super::presented;
use crate::app::App;
use crate::flow::{authorize, ciba as story, client, pending, shown};
use crate::page::App as Chip;
use crate::page::view::{AskedAllow, AskedList, AskedRow};
use crate::web::fault::Fault;
use crate::web::form::{self, Form};
use crate::web::guard::whence;
use crate::web::visit::Visit;

/// POST `/oauth2/ciba` (CIBA 7.1).
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
    let begun = story::begin(&app, &client, &body, whence.address).await?;
    Ok(HttpResponse::Ok().json(begun))
}

/// What waits for a person, as pages show it.
///
/// # Errors
/// [`Fault`].
pub async fn rows(visit: &Visit, account_id: &str) -> Result<Vec<AskedRow>, Fault> {
    let waiting = story::waiting(&visit.app, account_id).await?;
    let row = |one: story::Waiting| AskedRow {
        id: one.hash,
        name: one.app,
        message: one.message.unwrap_or_default(),
        at: one.at,
    };
    Ok(waiting.into_iter().map(row).collect())
}

/// GET `/account/asked`: what apps ask and nobody has answered. The link in the mail leads here;
/// it changes nothing.
///
/// # Errors
/// [`Fault`].
pub async fn list(visit: Visit) -> Result<HttpResponse, Fault> {
    let (_, account) = match visit.member().await? {
        Ok(member) => member,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let asked = rows(&visit, &account.id).await?;
    visit.page(&visit.shell_of(&account), &AskedList { asked })
}

/// POST `/account/asked`: goes on with one of them.
///
/// # Errors
/// [`Fault`].
pub async fn enter(form: Form) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let (_, account) = match visit.member().await? {
        Ok(member) => member,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let cookie = visit.cookie_or_new();
    let id = story::enter(&visit.app, &account.id, form.text("asked"), cookie).await?;
    Ok(match id {
        Some(id) => visit.see_other(&format!("/oauth2/authorize/{id}")),
        None => visit.see_other("/account/asked"),
    })
}

/// GET `/account/asked/allow`: who asks, what stands on its own screen, and what it will be able
/// to do.
///
/// # Errors
/// [`Fault`].
pub async fn look(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    decision(&visit, &asking, false).await
}

async fn decision(visit: &Visit, asking: &Asking, changed: bool) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(visit, asking).await? else {
        return Ok(asking.back(visit));
    };
    let asked = match &scene.stored.device {
        Some(device) if device.account_id.is_some() => device,
        _ => return Ok(asking.back(visit)),
    };
    let Some(waits) = pending::open(&visit.app, &asked.hash).await? else {
        return Ok(asking.back(visit));
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(visit));
    };
    let (can, cannot) = ability(visit, &scene, &account).await?;
    let view = AskedAllow {
        app: Chip {
            name: scene.client.name.clone(),
            host: String::new(),
        },
        person: visit.person(&account),
        message: waits.body.message,
        at: waits.created_at,
        can,
        cannot,
        changed,
        shown: shown::digest_of(&scene, &account.id),
    };
    let status = if changed {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    visit.page_with(status, &shell(visit, &scene), &view)
}

/// POST `/account/asked/allow`: "Allow" or "Do not allow".
///
/// # Errors
/// [`Fault`].
pub async fn decide(form: Form, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let Some(scene) = scene(visit, &asking).await? else {
        return Ok(asking.back(visit));
    };
    let asked = scene.stored.device.as_ref();
    if asked.is_none_or(|device| device.account_id.is_none()) {
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
        return decision(visit, &asking, true).await;
    }
    let allowed = (account.id, scene.checked.asked());
    allow(visit, &asking, &scene, allowed, shown).await
}
