//! A refresh token becomes its successor, or is kept (RFC 6749 6, RFC 9700 4.14.2; PROTOCOL 2).

use std::sync::Arc;

use super::grants;
use super::opaque::Refresh;
use super::token::{
    Award, Error, Tokens, asker, invalid_grant, lifetimes, recipient, replayed, sign,
};
use crate::app::App;
use crate::oauth::binding::{Held, may_refresh};
use crate::oauth::client::Client;
use crate::oauth::refresh::{Rotation, rotate};
use crate::oauth::token::Exchange;
use crate::store;

pub(super) async fn exchange(
    app: &Arc<App>,
    client: Client,
    ask: Exchange,
    held: Held,
) -> Result<Tokens, Error> {
    let Exchange::Refresh { token, .. } = &ask else {
        return Err(invalid_grant("this is no exchange of a refresh token").into());
    };
    let unknown = || invalid_grant("the refresh token is unknown");
    let master = app.keys.master();
    let Some(token) = Refresh::read(master, token) else {
        return Err(unknown().into());
    };
    let next = token.successor(master);
    let shown = token.shown(&next);
    let (now, lives) = (app.clock.now(), lifetimes(app));
    let (house, log_id) = (app.clone(), app.rng.id());
    let asker = asker(app, client.clone(), ask, held).await?;
    let award = app
        .store
        .write(move |c| {
            asker.hold_client(c)?;
            let Some(grant) = store::grant::lock(c, token.grant_id())? else {
                return Ok(Err(unknown()));
            };
            let grant = grant.cut(&asker.client);
            // Behind the lock, so that nobody turns it meanwhile.
            let Some(family) = store::grant::find_family(c, &grant.id)? else {
                return Ok(Err(unknown()));
            };
            if let Err(problem) = may_refresh(family.binding.as_ref(), &asker.held) {
                return Ok(Err(problem));
            }
            let (client, ask) = (&asker.client, &asker.ask);
            let (scopes, refresh, changed) =
                match rotate(&family, &shown, &grant, client, ask, now, &lives) {
                    Rotation::Refused(problem) => return Ok(Err(problem)),
                    Rotation::Replayed { end_family } => {
                        if end_family && store::grant::revoke(c, &grant.id, now)? {
                            store::event::add(c, &replayed(&log_id, &grant, "refresh token", now))?;
                        }
                        return Ok(Err(Rotation::replay()));
                    }
                    Rotation::Fresh { family, scopes } => (scopes, &next, Some(family)),
                    Rotation::Retry { scopes } => (scopes, &next, None),
                    Rotation::Keep { family, scopes } => (scopes, &token, Some(family)),
                };
            // PROTOCOL 2: one that was granted without offline_access ends with the session,
            // whatever the client is given now.
            if !grants::is_signed_in(c, &house, &grant, now)? {
                return Ok(Err(invalid_grant(
                    "the session has ended; sign in in a browser",
                )));
            }
            let to = match recipient(c, &house, &grant, &scopes, &asker, now)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            if let Some(changed) = changed
                && !store::grant::turn(c, family.generation, &changed)?
            {
                return Err(store::Error::Broken("a locked family was turned".into()));
            }
            Ok(Ok(Award {
                grant,
                to,
                refresh: Some(refresh.reveal().to_owned()),
                first: false,
                by: "refresh",
            }))
        })
        .await??;
    sign(app, &client, award, now)
}
