//! The map of the house. A module may use only what stands before it in the order
//! `clock rng config account oauth store keys hash limit captcha mail page app flow worker web cli`.

pub mod account;
pub mod clock;
pub mod config;
pub mod keys;
pub mod oauth;
pub mod rng;
pub mod store;
