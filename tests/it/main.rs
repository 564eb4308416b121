//! Black-box tests: a whole Gerege on a database of its own, asked over HTTP. One binary, so that
//! the house is linked once.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod account;
mod app;
mod authorize;
mod backchannel;
mod bad_input;
mod browser;
mod check;
mod chromium;
mod ciba;
mod claims;
mod conformance;
mod crash;
mod details;
mod device;
mod discovery;
mod disk;
mod document;
mod dpop;
mod dump;
mod elsewhere;
mod errors;
mod exchange;
mod floors;
mod forged;
mod grants;
mod http;
mod jar;
mod jarm;
mod letters;
mod log;
mod logs;
mod model;
mod mtls;
mod operate;
mod pages;
mod pairwise;
mod par;
mod pile;
mod pkce;
mod power_cut;
mod race;
mod recover;
mod redirect;
mod register;
mod register_bounds;
mod resource;
mod road;
#[path = "../../verify/tests/sign/mod.rs"]
mod sign;
mod signin;
mod signup;
mod source;
mod sso;
mod status;
mod stranger;
mod sweep;
mod taken;
mod terms;
mod token;
mod twice;
mod upgrade;
mod words;
