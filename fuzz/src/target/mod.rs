//! The targets.

mod account;
mod asking;
mod hash;
mod inspect;
mod oauth;
mod operator;
mod page;
mod proof;
mod redirect;
mod registered;
mod signed;
mod signer;
mod stated;
mod token;
mod verify;

use crate::Target;

/// An input as text, or the door.
macro_rules! text {
    ($input:expr) => {
        match std::str::from_utf8($input) {
            Ok(text) => text,
            Err(_) => return crate::Depth::Door,
        }
    };
}
use text;

const fn target(
    name: &'static str,
    run: fn(&[u8]) -> crate::Depth,
    words: &'static [&'static str],
) -> Target {
    Target { name, run, words }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("authorize", oauth::authorize, oauth::WORDS),
    target("token", oauth::token, oauth::WORDS),
    target("ciba", asking::ciba, asking::WORDS),
    target("client_auth", proof::client_auth, proof::WORDS),
    target("assertion", proof::assertion, signer::WORDS),
    target("request_object", signed::request_object, signed::REQUEST),
    target("dpop", signed::dpop, signed::PROOF),
    target("status_list", signed::status_list, signed::LIST),
    target("registration", stated::registration, stated::METADATA),
    target("document", stated::document, stated::METADATA),
    target("details", stated::details, stated::DETAILS),
    target(
        "grant_management",
        stated::grant_management,
        stated::MANAGEMENT,
    ),
    target("redirect", redirect::redirect, redirect::WORDS),
    target("scope", oauth::scope, oauth::WORDS),
    target("pkce", oauth::pkce, oauth::WORDS),
    target("logout", redirect::logout, oauth::WORDS),
    target("form", oauth::form, oauth::WORDS),
    target("email", account::email, account::WORDS),
    target("username", account::username, account::WORDS),
    target("name", account::name, account::WORDS),
    target("password", account::password, account::WORDS),
    target("login", account::login, account::WORDS),
    target("terms", operator::terms, operator::TERMS),
    target("markdown", operator::markdown, operator::MARKDOWN),
    target("cookie", page::cookie, page::WORDS),
    target("language", page::language, page::WORDS),
    target("config", operator::config, operator::CONFIG),
    target("mail", page::mail, page::WORDS),
    target("opaque", token::opaque, token::WORDS),
    target("verify", verify::verify, signer::WORDS),
    target("jwks", verify::jwks, verify::WORDS),
    target("pem", verify::pem, verify::WORDS),
    target("inspect", inspect::inspect, signer::WORDS),
    target("phc", hash::phc, hash::WORDS),
];
