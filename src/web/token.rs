//! The page token: each form carries one, bound to the digest of the browser's cookie
//! (SECURITY R42).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Time;
use crate::keys::{Master, Purpose};

/// How long a page may stay open.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ours, for this browser.
    Good,
    /// Ours, but the page was open for too long.
    Old,
    /// Not ours, or another browser's.
    Forged,
}

/// A token for the browser with the cookie of that digest.
pub fn make(master: &Master, cookie_hash: &str, now: Time) -> String {
    let made = now.millis().to_be_bytes();
    let mac = master.mac(Purpose::Form, &[cookie_hash.as_bytes(), &made]);
    URL_SAFE_NO_PAD.encode([&made[..], &mac[..16]].concat())
}

/// Judges a token.
pub fn check(master: &Master, cookie_hash: &str, token: &str, now: Time) -> Verdict {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
        return Verdict::Forged;
    };
    let Some((made, mac)) = bytes.split_first_chunk::<8>() else {
        return Verdict::Forged;
    };
    let right = master.mac(Purpose::Form, &[cookie_hash.as_bytes(), made]);
    if aws_lc_rs::constant_time::verify_slices_are_equal(&right[..16], mac).is_err() {
        return Verdict::Forged;
    }
    let made = Time::from_millis(i64::from_be_bytes(*made));
    if now.since(made) > LIFE {
        Verdict::Old
    } else {
        Verdict::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_browser_and_day() {
        let master = Master::new(&[3; 32]);
        let now = Time::from_seconds(1_800_000_000);
        let token = make(&master, "cookie", now);
        assert_eq!(check(&master, "cookie", &token, now), Verdict::Good);
        assert_eq!(check(&master, "other", &token, now), Verdict::Forged);
        let late = now.plus(LIFE).plus(Duration::from_millis(1));
        assert_eq!(check(&master, "cookie", &token, late), Verdict::Old);
        for bad in ["", "AAAA", "!", &token[1..]] {
            assert_eq!(check(&master, "cookie", bad, now), Verdict::Forged);
        }
    }
}
