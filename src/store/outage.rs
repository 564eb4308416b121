//! Whether the database is away: told to the log once when it goes and once when it is back.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Error;

/// Whether it is away, as far as the stories of this process have seen.
#[derive(Default)]
pub(super) struct Outage(AtomicBool);

impl Outage {
    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes note of how a story ended. `proves` is whether one that ends well shows that the
    /// database is there again.
    pub(super) fn note<T>(&self, outcome: &Result<T, Error>, proves: bool) {
        match outcome {
            Err(Error::Away(cause)) if !self.0.swap(true, Ordering::Relaxed) => {
                let fix = Error::fix(cause);
                tracing::error!(cause, try = fix, "db.away");
            }
            Ok(_) if proves && self.is_on() && self.0.swap(false, Ordering::Relaxed) => {
                tracing::info!("db.back");
            }
            _ => {}
        }
    }
}
