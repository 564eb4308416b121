//! W5 `/signup/done`: the account is ready.

use actix_web::HttpResponse;

use super::{bounded, path, query, shell_of};
use crate::account::signup::Step;
use crate::account::{Account, Session};
use crate::flow::signup::{self, Found, Wizard, done, link};
use crate::page::view::{Done, MessengerHint};
use crate::web::cookie::Jar;
use crate::web::fault::Fault;
use crate::web::form::Posted;
use crate::web::visit::Visit;

/// GET: whose account it is, and where it goes on. Shown again after Back.
pub async fn show(visit: Visit) -> Result<HttpResponse, Fault> {
    let (wizard, session, account) = match finished(&visit).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let draft = &wizard.draft;
    let waits = done::waits(&visit.app, draft.request_id.as_deref()).await?;
    let messengers = match &waits {
        Some(_) => Vec::new(),
        None => done::messengers(&visit.app).await?,
    };
    let view = Done {
        person: visit.person(&account),
        keep: session.keep || visit.app.config.signin.keep_default,
        late: waits.as_ref().is_some_and(|waits| waits.late),
        start_again: waits.and_then(|waits| waits.app.start),
        messengers: messengers
            .into_iter()
            .map(|(name, server)| MessengerHint { name, server })
            .collect(),
    };
    let shell = shell_of(&visit, &wizard, Step::Done).await?;
    visit.page(&shell, &view)
}

/// POST: keeps the session or not, and goes on.
pub async fn go_on(posted: Posted) -> Result<HttpResponse, Fault> {
    let (form, late) = posted.apart();
    let visit = &form.visit;
    bounded(visit)?;
    let (wizard, session, _) = match finished(visit).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if late.is_some() {
        // It leads on; what it ticks does not count.
        return Ok(visit.see_other(&done::onward(&visit.app, &wizard.draft).await?));
    }
    let keep = form.has("keep");
    done::keep(&visit.app, &session, keep).await?;
    let on = done::onward(&visit.app, &wizard.draft).await?;
    if let Some(cookie) = visit.cookie() {
        visit.set(Jar::Browser, cookie, keep);
    }
    Ok(visit.see_other(&on))
}

type Finished = (Box<Wizard>, Session, Account);

/// The finished draft of this browser, while its account is signed in here.
async fn finished(visit: &Visit) -> Result<Result<Finished, HttpResponse>, Fault> {
    let here = visit.here().await?;
    let elsewhere = |here: &crate::flow::browser::Here| match here.first() {
        Some(_) => visit.see_other("/account"),
        None => visit.see_other("/signup"),
    };
    Ok(
        match signup::find(&visit.app, visit.draft.as_deref()).await? {
            Found::Nothing => Err(elsewhere(&here)),
            Found::Idle(wizard) | Found::Open(wizard) => {
                match wizard.draft.account_id.as_deref() {
                    // Let in meanwhile: one click is left, as on the mailed link.
                    None if wizard.step == Step::Done => {
                        let link = link::let_in_path(&visit.app, &wizard.draft);
                        Err(visit.see_other(&link))
                    }
                    None => Err(visit.see_other(path(wizard.step))),
                    Some(id) => match here.of(id) {
                        Some((session, account)) => Ok((wizard, session.clone(), account.clone())),
                        // Made here, and signed out since.
                        None => Err(visit.see_other(&format!(
                            "/signin{}",
                            query(wizard.draft.request_id.as_deref())
                        ))),
                    },
                }
            }
        },
    )
}
