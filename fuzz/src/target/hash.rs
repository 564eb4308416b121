//! Password hashes as other programs wrote them (PHC strings).

use gerege::hash::cost_of;

use super::text;
use crate::Depth;

pub const WORDS: &[&str] = &[
    "$argon2id$",
    "$argon2i$",
    "$argon2d$",
    "v=19$",
    "v=16$",
    "m=64,t=1,p=1",
    "m=",
    "t=",
    "p=",
    ",",
    "$",
    "$2b$12$",
    "$scrypt$",
    "c29tZXNhbHQ",
    "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
    "keyid=AAAA",
    "data=AAAA",
    "1048576",
    "8388608",
    "16777215",
];

/// A hash on file.
pub fn phc(input: &[u8]) -> Depth {
    let text = text!(input);
    let Ok(cost) = cost_of(text) else {
        return if text.starts_with('$') {
            Depth::Judged
        } else {
            Depth::Door
        };
    };
    // Refused before any work, whatever it asks for: 1 GiB, and some seconds.
    assert!(
        cost.memory_kib >= 8 && cost.memory_kib <= 1 << 20,
        "{cost:?}"
    );
    assert!(
        u64::from(cost.memory_kib) * u64::from(cost.passes) <= 1 << 23,
        "{cost:?}"
    );
    assert!(
        cost.passes >= 1 && cost.lanes >= 1 && cost.lanes * 8 <= cost.memory_kib,
        "{cost:?}"
    );
    assert!(text.starts_with("$argon2"), "{text}");
    Depth::Accepted
}
