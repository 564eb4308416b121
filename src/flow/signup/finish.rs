//! The end of sign-up: account, acceptances, session and the draft's end, all or nothing.

use super::Drawn;
use crate::account::signup::Draft;
use crate::account::{Account, username};
use crate::flow::browser::Begun;
use crate::flow::request;
use crate::store::{self, Conflict, Conn, Error};

/// How long the last page is shown again to the browser that made the account.
const SHOWN: std::time::Duration = std::time::Duration::from_secs(3600);

/// Makes the account of a draft that misses nothing. Gives nothing when the username or the
/// address went to somebody else meanwhile: the draft then says which.
pub(super) fn open_account(
    drawn: &Drawn,
    c: &mut Conn<'_>,
    draft: &mut Draft,
) -> Result<Option<Begun>, Error> {
    let (app, now) = (&drawn.app, drawn.now);
    let account = Account {
        id: drawn.account_id.clone(),
        username: draft.username.clone(),
        name: draft.name.clone(),
        email: draft.email.clone(),
        email_key: draft.email_key.clone(),
        password: draft.password.clone(),
        language: draft.language.clone(),
        created_at: now,
        password_at: now,
        locked_at: None,
    };
    let skeleton = username::skeleton(&account.username);
    match store::account::add(c, &account, &skeleton, &app.name_mac(&skeleton))? {
        Ok(()) => {}
        Err(Conflict("email")) => {
            // As if it had had an account from the start: its owner is told by mail.
            draft.mail.proved_at = None;
            draft.mail.sent_at = None;
            return Ok(None);
        }
        Err(Conflict(_)) => {
            draft.username_lost = true; // the proved address stays proved
            return Ok(None);
        }
    }
    for accepted in &draft.agreed {
        store::terms::accept(c, &account.id, accepted)?;
    }
    let begun = drawn.begin.write(c)?;
    if let Some(id) = &draft.request_id {
        // A request of another browser stays as it is: the page then leads to the account.
        let made = account.id.clone();
        request::mark(c, id, &begun.browser_id, now, &|marks| {
            marks.made = Some(made.clone());
            marks.chosen = Some(made.clone());
        })?;
    }
    store::event::add(c, &drawn.event)?;
    draft.done_at = Some(now);
    draft.account_id = Some(account.id);
    draft.expires_at = draft.expires_at.min(now.plus(SHOWN));
    draft.password.clear();
    draft.person_note = None;
    Ok(Some(begun))
}
