//! The map of the house. A module may use only what stands above it in this list.

pub mod account;
pub mod captcha;
pub mod clock;
pub mod oauth;
pub mod rng;
