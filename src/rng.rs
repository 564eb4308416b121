//! Randomness and what is drawn from it: ids and secrets. Nothing else in the house draws.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng as _, SeedableRng as _, TryRng as _};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A source of randomness. Clones share one source.
#[derive(Clone)]
pub enum Rng {
    /// The system's generator.
    System,
    /// A generator that repeats itself, for tests.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Rng {
    /// A generator that always draws the same from the same seed; for tests only.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            // A machine without randomness can keep no promise of ours: end at once.
            Self::System => SysRng
                .try_fill_bytes(bytes)
                .unwrap_or_else(|_| std::process::abort()),
            Self::Seeded(rng) => rng
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .fill_bytes(bytes),
        }
    }

    /// Fills `bytes` with what opens nothing and keeps nothing apart for long, such as the number of a
    /// request: drawn without asking the system each time.
    #[allow(clippy::disallowed_methods)] // it comes in here
    pub fn fill_plain(&self, bytes: &mut [u8]) {
        match self {
            Self::System => rand::rng().fill_bytes(bytes),
            Self::Seeded(_) => self.fill(bytes),
        }
    }

    /// An id: 128 bits as 26 characters of `a-z2-7`. It names a row; it opens nothing.
    pub fn id(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        base32(&bytes)
    }

    /// A secret of 256 bits.
    pub fn secret(&self) -> Secret {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Secret(bytes)
    }
}

/// An id that was derived rather than drawn: it looks like any other.
pub fn derived_id(bytes: [u8; 16]) -> String {
    base32(&bytes)
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut out, mut buffer, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    out
}

/// 256 bits that open something. Shown once, kept only as a digest, wiped from memory.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret that was derived rather than drawn.
    pub fn derived(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is handed out: 43 characters of base64url.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As it is kept.
    pub fn hash(&self) -> String {
        digest(&self.reveal())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of `text` in base64url: how every random secret is kept and looked up.
pub fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The id that always belongs to `text`: what is known by a secret is found again by an id that does
/// not tell it.
pub fn id_of(text: &str) -> String {
    base32(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_the_system_does_not() {
        assert_eq!(Rng::seeded(7).id(), Rng::seeded(7).id());
        assert_ne!(Rng::System.id(), Rng::System.id());
        assert_eq!(Rng::System.id().len(), 26);
        assert_eq!(id_of("a").len(), 26);
        assert_eq!(id_of("a"), id_of("a"));
        assert_ne!(id_of("a"), id_of("b"));
        assert_eq!(Rng::System.secret().reveal().len(), 43);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Rng::seeded(1).secret();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_ne!(secret.hash(), secret.reveal());
    }

    #[test]
    fn base32_keeps_every_bit() {
        assert_eq!(base32(&[0xff; 5]), "77777777");
        assert_eq!(base32(b"f"), "my");
    }
}
