//! What an operator does to an account from the command line. Running servers see it at once:
//! sessions and grants are read from the database each time (SECURITY R40).

use std::sync::Arc;

use crate::account::{Account, username};
use crate::app::App;
use crate::clock::Time;
use crate::flow::signin::guess::{Who, account_key};
use crate::store::{self, Conn, account, browser, counter, event, grant, reset};

/// Closes an account: its sessions, grants and ways back in end. `typed` is a username or an
/// address; nothing comes back when nobody is called that.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(app: &Arc<App>, typed: &str, now: Time) -> Result<Option<Account>, store::Error> {
    on(app, typed, "locked", now, move |c, found| {
        account::set_locked(c, &found.id, Some(now))?;
        end_all(c, &found.id, now)
    })
    .await
}

/// Opens a closed account, and lets its password be tried again.
///
/// # Errors
/// When the database does not answer.
pub async fn unlock(
    app: &Arc<App>,
    typed: &str,
    now: Time,
) -> Result<Option<Account>, store::Error> {
    let house = app.clone();
    on(app, typed, "unlocked", now, move |c, found| {
        account::set_locked(c, &found.id, None)?;
        counter::clear(c, &account_key(&house, &found.id))
    })
    .await
}

/// Signs a person out everywhere.
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out(
    app: &Arc<App>,
    typed: &str,
    now: Time,
) -> Result<Option<Account>, store::Error> {
    on(app, typed, "everywhere", now, move |c, found| {
        end_all(c, &found.id, now)
    })
    .await
}

/// Deletes an account. Its username is never given again; only a keyed digest of it stays.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(
    app: &Arc<App>,
    typed: &str,
    now: Time,
) -> Result<Option<Account>, store::Error> {
    let (who, house) = (Who::typed(app, typed), app.clone());
    app.store
        .write(move |c| {
            let Some(found) = who.find(c)? else {
                return Ok(None);
            };
            end_all(c, &found.id, now)?;
            let name_mac = house.name_mac(&username::skeleton(&found.username));
            account::delete(c, &found.id, &name_mac, now)?;
            Ok(Some(found))
        })
        .await
}

fn end_all(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<(), store::Error> {
    browser::end_all(c, account_id, None, now)?;
    grant::revoke_account(c, account_id, now)?;
    reset::end_all(c, account_id, now)
}

async fn on(
    app: &Arc<App>,
    typed: &str,
    kind: &str,
    now: Time,
    done: impl Fn(&mut Conn<'_>, &Account) -> Result<(), store::Error> + Send + 'static,
) -> Result<Option<Account>, store::Error> {
    let who = Who::typed(app, typed);
    let line = event::Event {
        id: app.rng.id(),
        account_id: String::new(),
        at: now.millis(),
        kind: kind.to_owned(),
        detail: "{}".to_owned(),
    };
    app.store
        .write(move |c| {
            let Some(found) = who.find(c)? else {
                return Ok(None);
            };
            done(c, &found)?;
            let line = event::Event {
                account_id: found.id.clone(),
                ..line.clone()
            };
            event::add(c, &line)?;
            Ok(Some(found))
        })
        .await
}
