//! Proof of work in the page. `challenge` is text of the server's; the page looks for a decimal
//! number `nonce` (digits only, no sign, no leading zero, below 2^53, so that a script's numbers
//! hold it) for which SHA-256 of the ASCII bytes `challenge ":" nonce` starts with `bits` zero
//! bits, most significant bit of the first byte first, and posts `nonce` back as that text.
//!
//! On average a page tries 2^`bits` numbers. Example: for `steppe` and 8 bits the
//! first solution is `105`.

use aws_lc_rs::digest::{SHA256, digest};

/// The most zero bits that may be asked for; more would keep a phone busy for hours.
pub const MOST_BITS: u32 = 28;

/// Whether `nonce` solves `challenge` at `bits` zero bits. Single use is the caller's to keep.
pub fn verify(challenge: &str, nonce: &str, bits: u32) -> bool {
    // 2^53 has 16 digits; a longer text is refused before it is hashed.
    let canonical = (1..=16).contains(&nonce.len())
        && nonce.bytes().all(|byte| byte.is_ascii_digit())
        && (nonce.len() == 1 || !nonce.starts_with('0'))
        && nonce.parse::<u64>().is_ok_and(|number| number < 1 << 53);
    canonical && zeros(digest(&SHA256, format!("{challenge}:{nonce}").as_bytes()).as_ref()) >= bits
}

/// Zero bits at the start of `bytes`.
fn zeros(bytes: &[u8]) -> u32 {
    let whole = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = bytes.get(whole).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(whole).unwrap_or(0) * 8 + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(challenge: &str, bits: u32) -> String {
        (0u64..)
            .map(|nonce| nonce.to_string())
            .find(|nonce| verify(challenge, nonce, bits))
            .unwrap()
    }

    #[test]
    fn a_found_nonce_passes_and_only_for_its_challenge() {
        let nonce = solve("steppe", 12);
        assert!(verify("steppe", &nonce, 12));
        assert!(!verify("steppf", &nonce, 12));
        assert!(!verify("steppe", &nonce, 64));
    }

    #[test]
    fn the_example_for_other_programs_holds() {
        assert_eq!(solve("steppe", 8), "105");
    }

    #[test]
    fn a_nonce_has_one_spelling() {
        for nonce in [
            "",
            "-1",
            "+1",
            "01",
            "00",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "٣",
            "0x1",
            "9007199254740992",
            "99999999999999999999999",
        ] {
            assert!(!verify("steppe", nonce, 0), "{nonce:?}");
        }
        for nonce in ["0", "1", "9007199254740991"] {
            assert!(verify("steppe", nonce, 0), "{nonce:?}");
        }
    }

    #[test]
    fn zero_bits_are_counted_from_the_first() {
        for (bytes, count) in [
            (&[0x80, 0][..], 0),
            (&[0x01][..], 7),
            (&[0, 0x40][..], 9),
            (&[0, 0][..], 16),
        ] {
            assert_eq!(zeros(bytes), count);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_nonce_panics(challenge in ".{0,30}", nonce in ".{0,30}", bits in 0u32..300) {
            let passed = verify(&challenge, &nonce, bits);
            proptest::prop_assert!(!passed || nonce.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
