//! OAuth 2 and OpenID Connect as pure rules: values in, values out; no clock, no IO.

pub mod audience;
pub mod authenticate;
pub mod authorize;
pub mod backchannel;
pub mod bearer;
pub mod claims;
pub mod client;
pub mod document;
pub mod error;
pub mod grant;
pub mod logout;
pub mod metadata;
pub mod next;
pub mod params;
pub mod pkce;
pub mod pushed;
pub mod redirect;
pub mod register;
pub mod registration;
pub mod scope;
pub mod service;
pub mod subject;
pub mod token;
