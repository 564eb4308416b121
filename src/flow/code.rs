//! A code becomes the first tokens of its grant (RFC 6749 4.1.3; PROTOCOL 2).

use std::sync::Arc;

use super::grants;
use super::opaque::Kind;
use super::token::{Award, Error, Tokens, asker, invalid_grant, recipient, replayed, sign};
use crate::app::App;
use crate::oauth::binding::{Held, may_redeem};
use crate::oauth::client::Client;
use crate::oauth::token::{Denied, Exchange, redeem};
use crate::rng::digest;
use crate::store;

pub(super) async fn exchange(
    app: &Arc<App>,
    client: Client,
    ask: Exchange,
    held: Held,
) -> Result<Tokens, Error> {
    let Exchange::Code { code, .. } = &ask else {
        return Err(invalid_grant("this is no exchange of a code").into());
    };
    if !Kind::Code.is_ours(app.keys.master(), code) {
        return Err(invalid_grant("the code is unknown").into());
    }
    let (hash, now) = (digest(code), app.clock.now());
    let secret = app.rng.secret();
    let (house, log_id) = (app.clone(), app.rng.id());
    let asker = asker(app, client.clone(), ask, held).await?;
    let award = app
        .store
        .write(move |c| {
            asker.hold_client(c)?;
            let Some(code) = store::grant::lock_code(c, &hash)? else {
                return Ok(Err(invalid_grant("the code is unknown")));
            };
            let Some(grant) = store::grant::lock(c, &code.grant_id)? else {
                return Ok(Err(invalid_grant("the code is unknown")));
            };
            let grant = grant.cut(&asker.client);
            if let Err(problem) = may_redeem(grant.dpop_jkt.as_deref(), &asker.held) {
                return Ok(Err(problem));
            }
            let award = match redeem(&grant, &code, &asker.ask, &asker.client, now) {
                Ok(award) => award,
                Err(denied) => {
                    match &denied {
                        Denied::WrongVerifier => store::grant::count_wrong(c, &hash)?,
                        Denied::Replay => {
                            store::grant::revoke(c, &grant.id, now)?;
                            store::event::add(c, &replayed(&log_id, &grant, "code", now))?;
                        }
                        Denied::Refused(_) => {}
                    }
                    return Ok(Err(denied.problem()));
                }
            };
            let to = match recipient(c, &house, &grant, &award.scopes, &asker, now)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            if !store::grant::spend_code(c, &hash, now)? {
                return Ok(Err(invalid_grant(
                    "the code was used before or has run out",
                )));
            }
            grants::take_over(c, &grant, now)?;
            let life = grants::life(&house, &grant, award.refresh);
            grants::keep(c, &house, &grant, life, &log_id, now)?;
            let refresh = match award.refresh {
                true => Some(asker.begin_family(c, &house, &grant, &secret, now)?),
                false => None,
            };
            Ok(Ok(Award {
                grant,
                to,
                refresh,
                first: true,
                by: "code",
            }))
        })
        .await??;
    sign(app, &client, award, now)
}
