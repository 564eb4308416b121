//! The status lists that are at hand: each is asked for again when its time is over, by one caller
//! while the others go on, and is believed to its end while the server is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

use crate::remote::FetchError;
use crate::status::List;

/// A server that is down is asked once in this time.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// Lists at hand; a service has few.
const MOST: usize = 256;

/// What came of asking for a list.
pub(crate) enum Answer {
    /// A list, and the tag by which it is known again.
    New(List, Option<String>),
    /// The one that is there is still the newest.
    Same,
}

struct Held {
    list: Arc<List>,
    tag: Option<String>,
    asked_at: SystemTime,
}

#[derive(Default)]
struct Entry {
    held: RwLock<Option<Held>>,
    failed: Mutex<Option<(SystemTime, FetchError)>>,
}

impl Entry {
    /// The list unless its end has come, and whether it is fresh.
    fn held(&self, now: SystemTime) -> Option<(Arc<List>, bool)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| now < held.list.ends_at)?;
        let age = now.duration_since(held.asked_at);
        let fresh = age.is_ok_and(|age| age < held.list.ttl);
        Some((held.list.clone(), fresh))
    }
}

#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<String, Arc<Entry>>>);

impl Lists {
    /// The list at `uri` as of `now`; `ask` fetches it, given the tag of the one at hand.
    pub(crate) fn find(
        &self,
        uri: &str,
        now: SystemTime,
        ask: impl Fn(Option<&str>) -> Result<Answer, FetchError>,
    ) -> Result<Arc<List>, FetchError> {
        let entry = self.entry(uri);
        let held = entry.held(now);
        let mut failed = match (&held, entry.failed.try_lock()) {
            (Some((list, true)), _) => return Ok(list.clone()),
            (_, Ok(failed)) => failed,
            (_, Err(TryLockError::Poisoned(failed))) => failed.into_inner(),
            // Another asks already.
            (Some((list, false)), Err(TryLockError::WouldBlock)) => return Ok(list.clone()),
            (None, Err(TryLockError::WouldBlock)) => {
                entry.failed.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        // Whoever had the lock before may have brought it.
        if let Some((list, true)) = entry.held(now) {
            return Ok(list);
        }
        let soon = |at: &SystemTime| now.duration_since(*at).is_ok_and(|age| age < BETWEEN_TRIES);
        if failed.as_ref().is_none_or(|(at, _)| !soon(at)) {
            let tag = {
                let held = entry.held.read().unwrap_or_else(PoisonError::into_inner);
                held.as_ref().and_then(|held| held.tag.clone())
            };
            *failed = match ask(tag.as_deref()) {
                Ok(answer) => {
                    let mut held = entry.held.write().unwrap_or_else(PoisonError::into_inner);
                    match (answer, held.as_mut()) {
                        (Answer::New(list, tag), _) => {
                            *held = Some(Held {
                                list: Arc::new(list),
                                tag,
                                asked_at: now,
                            });
                        }
                        (Answer::Same, Some(held)) => held.asked_at = now,
                        (Answer::Same, None) => {}
                    }
                    None
                }
                Err(why) => Some((now, why)),
            };
        }
        match (entry.held(now), failed.as_ref()) {
            (Some((list, _)), _) => Ok(list),
            (None, Some((_, why))) => Err(why.clone()),
            (None, None) => Err(FetchError::StatusList(uri.to_owned())),
        }
    }

    fn entry(&self, uri: &str) -> Arc<Entry> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(uri) {
            all.clear();
        }
        all.entry(uri.to_owned()).or_default().clone()
    }
}
