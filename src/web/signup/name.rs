//! `/signup/name`: another username, after the first one went to somebody else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::{Page, door, go, look, posted, shell_of};
use crate::account::signup::Step;
use crate::flow::signup::Wizard;
use crate::flow::signup::name::{self, Named};
use crate::page::FieldError;
use crate::page::view::NameAgain;
use crate::web::fault::Fault;
use crate::web::form::Posted;
use crate::web::visit::Visit;

/// GET: the form.
pub async fn show(visit: Visit) -> Result<HttpResponse, Fault> {
    match look(&visit, Step::Name).await? {
        Ok(wizard) => page(&visit, &wizard, StatusCode::OK, "", Vec::new()).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// POST: the other name.
pub async fn take(form: Posted) -> Result<HttpResponse, Fault> {
    let Page { form, wizard, old } = match posted(form, Step::Name).await? {
        Ok(page) => page,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, typed) = (&form.visit, form.text("username"));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(old) = old {
        return page(visit, &wizard, status, typed, vec![old]).await;
    }
    match name::choose(&visit.app, &door(visit), typed).await? {
        Named::Moved(moved) => Ok(go(visit, &moved)),
        Named::TooMany(wait) => Err(Fault::TooMany(wait)),
        Named::Wrong(code) => {
            let engine = &visit.app.page;
            let error = engine.error(&visit.lang, "username", code.id(), &code.args());
            page(visit, &wizard, status, typed, vec![error]).await
        }
    }
}

async fn page(
    visit: &Visit,
    wizard: &Wizard,
    status: StatusCode,
    typed: &str,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let view = NameAgain {
        username: typed.to_owned(),
        domain: visit.app.config.domain.clone(),
        address: wizard.draft.email.clone(),
        errors,
    };
    let shell = shell_of(visit, wizard, Step::Name).await?;
    visit.page_with(status, &shell, &view)
}
