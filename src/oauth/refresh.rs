//! Refresh tokens: those of a grant are a family, of which one counts at a time (RFC 6749 6,
//! RFC 9700 4.14.2; PROTOCOL.md 2). The client has proved itself before.

use std::time::Duration;

use super::binding::Binding;
use super::client::Client;
use super::error::{Code, Problem};
use super::grant::Grant;
use super::scope;
use super::token::{Exchange, is_offline};
use crate::clock::Time;

/// So many exchanges in a row are remembered with their time, for a late answer. Whoever makes more
/// within [`Lifetimes::grace`] and shows an older token yet is taken for a thief.
const MAX_USED: usize = 16;

/// The refresh tokens of a grant. Each token tells its own place in the family, so that the one that
/// counts is all that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The grant they belong to.
    pub grant_id: String,
    /// Digest of the one that counts.
    pub hash: String,
    /// Its number: 0 for the first; one more for each successor.
    pub generation: i64,
    /// When it was made.
    pub created_at: Time,
    /// When one of them was last exchanged; at first, when it was given.
    pub used_at: Time,
    /// When those just before it were first exchanged, the latest first.
    pub used: Vec<Time>,
    /// The end without use.
    pub idle_until: Time,
    /// The end in any case.
    pub ends_at: Time,
    /// The key that they are bound to: with public clients that proved one (RFC 9449 5, RFC 8705 4).
    pub binding: Option<Binding>,
}

/// A token that is shown, as far as it tells its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub generation: i64,
    /// Its digest.
    pub hash: String,
    /// The digest of the one that follows it.
    pub successor: String,
}

impl Family {
    /// Whether this is the token that counts.
    pub fn counts(&self, generation: i64, hash: &str) -> bool {
        generation == self.generation && hash == self.hash
    }

    /// When a token before the one that counts was first exchanged; `None` when that is forgotten,
    /// and long ago.
    fn used_at(&self, generation: i64) -> Option<Time> {
        let back = self.generation.checked_sub(generation)?.checked_sub(1)?;
        self.used.get(usize::try_from(back).ok()?).copied()
    }

    /// With the next token in the place of this one.
    fn turned(&self, successor: String, now: Time, lifetimes: &Lifetimes) -> Self {
        // Somebody who read the clock before this may still be waiting for the lock.
        let recent = |at: &Time| now.since(*at) <= lifetimes.grace * 2;
        let earlier = self.used.iter().copied().filter(recent);
        Self {
            hash: successor,
            generation: self.generation.saturating_add(1),
            created_at: now,
            used: std::iter::once(now).chain(earlier).take(MAX_USED).collect(),
            ..self.kept(now, lifetimes)
        }
    }

    /// With a later end without use.
    fn kept(&self, now: Time, lifetimes: &Lifetimes) -> Self {
        Self {
            used_at: now,
            idle_until: now.plus(lifetimes.idle).min(self.ends_at),
            ..self.clone()
        }
    }
}

/// How long refresh tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub max: Duration,
    /// After the first use, while the same successor is given again.
    pub grace: Duration,
}

impl Lifetimes {
    /// `idle_until` and `ends_at` of a new family.
    pub fn first(&self, now: Time) -> (Time, Time) {
        let ends_at = now.plus(self.max);
        (now.plus(self.idle).min(ends_at), ends_at)
    }
}

/// What becomes of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Give the successor.
    Fresh {
        /// The family from here on.
        family: Box<Family>,
        /// Scopes of the new access token, before the cut to its audience.
        scopes: Vec<String>,
    },
    /// The answer was lost: give the same successor again.
    Retry {
        /// As above.
        scopes: Vec<String>,
    },
    /// A confidential client, or one with a bound token, keeps it; only the idle end moves.
    Keep {
        /// As above.
        family: Box<Family>,
        /// As above.
        scopes: Vec<String>,
    },
    /// It was used before. Answered as `invalid_grant`.
    Replayed {
        /// Revoke the grant and record it.
        end_family: bool,
    },
    /// Nothing changes.
    Refused(Problem),
}

impl Rotation {
    /// The answer to a replay.
    pub fn replay() -> Problem {
        Problem::new(Code::InvalidGrant, "the refresh token was used before")
    }
}

/// Judges a refresh token.
pub fn rotate(
    family: &Family,
    shown: &Shown,
    grant: &Grant,
    client: &Client,
    exchange: &Exchange,
    now: Time,
    lifetimes: &Lifetimes,
) -> Rotation {
    let refuse = |why| Rotation::Refused(Problem::new(Code::InvalidGrant, why));
    if let Err(problem) = exchange.allowed(client) {
        return Rotation::Refused(problem);
    }
    let Exchange::Refresh { scope: asked, .. } = exchange else {
        return refuse("this is no exchange of a refresh token");
    };
    if family.grant_id != grant.id || grant.client_id != client.id {
        return refuse("the refresh token was not given to this client");
    }
    let was_used = shown.generation < family.generation;
    let is_last = was_used && shown.successor == family.hash;
    if !was_used && !family.counts(shown.generation, &shown.hash) {
        // From a time that a restored backup knows nothing of.
        return refuse("the refresh token is unknown");
    }
    if grant.revoked_at.is_some() {
        return refuse("what the refresh token stands for has been ended");
    }
    if family.ends_at <= now {
        return refuse("the refresh token has run out");
    }
    // A replay outside the grace is theft however old the token is, and whatever it asks for.
    let in_grace = |at: Time| now.since(at) <= lifetimes.grace;
    if was_used && !family.used_at(shown.generation).is_some_and(in_grace) {
        return Rotation::Replayed { end_family: true };
    }
    if family.idle_until <= now {
        return refuse("the refresh token was not used for too long");
    }
    // PROTOCOL.md 2: a retry too may have no more than was granted. It need not ask for the same as
    // the first use did: the successor that it brings may ask for all of that.
    let scopes = match asked {
        None => grant.scopes.clone(),
        Some(asked) if scope::within(asked, &grant.scopes) => asked.clone(),
        // RFC 6749 6: no scope that was not granted.
        Some(_) => {
            return Rotation::Refused(Problem::new(
                Code::InvalidScope,
                "scope asks for more than was granted",
            ));
        }
    };
    // What the operator took from the app since.
    if grant.offline && !is_offline(client, &grant.scopes) {
        let why = "this client may not stay signed in any more";
        return Rotation::Refused(
            Problem::new(Code::InvalidGrant, why).mend(format!("gerege client show {}", client.id)),
        );
    }
    if is_last {
        return Rotation::Retry { scopes };
    }
    if was_used {
        return Rotation::Replayed { end_family: false };
    }
    // PROTOCOL.md 2: one that is bound to a key is worth nothing to a thief, and is kept.
    if client.is_public() && family.binding.is_none() {
        let family = family.turned(shown.successor.clone(), now, lifetimes);
        return Rotation::Fresh {
            family: Box::new(family),
            scopes,
        };
    }
    Rotation::Keep {
        family: Box::new(family.kept(now, lifetimes)),
        scopes,
    }
}

#[cfg(test)]
#[path = "refresh_test.rs"]
mod tests;
