//! The map of the house. A module may use only what stands before it in the order
//! `clock rng recent crash config account oauth store keys hash limit captcha mail call page app flow worker web cli`.

pub mod account;
pub mod app;
pub mod call;
pub mod captcha;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod flow;
pub mod hash;
pub mod keys;
pub mod limit;
pub mod mail;
pub mod oauth;
pub mod page;
pub mod recent;
pub mod rng;
pub mod store;
pub mod web;
pub mod worker;
