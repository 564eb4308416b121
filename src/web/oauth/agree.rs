//! A newer agreement, asked for at sign-in.

use actix_web::HttpResponse;
use actix_web::web::Query;

use super::consent::{Asking, gone, mark, scene, shell};
use crate::flow::{authorize, terms};
use crate::page::view::TermsAgain;
use crate::web::fault::Fault;
use crate::web::form::Form;
use crate::web::terms::{document, seen};
use crate::web::visit::Visit;

/// A newer agreement, before the sign-in goes on.
///
/// # Errors
/// [`Fault`].
pub async fn agree(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(&visit, &asking).await? else {
        return gone(&visit);
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(&visit));
    };
    let due = terms::due(&visit.app, &account, &visit.lang.code).await?;
    if due.is_empty() {
        return Ok(asking.back(&visit));
    }
    let view = TermsAgain {
        documents: due.all().map(|one| document(one, false)).collect(),
        later_until: due.wait_until.filter(|_| due.must.is_empty()),
        errors: Vec::new(),
    };
    visit.page(&shell(&visit, &scene), &view)
}

/// "I accept", "Later" inside the grace, or not.
///
/// # Errors
/// [`Fault`].
pub async fn agreed(form: Form, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let Some(scene) = scene(visit, &asking).await? else {
        return gone(visit);
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(visit));
    };
    let language = &visit.lang.code;
    match form.text("decision") {
        "accept" => {
            let shown = seen(form.fields());
            terms::accept(&visit.app, &account, language, shown, &visit.visitor()).await?;
            Ok(asking.back(visit))
        }
        "later" => {
            let due = terms::due(&visit.app, &account, language).await?;
            if !due.must.is_empty() {
                return Ok(asking.back(visit));
            }
            mark(visit, &asking, &scene, |marks| marks.terms_later = true).await
        }
        "decline" => mark(visit, &asking, &scene, |marks| marks.declined = true).await,
        _ => Ok(asking.back(visit)),
    }
}
