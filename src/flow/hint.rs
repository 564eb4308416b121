//! Whom an app expects to sign in.

use std::time::Duration;

use super::authorize::Scene;
use super::subject;
use crate::app::App;
use crate::clock::Time;
use crate::oauth::next::{SessionView, may_tell};

/// A hint may be this old (PROTOCOL 3).
const HINT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Who is expected, by `id_token_hint` and by `sub` in `claims` (OpenID Connect Core 3.1.2.2): of
/// several, whoever is signed in, and lets the client in. Each is read as the client's own `sub`.
pub(super) fn expected(
    app: &App,
    scene: &Scene,
    sessions: &[SessionView],
    now: Time,
) -> Option<String> {
    let checked = &scene.checked;
    let meant = |sub: String| {
        let here = scene.here.signed_in.iter().map(|(_, account)| account);
        subject::meant(app, &scene.client, &sub, here)
    };
    let hint = checked.id_token_hint.as_deref();
    let hinted = hint.and_then(|hint| hinted(app, hint, now)).map(meant);
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

/// Whom an `id_token_hint` names. One that is not ours, or older than a year, names nobody.
fn hinted(app: &App, hint: &str, now: Time) -> Option<String> {
    let read = app.keys.read(hint, "JWT")?;
    let text = |name: &str| read.claims.get(name).and_then(|value| value.as_str());
    let exp = read.claims.get("exp")?.as_i64()?;
    let fits =
        text("iss") == Some(app.config.issuer()) && now.since(Time::from_seconds(exp)) <= HINT;
    text("sub").filter(|_| fits).map(str::to_owned)
}
