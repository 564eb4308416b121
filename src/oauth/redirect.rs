//! Where an answer may be sent. Only `Client::redirect` makes a `RedirectUri` that leads away, and
//! only a `RedirectUri` can be answered to: an open redirect cannot be spelled.

use url::Url;

use super::client::Client;
pub use super::difference::{
    Difference, Part, difference, nearest, registering, worth_registering,
};
use super::iss;
use super::params::{decode, encode_all};

/// A longer address, in bytes, is refused.
const MAX_BYTES: usize = 2000;

/// Names that our answer adds; an address that brings its own would make them ambiguous.
const ANSWER: [&str; 7] = [
    "code",
    "state",
    iss::NAME,
    "error",
    "error_description",
    "error_uri",
    "response",
];

/// How a redirect URI comes back to its app (RFC 8252 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A web address that belongs to whoever owns the host.
    Https,
    /// `http` on this very machine.
    Loopback,
    /// A scheme of the app's own, which any other app may claim too.
    PrivateUse,
}

/// Why an address cannot be registered. `Display` is the sentence for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Empty or over 2000 bytes.
    #[error("it is empty or longer than 2000 bytes")]
    Length,
    /// A character that no URI holds (RFC 3986 2).
    #[error(
        "it holds a space or a character that is not allowed; write it percent-encoded, a host in its xn-- form"
    )]
    Character,
    /// `*`.
    #[error("it holds a *; addresses are compared letter by letter, so list each one")]
    Wildcard,
    /// `#…` (RFC 6749 3.1.2).
    #[error("it has a fragment (#)")]
    Fragment,
    /// `user@`.
    #[error("it has a user name or password before the host")]
    Userinfo,
    /// No scheme, in capitals, or one that cannot be used.
    #[error(
        "it must begin with https://, with http:// on loopback, or with a scheme of the app's own that has a dot, such as com.example.app:/"
    )]
    Scheme,
    /// `http` to elsewhere (RFC 8252 7.3).
    #[error(
        "http is only for this machine: http://127.0.0.1, http://[::1] or http://localhost; use https"
    )]
    NotLoopback,
    /// No host, capitals, or not written as browsers write it.
    #[error("its host is missing or not in its plain form (lower case, no short forms of numbers)")]
    Host,
    /// Not a port.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// `.` or `..` in the path.
    #[error("its path holds . or .. steps")]
    Path,
    /// `code=`, `state=`, … in the query.
    #[error("its query holds a name that the answer needs, such as code or state")]
    Query,
}

/// Checks an address that an operator wants to register, and tells its kind.
///
/// # Errors
/// The first reason against it (RFC 6749 3.1.2, RFC 8252 7 and 8).
pub fn register_check(text: &str) -> Result<Kind, Fault> {
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(Fault::Length);
    }
    if text.contains('*') {
        return Err(Fault::Wildcard);
    }
    if !is_uri_text(text) {
        return Err(Fault::Character);
    }
    if text.contains('#') {
        return Err(Fault::Fragment);
    }
    let parts = split(text);
    let scheme = parts.scheme.ok_or(Fault::Scheme)?;
    if parts
        .authority
        .is_some_and(|authority| authority.contains('@'))
    {
        return Err(Fault::Userinfo);
    }
    let kind = match scheme {
        "https" => {
            check_authority(text, &parts)?;
            Kind::Https
        }
        "http" => {
            check_authority(text, &parts)?;
            if !["127.0.0.1", "[::1]", "localhost"].contains(&parts.host) {
                return Err(Fault::NotLoopback);
            }
            Kind::Loopback
        }
        own if is_private_scheme(own) => {
            // RFC 8252 7.1: a reverse domain name, then a path; `//host` is common and harmless.
            // A browser opens only what it can read.
            let empty = parts.host.is_empty() && parts.path.is_empty();
            if empty || url::Url::parse(text).is_err() {
                return Err(Fault::Host);
            }
            Kind::PrivateUse
        }
        _ => return Err(Fault::Scheme),
    };
    if parts.path.split('/').any(is_dot_step) {
        return Err(Fault::Path);
    }
    let clash = parts.query.unwrap_or_default().split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        decode(name.as_bytes()).is_none_or(|name| ANSWER.contains(&name.as_str()))
    });
    if clash {
        return Err(Fault::Query);
    }
    Ok(kind)
}

/// A web address as browsers write it, so that no two readers see two hosts in it.
fn check_authority(text: &str, parts: &Parts<'_>) -> Result<(), Fault> {
    if parts.host.is_empty() {
        return Err(Fault::Host);
    }
    if let Some(port) = parts.port {
        let plain = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || port.parse::<u16>().is_err() {
            return Err(Fault::Port);
        }
    }
    let read = url::Url::parse(text).map_err(|_| Fault::Host)?;
    if read.host_str() == Some(parts.host) {
        Ok(())
    } else {
        Err(Fault::Host)
    }
}

/// RFC 8252 7.1 and 8.4: at least one dot, so that it names a domain of the app's maker.
fn is_private_scheme(scheme: &str) -> bool {
    scheme.contains('.')
        && scheme.split('.').all(|label| !label.is_empty())
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
}

/// `.` or `..`, also percent-encoded.
fn is_dot_step(step: &str) -> bool {
    let step = step.to_ascii_lowercase().replace("%2e", ".");
    step == "." || step == ".."
}

/// Only the characters of RFC 3986 2, each `%` with its two digits.
fn is_uri_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)),
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        other => other.is_ascii_graphic(),
    })
}

/// The parts of a URI (RFC 3986 appendix B); nothing is decoded.
pub(super) struct Parts<'a> {
    pub(super) scheme: Option<&'a str>,
    pub(super) authority: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) fragment: Option<&'a str>,
}

pub(super) fn split(text: &str) -> Parts<'_> {
    let (rest, fragment) = cut_at(text, '#');
    let (rest, query) = cut_at(rest, '?');
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains('/') => (Some(scheme), rest),
        _ => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    let place = authority.unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    // The colon of a port stands after the bracket of an IPv6 address.
    let bracket = place.find(']').map_or(0, |at| at + 1);
    let (host, port) = match place[bracket..].find(':') {
        Some(at) => (&place[..bracket + at], Some(&place[bracket + at + 1..])),
        None => (place, None),
    };
    Parts {
        scheme,
        authority,
        host,
        port,
        path,
        query,
        fragment,
    }
}

fn cut_at(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Whether an address is one of a server's: what a stranger had sent there, by way of a person's
/// browser, would come from our own pages. Every port of our host is ours, and so is its name with
/// the dot of the root; on loopback, where each port is another program, this machine has several
/// names.
pub fn is_at(server: &str, uri: &str) -> bool {
    let place = |text: &str| {
        let url = Url::parse(text).ok()?;
        if !url.origin().is_tuple() {
            return None;
        }
        let host = url.host_str()?.trim_end_matches('.');
        let port = || Some((url.scheme().to_owned(), url.port_or_known_default()));
        Some(match host {
            "localhost" | "127.0.0.1" | "[::1]" => ("localhost".to_owned(), port()),
            host => (host.to_owned(), None),
        })
    };
    place(server).is_some_and(|server| place(uri) == Some(server))
}

/// Loopback where an app takes whatever port is free (RFC 8252 7.3).
pub(super) const ANY_PORT: [&str; 2] = ["127.0.0.1", "[::1]"];

/// The same loopback address but for the port (RFC 8252 7.3). `localhost` is not among them: it
/// is a name that may resolve elsewhere (RFC 8252 8.3), so it is compared whole, port and all.
fn differs_only_in_port(on_file: &str, asked: &str) -> bool {
    let (on_file, asked) = (split(on_file), split(asked));
    on_file.scheme == Some("http")
        && asked.scheme == on_file.scheme
        && ANY_PORT.contains(&on_file.host)
        && asked.host == on_file.host
        && asked.path == on_file.path
        && asked.query == on_file.query
}

/// Why a request's address is not answered to. Shown on a page, never redirected (RFC 6749
/// 4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// None was sent, and which one is meant is not plain.
    Missing,
    /// Not on file.
    Unknown {
        /// What was sent.
        asked: String,
        /// The one on file that agrees longest, and the first difference from it.
        nearest: Option<(String, Difference)>,
    },
}

/// How an answer travels (OAuth 2.0 Multiple Response Types 2.1, Form Post Response Mode 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query.
    Query,
    /// In the fragment.
    Fragment,
    /// By a form that posts itself.
    FormPost,
}

impl ResponseMode {
    /// From the name that goes over the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// How an answer travels, and whether it is signed on its way (JARM 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it travels.
    pub mode: ResponseMode,
    /// As one parameter, `response`, with a token in it.
    pub signed: bool,
}

impl Delivery {
    /// As it is, in the query.
    pub const QUERY: Self = Self::plain(ResponseMode::Query);

    /// As it is.
    pub const fn plain(mode: ResponseMode) -> Self {
        Self {
            mode,
            signed: false,
        }
    }

    /// From the name that goes over the wire. `jwt` alone is the query, since the answer to a
    /// code request travels there (JARM 2.3.4).
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "jwt" {
            let signed = true;
            let mode = ResponseMode::Query;
            return Some(Self { mode, signed });
        }
        let (mode, signed) = match name.strip_suffix(".jwt") {
            Some(mode) => (mode, true),
            None => (name, false),
        };
        ResponseMode::from_name(mode).map(|mode| Self { mode, signed })
    }
}

/// An answer ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// `Location` of a 303 (RFC 9700 4.12: never 307).
    Redirect(String),
    /// A page with a form that posts itself.
    FormPost {
        /// The form's `action`.
        action: String,
        /// Hidden fields, in order.
        fields: Vec<(String, String)>,
    },
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Redirect(_) => "Redirect(…)", // it holds a code
            Self::FormPost { .. } => "FormPost(…)",
        })
    }
}

/// An address that its client registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    kind: Kind,
}

impl RedirectUri {
    /// A page of our own at `public_url`, for requests whose answer never leaves this server.
    pub fn own(public_url: &str) -> Self {
        let loopback = public_url.starts_with("http://");
        Self {
            text: public_url.to_owned(),
            kind: if loopback {
                Kind::Loopback
            } else {
                Kind::Https
            },
        }
    }

    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it comes back to its app.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The host that the consent page names; for a scheme of the app's own, the scheme.
    pub fn host(&self) -> &str {
        let parts = split(&self.text);
        match self.kind {
            Kind::PrivateUse => parts.scheme.unwrap_or_default(),
            Kind::Https | Kind::Loopback => parts.host,
        }
    }

    /// The address with an answer in it. Values come out exactly as they went in.
    pub fn respond(&self, mode: ResponseMode, params: &[(&str, &str)]) -> Response {
        let answer = || encode_all(params.iter().copied());
        match mode {
            ResponseMode::Query => {
                // RFC 6749 3.1.2: a query of the address is kept.
                let mark = match split(&self.text).query {
                    None => "?",
                    Some("") => "",
                    Some(_) => "&",
                };
                Response::Redirect(format!("{}{mark}{}", self.text, answer()))
            }
            ResponseMode::Fragment => Response::Redirect(format!("{}#{}", self.text, answer())),
            ResponseMode::FormPost => Response::FormPost {
                action: self.text.clone(),
                fields: params
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            },
        }
    }
}

impl Client {
    /// The address to answer to: `asked`, when it is on file letter by letter, or on file but
    /// for the port of a loopback address; when none is asked for, the only one on file.
    ///
    /// # Errors
    /// What is wrong, for the page.
    pub fn redirect(&self, asked: Option<&str>) -> Result<RedirectUri, Mismatch> {
        let text = match (asked, self.redirects.as_slice()) {
            (Some(asked), _) => asked,
            // RFC 6749 3.1.2.3
            (None, [only]) => only,
            (None, _) => return Err(Mismatch::Missing),
        };
        let on_file = self
            .redirects
            .iter()
            .any(|known| known == text || differs_only_in_port(known, text));
        match register_check(text) {
            Ok(kind) if on_file => Ok(RedirectUri {
                text: text.to_owned(),
                kind,
            }),
            _ => Err(Mismatch::Unknown {
                asked: text.to_owned(),
                nearest: nearest(text, &self.redirects)
                    .map(|(place, found)| (self.redirects[place].clone(), found)),
            }),
        }
    }

    /// As [`Self::redirect`], and for a stranger's app nowhere at `server`: a program's port is
    /// settled only now (RFC 8252 7.3), and ours was not free for it.
    ///
    /// # Errors
    /// What is wrong, for the page.
    pub fn redirect_away(
        &self,
        server: &str,
        asked: Option<&str>,
    ) -> Result<RedirectUri, Mismatch> {
        let found = self.redirect(asked)?;
        if self.is_strangers() && is_at(server, found.as_str()) {
            return Err(Mismatch::Unknown {
                asked: found.text,
                nearest: None,
            });
        }
        Ok(found)
    }
}

#[cfg(test)]
#[path = "redirect_test.rs"]
mod tests;
