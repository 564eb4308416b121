//! Documents of others that are read again and again: kept for as long as their servers say,
//! within bounds; a failure is kept too, so that nobody makes us ask in a loop (PROTOCOL 6).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Answer, Caller, FOR_ONE_NETWORK, Failure, Typed};
use crate::clock::Time;
use crate::limit;

const LEAST_FRESH: Duration = Duration::from_secs(60);
const USUAL_FRESH: Duration = Duration::from_secs(600);
const MOST_FRESH: Duration = Duration::from_secs(3600);
/// An old document stays good for so long while its server is away.
const MOST_STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a failure stands, and how often a fresh document may be asked for anew.
const AGAIN: Duration = Duration::from_secs(60);
/// Documents kept; past it the ones that were read longest ago are forgotten.
const MOST: usize = 1000;

/// What a document is read for. Each is kept by itself: an app that has an address read for one
/// thing, which is nothing there, must not shut out another that has it read for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// An app's metadata document.
    Metadata,
    /// An app's public keys.
    Keys,
    /// A request object.
    Request,
    /// The list of a sector's addresses.
    Sector,
}

impl Purpose {
    /// The media types that are asked for.
    fn accept(self) -> &'static str {
        match self {
            Self::Metadata | Self::Keys | Self::Sector => "application/json",
            Self::Request => "application/oauth-authz-req+jwt, application/jwt",
        }
    }
}

/// Whether a stranger typed it, what for, and the address.
pub(super) type Key = (bool, Purpose, String);

/// What is kept.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, Entry>>);

struct Entry {
    outcome: Result<Arc<Answer>, Failure>,
    /// When the document was read.
    read_at: Time,
    fresh_until: Time,
    /// When it was last asked for anew although it was fresh.
    again_at: Option<Time>,
    used_at: Time,
}

/// How fresh a document has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As its server says.
    Kept,
    /// It did not serve: asked for anew, once a minute at most.
    Anew,
}

/// Says of a document that it is good, or why not.
type Good<'a> = &'a (dyn Fn(&Answer) -> Result<(), String> + Sync);

/// A document that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who typed its address.
    pub typed: Typed,
    /// Its address.
    pub address: &'a str,
    /// What for.
    pub purpose: Purpose,
    /// How fresh it has to be.
    pub wanted: Wanted,
    /// Who makes us call, where it is anyone who likes: few calls at once for each network.
    pub asker: Option<IpAddr>,
}

impl Ask<'_> {
    fn key(&self) -> Key {
        let stranger = self.typed == Typed::ByStranger;
        (stranger, self.purpose, self.address.to_owned())
    }
}

impl Caller {
    /// Reads a document, or gives the one that is kept. An answer other than 200 is a failure,
    /// and is kept for a minute.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn document(&self, ask: Ask<'_>, now: Time) -> Result<Arc<Answer>, Failure> {
        self.wanted(ask, now, None).await
    }

    /// As [`Self::document`], but only what `good` takes is kept, and no failure: for documents
    /// whose askers are bounded.
    ///
    /// # Errors
    /// [`Failure`]; `Unfit` with what `good` said.
    pub async fn good_document(
        &self,
        ask: Ask<'_>,
        now: Time,
        good: Good<'_>,
    ) -> Result<Arc<Answer>, Failure> {
        self.wanted(ask, now, Some(good)).await
    }

    /// What is kept, if it is as fresh as wanted: no call is made.
    pub fn kept(&self, ask: Ask<'_>, now: Time) -> Option<Result<Arc<Answer>, Failure>> {
        self.cache.find(&ask.key(), ask.wanted, now)
    }

    /// A document that was read within a day, where a newer one cannot be had.
    pub fn stale(&self, ask: Ask<'_>, now: Time) -> Option<Arc<Answer>> {
        self.cache.stale(&ask.key(), now)
    }

    async fn wanted(
        &self,
        ask: Ask<'_>,
        now: Time,
        good: Option<Good<'_>>,
    ) -> Result<Arc<Answer>, Failure> {
        if let Some(kept) = self.kept(ask, now) {
            return kept;
        }
        let fly = async {
            let read = match self.bounded(ask).await {
                // Our own limits say nothing about the document.
                Err(Failure::Busy) => return self.stale(ask, now).ok_or(Failure::Busy),
                Ok(answer) if answer.status == 200 => Ok(answer),
                Ok(answer) => Err(Failure::Unreachable(format!("HTTP {}", answer.status))),
                Err(failure) => Err(failure),
            };
            let read = read.and_then(|answer| match good.map(|good| good(&answer)) {
                Some(Err(why)) => Err(Failure::Unfit(why)),
                _ => Ok(Arc::new(answer)),
            });
            self.cache.keep(ask.key(), read, good.is_none(), now)
        };
        self.under_way.join(ask.key(), fly).await
    }

    async fn bounded(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let asker = ask.asker.map(limit::network);
        let place = asker.map(|asker| self.askers.enter(asker, FOR_ONE_NETWORK));
        if matches!(place, Some(None)) {
            return Err(Failure::Busy);
        }
        self.read(ask.typed, ask.address, ask.purpose.accept())
            .await
    }
}

impl Cache {
    fn find(&self, key: &Key, wanted: Wanted, now: Time) -> Option<Result<Arc<Answer>, Failure>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get_mut(key)?;
        entry.used_at = now;
        if now >= entry.fresh_until {
            return None;
        }
        if wanted == Wanted::Anew
            && entry.outcome.is_ok()
            && entry.again_at.is_none_or(|at| now.since(at) >= AGAIN)
        {
            entry.again_at = Some(now);
            return None;
        }
        Some(entry.outcome.clone())
    }

    fn stale(&self, key: &Key, now: Time) -> Option<Arc<Answer>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get(key).filter(|entry| is_stale(entry, now))?;
        entry.outcome.clone().ok()
    }

    fn keep(
        &self,
        key: Key,
        read: Result<Arc<Answer>, Failure>,
        failures: bool,
        now: Time,
    ) -> Result<Arc<Answer>, Failure> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(failure @ Failure::Unfit(_)) = read {
            // What it was before counts no more.
            all.remove(&key);
            return Err(failure);
        }
        let old = all.get(&key);
        let again_at = old.and_then(|old| old.again_at);
        let entry = match read {
            Ok(answer) => Entry {
                fresh_until: now.plus(
                    answer
                        .max_age
                        .unwrap_or(USUAL_FRESH)
                        .clamp(LEAST_FRESH, MOST_FRESH),
                ),
                outcome: Ok(answer),
                read_at: now,
                again_at,
                used_at: now,
            },
            Err(failure) => {
                let (outcome, read_at) = match old {
                    Some(old) if is_stale(old, now) => (old.outcome.clone(), old.read_at),
                    _ if !failures => {
                        all.remove(&key);
                        return Err(failure);
                    }
                    _ => (Err(failure), now),
                };
                Entry {
                    outcome,
                    read_at,
                    fresh_until: now.plus(AGAIN),
                    again_at,
                    used_at: now,
                }
            }
        };
        let outcome = entry.outcome.clone();
        if all.len() >= MOST && !all.contains_key(&key) {
            let oldest = all.iter().min_by_key(|(_, entry)| entry.used_at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(key, entry);
        outcome
    }
}

/// A good one, not too old to stand in for a newer.
fn is_stale(entry: &Entry, now: Time) -> bool {
    entry.outcome.is_ok() && now.since(entry.read_at) < MOST_STALE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (true, Purpose::Keys, name.to_owned())
    }

    fn answer(body: &str, max_age: Option<u64>) -> Result<Arc<Answer>, Failure> {
        Ok(Arc::new(Answer {
            status: 200,
            kind: "application/json".into(),
            max_age: max_age.map(Duration::from_secs),
            body: body.into(),
        }))
    }

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    #[test]
    fn a_document_is_kept_as_long_as_its_server_says_within_bounds() {
        for (max_age, seconds) in [
            (None, 600),
            (Some(0), 60),
            (Some(5), 60),
            (Some(90), 90),
            (Some(1_000_000), 3600),
        ] {
            let cache = Cache::default();
            let _ = cache.keep(key("a"), answer("1", max_age), true, at(0));
            let kept = |now| cache.find(&key("a"), Wanted::Kept, at(now)).is_some();
            assert!(kept(seconds - 1) && !kept(seconds), "{max_age:?}");
            assert!(cache.find(&key("b"), Wanted::Kept, at(0)).is_none());
        }
    }

    #[test]
    fn a_fresh_document_is_asked_for_anew_once_a_minute() {
        let cache = Cache::default();
        let _ = cache.keep(key("a"), answer("1", Some(3600)), true, at(0));
        let asks = |now| cache.find(&key("a"), Wanted::Anew, at(now)).is_none();
        assert!(asks(1));
        let _ = cache.keep(key("a"), answer("2", Some(3600)), true, at(1));
        assert!(!asks(2) && !asks(60));
        assert!(asks(61));
    }

    #[test]
    fn a_failure_stands_for_a_minute_and_an_old_document_outlives_it() {
        let cache = Cache::default();
        let failed = || Err(Failure::Unreachable("HTTP 500".into()));
        assert!(cache.keep(key("a"), failed(), true, at(0)).is_err());
        for wanted in [Wanted::Kept, Wanted::Anew] {
            assert!(cache.find(&key("a"), wanted, at(59)).unwrap().is_err());
        }
        assert!(cache.find(&key("a"), Wanted::Kept, at(60)).is_none());
        let _ = cache.keep(key("b"), answer("1", None), true, at(0));
        assert!(cache.keep(key("b"), failed(), true, at(600)).is_ok());
        assert!(cache.keep(key("b"), failed(), true, at(24 * 3600)).is_err());
    }

    #[test]
    fn where_failures_are_not_kept_only_an_old_good_one_stands_in() {
        let cache = Cache::default();
        let failed = || Err(Failure::Unreachable("HTTP 500".into()));
        let kept = |now| cache.find(&key("a"), Wanted::Kept, at(now));
        assert!(cache.keep(key("a"), failed(), false, at(0)).is_err());
        assert!(kept(0).is_none());
        let _ = cache.keep(key("a"), answer("1", None), false, at(0));
        assert!(cache.keep(key("a"), failed(), false, at(600)).is_ok());
        assert!(kept(659).is_some() && kept(660).is_none());
        assert!(cache.stale(&key("a"), at(660)).is_some());
        assert!(cache.stale(&key("a"), at(24 * 3600)).is_none());
        let unfit = Err(Failure::Unfit("no".into()));
        assert!(cache.keep(key("a"), unfit, false, at(661)).is_err());
        assert!(
            cache.stale(&key("a"), at(661)).is_none(),
            "it is another now"
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = Cache::default();
        for number in 0..(MOST + 50) {
            let now = at(i64::try_from(number).unwrap());
            let _ = cache.keep(key(&number.to_string()), answer("1", None), true, now);
        }
        let all = cache.0.lock().unwrap();
        assert_eq!(all.len(), MOST);
        assert!(!all.contains_key(&key("0")) && all.contains_key(&key("1049")));
    }
}
