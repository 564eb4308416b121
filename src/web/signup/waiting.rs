//! `/signup/waiting`: the address is proved, the operator reads the request.

use actix_web::HttpResponse;

use super::{look, shell_of};
use crate::account::signup::Step;
use crate::page::view::Waiting;
use crate::web::fault::Fault;
use crate::web::visit::Visit;

/// GET: how long it stays, and where the answer goes.
pub async fn show(visit: Visit) -> Result<HttpResponse, Fault> {
    let wizard = match look(&visit, Step::Waiting).await? {
        Ok(wizard) => wizard,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let left = wizard.draft.expires_at.since(visit.now).as_secs();
    let view = Waiting {
        address: wizard.draft.email.clone(),
        days: u32::try_from(left.div_ceil(86_400)).unwrap_or(0),
    };
    let shell = shell_of(&visit, &wizard, Step::Waiting).await?;
    visit.page(&shell, &view)
}
