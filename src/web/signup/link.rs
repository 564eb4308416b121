//! The mailed links: `/e/{id}` and `/signup/let-in/{link}`. Looking changes nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{bounded, door, go, is_done, path};
use crate::account::signup::Step;
use crate::flow::signup;
use crate::flow::signup::email::Answered;
use crate::flow::signup::link::{self, Shown};
use crate::page::Person;
use crate::page::view::{LetIn, MailLink};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::{Late, Posted};
use crate::web::visit::Visit;

const OLD: Fault = Fault::Page(StatusCode::GONE, "link-old");

/// GET `/e/{id}`: a button in the draft's browser, the code in any other.
pub async fn look(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let view = match link::look(&visit.app, &id, visit.draft.as_deref()).await? {
        Shown::Old => return Err(OLD),
        Shown::Proved => return Ok(visit.see_other(path(Step::Email))),
        Shown::Confirm(address) => MailLink {
            address: Some(address),
            code: None,
        },
        Shown::Code(code) => MailLink {
            address: None,
            code: Some(code),
        },
    };
    visit.page(&visit.shell(), &view)
}

/// POST `/e/{id}`: proves the address.
pub async fn confirm(posted: Posted, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    bounded(visit)?;
    if let Some(late) = late {
        return done_or(visit, late).await;
    }
    match link::confirm(&visit.app, &door(visit), &id).await? {
        Answered::Moved(moved) => Ok(go(visit, &moved)),
        Answered::TooMany(wait) => Err(Fault::TooMany(wait)),
        Answered::Full => Err(Fault::Page(StatusCode::SERVICE_UNAVAILABLE, "waiting-full")),
        _ => Err(OLD),
    }
}

/// A link that was used in another tab leads to what came of it.
async fn done_or(visit: &Visit, late: Late) -> Result<HttpResponse, Fault> {
    let found = signup::find(&visit.app, visit.draft.as_deref()).await?;
    if is_done(visit, &found).await? {
        return Ok(visit.see_other(path(Step::Done)));
    }
    Err(late.refuse())
}

/// GET `/signup/let-in/{link}`: whose account one click makes.
pub async fn look_let_in(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let draft = link::look_let_in(&visit.app, &id).await?.ok_or(OLD)?;
    let view = LetIn {
        person: Person {
            address: visit.app.address(&draft.username),
            name: draft.name,
            username: draft.username,
        },
    };
    visit.page(&visit.shell(), &view)
}

/// POST `/signup/let-in/{link}`: makes it.
pub async fn enter(posted: Posted, id: web::Path<String>) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    bounded(visit)?;
    if let Some(late) = late {
        return done_or(visit, late).await;
    }
    let (answered, cookie) = link::enter(&visit.app, &door(visit), &id).await?;
    match answered {
        Answered::Moved(moved) => {
            if let Some(cookie) = cookie {
                visit.set(Jar::Draft, &cookie.reveal(), true);
            }
            Ok(go(visit, &moved))
        }
        Answered::TooMany(wait) => Err(Fault::TooMany(wait)),
        _ => Err(OLD),
    }
}
