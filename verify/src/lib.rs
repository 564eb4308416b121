//! How other Rust services check the tokens that a Gerege server signs.
