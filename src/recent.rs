//! What was used last, within bounds: two halves, and when the newer one is full the older one is
//! forgotten.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Values by their names.
pub struct Recent<V> {
    halves: RwLock<Halves<V>>,
    /// Of one half.
    most: usize,
}

struct Halves<V> {
    newer: HashMap<String, V>,
    older: HashMap<String, V>,
}

impl<V: Clone> Recent<V> {
    /// Keeps at least the `most` values that were put last, and at most twice as many.
    pub fn new(most: usize) -> Self {
        Self {
            halves: RwLock::new(Halves {
                newer: HashMap::new(),
                older: HashMap::new(),
            }),
            most,
        }
    }

    /// The value of a name, if it is still there.
    pub fn find(&self, name: &str) -> Option<V> {
        let found = {
            let halves = self.halves.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = halves.newer.get(name) {
                return Some(value.clone());
            }
            halves.older.get(name).cloned()
        };
        // What is asked for stays.
        if let Some(value) = &found {
            self.put(name.to_owned(), value.clone());
        }
        found
    }

    /// Keeps a value.
    pub fn put(&self, name: String, value: V) {
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        if halves.newer.len() >= self.most && !halves.newer.contains_key(&name) {
            halves.older = std::mem::take(&mut halves.newer);
        }
        halves.newer.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let recent = Recent::new(10);
        for n in 0..1000 {
            recent.put(n.to_string(), n);
            assert_eq!(recent.find("0"), Some(0), "after {n}");
            assert_eq!(recent.find(&n.to_string()), Some(n));
        }
        let kept = (0..1000).filter(|n| recent.find(&n.to_string()).is_some());
        assert!(kept.count() <= 20);
        assert_eq!(recent.find("1"), None);
    }

    #[test]
    fn a_later_value_takes_the_place_of_an_earlier_one() {
        let recent = Recent::new(2);
        for n in 0..5 {
            recent.put("a".into(), n);
            assert_eq!(recent.find("a"), Some(n));
        }
    }
}
