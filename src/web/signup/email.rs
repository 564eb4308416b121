//! W4 `/signup/email`: the code from the mail.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::{Page, door, go, look, posted, shell_of};
use crate::account::Email as Address;
use crate::account::email::slip;
use crate::account::signup::Step;
use crate::flow::signup::Wizard;
use crate::flow::signup::email::{self, Answered, Held};
use crate::page::FieldError;
use crate::page::view::{Email, RefusedMail};
use crate::web::fault::Fault;
use crate::web::form::Posted;
use crate::web::visit::Visit;

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// GET: where the code went, and the truth about the mail. Sends nothing.
pub async fn show(visit: Visit) -> Result<HttpResponse, Fault> {
    match look(&visit, Step::Email).await? {
        Ok(wizard) => page(&visit, &wizard, StatusCode::OK, "", Vec::new()).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// POST: the code, the wish for a new one, or another address.
pub async fn take(form: Posted) -> Result<HttpResponse, Fault> {
    let Page { form, wizard, old } = match posted(form, Step::Email).await? {
        Ok(page) => page,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (visit, typed) = (&form.visit, form.text("email"));
    if let Some(old) = old {
        return page(visit, &wizard, UNPROCESSABLE, typed, vec![old]).await;
    }
    let door = door(visit);
    let answered = match form.text("other") {
        "resend" => email::resend(&visit.app, &door).await?,
        "address" => email::change_address(&visit.app, &door, typed).await?,
        _ => email::prove(&visit.app, &door, form.text("code")).await?,
    };
    let error = match answered {
        Answered::Moved(moved) => return Ok(go(visit, &moved)),
        Answered::Sent => return Ok(visit.see_other("/signup/email")),
        Answered::TooMany(wait) => return Err(Fault::TooMany(wait)),
        other => wrong(visit, &other),
    };
    // The tries and the mail may have changed what the page says.
    let wizard = match crate::flow::signup::find(&visit.app, visit.draft.as_deref()).await? {
        crate::flow::signup::Found::Open(wizard) => wizard,
        _ => wizard,
    };
    page(
        visit,
        &wizard,
        UNPROCESSABLE,
        typed,
        error.into_iter().collect(),
    )
    .await
}

/// What is to be put right.
pub(super) fn wrong(visit: &Visit, answered: &Answered) -> Option<FieldError> {
    let error = |field: &str, id: &str, args: &[(&str, String)]| {
        Some(visit.app.page.error(&visit.lang, field, id, args))
    };
    match answered {
        Answered::Empty => error("code", "code-empty", &[]),
        Answered::Wrong => error("code", "code-wrong", &[]),
        Answered::Spent => error("code", "code-spent", &[]),
        Answered::Old => error("code", "code-old", &[]),
        Answered::Closed => error("code", "code-closed", &[]),
        Answered::Full => error("code", "waiting-full", &[]),
        Answered::Held(by, live) => {
            let (id, span) = held(*by);
            let id = if *live {
                format!("{id}-live")
            } else {
                id.to_owned()
            };
            error("resend", &id, &[("span", visit.span(span))])
        }
        Answered::Address(code) => error("email", code.id(), &code.args()),
        Answered::Wait(wait) => {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            error("resend", "code-wait", &[("seconds", seconds.to_string())])
        }
        Answered::Moved(_) | Answered::Sent | Answered::TooMany(_) => None,
    }
}

/// The words for what holds a mail back.
const fn held(by: Held) -> (&'static str, Duration) {
    match by {
        Held::Network(span) => ("code-held-network", span),
        Held::Address(span) => ("code-held-address", span),
    }
}

async fn page(
    visit: &Visit,
    wizard: &Wizard,
    status: StatusCode,
    typed: &str,
    errors: Vec<FieldError>,
) -> Result<HttpResponse, Fault> {
    let draft = &wizard.draft;
    let truth = email::truth(&visit.app, draft, visit.address).await?;
    let address = Address::parse(&draft.email).ok();
    let say = |id: &str, args: &[(&str, String)]| visit.app.page.text(&visit.lang, id, args);
    let unsent = truth.unsent.map(|by| {
        let why = match by.map(held) {
            // It stands among the mistakes.
            Some(_) if errors.iter().any(|one| one.field == "resend") => String::new(),
            Some((id, span)) => say(id, &[("span", visit.span(span))]),
            None => say("code-unsent-now", &[]),
        };
        format!("{} {why}", say("code-unsent", &[]))
            .trim()
            .to_owned()
    });
    let minutes = visit.app.limits.code.as_secs() / 60;
    let view = Email {
        address: draft.email.clone(),
        from: visit.app.config.mail.from.address.clone(),
        minutes: u32::try_from(minutes).unwrap_or(0),
        wait_seconds: u32::try_from(truth.wait.as_millis().div_ceil(1000)).unwrap_or(0),
        slip: address
            .as_ref()
            .and_then(|it| slip(it.domain()))
            .map(str::to_owned),
        refused: truth.mail.refused.map(|said| RefusedMail {
            domain: address.map_or_else(String::new, |it| it.domain_shown().to_owned()),
            said,
        }),
        unsent,
        sending: truth.mail.sending,
        mail_down: truth.mail.down,
        link_only: truth.link_only,
        back: if wizard.settings.terms {
            "/signup/agree".into()
        } else {
            "/signup".into()
        },
        email: typed.to_owned(),
        errors,
    };
    let shell = shell_of(visit, wizard, Step::Email).await?;
    visit.page_with(status, &shell, &view)
}
