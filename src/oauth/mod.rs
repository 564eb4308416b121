//! OAuth 2 and OpenID Connect as pure rules: values in, values out; no clock, no IO.

pub mod audience;
pub mod authenticate;
pub mod authorize;
pub mod bearer;
pub mod binding;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod details;
pub mod dpop;
pub mod error;
pub mod grant;
pub mod jarm;
pub mod logout;
pub mod metadata;
pub mod next;
pub mod params;
pub mod pkce;
pub mod prompt;
pub mod pushed;
pub mod redirect;
pub mod refusal;
pub mod request_object;
pub mod scope;
pub mod service;
pub mod token;
