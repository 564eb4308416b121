//! Growing waits after wrong passwords: they slow a guesser and lock nobody out.

use std::time::Duration;

/// The most failures in a row that are evaluated for one account (SP 800-63B-4 3.2.2).
pub const EVALUATED: u32 = 100;

/// What an operator decides about waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many failures cost nothing.
    pub tries_before_delay: u32,
    /// The longest wait.
    pub max_delay: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tries_before_delay: 5,
            max_delay: Duration::from_secs(900),
        }
    }
}

/// The span between the last of `failures` in a row and the next try: 1 s after the first that
/// costs, then twice as long each time.
pub fn wait(failures: u32, policy: &Policy) -> Duration {
    let Some(over) = failures.checked_sub(policy.tries_before_delay) else {
        return Duration::ZERO;
    };
    let wait = match 1_u64.checked_shl(over) {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::MAX,
    };
    wait.min(policy.max_delay)
}

/// Whether one more password is compared after so many failures in a row for one account; if
/// not, the answer is the same as for a wrong one (PROTOCOL.md 7).
pub fn is_evaluated(failures: u32) -> bool {
    failures < EVALUATED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let policy = Policy::default();
        let seconds: Vec<u64> = [0, 4, 5, 6, 7, 14, 15, 16, 99, u32::MAX]
            .iter()
            .map(|failures| wait(*failures, &policy).as_secs())
            .collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900, 900, 900]);
    }

    #[test]
    fn no_more_than_100_failures_are_evaluated() {
        assert_eq!((0..500).filter(|failed| is_evaluated(*failed)).count(), 100);
    }
}
