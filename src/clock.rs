//! Instants and where they come from. Nothing else in the house asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970, the unit of a token's `iat` and `exp` (RFC 7519 2, NumericDate).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 (RFC 7519 2, NumericDate).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant plus a span; stops at the end of time.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(span)))
    }

    /// This instant minus a span; stops at the beginning of time.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis_of(span)))
    }

    /// The span from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC, to the second: `2026-11-22T18:41:02Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.seconds())
            .map(|at| at.to_string())
            .unwrap_or_default()
    }

    /// Year, month (1 to 12), day, hour and minute in UTC, for pages and mails.
    pub fn civil(self) -> (i16, i8, i8, i8, i8) {
        let at = jiff::Timestamp::from_second(self.seconds())
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC);
        (at.year(), at.month(), at.day(), at.hour(), at.minute())
    }

    /// Midnight (UTC) of a date written `2026-11-22`.
    pub fn from_date(date: &str) -> Option<Self> {
        let date: jiff::civil::Date = date.parse().ok()?;
        let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(at.timestamp().as_millisecond()))
    }
}

impl From<i64> for Time {
    fn from(millis: i64) -> Self {
        Self(millis)
    }
}

impl From<Time> for i64 {
    fn from(time: Time) -> Self {
        time.0
    }
}

fn millis_of(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where the present comes from. Clones share one clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's time plus an offset in milliseconds, measured against PostgreSQL.
    System(Arc<AtomicI64>),
    /// A clock that stands until a test moves it.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::System(Arc::new(AtomicI64::new(0)))
    }

    /// A clock that stands at `now`.
    pub fn fixed(now: Time) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(now.0)))
    }

    /// The present.
    #[allow(clippy::disallowed_methods)] // the one place that asks the machine
    pub fn now(&self) -> Time {
        match self {
            Self::Fixed(at) => Time(at.load(Ordering::SeqCst)),
            Self::System(offset) => {
                let machine = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .map(millis_of)
                    .unwrap_or(0);
                Time(machine.saturating_add(offset.load(Ordering::Relaxed)))
            }
        }
    }

    /// Sets the machine's clock right by another one, which showed `right` when this one showed
    /// `here`. Gives by how many milliseconds this one was off. A fixed clock stays as it is.
    pub fn correct(&self, here: Time, right: Time) -> i64 {
        let off = right.0.saturating_sub(here.0);
        if let Self::System(offset) = self {
            offset.fetch_add(off, Ordering::Relaxed);
        }
        off
    }

    /// Moves a fixed clock on; the machine's goes by itself.
    pub fn shift(&self, millis: i64) {
        if let Self::Fixed(at) = self {
            at.fetch_add(millis, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        let at = Time::from_date("2026-11-22").unwrap();
        assert_eq!(at.rfc3339(), "2026-11-22T00:00:00Z");
        assert_eq!(at.civil(), (2026, 11, 22, 0, 0));
        assert_eq!(Time::from_date("2026-13-01"), None);
        assert_eq!(Time::from_millis(-1).seconds(), -1);
    }

    #[test]
    fn the_machine_is_set_right_by_another_clock() {
        let clock = Clock::system();
        let here = clock.now();
        assert_eq!(
            clock.correct(here, here.plus(Duration::from_secs(60))),
            60_000
        );
        assert!(clock.now().since(here) >= Duration::from_secs(60));
        assert_eq!(clock.correct(Time(90_000), Time(30_000)), -60_000);
        assert!(clock.now().since(here) < Duration::from_secs(60));
    }

    #[test]
    fn spans_do_not_wrap() {
        let at = Time::from_millis(5);
        assert_eq!(at.since(Time::from_millis(9)), Duration::ZERO);
        assert_eq!(at.plus(Duration::MAX).millis(), i64::MAX);
    }
}
