//! Friction by network address, in memory: token buckets per /32 and /64 (PROTOCOL.md 7,
//! SECURITY.md R21). Time comes in; nothing is written down.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

use crate::clock::Time;

/// What is counted; each has a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Passwords typed.
    SignIn,
    /// Posts of the sign-up wizard.
    SignUp,
    /// Mails asked for.
    Mail,
    /// Accounts finished; no limit unless one is set (`signup.per_address_per_hour`).
    Account,
    /// Wrong secrets of programs.
    Caller,
    /// Every request of a person's browser.
    General,
    /// Apps that register themselves.
    Register,
    /// Sign-ins begun in browsers that nobody is signed in to: each waits for an hour.
    Begin,
}

impl Bucket {
    const COUNT: usize = 8;

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "signin",
            Self::SignUp => "signup",
            Self::Mail => "mail",
            Self::Account => "account",
            Self::Caller => "caller",
            Self::General => "general",
            Self::Register => "register",
            Self::Begin => "begin",
        }
    }
}

/// A bucket holds `burst` and gains one more each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once.
    pub burst: u32,
    /// The span after which one more may come.
    pub every: Duration,
}

impl Rate {
    /// `n` in an hour, all at once if need be; 0 means no limit.
    pub fn per_hour(n: u32) -> Option<Self> {
        let every = Duration::from_secs(3600).checked_div(n)?;
        Some(Self { burst: n, every })
    }

    /// Microseconds, so that rates above a thousand a second can be written.
    fn interval(self) -> i64 {
        i64::try_from(self.every.as_micros())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    fn depth(self) -> i64 {
        self.interval().saturating_mul(i64::from(self.burst.max(1)))
    }
}

/// The rates of a fresh limiter, in the order of [`Bucket`]. Wide enough for a school behind
/// one address; the counters in the database are the ones that hold (PROTOCOL.md 7).
const RATES: [Option<Rate>; Bucket::COUNT] = [
    Some(rate(30, 2_000)),
    Some(rate(60, 2_000)),
    Some(rate(20, 30_000)),
    None,
    Some(rate(60, 1_000)),
    Some(rate(300, 20)),
    Some(rate(20, 60_000)),
    Some(rate(60, 1_000)),
];

const fn rate(burst: u32, millis: u64) -> Rate {
    Rate {
        burst,
        every: Duration::from_millis(millis),
    }
}

/// The buckets of all addresses.
pub struct Limiter {
    rates: [Option<Rate>; Bucket::COUNT],
    half: usize,
    full_at: Mutex<Generations>,
}

/// For each bucket the instant, in microseconds, at which it is full again. Two generations:
/// when the younger one is half of the capacity, the older one is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<(Bucket, IpNet), i64>,
    old: HashMap<(Bucket, IpNet), i64>,
}

impl Limiter {
    /// A limiter that remembers at most `capacity` buckets; past it the ones that were used
    /// longest ago are forgotten.
    pub fn new(capacity: usize) -> Self {
        Self {
            rates: RATES,
            half: (capacity / 2).max(1),
            full_at: Mutex::default(),
        }
    }

    /// The same limiter with another rate for one bucket; `None` is no limit.
    #[must_use]
    pub fn with(mut self, bucket: Bucket, rate: Option<Rate>) -> Self {
        self.rates[bucket as usize] = rate;
        self
    }

    /// Takes one from the bucket of this address.
    ///
    /// # Errors
    /// The bucket is empty: how long until one may come (429, `Retry-After`). Nothing is taken.
    pub fn check(&self, bucket: Bucket, address: IpAddr, now: Time) -> Result<(), Duration> {
        self.draw(bucket, address, now, true)
    }

    /// Says whether [`Limiter::check`] would pass, and takes nothing.
    ///
    /// # Errors
    /// As [`Limiter::check`].
    pub fn peek(&self, bucket: Bucket, address: IpAddr, now: Time) -> Result<(), Duration> {
        self.draw(bucket, address, now, false)
    }

    fn draw(&self, bucket: Bucket, address: IpAddr, now: Time, take: bool) -> Result<(), Duration> {
        let (Some(rate), Some(net)) = (self.rates[bucket as usize], cut(address, 32, 64)) else {
            return Ok(());
        };
        let now = now.millis().saturating_mul(1000);
        let key = (bucket, net);
        let mut memory = self.lock();
        let known = memory.young.get(&key).or_else(|| memory.old.get(&key));
        // A clock that was set back must not keep an address out: no bucket is emptier than empty.
        let full_at = known
            .map_or(now, |at| (*at).max(now))
            .min(now.saturating_add(rate.depth()));
        let after = full_at.saturating_add(rate.interval());
        let over = after.saturating_sub(now.saturating_add(rate.depth()));
        if over > 0 {
            return Err(Duration::from_micros(over.unsigned_abs()));
        }
        if take {
            memory.young.insert(key, after);
            memory.age(self.half);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn age(&mut self, half: usize) {
        if self.young.len() >= half {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
    }
}

fn cut(address: IpAddr, four: u8, six: u8) -> Option<IpNet> {
    let address = address.to_canonical();
    let prefix = if address.is_ipv4() { four } else { six };
    IpNet::new(address, prefix).ok().map(|net| net.trunc())
}

/// The network of an address as logs keep it, /24 or /48: `192.0.2.0/24`, `2001:db8:1::/48`.
pub fn network(address: IpAddr) -> String {
    cut(address, 24, 48).map_or_else(String::new, |net| net.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    fn limiter(burst: u32, millis: u64) -> Limiter {
        Limiter::new(1000).with(Bucket::SignIn, Some(rate(burst, millis)))
    }

    #[test]
    fn a_burst_passes_and_then_one_for_each_span() {
        let limiter = limiter(3, 1000);
        let check = |millis| limiter.check(Bucket::SignIn, ip("192.0.2.1"), at(millis));
        for _ in 0..3 {
            assert_eq!(check(0), Ok(()));
        }
        assert_eq!(check(0), Err(Duration::from_secs(1)));
        assert_eq!(check(400), Err(Duration::from_millis(600)));
        assert_eq!(check(1000), Ok(()));
        assert_eq!(check(1000), Err(Duration::from_secs(1)));
        for _ in 0..3 {
            assert_eq!(check(60_000), Ok(()));
        }
        assert!(check(60_000).is_err());
    }

    #[test]
    fn refused_calls_do_not_make_the_wait_longer() {
        let limiter = limiter(1, 1000);
        let check = |millis| limiter.check(Bucket::SignIn, ip("192.0.2.1"), at(millis));
        assert_eq!(check(0), Ok(()));
        for millis in 1..1000 {
            assert!(check(millis).is_err());
        }
        assert_eq!(check(1000), Ok(()));
    }

    // SECURITY.md R21
    #[test]
    fn addresses_and_buckets_do_not_share() {
        let limiter = limiter(1, 1000).with(Bucket::Mail, Some(rate(1, 1000)));
        let check = |bucket, address| limiter.check(bucket, ip(address), at(0)).is_ok();
        assert!(check(Bucket::SignIn, "192.0.2.1"));
        assert!(!check(Bucket::SignIn, "192.0.2.1"));
        assert!(!check(Bucket::SignIn, "::ffff:192.0.2.1"));
        assert!(check(Bucket::Mail, "192.0.2.1"));
        assert!(check(Bucket::SignIn, "192.0.2.2"));
        assert!(check(Bucket::SignIn, "2001:db8::1"));
        assert!(
            !check(Bucket::SignIn, "2001:db8::2"),
            "one /64 is one address"
        );
        assert!(check(Bucket::SignIn, "2001:db8:0:1::1"));
    }

    #[test]
    fn peeking_takes_nothing() {
        let limiter = limiter(1, 1000);
        for _ in 0..9 {
            assert_eq!(limiter.peek(Bucket::SignIn, ip("192.0.2.1"), at(0)), Ok(()));
        }
        assert_eq!(
            limiter.check(Bucket::SignIn, ip("192.0.2.1"), at(0)),
            Ok(())
        );
        assert!(
            limiter
                .peek(Bucket::SignIn, ip("192.0.2.1"), at(0))
                .is_err()
        );
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert_eq!(Rate::per_hour(0), None);
        let limiter = Limiter::new(10);
        for _ in 0..1000 {
            assert!(
                limiter
                    .check(Bucket::Account, ip("192.0.2.1"), at(0))
                    .is_ok()
            );
        }
        let limiter = limiter.with(Bucket::Account, Rate::per_hour(2));
        let check = |millis| limiter.check(Bucket::Account, ip("192.0.2.1"), at(millis));
        assert!(check(0).is_ok() && check(0).is_ok());
        assert_eq!(check(0), Err(Duration::from_secs(1800)));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let limiter = Limiter::new(100).with(Bucket::SignIn, Some(rate(1, 1_000_000)));
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..10_000 {
            assert!(limiter.check(Bucket::SignIn, address(n), at(0)).is_ok());
            let memory = limiter.lock();
            assert!(memory.young.len() + memory.old.len() <= 100);
        }
        assert!(
            limiter
                .check(Bucket::SignIn, address(9_999), at(0))
                .is_err()
        );
        assert!(
            limiter
                .check(Bucket::SignIn, address(9_950), at(0))
                .is_err()
        );
        assert!(limiter.check(Bucket::SignIn, address(0), at(0)).is_ok());
    }

    #[test]
    fn a_clock_set_back_keeps_nobody_out() {
        let limiter = limiter(2, 1000);
        let check = |millis| limiter.check(Bucket::SignIn, ip("192.0.2.1"), at(millis));
        assert!(check(3_600_000).is_ok());
        assert_eq!(check(0), Err(Duration::from_secs(1)));
        assert!(
            limiter
                .check(Bucket::SignIn, ip("192.0.2.1"), at(i64::MIN))
                .is_err()
        );
        assert!(
            limiter
                .check(Bucket::SignIn, ip("192.0.2.1"), at(i64::MAX))
                .is_ok()
        );
    }

    #[test]
    fn logs_keep_networks_not_addresses() {
        assert_eq!(network(ip("192.0.2.77")), "192.0.2.0/24");
        assert_eq!(network(ip("::ffff:192.0.2.77")), "192.0.2.0/24");
        assert_eq!(network(ip("2001:db8:1:2:3::4")), "2001:db8:1::/48");
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate_pass(
            burst in 1u32..20,
            every in 1u64..5_000,
            steps in proptest::collection::vec(0i64..3_000, 1..300),
        ) {
            let limiter = limiter(burst, every);
            let mut now = 1_700_000_000_000;
            let mut passed: Vec<i64> = Vec::new();
            for step in steps {
                now += step;
                match limiter.check(Bucket::SignIn, ip("192.0.2.1"), at(now)) {
                    Ok(()) => passed.push(now),
                    Err(wait) => {
                        prop_assert!(wait > Duration::ZERO);
                        prop_assert!(wait <= Duration::from_millis(every));
                        let then = at(now).plus(wait).plus(Duration::from_millis(1));
                        prop_assert!(limiter.peek(Bucket::SignIn, ip("192.0.2.1"), then).is_ok());
                    }
                }
            }
            for (i, from) in passed.iter().enumerate() {
                for (j, to) in passed.iter().enumerate().skip(i) {
                    let most = u64::from(burst) + (to - from).unsigned_abs() / every;
                    prop_assert!((j - i + 1) as u64 <= most);
                }
            }
        }
    }
}
