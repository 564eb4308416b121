//! Documents of others that are read again and again: kept for as long as their servers say,
//! within bounds; a failure is kept too, so that nobody makes us ask in a loop (PROTOCOL 6).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Answer, Caller, Failure, Typed};
use crate::clock::Time;

const LEAST_FRESH: Duration = Duration::from_secs(60);
const USUAL_FRESH: Duration = Duration::from_secs(600);
const MOST_FRESH: Duration = Duration::from_secs(3600);
/// An old document stays good for so long while its server is away.
const MOST_STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a failure stands, and how often a fresh document may be asked for anew.
const AGAIN: Duration = Duration::from_secs(60);
/// Documents kept; past it the ones that were read longest ago are forgotten.
const MOST: usize = 1000;

/// What is kept.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<(bool, String), Entry>>);

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

impl Caller {
    /// Reads a document, or gives the one that is kept. An answer other than 200 is a failure.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn document(
        &self,
        typed: Typed,
        address: &str,
        accept: &str,
        wanted: Wanted,
        now: Time,
    ) -> Result<Arc<Answer>, Failure> {
        let key = (typed == Typed::ByStranger, address.to_owned());
        if let Some(kept) = self.cache.find(&key, wanted, now) {
            return kept;
        }
        let read = match self.read(typed, address, accept).await {
            // Our own limit says nothing about the document.
            Err(Failure::Busy) => return Err(Failure::Busy),
            Ok(answer) if answer.status == 200 => Ok(Arc::new(answer)),
            Ok(answer) => Err(Failure::Unreachable(format!("HTTP {}", answer.status))),
            Err(failure) => Err(failure),
        };
        self.cache.keep(key, read, now)
    }
}

impl Cache {
    fn find(
        &self,
        key: &(bool, String),
        wanted: Wanted,
        now: Time,
    ) -> Option<Result<Arc<Answer>, Failure>> {
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

    fn keep(
        &self,
        key: (bool, String),
        read: Result<Arc<Answer>, Failure>,
        now: Time,
    ) -> Result<Arc<Answer>, Failure> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
                    Some(old) if old.outcome.is_ok() && now.since(old.read_at) < MOST_STALE => {
                        (old.outcome.clone(), old.read_at)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> (bool, String) {
        (true, name.to_owned())
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
            let _ = cache.keep(key("a"), answer("1", max_age), at(0));
            let kept = |now| cache.find(&key("a"), Wanted::Kept, at(now)).is_some();
            assert!(kept(seconds - 1) && !kept(seconds), "{max_age:?}");
            assert!(cache.find(&key("b"), Wanted::Kept, at(0)).is_none());
        }
    }

    #[test]
    fn a_fresh_document_is_asked_for_anew_once_a_minute() {
        let cache = Cache::default();
        let _ = cache.keep(key("a"), answer("1", Some(3600)), at(0));
        let asks = |now| cache.find(&key("a"), Wanted::Anew, at(now)).is_none();
        assert!(asks(1));
        let _ = cache.keep(key("a"), answer("2", Some(3600)), at(1));
        assert!(!asks(2) && !asks(60));
        assert!(asks(61));
    }

    #[test]
    fn a_failure_stands_for_a_minute_and_an_old_document_outlives_it() {
        let cache = Cache::default();
        let failed = || Err(Failure::Unreachable("HTTP 500".into()));
        assert!(cache.keep(key("a"), failed(), at(0)).is_err());
        for wanted in [Wanted::Kept, Wanted::Anew] {
            assert!(cache.find(&key("a"), wanted, at(59)).unwrap().is_err());
        }
        assert!(cache.find(&key("a"), Wanted::Kept, at(60)).is_none());
        let _ = cache.keep(key("b"), answer("1", None), at(0));
        assert!(cache.keep(key("b"), failed(), at(600)).is_ok());
        assert!(cache.keep(key("b"), failed(), at(24 * 3600)).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = Cache::default();
        for number in 0..(MOST + 50) {
            let now = at(i64::try_from(number).unwrap());
            let _ = cache.keep(key(&number.to_string()), answer("1", None), now);
        }
        let all = cache.0.lock().unwrap();
        assert_eq!(all.len(), MOST);
        assert!(!all.contains_key(&key("0")) && all.contains_key(&key("1049")));
    }
}
