//! Who has a call under way: so many at once for each host that is called and for each network
//! that makes us call, and one for each document.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OnceCell;

/// Counts by key.
#[derive(Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<String, usize>>>);

/// A place in a crowd, given back when it is dropped.
pub(super) struct Place {
    crowd: Crowd,
    key: String,
}

impl Crowd {
    /// A place, unless `most` are taken under this key.
    pub fn enter(&self, key: String, most: usize) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(key.clone()).or_default();
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Place {
            crowd: self.clone(),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.key);
            }
        }
    }
}

/// What is under way: whoever wants the same meanwhile gets the same answer.
pub(super) struct Flights<K, V>(Mutex<HashMap<K, Weak<OnceCell<V>>>>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Flights<K, V> {
    /// The answer of the flight that is under way, or of this one.
    pub async fn join(&self, key: K, fly: impl Future<Output = V>) -> V {
        let flight = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, flight| flight.strong_count() > 0);
            let under_way = all.get(&key).and_then(Weak::upgrade);
            under_way.unwrap_or_else(|| {
                let flight = Arc::new(OnceCell::new());
                all.insert(key, Arc::downgrade(&flight));
                flight
            })
        };
        flight.get_or_init(|| fly).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_so_many_places_for_each() {
        let crowd = Crowd::default();
        let enter = |key: &str| crowd.enter(key.into(), 2);
        let (first, second) = (enter("a"), enter("a"));
        assert!(first.is_some() && second.is_some());
        assert!(enter("a").is_none());
        assert!(enter("b").is_some());
        drop(first);
        assert!(enter("a").is_some());
        drop(second);
        assert!(crowd.0.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn what_is_under_way_is_not_done_twice() {
        let flights = Flights::default();
        let done = Mutex::new(0);
        let fly = || async {
            tokio::task::yield_now().await;
            let mut done = done.lock().unwrap();
            *done += 1;
            *done
        };
        let (a, b, c) = tokio::join!(
            flights.join("a", fly()),
            flights.join("a", fly()),
            flights.join("b", fly())
        );
        assert!(a == b && a != c, "{a} {b} {c}");
        assert_eq!(flights.join("a", fly()).await, 3, "afterwards it is new");
    }
}
