//! Telling apps that a session ended (OpenID Connect Back-Channel Logout 1.0; section numbers are
//! its own).

use std::time::Duration;

use serde_json::json;

use super::claims::Claims;
use crate::clock::Time;

/// `typ` of a logout token (2.4; RFC 8725 3.11).
pub const TYP: &str = "logout+jwt";

/// The member of `events` that makes a token a logout token (2.4).
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good; each try signs a fresh one (PROTOCOL.md 3).
const LIFE: Duration = Duration::from_secs(120);

/// The first wait after a failed try, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a logout token is made of (2.4).
#[derive(Clone, Copy, Debug)]
pub struct LogoutToken<'a> {
    /// Us.
    pub issuer: &'a str,
    /// Who is told.
    pub client_id: &'a str,
    /// Whose session ended, as this client knows them.
    pub sub: &'a str,
    /// Which session.
    pub sid: &'a str,
    /// Its id, drawn anew for each try.
    pub jti: &'a str,
    /// When it is made.
    pub now: Time,
}

/// The claims of a logout token (2.4). There is never a `nonce`, so that it cannot pass for an ID
/// token.
pub fn logout_token(token: &LogoutToken<'_>) -> Claims {
    [
        ("iss", json!(token.issuer)),
        ("sub", json!(token.sub)),
        ("aud", json!(token.client_id)),
        ("iat", json!(token.now.seconds())),
        ("exp", json!(token.now.plus(LIFE).seconds())),
        ("jti", json!(token.jti)),
        ("events", json!({ EVENT: {} })),
        ("sid", json!(token.sid)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// What an app's answer means (2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It ended its session.
    Done,
    /// It refused the token: the same one would be refused again.
    Refused,
    /// It could not now.
    Later,
}

/// What an HTTP status means (2.8). A redirect is not followed, and means nothing.
pub const fn heard(status: u16) -> Heard {
    match status {
        200 | 204 => Heard::Done,
        400 => Heard::Refused,
        _ => Heard::Later,
    }
}

/// When to try next after `tries` failed ones: 5 s, 10 s, 20 s … one hour. `None`: never, because
/// the session would have ended by then (PROTOCOL.md 3).
pub fn again(tries: u32, ends_at: Time, now: Time) -> Option<Time> {
    let wait = FIRST_WAIT
        .saturating_mul(2u32.saturating_pow(tries.saturating_sub(1)))
        .min(LONGEST_WAIT);
    let next = now.plus(wait);
    (next < ends_at).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_token_cannot_pass_for_another() {
        let claims = logout_token(&LogoutToken {
            issuer: "https://steppe.example",
            client_id: "forum",
            sub: "s1",
            sid: "a",
            jti: "j1",
            now: Time::from_seconds(1000),
        });
        let names: Vec<&str> = claims.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]
        );
        assert_eq!(claims["events"], json!({ EVENT: {} }));
        assert_eq!(
            (&claims["iat"], &claims["exp"]),
            (&json!(1000), &json!(1120))
        );
    }

    #[test]
    fn only_200_and_204_are_done_and_400_is_final() {
        for (status, wanted) in [
            (200, Heard::Done),
            (204, Heard::Done),
            (202, Heard::Later),
            (302, Heard::Later),
            (400, Heard::Refused),
            (401, Heard::Later),
            (404, Heard::Later),
            (429, Heard::Later),
            (500, Heard::Later),
            (503, Heard::Later),
        ] {
            assert_eq!(heard(status), wanted, "{status}");
        }
    }

    #[test]
    fn an_app_is_tried_until_the_session_would_have_ended() {
        let (mut now, ends_at) = (Time::from_seconds(0), Time::from_seconds(24 * 3600));
        let mut waits = Vec::new();
        while let Some(next) = again(waits.len() as u32 + 1, ends_at, now) {
            waits.push(next.since(now).as_secs());
            now = next;
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits.iter().max(), Some(&3600));
        assert!(now < ends_at && now.plus(LONGEST_WAIT) >= ends_at);
        assert_eq!(again(u32::MAX, ends_at, ends_at), None);
    }
}
