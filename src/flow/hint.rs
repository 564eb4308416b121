//! ID tokens of ours that come back to say who is meant (OpenID Connect Core 3.1.2.1, RP-Initiated
//! Logout 2, CIBA 7.1, Native SSO 4.3), and whom an app expects to sign in.

use std::time::Duration;

use super::authorize::Scene;
use super::subject;
use crate::app::App;
use crate::clock::Time;
use crate::oauth::next::{SessionView, may_tell};

/// A hint may have run out this long ago (PROTOCOL 3).
const OLDEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What such a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Whom it was given to; empty when that cannot be read.
    pub client_id: String,
    /// Whom it speaks of, as that client knows them.
    pub sub: String,
    /// The session that it came from.
    pub sid: Option<String>,
    /// The grant that it came from, where `sub` and `sid` are only this client's.
    pub gid: Option<String>,
    /// The digest of the device secret that was given with it.
    pub ds_hash: Option<String>,
}

/// Reads one. What is not ours, is no ID token (SECURITY R55), or is older than a year says nothing.
pub fn read(app: &App, token: &str, now: Time) -> Option<Hint> {
    let read = app.keys.read(token, "JWT")?;
    let text = |name: &str| {
        let value = read.claims.get(name).and_then(serde_json::Value::as_str);
        value.map(str::to_owned)
    };
    let exp = read.claims.get("exp")?.as_i64()?;
    let fits = text("iss").as_deref() == Some(app.config.issuer())
        && now.since(Time::from_seconds(exp)) <= OLDEST;
    if !fits {
        return None;
    }
    Some(Hint {
        client_id: text("aud").unwrap_or_default(),
        sub: text("sub")?,
        sid: text("sid"),
        gid: text("gid"),
        ds_hash: text("ds_hash"),
    })
}

/// Who is expected: who was asked by name (CIBA); else by `id_token_hint` and by `sub` in `claims`
/// (OpenID Connect Core 3.1.2.2): of several, whoever is signed in, and lets the client in. Each is
/// read as the client's own `sub`.
pub(super) fn expected(
    app: &App,
    scene: &Scene,
    sessions: &[SessionView],
    now: Time,
) -> Option<String> {
    if let Some(waits) = &scene.stored.device {
        return waits.account_id.clone();
    }
    let checked = &scene.checked;
    let meant = |sub: String| {
        let here = scene.here.signed_in.iter().map(|(_, account)| account);
        subject::meant(app, &scene.client, &sub, here)
    };
    let hinted = checked.id_token_hint.as_deref();
    let hinted = hinted.and_then(|hint| read(app, hint, now));
    let hinted = hinted.map(|hint| meant(hint.sub));
    let mut subs = checked.subs.iter().cloned().map(meant);
    match hinted {
        _ if checked.subs.is_empty() => hinted,
        // Two that disagree name nobody.
        Some(hinted) => Some(subs.find(|sub| *sub == hinted).unwrap_or_default()),
        None => {
            let subs: Vec<String> = subs.collect();
            let is_here = |sub: &&String, told: bool| {
                let mut own = sessions.iter().filter(|one| one.account_id == **sub);
                own.any(|one| !told || may_tell(checked, one))
            };
            let let_in = subs.iter().find(|sub| is_here(sub, true));
            let here = || subs.iter().find(|sub| is_here(sub, false));
            let_in.or_else(here).or(subs.first()).cloned()
        }
    }
}
