//! Native SSO: the secret that the apps of one family share on a device, and the exchange by which
//! the second of them signs in (Native SSO 3 and 4).

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::token::{self, Asker, Award, Error, Tokens, recipient};
use super::{grants, hint, pending, subject, terms};
use crate::app::App;
use crate::config;
use crate::keys::{Master, Purpose};
use crate::oauth::error::{Code, Problem};
use crate::oauth::exchange::ACCESS_TOKEN;
use crate::oauth::grant::Grant;
use crate::oauth::scope;
use crate::oauth::sso::{Ask, Behind, Brought, judge};
use crate::oauth::token::{Exchange, is_offline};
use crate::rng::digest;
use crate::store;

const PREFIX: &str = "gs_";
/// How long the id of a grant is.
const ID: usize = 26;

/// The device secret of a grant: its id under a key, so that nothing of it lies in the database and
/// it ends with the grant.
pub(super) fn device_secret(master: &Master, grant_id: &str) -> String {
    let mac = master.mac(Purpose::DeviceSecret, &[grant_id.as_bytes()]);
    format!("{PREFIX}{grant_id}{}", URL_SAFE_NO_PAD.encode(mac))
}

/// The digest of a device secret, as it stands in ID tokens (`ds_hash`).
pub(super) fn ds_hash(secret: &str) -> String {
    digest(secret)
}

/// The grant that a device secret was given with; nothing when we never gave it.
fn grant_of<'a>(master: &Master, secret: &'a str) -> Option<&'a str> {
    let (id, _) = secret.strip_prefix(PREFIX)?.split_at_checked(ID)?;
    let ours = device_secret(master, id);
    verify_slices_are_equal(ours.as_bytes(), secret.as_bytes()).ok()?;
    Some(id)
}

/// Whether both halves of a pair are ours; whether they fit each other is not looked at.
pub(super) fn are_ours(app: &App, ask: &Ask) -> bool {
    grant_of(app.keys.master(), &ask.device_secret).is_some()
        && hint::read(app, &ask.id_token, app.clock.now()).is_some()
}

fn invalid_grant(why: &str) -> Problem {
    Problem::new(Code::InvalidGrant, why)
}

/// Signs a second app in.
///
/// # Errors
/// [`Error`].
pub(super) async fn exchange(app: &Arc<App>, asker: Asker) -> Result<Tokens, Error> {
    let Exchange::Sso(ask) = &asker.ask else {
        return Err(
            Problem::new(Code::InvalidRequest, "this is no exchange of an ID token").into(),
        );
    };
    let now = app.clock.now();
    let gid = grant_of(app.keys.master(), &ask.device_secret)
        .ok_or_else(|| invalid_grant("the device secret is unknown"))?
        .to_owned();
    // It may have run out: the grant behind it stands, or does not (Native SSO 4.3).
    let hint = hint::read(app, &ask.id_token, now)
        .ok_or_else(|| invalid_grant("the ID token is not ours, or is older than a year"))?;
    let brought = Brought {
        client_id: hint.client_id,
        sub: hint.sub,
        sid: hint.sid,
        ds_hash: hint.ds_hash,
    };
    let hash = ds_hash(&ask.device_secret);
    let secret = app.rng.secret();
    let (house, client) = (app.clone(), asker.client.clone());
    let (id, log_id, many_id) = (app.rng.id(), app.rng.id(), app.rng.id());
    let award = app
        .store
        .write(move |c| {
            let Exchange::Sso(ask) = &asker.ask else {
                return Ok(Err(invalid_grant("this is no exchange of an ID token")));
            };
            let ended = || {
                Ok(Err(invalid_grant(
                    "what the device secret stands for has ended",
                )))
            };
            // Whoever takes a sister app from the family, or removes it, ends what it was given.
            store::client::hold_as_read(c, &asker.client)?;
            let Some(named) = store::grant::find(c, &gid)? else {
                return ended();
            };
            // Both are held, so that whoever ends them now sees this grant and ends it too; and
            // before the first one, which may have been ended while this one waited.
            if !store::account::hold(c, &named.account_id, None)? {
                return ended();
            }
            let signed_in = store::browser::hold(c, &named.sid)?;
            let Some(first) = pending::alive(c, &house, &gid, now)? else {
                return ended();
            };
            let Some(owner) = store::client::find(c, &first.client_id)? else {
                return ended();
            };
            let first = first.cut(&owner);
            let Some(account) = store::account::find(c, &first.account_id)? else {
                return ended();
            };
            let behind = Behind {
                grant: &first,
                client: &owner,
                sub: &subject::of(&house, &owner, &account.id),
                hash: &hash,
            };
            let issuer = house.config.issuer();
            let services = &asker.registered.services;
            let scopes = match judge(ask, &brought, &behind, &asker.client, services, issuer) {
                Ok(scopes) => scopes,
                Err(problem) => return Ok(Err(problem)),
            };
            let offline = is_offline(&asker.client, &scopes);
            if !offline && !signed_in {
                return Ok(Err(invalid_grant(
                    "the session has ended; sign in in a browser",
                )));
            }
            // Nobody can be asked here: what would be asked in a browser is asked there.
            let ask_there = |why| Ok(Err(Problem::new(Code::InteractionRequired, why)));
            let asks_always = house.config.clients.consent == config::Consent::Always;
            let first_party = asker.client.first_party && !asker.client.is_unchecked();
            if !first_party || asks_always {
                let consent = store::grant::consent(c, &account.id, &asker.client.id)?;
                if !scope::within(&scopes, &consent.unwrap_or_default()) {
                    return ask_there("the person has not allowed this app yet");
                }
            }
            let again = house.config.terms.ask_again_on_change;
            let due = terms::due_in(c, again, &account.id, &account.language, now)?;
            if !due.must.is_empty() {
                return ask_there("a newer agreement waits");
            }
            let grant = Grant {
                id: id.clone(),
                account_id: account.id.clone(),
                client_id: asker.client.id.clone(),
                sid: first.sid.clone(),
                scopes,
                resources: Vec::new(),
                offline,
                claims: Default::default(),
                details: Default::default(),
                nonce: None,
                auth_time: first.auth_time,
                amr: first.amr.clone(),
                dpop_jkt: None,
                managed: None,
                created_at: now,
                revoked_at: None,
            };
            let to = match recipient(c, &house, &grant, &grant.scopes, &asker, now)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            let life = grants::life(&house, &grant, offline);
            store::grant::add(c, &grant, now.plus(life))?;
            grants::keep(c, &house, &grant, life, &many_id, now)?;
            let line = store::event::Event {
                id: log_id.clone(),
                account_id: account.id.clone(),
                at: now.millis(),
                kind: "app.joined".into(),
                detail: serde_json::json!({ "client": asker.client.id, "app": asker.client.name })
                    .to_string(),
            };
            store::event::add(c, &line)?;
            let refresh = match offline {
                true => Some(asker.begin_family(c, &house, &grant, &secret, now)?),
                false => None,
            };
            Ok(Ok(Award {
                grant,
                to,
                refresh,
                first: true,
                by: "native_sso",
            }))
        })
        .await??;
    // RFC 8693 2.2.1
    Ok(token::sign(app, &client, award, now)?.issued(ACCESS_TOKEN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_device_secret_names_its_grant_and_cannot_be_made_up() {
        let master = Master::new(&[9; 32]);
        let id = Rng::seeded(1).id();
        let secret = device_secret(&master, &id);
        assert_eq!(grant_of(&master, &secret), Some(id.as_str()));
        assert_eq!(grant_of(&Master::new(&[8; 32]), &secret), None);
        let other = Rng::seeded(2).id();
        for bad in [
            String::new(),
            PREFIX.to_owned(),
            secret[1..].to_owned(),
            format!("{secret}A"),
            secret.replace(&id, &other),
            format!("{PREFIX}é{}", &secret[5..]),
        ] {
            assert_eq!(grant_of(&master, &bad), None, "{bad}");
        }
    }
}
