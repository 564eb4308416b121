//! W1 `/signup`: four answers.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::{bounded, door, go, is_done, open, path, query, request_asked, shell};
use crate::account::signup::{Settings, Step};
use crate::flow::signup::profile::{self, Refused, Typed};
use crate::flow::signup::{self, Found};
use crate::oauth::params::Params;
use crate::page::FieldError;
use crate::page::view::Profile;
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::Posted;
use crate::web::visit::Visit;

/// GET: the form, with what the draft has.
pub async fn show(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    open(&visit)?;
    let asked = request_asked(http.query_string());
    let wizard = match signup::find(&visit.app, visit.draft.as_deref()).await? {
        Found::Idle(_) => {
            return super::asks_address(&visit, StatusCode::OK, "", false);
        }
        Found::Nothing => {
            if asks_after(http.query_string()) {
                visit.note("notice-draft-gone", &[]);
            }
            None
        }
        Found::Open(wizard) => Some(wizard),
    };
    if let Some(wizard) = &wizard {
        let draft = &wizard.draft;
        if let Some(account) = &draft.account_id {
            let another = asked.is_some() && asked != draft.request_id;
            if !another && visit.here().await?.of(account).is_some() {
                return Ok(visit.see_other(path(Step::Done)));
            }
        } else if !wizard.may_show(&visit.app, Step::Profile) {
            return Ok(visit.see_other(path(wizard.step)));
        }
    }
    let (mut typed, mut settings, mut request_id) = (Typed::default(), None, asked);
    if let Some(wizard) = wizard.filter(|wizard| wizard.draft.account_id.is_none()) {
        settings = Some(wizard.settings);
        typed.name = wizard.draft.name;
        typed.username = wizard.draft.username;
        typed.email = wizard.draft.email;
        request_id = request_id.or(wizard.draft.request_id);
    }
    let settings = match settings {
        Some(settings) => settings,
        None => signup::fresh(&visit.app).await?,
    };
    let page = Page {
        settings,
        request_id: request_id.as_deref(),
        typed: &typed,
    };
    page.render(&visit, StatusCode::OK, Vec::new()).await
}

/// Whether a page was left for one whose draft is gone.
fn asks_after(query: &str) -> bool {
    Params::parse(query.as_bytes()).is_ok_and(|params| params.has(super::GONE))
}

/// POST: the answers, judged all at once.
pub async fn take(posted: Posted, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    open(visit)?;
    bounded(visit)?;
    let found = signup::find(&visit.app, visit.draft.as_deref()).await?;
    let old = match late {
        None => None,
        Some(_) if is_done(visit, &found).await? => {
            return Ok(visit.see_other(path(Step::Done)));
        }
        Some(late) => Some(late.old(visit)?),
    };
    if form.has("website") {
        // Only a program fills in what nobody sees; it is told that all went well.
        return Ok(visit.see_other(path(Step::Check)));
    }
    if old.is_none() && form.text("other") == "forget" {
        signup::forget(&visit.app, visit.draft.as_deref()).await?;
        visit.clear(Jar::Draft);
        return Ok(visit.see_other("/signup"));
    }
    if let Found::Idle(wizard) = &found
        && old.is_none()
        && !form.fields().has("username")
    {
        let typed = form.text("email");
        if signup::open_again(&visit.app, &wizard.draft, typed).await? {
            return Ok(visit.see_other("/signup"));
        }
        return super::asks_address(visit, StatusCode::UNPROCESSABLE_ENTITY, typed, true);
    }
    let typed = Typed {
        name: form.text("name").to_owned(),
        username: form.text("username").to_owned(),
        email: form.text("email").to_owned(),
        password: form.text("password").to_owned().into(),
    };
    let request_id = request_asked(http.query_string());
    let settings = match &found {
        Found::Open(wizard) => wizard.settings,
        _ => signup::fresh(&visit.app).await?,
    };
    let page = Page {
        settings,
        request_id: request_id.as_deref(),
        typed: &typed,
    };
    if let Some(old) = old {
        return page.render(visit, UNPROCESSABLE, vec![old]).await;
    }
    let begun = profile::begin(&visit.app, typed.clone(), &door(visit), request_id.clone()).await;
    let wrong = match begun {
        Ok(begun) => {
            if let Some(cookie) = &begun.cookie {
                visit.set(Jar::Draft, &cookie.reveal(), true);
            }
            return Ok(go(visit, &begun.moved));
        }
        Err(Refused::Hash(error)) => return Err(error.into()),
        Err(Refused::Store(error)) => return Err(error.into()),
        Err(Refused::Wrong(wrong)) => wrong,
    };
    let errors = wrong
        .iter()
        .map(|one| {
            let (field, id) = (one.field.id(), one.code.id());
            visit
                .app
                .page
                .error(&visit.lang, field, id, &one.code.args())
        })
        .collect();
    page.render(visit, UNPROCESSABLE, errors).await
}

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

struct Page<'a> {
    settings: Settings,
    request_id: Option<&'a str>,
    typed: &'a Typed,
}

impl Page<'_> {
    async fn render(
        &self,
        visit: &Visit,
        status: StatusCode,
        errors: Vec<FieldError>,
    ) -> Result<HttpResponse, Fault> {
        let mut shell = shell(visit, &self.settings, Step::Profile, self.request_id).await?;
        let query = query(self.request_id);
        for language in &mut shell.languages {
            let rest = query.replace('?', "&");
            language.href.push_str(&rest);
        }
        let view = Profile {
            name: self.typed.name.clone(),
            username: self.typed.username.clone(),
            email: self.typed.email.clone(),
            domain: visit.app.config.domain.clone(),
            min_length: visit.app.config.password.min_length,
            action: format!("/signup{query}"),
            signin: format!("/signin{query}"),
            errors,
        };
        visit.page_with(status, &shell, &view)
    }
}
