//! OAuth 2 and OpenID Connect as pure rules: values in, values out; no clock, no IO.

pub mod client;
pub mod error;
pub mod grant;
pub mod service;
