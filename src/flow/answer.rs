//! What a request is answered with: a code that stands on disk, signed on its way where the client
//! asked for that (RFC 6749 4.1.2, JARM).

use std::sync::Arc;

use super::authorize::{Outcome, Refused, Scene, trusted};
use super::opaque::Kind;
use super::{document, grants, keyring, request};
use crate::account::Session;
use crate::app::App;
use crate::clock::Time;
use crate::keys::ISSUER;
use crate::oauth::client::Client;
use crate::oauth::error::Problem;
use crate::oauth::grant::{Code, Grant};
use crate::oauth::jarm::{self, Answer};
use crate::oauth::redirect::Response;
use crate::oauth::scope;
use crate::oauth::service::Algorithm;
use crate::oauth::token::is_offline;
use crate::rng::digest;
use crate::store::event::Event;
use crate::store::{self, Error};

/// Gives the code, or lets the app elsewhere go on.
pub(super) async fn issue(
    app: &Arc<App>,
    scene: Scene,
    account_id: String,
    sid: String,
    scopes: Vec<String>,
    now: Time,
) -> Result<Outcome, Error> {
    let Some((session, account)) = scene.here.of(&account_id).cloned() else {
        return Ok(Outcome::Gone);
    };
    if scene.checked.delivery.signed {
        // A key that is still being made must not cost anyone their code.
        ready(app, &scene.client, now).await?;
    }
    let secret = Kind::Code.dress(app.keys.master(), &app.rng.secret());
    let offline = is_offline(&scene.client, &scopes);
    let grant = Grant {
        id: app.rng.id(),
        account_id: account_id.clone(),
        client_id: scene.client.id.clone(),
        sid,
        // What was allowed for single claims' sake is no scope of a token.
        scopes: [
            scope::cut(&scene.checked.scopes, &scopes),
            scene.checked.manages.clone(),
        ]
        .concat(),
        claims: scene.checked.claims.cut(&scopes),
        details: scene.checked.details.clone(),
        resources: scene.checked.resources.clone(),
        offline,
        nonce: scene.checked.nonce.clone(),
        auth_time: session.auth_time,
        amr: session.amr.clone(),
        dpop_jkt: scene.checked.dpop_jkt.clone(),
        managed: None,
        created_at: now,
        revoked_at: None,
    };
    let waits = scene.stored.device.clone();
    let unlisted = scene.stored.unlisted.clone();
    let code = Code {
        hash: digest(&secret),
        grant_id: grant.id.clone(),
        redirect_uri: scene.checked.redirect.as_str().to_owned(),
        challenge: scene.checked.challenge.clone(),
        expires_at: now.plus(scene.client.code_life(app.config.tokens.code_ttl)),
        used_at: None,
        wrong: 0,
    };
    let tokens = app.config.tokens;
    let (action, client) = (scene.checked.action.clone(), scene.client.clone());
    let first_party = scene.checked.first_party;
    let on_device = waits.is_some();
    // What was allowed by a click on the consent page is remembered with what was before; what
    // was left out there is forgotten.
    let asked = scene.checked.asked();
    let allowed = scene.stored.marks.allowed.as_ref();
    let allowed = allowed
        .filter(|(whose, _)| *whose == account_id)
        .map(|_| scopes);
    let (id, client_id) = (scene.stored.id.clone(), scene.client.id.clone());
    let line = line(app, &scene, &session, "app.allowed", now);
    let house = app.clone();
    let done = app
        .store
        .write(move |c| {
            // What the operator takes from the app, or the app itself, comes before or after.
            let filed = store::client::hold(c, &client_id)?;
            let is_new = filed.is_none();
            let now_is = filed.or_else(|| unlisted.as_deref().cloned());
            if now_is.map(|now_is| trusted(&house, now_is)).as_ref() != Some(&client) {
                return Err(Error::Stale);
            }
            // The session may have ended, or the account been closed, since it was read.
            // Both are held, so that whoever ends them now sees this grant and ends it too.
            let alive =
                store::account::hold(c, &account_id, None)? && store::browser::hold(c, &grant.sid)?;
            if !alive {
                return Ok(false);
            }
            // What was allowed earlier may have been taken back since it was read.
            let before = store::grant::consent(c, &account_id, &client_id)?;
            let on_file = before.as_deref().unwrap_or_default();
            if allowed.is_none() && !first_party && !scope::within(&asked, on_file) {
                return Err(Error::Stale);
            }
            if let Some(waits) = &waits {
                if !store::pending::decide(c, &waits.hash, Some(&grant.id), now)? {
                    return Ok(false); // it ran out, or was decided in another browser
                }
                request::give(c, &id, &grant.id, now)?;
            }
            // A double click leaves the first code on its way: it is taken back, and this browser
            // gets another.
            let first = store::request::answer(c, &id, now)?;
            if !first && !request::take_back(c, &id, now)? {
                return Ok(false);
            }
            if let Some(scopes) = &allowed {
                let mut all = on_file.to_vec();
                all.retain(|scope| !asked.contains(scope));
                all.extend(scopes.iter().cloned());
                all.sort_unstable();
                if first || before.as_ref() != Some(&all) {
                    store::grant::allow(c, &account_id, &client_id, &all, now)?;
                    store::event::add(c, &line)?;
                }
            }
            if let Some(unlisted) = unlisted.as_ref().filter(|_| is_new) {
                document::put_on_file(c, unlisted, now)?;
            }
            if client.is_strangers() {
                store::registered::note_use(c, &client.id, now)?;
            }
            let settled = grants::settle(c, action.as_ref(), grant.clone(), first_party, now)?;
            let Some(mut grant) = settled else {
                return Err(Error::Stale); // the one that it was to change was ended meanwhile
            };
            // What the operator took from the app since is not brought back by a merge.
            grant.scopes.retain(|name| client.may_have(name));
            grant.offline = is_offline(&client, &grant.scopes);
            // Until the app has come for it: what waits for that stays no longer.
            let wait = if waits.is_some() {
                tokens.device_ttl
            } else {
                tokens.code_ttl
            };
            store::grant::add(c, &grant, now.plus(wait + tokens.access_ttl))?;
            if waits.is_none() {
                store::grant::add_code(c, &code)?;
                grants::bound_waiting(c, &grant)?;
                request::give(c, &id, &code.hash, now)?;
            }
            Ok(true)
        })
        .await?;
    if !done {
        return Ok(Outcome::Gone);
    }
    tracing::info!(
        user = account.username,
        client = scene.client.id,
        device = on_device,
        "authorize.granted"
    );
    if on_device {
        return Ok(Outcome::Device(true));
    }
    let answer = scene.checked.grant(&secret, app.config.issuer());
    let answer = dress(app, &scene.client, &answer).await?;
    Ok(Outcome::Answer(answer, None))
}

/// A line of a person's log about the app of a request.
fn line(app: &App, scene: &Scene, session: &Session, kind: &str, now: Time) -> Event {
    Event {
        id: app.rng.id(),
        account_id: session.account_id.clone(),
        at: now.millis(),
        kind: kind.to_owned(),
        detail: serde_json::json!({
            "client": scene.client.id,
            "app": scene.client.name,
            "device": session.agent,
            "network": session.network,
        })
        .to_string(),
    }
}

/// Answers with a refusal. It may be said twice; after a code only where the person says no to
/// what they allowed a moment ago, and the app has not used it yet: the code and what was allowed
/// are taken back.
pub(super) async fn refuse(
    app: &Arc<App>,
    scene: Scene,
    problem: Problem,
    now: Time,
) -> Result<Outcome, Error> {
    let marks = &scene.stored.marks;
    let allowed = marks.allowed.as_ref().filter(|_| marks.declined);
    let undone = allowed.and_then(|(account_id, _)| {
        let (session, _) = scene.here.of(account_id)?;
        Some(line(app, &scene, session, "app.removed", now))
    });
    let (was_granted, declined) = (scene.stored.is_granted(), marks.declined);
    let (id, asked) = (scene.stored.id.clone(), scene.checked.asked());
    let client_id = scene.client.id.clone();
    let open = app
        .store
        .write(move |c| {
            if let Some(line) = &undone {
                store::account::hold(c, &line.account_id, None)?;
            }
            let again = request::find(c, &id, now)?.is_some_and(|it| it.is_refused());
            if again || store::request::answer(c, &id, now)? {
                return Ok(true);
            }
            let taken = declined && request::take_back(c, &id, now)?;
            if let Some(line) = undone.as_ref().filter(|_| taken) {
                store::grant::disallow(c, &line.account_id, &client_id, &asked, now)?;
                store::event::add(c, line)?;
            }
            Ok(taken)
        })
        .await?;
    let refusal = scene.checked.refuse(problem.clone());
    let refused = Refused(Box::new(refusal), Some(scene.client.into()));
    Ok(match refused.response(app).await? {
        Ok(response) if open => Outcome::Answer(response, Some(problem)),
        _ if was_granted && declined => Outcome::Used,
        _ => Outcome::Gone,
    })
}

/// Signs an answer where the client asked for it (JARM 2.2).
pub(super) async fn dress(
    app: &Arc<App>,
    client: &Client,
    answer: &Answer,
) -> Result<Response, Error> {
    if !answer.is_signed() {
        return Ok(answer.plain());
    }
    let now = app.clock.now();
    let algorithm = ready(app, client, now).await?;
    let claims = answer.claims(&client.id, now);
    let token = app.keys.sign(ISSUER, algorithm, jarm::TYPE, &claims, now);
    Ok(answer.sealed(&token.map_err(|error| Error::Busy(error.to_string()))?))
}

/// The algorithm of a client's signed answers, once its key is there.
async fn ready(app: &Arc<App>, client: &Client, now: Time) -> Result<Algorithm, Error> {
    let algorithm = client.response_algorithm();
    keyring::have(app, algorithm, now).await?;
    Ok(algorithm)
}
