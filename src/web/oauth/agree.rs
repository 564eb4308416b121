//! A newer agreement, asked for at sign-in.

use actix_web::HttpResponse;
use actix_web::web::Query;

use super::consent::{Asking, gone, mark, scene, shell};
use crate::account::{Account, terms};
use crate::flow::authorize;
use crate::page::view::TermsAgain;
use crate::store;
use crate::web::fault::Fault;
use crate::web::form::Form;
use crate::web::terms::document;
use crate::web::visit::Visit;

/// The newer agreements of an account, and what of them must be accepted.
async fn due(visit: &Visit, account: &Account) -> Result<(Vec<terms::Version>, TermsAgain), Fault> {
    let (id, language, now) = (account.id.clone(), visit.lang.code.clone(), visit.now);
    let (published, accepted) = visit
        .app
        .store
        .read(move |c| Ok((store::terms::list(c)?, store::terms::accepted(c, &id)?)))
        .await?;
    let due = terms::due(&published, &accepted, &language, now);
    let all: Vec<terms::Version> = due
        .must
        .iter()
        .chain(&due.may_wait)
        .map(|version| (*version).clone())
        .collect();
    let view = TermsAgain {
        documents: all.iter().map(|one| document(one, false)).collect(),
        later_until: due.wait_until.filter(|_| due.must.is_empty()),
        errors: Vec::new(),
    };
    Ok((all, view))
}

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
    let (_, view) = due(&visit, &account).await?;
    if view.documents.is_empty() {
        return Ok(asking.back(&visit));
    }
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
    let (versions, view) = due(visit, &account).await?;
    match form.text("decision") {
        "accept" => {
            let accepted: Vec<_> = versions
                .iter()
                .map(|version| version.accept(visit.now))
                .collect();
            visit
                .app
                .store
                .write(move |c| {
                    accepted
                        .iter()
                        .try_for_each(|one| store::terms::accept(c, &account.id, one))
                })
                .await?;
            Ok(asking.back(visit))
        }
        "later" if view.later_until.is_some() => {
            mark(visit, &asking, &scene, |marks| marks.terms_later = true).await
        }
        "decline" => mark(visit, &asking, &scene, |marks| marks.declined = true).await,
        _ => Ok(asking.back(visit)),
    }
}
