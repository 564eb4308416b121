//! A newer agreement, asked for at sign-in: on the way to an app, or at a sign-in by itself.

use actix_web::{HttpRequest, HttpResponse};

use super::consent::{Asking, decline, gone, scene, shell};
use super::query;
use crate::account::{Account, Session};
use crate::flow::authorize::Scene;
use crate::flow::{authorize, signin, terms};
use crate::page::view::TermsAgain;
use crate::web::fault::Fault;
use crate::web::form::Form;
use crate::web::signin::request_of;
use crate::web::terms::{document, seen};
use crate::web::visit::Visit;

/// Who is asked.
struct Asked {
    /// The request on whose way it is.
    of: Option<(Asking, Scene)>,
    session: Session,
    account: Account,
}

impl Asked {
    /// Who is asked, or the answer in the page's place.
    async fn find(visit: &Visit, http: &HttpRequest) -> Result<Result<Self, HttpResponse>, Fault> {
        let Some(request) = request_of(http) else {
            let params = query(http).map_err(|_| Fault::unreadable())?;
            if params.has("request") {
                return Ok(Err(gone(visit)?));
            }
            return Ok(match visit.here().await?.first().cloned() {
                Some((session, account)) => Ok(Self {
                    of: None,
                    session,
                    account,
                }),
                None => Err(visit.see_other("/signin")),
            });
        };
        let asking = Asking { request };
        let Some(scene) = scene(visit, &asking).await? else {
            return Ok(Err(gone(visit)?));
        };
        let account = authorize::whose(&visit.app, &scene).await?;
        let whose = account.and_then(|account| scene.here.of(&account.id).cloned());
        Ok(match whose {
            Some((session, account)) => Ok(Self {
                of: Some((asking, scene)),
                session,
                account,
            }),
            None => Err(asking.back(visit)),
        })
    }

    fn back(&self, visit: &Visit) -> HttpResponse {
        match &self.of {
            Some((asking, _)) => asking.back(visit),
            None => visit.see_other("/account"),
        }
    }
}

/// GET: what is due, before the sign-in goes on.
///
/// # Errors
/// [`Fault`].
pub async fn agree(visit: Visit, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let asked = match Asked::find(&visit, &http).await? {
        Ok(asked) => asked,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let due = terms::due(&visit.app, &asked.account.id, &visit.lang.code).await?;
    if due.is_empty() {
        return Ok(asked.back(&visit));
    }
    let view = TermsAgain {
        first: due.first,
        documents: due.all().map(|one| document(one, false)).collect(),
        later_until: due.wait_until.filter(|_| due.must.is_empty()),
        errors: Vec::new(),
    };
    let shell = match &asked.of {
        Some((_, scene)) => shell(&visit, scene),
        None => visit.shell(),
    };
    visit.page(&shell, &view)
}

/// POST: "I accept", "Later" inside the grace, or not.
///
/// # Errors
/// [`Fault`].
pub async fn agreed(form: Form, http: HttpRequest) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let declined = form.text("decision") == "decline";
    if let Some(request) = request_of(&http).filter(|_| declined) {
        // Whatever another tab said a moment ago.
        let asking = Asking { request };
        return match scene(visit, &asking).await? {
            Some(scene) => decline(visit, &asking, &scene).await,
            None => gone(visit),
        };
    }
    let asked = match Asked::find(visit, &http).await? {
        Ok(asked) => asked,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (account, language) = (&asked.account, &visit.lang.code);
    match form.text("decision") {
        "accept" => {
            let shown = seen(form.fields());
            terms::accept(&visit.app, account, language, shown, &visit.visitor()).await?;
        }
        "later" => {
            let due = terms::due(&visit.app, &account.id, language).await?;
            if due.must.is_empty() {
                terms::put_off(&visit.app, &asked.session.sid).await?;
            }
        }
        // Who does not accept is not signed in.
        "decline" => {
            let sids = [asked.session.sid.clone()];
            signin::end(&visit.app, &sids, &visit.visitor(), visit.now).await?;
            return Ok(visit.see_other("/signout"));
        }
        _ => {}
    }
    Ok(asked.back(visit))
}
