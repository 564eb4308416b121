//! The cookies by name: `__Host-` on https, plain names on http loopback (SECURITY R36).

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};

use crate::config::Config;

const DAY: Duration = Duration::from_secs(86_400);

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

    /// How long a lasting one is kept: as long as what it opens.
    const fn life(self, config: &Config) -> Duration {
        match self {
            Self::Browser => config.signin.keep_ttl,
            Self::Device => DAY.saturating_mul(400),
            Self::Draft => config.signup.draft_ttl,
            Self::Language => DAY.saturating_mul(365),
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
    pub fn set(self, value: &str, config: &Config, lasting: bool) -> Cookie<'static> {
        if lasting {
            self.keep(value, config.secure(), self.life(config))
        } else {
            self.bare(value, config.secure())
        }
    }

    /// As [`Self::set`], to be kept for so long.
    pub fn keep(self, value: &str, secure: bool, life: Duration) -> Cookie<'static> {
        let mut cookie = self.bare(value, secure);
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        cookie.set_max_age(time::Duration::seconds(seconds));
        cookie
    }

    fn bare(self, value: &str, secure: bool) -> Cookie<'static> {
        Cookie::build(self.name(secure), value.to_owned())
            .path("/")
            .http_only(true)
            .secure(secure)
            .same_site(SameSite::Lax)
            .finish()
    }

    /// A cookie that takes itself away.
    pub fn clear(self, secure: bool) -> Cookie<'static> {
        let mut cookie = self.bare("", secure);
        cookie.make_removal();
        cookie
    }
}
