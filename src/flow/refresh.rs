//! A refresh token becomes its successor (RFC 6749 6, RFC 9700 4.14.2; PROTOCOL 2).

use std::sync::Arc;

use super::opaque::Kind;
use super::token::{
    Award, Error, Tokens, asker, invalid_grant, lifetimes, recipient, replayed, sign,
};
use crate::app::App;
use crate::oauth::binding::{Held, may_refresh};
use crate::oauth::client::Client;
use crate::oauth::grant::Refresh;
use crate::oauth::token::{Exchange, Rotation, rotate};
use crate::rng::digest;
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
    if !Kind::Refresh.is_ours(app.keys.master(), token) {
        return Err(invalid_grant("the refresh token is unknown").into());
    }
    let (old, now, lives) = (token.clone(), app.clock.now(), lifetimes(app));
    let (house, log_id) = (app.clone(), app.rng.id());
    let asker = asker(app, client.clone(), ask, held).await?;
    let award = app
        .store
        .write(move |c| {
            let unknown = || Ok(Err(invalid_grant("the refresh token is unknown")));
            let hash = digest(&old);
            let Some(grant) = store::grant::lock_by_refresh(c, &hash)? else {
                return unknown();
            };
            let grant = grant.cut(&asker.client);
            // Behind the lock, so that nobody spends it meanwhile.
            let Some(known) = store::grant::find_refresh(c, &hash)? else {
                return unknown();
            };
            if let Err(problem) = may_refresh(known.binding.as_ref(), &asker.held) {
                return Ok(Err(problem));
            }
            let master = house.keys.master();
            let generation = known.generation.saturating_add(1);
            let successor =
                Kind::Refresh.dress(master, &master.successor(&old, &grant.id, generation));
            // One that was not used has none.
            let successor_used = known.used_at.is_some()
                && store::grant::find_refresh(c, &digest(&successor))?
                    .is_some_and(|next| next.used_at.is_some());
            let (scopes, refresh) = match rotate(
                &known,
                &grant,
                successor_used,
                &asker.client,
                &asker.ask,
                now,
                &lives,
            ) {
                Rotation::Refused(problem) => return Ok(Err(problem)),
                Rotation::Replayed { end_family } => {
                    if end_family && store::grant::revoke(c, &grant.id, now)? {
                        store::event::add(c, &replayed(&log_id, &grant, "refresh token", now))?;
                    }
                    return Ok(Err(Rotation::replay()));
                }
                Rotation::Fresh {
                    scopes,
                    idle_until,
                    ends_at,
                    generation,
                } => {
                    let next = Refresh {
                        hash: digest(&successor),
                        grant_id: grant.id.clone(),
                        generation,
                        created_at: now,
                        used_at: None,
                        idle_until,
                        ends_at,
                        binding: known.binding.clone(),
                    };
                    (scopes, Some((successor, next)))
                }
                Rotation::Retry { scopes, .. } => {
                    return match recipient(c, &house, &grant, &scopes, &asker, now)? {
                        Ok(to) => Ok(Ok(Award {
                            grant,
                            to,
                            refresh: Some(successor),
                            first: false,
                            by: "refresh",
                        })),
                        Err(problem) => Ok(Err(problem)),
                    };
                }
                Rotation::Keep { scopes, idle_until } => {
                    store::grant::slide_refresh(c, &hash, idle_until)?;
                    (scopes, None)
                }
            };
            let to = match recipient(c, &house, &grant, &scopes, &asker, now)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            let refresh = match refresh {
                None => old.clone(),
                Some((successor, next)) => {
                    if !store::grant::spend_refresh(c, &hash, now)? {
                        return Err(store::Error::Broken("a locked token was spent".into()));
                    }
                    store::grant::add_refresh(c, &next)?;
                    successor
                }
            };
            Ok(Ok(Award {
                grant,
                to,
                refresh: Some(refresh),
                first: false,
                by: "refresh",
            }))
        })
        .await??;
    sign(app, &client, award, now)
}
