//! How long a browser stays signed in, and how long a proof is fresh.

use std::time::Duration;

use crate::clock::Time;

/// One signed-in account in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `sid`, which names the row: stays the same while the cookie's value changes (OpenID Connect Front-Channel 3).
    pub sid: String,
    /// The browser record that holds it.
    pub browser_id: String,
    /// Whose it is.
    pub account_id: String,
    /// When the person last proved who they are (OpenID Connect Core 2, `auth_time`).
    pub auth_time: Time,
    /// How they proved it (RFC 8176).
    pub amr: Vec<String>,
    /// "Keep me signed in on this device" was ticked.
    pub keep: bool,
    /// The browser in words, such as `Firefox on Linux`.
    pub agent: String,
    /// The network it was last seen from, shortened.
    pub network: String,
    /// When it began.
    pub created_at: Time,
    /// When it was last used.
    pub seen_at: Time,
    /// When it ends, used or not.
    pub ends_at: Time,
    /// When it was signed out.
    pub ended_at: Option<Time>,
    /// A newer agreement was put off until the next sign-in.
    pub terms_later: bool,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unused, not kept.
    pub idle: Duration,
    /// In all, not kept.
    pub total: Duration,
    /// Unused, kept.
    pub keep_idle: Duration,
    /// In all, kept.
    pub keep_total: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// A proof is fresh for 10 minutes (SECURITY R41).
pub const PROOF: Duration = Duration::from_secs(600);

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: HOUR.saturating_mul(12),
            total: DAY,
            keep_idle: DAY.saturating_mul(60),
            keep_total: DAY.saturating_mul(180),
        }
    }
}

impl Lifetimes {
    /// The instant at which a session that begins at `start` ends, used or not.
    pub fn ends_at(&self, keep: bool, start: Time) -> Time {
        start.plus(if keep { self.keep_total } else { self.total })
    }

    /// The instant at which a session last used at `seen` ends if it is not used again.
    pub fn idle_at(&self, keep: bool, seen: Time) -> Time {
        seen.plus(if keep { self.keep_idle } else { self.idle })
    }
}

impl Session {
    /// Whether the person is signed in by it.
    pub fn alive(&self, lifetimes: &Lifetimes, now: Time) -> bool {
        self.ended_at.is_none()
            && now < self.ends_at
            && now < lifetimes.idle_at(self.keep, self.seen_at)
    }

    /// Whether the last proof is at most `within` old ([`PROOF`] unless configured). A proof from
    /// the future is none.
    pub fn fresh_proof(&self, within: Duration, now: Time) -> bool {
        self.auth_time <= now && now.since(self.auth_time) <= within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(keep: bool) -> Session {
        let start = Time::from_seconds(1_000_000);
        Session {
            sid: "sid".into(),
            browser_id: "browser".into(),
            account_id: "account".into(),
            auth_time: start,
            amr: vec!["pwd".into()],
            keep,
            agent: "Firefox on Linux".into(),
            network: "192.0.2.0/24".into(),
            created_at: start,
            seen_at: start,
            ends_at: Lifetimes::default().ends_at(keep, start),
            ended_at: None,
            terms_later: false,
        }
    }

    fn after(session: &Session, span: Duration) -> Time {
        session.created_at.plus(span)
    }

    #[test]
    fn a_session_ends_when_unused_and_in_any_case() {
        let lives = Lifetimes::default();
        for (keep, idle, total) in [(false, HOUR * 12, HOUR * 24), (true, DAY * 60, DAY * 180)] {
            let mut session = session(keep);
            let edge = Duration::from_millis(1);
            assert!(session.alive(&lives, after(&session, idle - edge)));
            assert!(!session.alive(&lives, after(&session, idle)));
            session.seen_at = after(&session, total - edge);
            assert!(session.alive(&lives, after(&session, total - edge)));
            assert!(!session.alive(&lives, after(&session, total)));
        }
    }

    #[test]
    fn a_session_signed_out_is_dead_at_once() {
        let mut session = session(true);
        session.ended_at = Some(session.created_at);
        assert!(!session.alive(&Lifetimes::default(), session.created_at));
    }

    #[test]
    fn a_proof_is_fresh_for_10_minutes() {
        let session = session(false);
        let minutes = |n: u64| after(&session, Duration::from_secs(n * 60));
        assert!(session.fresh_proof(PROOF, minutes(10)));
        assert!(!session.fresh_proof(PROOF, minutes(11)));
        let before = session.auth_time.minus(Duration::from_millis(1));
        assert!(!session.fresh_proof(PROOF, before));
    }
}
