//! The cookies by name: `__Host-` on https, plain names on http loopback (SECURITY R36).

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jar {
    /// The browser record.
    Browser,
    /// Known devices.
    Device,
    /// The draft of a sign-up.
    Draft,
    /// The chosen language.
    Language,
}

impl Jar {
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Browser, true) => "__Host-gerege",
            (Self::Browser, false) => "gerege",
            (Self::Device, true) => "__Host-gerege-device",
            (Self::Device, false) => "gerege-device",
            (Self::Draft, true) => "__Host-gerege-draft",
            (Self::Draft, false) => "gerege-draft",
            (Self::Language, _) => "gerege-lang",
        }
    }

    const fn days(self) -> i64 {
        match self {
            Self::Browser => 180,
            Self::Device => 400,
            Self::Draft => 1,
            Self::Language => 365,
        }
    }

    /// The value that a request came with. Secrets have 43 characters of base64url; anything
    /// else is as good as none.
    pub fn read(self, request: &HttpRequest, secure: bool) -> Option<String> {
        let value = request.cookie(self.name(secure))?.value().to_owned();
        let fits = match self {
            Self::Language => value.len() <= 35,
            _ => value.len() == 43,
        };
        let plain = value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (fits && plain).then_some(value)
    }

    /// A cookie to set. `lasting` ones outlive the browser's closing.
    pub fn set(self, value: &str, secure: bool, lasting: bool) -> Cookie<'static> {
        let mut cookie = Cookie::build(self.name(secure), value.to_owned())
            .path("/")
            .http_only(true)
            .secure(secure)
            .same_site(SameSite::Lax)
            .finish();
        if lasting {
            cookie.set_max_age(Duration::days(self.days()));
        }
        cookie
    }

    /// As [`Self::set`], to be kept for so many days.
    pub fn keep(self, value: &str, secure: bool, days: i64) -> Cookie<'static> {
        let mut cookie = self.set(value, secure, false);
        cookie.set_max_age(Duration::days(days));
        cookie
    }

    /// A cookie that takes itself away.
    pub fn clear(self, secure: bool) -> Cookie<'static> {
        let mut cookie = self.set("", secure, false);
        cookie.make_removal();
        cookie
    }
}
