//! ID tokens of ours that come back to say who is meant (OpenID Connect Core 3.1.2.1, RP-Initiated
//! Logout 2, CIBA 7.1, Native SSO 4.3).

use std::time::Duration;

use crate::app::App;
use crate::clock::Time;

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
        ds_hash: text("ds_hash"),
    })
}
