//! Passwords that many people use, as a filter of 16-bit fingerprints: about 280 kB, no list.
//!
//! Made by `scripts/common-passwords`. It holds all passwords of 10 characters or more among the
//! million most used ones; the shorter ones are refused for their length. One in 65,536 other
//! passwords is taken for one of them.

use aws_lc_rs::digest;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// An xor filter (Graf and Lemire, 2020): a header of 8 bytes (seed and slots per third, both
/// u32, little-endian), then three thirds of u16 slots.
static FILTER: &[u8] = include_bytes!("popular.bin");

/// Whether many people use this password, whatever its case.
pub(super) fn contains(password: &str) -> bool {
    let folded: Zeroizing<String> =
        Zeroizing::new(password.nfkc().flat_map(char::to_lowercase).collect());
    look_up(folded.as_bytes()).unwrap_or(false)
}

fn look_up(folded: &[u8]) -> Option<bool> {
    let third = usize::try_from(number(FILTER, 4)?).ok()?;
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(FILTER.get(..4)?);
    hash.update(folded);
    let hash = hash.finish();
    let hash = hash.as_ref();
    let mut left = u16::from_le_bytes([*hash.get(12)?, *hash.get(13)?]);
    for part in 0..3 {
        let within = usize::try_from(number(hash, part * 4)?).ok()? % third.max(1);
        let at = 8 + 2 * (part * third + within);
        left ^= u16::from_le_bytes([*FILTER.get(at)?, *FILTER.get(at + 1)?]);
    }
    Some(left == 0)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_le_bytes(four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_known_in_any_case() {
        for password in [
            "1234567890",
            "qwertyuiop",
            "QWERTYUIOP",
            "1q2w3e4r5t",
            "password123",
            "Password123",
            "christopher",
            "manchester",
            "basketball",
            "liverpool1",
            "ｑｗｅｒｔｙｕｉｏｐ",
        ] {
            assert!(contains(password), "{password}");
        }
    }

    #[test]
    fn few_others_are_taken_for_common_ones() {
        let wrong = (0..200_000)
            .filter(|n| contains(&format!("no one's own password {n}")))
            .count();
        // Expected 200,000 / 65,536, about 3.
        assert!(wrong <= 10, "{wrong}");
        assert!(FILTER.len() < 300_000);
    }
}
