//! W3 `/signup/agree`: read and accept, or not.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::{Page, door, go, look, posted, shell_of};
use crate::account::signup::Step;
use crate::flow::signup::Wizard;
use crate::flow::signup::agree::{self, Agreed, Ticked};
use crate::flow::signup::{self};
use crate::oauth::params::Params;
use crate::page::FieldError;
use crate::page::view::{Agree, Declined};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::{Form, Posted};
use crate::web::terms;
use crate::web::visit::Visit;

const DECLINED: &str = "/signup/agree?declined=1";

/// GET: the agreements; with `?declined` what it means not to accept.
pub async fn show(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let wizard = match look(&visit, Step::Agree).await? {
        Ok(wizard) => wizard,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let declined =
        Params::parse(http.query_string().as_bytes()).is_ok_and(|params| params.has("declined"));
    if declined {
        let shell = shell_of(&visit, &wizard, Step::Agree).await?;
        let span = visit.span(visit.app.config.signup.draft_ttl);
        return visit.page(&shell, &Declined { span });
    }
    page(
        &visit,
        &wizard,
        StatusCode::OK,
        &Ticked::default(),
        Vec::new(),
    )
    .await
}

/// POST: one button each for yes, no, and deleting everything.
pub async fn take(form: Posted) -> Result<HttpResponse, Fault> {
    let Page { form, wizard, old } = match posted(form, Step::Agree).await? {
        Ok(page) => page,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &form.visit;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(old) = old {
        return page(visit, &wizard, status, &ticked(&form), vec![old]).await;
    }
    match form.text("decision") {
        "decline" => return Ok(visit.see_other(DECLINED)),
        "delete" => {
            signup::forget(&visit.app, visit.draft.as_deref()).await?;
            visit.clear(Jar::Draft);
            return Ok(visit.see_other("/signup"));
        }
        "accept" => {}
        _ => return Err(Fault::unreadable()),
    }
    let ticked = ticked(&form);
    match agree::accept(&visit.app, &door(visit), ticked.clone()).await? {
        Agreed::Moved(moved) => Ok(go(visit, &moved)),
        Agreed::Newer => Ok(visit.see_other("/signup/agree")),
        Agreed::Age => {
            let args = [("age", visit.app.config.signup.min_age.to_string())];
            let wrong = visit.app.page.error(&visit.lang, "age", "agree-age", &args);
            page(visit, &wizard, status, &ticked, vec![wrong]).await
        }
    }
}

/// What a form of agreements says.
fn ticked(form: &Form) -> Ticked {
    let mut ticked = Ticked {
        age: form.has("age"),
        seen: terms::seen(form.fields()),
        ..Ticked::default()
    };
    for (name, _) in form.fields().iter() {
        if let Some(document) = name.strip_prefix("accept_") {
            ticked.optional.insert(document.to_owned());
        }
    }
    ticked
}

async fn page(
    visit: &Visit,
    wizard: &Wizard,
    status: StatusCode,
    ticked: &Ticked,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let documents = agree::documents(&visit.app, &visit.lang.code).await?;
    let view = Agree {
        documents: documents
            .iter()
            .map(|version| terms::document(version, ticked.optional.contains(&version.document)))
            .collect(),
        min_age: u32::from(visit.app.config.signup.min_age),
        age: ticked.age,
        errors,
    };
    let shell = shell_of(visit, wizard, Step::Agree).await?;
    visit.page_with(status, &shell, &view)
}
