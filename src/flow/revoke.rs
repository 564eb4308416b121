//! Tokens that are given back (RFC 7009).

use std::sync::Arc;

use super::opaque::Refresh;
use super::presented::{self, Good, read};
use crate::app::App;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::status::named;
use crate::store::{self, Conn, Error};

/// `/oauth2/revoke`: ends the grant behind a token of the caller's own, or an exchanged token alone,
/// since the grant behind that is another app's; any token that is not the caller's is answered the
/// same (RFC 7009 2.2).
///
/// # Errors
/// The outer one when the database does not answer; the inner one is `unsupported_token_type`, for
/// what a client has by its own right: nothing stands behind it that could be ended.
pub async fn revoke(
    app: &Arc<App>,
    client: &Client,
    token: &str,
) -> Result<Result<(), Problem>, Error> {
    let now = app.clock.now();
    let (gid, access) = match Refresh::read(app.keys.master(), token) {
        Some(token) => (token.grant_id().to_owned(), None),
        None => {
            let own = |good: &Good| good.text("client_id") == client.id;
            let Some(good) = read(app, token, now).filter(own) else {
                return Ok(Ok(()));
            };
            (good.text("gid").to_owned(), Some(good))
        }
    };
    if gid.is_empty() {
        // RFC 7009 2.2.1: 200 would say that it is gone.
        let why = "a token of client_credentials cannot be revoked: it ends by itself";
        return Ok(Err(Problem::new(Code::UnsupportedTokenType, why)));
    }
    let (house, client_id) = (app.clone(), client.id.clone());
    app.store
        .write(move |c| {
            let grant = store::grant::find(c, &gid)?;
            if grant.is_some_and(|grant| grant.client_id == client_id) {
                store::grant::revoke(c, &gid, now)?;
            } else if let Some(good) = &access {
                end_traded(c, &house, good)?;
            }
            Ok(Ok(()))
        })
        .await
}

/// Ends an exchanged token: for whoever asks about it, and in the list of its service.
fn end_traded(c: &mut Conn<'_>, app: &App, good: &Good) -> Result<(), Error> {
    let Some(mark) = presented::mark(&good.claims) else {
        return Ok(());
    };
    store::counter::see_once(c, &mark, good.time("exp"))?;
    let claim = good.claims.get("status");
    match claim.and_then(|claim| named(app.config.issuer(), claim)) {
        Some((service_id, place)) => store::status::end_one(c, service_id, place, good.text("gid")),
        None => Ok(()),
    }
}
