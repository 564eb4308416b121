//! OAuth 2 and OpenID Connect as pure rules: values in, values out; no clock, no IO.

pub mod audience;
pub mod authenticate;
pub mod authorize;
pub mod bearer;
pub mod binding;
pub mod certificate;
pub mod claims;
pub mod client;
pub mod device;
pub mod dpop;
pub mod error;
pub mod exchange;
pub mod grant;
pub mod introspection;
pub mod logout;
pub mod metadata;
pub mod next;
pub mod params;
pub mod pkce;
pub mod pushed;
pub mod redirect;
pub mod scope;
pub mod service;
pub mod token;
