//! Asking a person from an app's own server: they decide on their telephone, the app never sees a
//! browser (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0, CIBA).

use std::time::Duration;

use super::backchannel::{self, Heard};
use super::client::{Client, GrantType};
use super::error::{Code, Problem};
use super::params::Params;
use super::pending::Asked;
use super::scope::{self, OPENID};
use super::service::Service;

/// How an app learns that the person has decided (CIBA 5): it asks, or is told to ask.
pub const MODES: [&str; 2] = ["poll", "ping"];

/// The longest `binding_message` (CIBA 7.1), in characters: it is compared by eye.
pub const LONGEST_MESSAGE: usize = 100;

/// The longest `client_notification_token` (CIBA 7.1).
const LONGEST_TOKEN: usize = 1024;

/// The longest hint that is read.
const LONGEST_HINT: usize = 8 * 1024;

/// Who is asked (CIBA 7.1).
#[derive(Clone, PartialEq, Eq)]
pub enum Hint {
    /// `login_hint`: a username or an address, as the person would type it.
    Login(String),
    /// `id_token_hint`: an ID token of ours; not verified here.
    IdToken(String),
}

/// What an app asks for (CIBA 7.1).
#[derive(Clone, PartialEq, Eq)]
pub struct CibaRequest {
    /// What it wants to do, and whom it wants to speak to.
    pub asked: Asked,
    /// Of whom.
    pub hint: Hint,
    /// What stands on the app's own screen, to be compared.
    pub message: Option<String>,
    /// How long it would wait.
    pub expiry: Option<Duration>,
    /// The token by which it is told; only with apps that are told.
    pub notify: Option<String>,
}

impl std::fmt::Debug for CibaRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The others name a person or open something.
        f.debug_struct("CibaRequest")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl CibaRequest {
    /// Reads and judges a request of an authenticated client; `signed` tells that it was one
    /// (CIBA 7.1.1). `acr_values` is a wish: the ID token tells what was reached. `user_code` is
    /// not supported, and ignored as any parameter that is not known (RFC 6749 3.1).
    ///
    /// # Errors
    /// CIBA 13.
    pub fn parse(
        params: &Params,
        signed: bool,
        client: &Client,
        services: &[Service],
        issuer: &str,
    ) -> Result<Self, Problem> {
        if client.is_public() {
            // CIBA 7.1: the client is authenticated.
            return Err(Problem::new(
                Code::UnauthorizedClient,
                "this needs a client that keeps a secret",
            ));
        }
        // FAPI-CIBA 5.2.2: a client that is held to FAPI signs what it asks.
        if (client.must_sign() || client.fapi.is_some()) && !signed {
            let problem = wrong("this client must sign its requests and send them as request");
            return Err(match client.fapi {
                None => problem.mend(format!(
                    "gerege client edit {} --request-object optional",
                    client.id
                )),
                Some(_) => problem,
            });
        }
        let asked = Asked::parse(params, GrantType::Ciba, client, services, issuer)?;
        if !scope::has(&asked.scopes, OPENID) {
            return Err(Problem::new(Code::InvalidScope, "scope must hold openid"));
        }
        Ok(Self {
            asked,
            hint: hint(params)?,
            message: params.one("binding_message").map(message).transpose()?,
            expiry: params.one("requested_expiry").map(expiry).transpose()?,
            notify: match &client.registration.ciba_notification {
                None => None,
                Some(_) => Some(token(params)?),
            },
        })
    }
}

/// What an app's answer means that was told of a decision (CIBA 10.2). Where it does not know the
/// token, or points elsewhere, somebody has to mend it: it would say the same again.
pub const fn heard(status: u16) -> Heard {
    match status {
        300..=399 | 401 | 403 => Heard::Refused,
        _ => backchannel::heard(status),
    }
}

/// Exactly one hint (CIBA 7.1).
fn hint(params: &Params) -> Result<Hint, Problem> {
    if params.has("login_hint_token") {
        return Err(wrong("login_hint_token is not supported"));
    }
    let all = [params.owned("login_hint"), params.owned("id_token_hint")];
    if all.iter().flatten().any(|hint| hint.len() > LONGEST_HINT) {
        return Err(wrong("the hint is too long"));
    }
    match all {
        [Some(login), None] => Ok(Hint::Login(login)),
        [None, Some(token)] => Ok(Hint::IdToken(token)),
        [None, None] => Err(wrong("login_hint or id_token_hint is missing")),
        _ => Err(wrong("there must be one hint, not several")),
    }
}

/// It stands on a page and in a mail between quotes: one line that hides nothing.
fn message(text: &str) -> Result<String, Problem> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_MESSAGE || text.chars().any(hidden) {
        return Err(Problem::new(
            Code::InvalidBindingMessage,
            "binding_message must be one line of up to 100 characters, none of them hidden",
        ));
    }
    Ok(text.to_owned())
}

fn expiry(text: &str) -> Result<Duration, Problem> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Duration::from_secs(seconds.into()))
        }
        _ => Err(wrong(
            "requested_expiry must be a positive number of seconds",
        )),
    }
}

/// A bearer token (RFC 6750 2.1).
fn token(params: &Params) -> Result<String, Problem> {
    let Some(token) = params.owned("client_notification_token") else {
        return Err(wrong("client_notification_token is missing"));
    };
    let body = token.trim_end_matches('=');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if body.is_empty() || token.len() > LONGEST_TOKEN || !body.bytes().all(legal) {
        return Err(wrong(
            "client_notification_token must be a bearer token of up to 1024 characters",
        ));
    }
    Ok(token)
}

fn wrong(why: &str) -> Problem {
    Problem::new(Code::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::client::{ClientAuth, Need};
    use crate::oauth::service::tests::service;
    use proptest::prelude::*;

    fn bank() -> Client {
        let mut client = client(&[], "openid profile chat");
        client.grants = vec![GrantType::Ciba];
        client
    }

    fn parse(query: &str, client: &Client) -> Result<CibaRequest, Code> {
        let params = Params::parse(query.as_bytes()).unwrap();
        let services = [service("chat", &["chat"])];
        CibaRequest::parse(&params, false, client, &services, "https://steppe.example")
            .map_err(|problem| problem.code)
    }

    const GOOD: &str = "scope=openid&login_hint=temuulen";

    // CIBA 7.1
    #[test]
    fn a_request_names_one_person_and_is_of_a_client_that_keeps_a_secret() {
        let asked = parse(
            "scope=openid+chat&login_hint=temuulen&binding_message=W4SCT&requested_expiry=120\
             &acr_values=x&user_code=1234&client_notification_token=ignored",
            &bank(),
        )
        .unwrap();
        assert_eq!(asked.asked.scopes, ["openid", "chat"]);
        assert!(asked.hint == Hint::Login("temuulen".into()));
        assert_eq!(asked.message.as_deref(), Some("W4SCT"));
        assert_eq!(asked.expiry, Some(Duration::from_secs(120)));
        assert_eq!(asked.notify, None);
        for (query, wanted) in [
            ("scope=openid", Code::InvalidRequest),
            (
                "scope=openid&login_hint=a&id_token_hint=b",
                Code::InvalidRequest,
            ),
            ("scope=openid&login_hint_token=a", Code::InvalidRequest),
            (
                "scope=openid&login_hint=a&login_hint_token=a",
                Code::InvalidRequest,
            ),
            ("login_hint=a", Code::InvalidScope),
            ("scope=chat&login_hint=a", Code::InvalidScope),
            (
                "scope=openid&login_hint=a&resource=https://mail.example",
                Code::InvalidTarget,
            ),
        ] {
            assert_eq!(parse(query, &bank()).err(), Some(wanted), "{query}");
        }
        let public = Client {
            auth: ClientAuth::None,
            ..bank()
        };
        assert_eq!(parse(GOOD, &public).err(), Some(Code::UnauthorizedClient));
        let other = client(&[], "openid");
        assert_eq!(parse(GOOD, &other).err(), Some(Code::UnauthorizedClient));
        let mut signs = bank();
        signs.asking.request_object = Need::Required;
        assert_eq!(parse(GOOD, &signs).err(), Some(Code::InvalidRequest));
    }

    #[test]
    fn a_message_is_one_line_that_hides_nothing() {
        let table = [
            ("1234", true),
            ("1234%20%F0%9F%91%8D", true),
            (&"a".repeat(100), true),
            (&"a".repeat(101), false),
            ("a%0Ab", false),
            ("a%E2%80%AEb", false),
            ("%20", false),
            ("a%E2%80%8Bb", false),
        ];
        for (message, good) in table {
            let query = format!("{GOOD}&binding_message={message}");
            match parse(&query, &bank()) {
                Ok(_) => assert!(good, "{message}"),
                Err(code) => {
                    assert!(!good, "{message}");
                    assert_eq!(code, Code::InvalidBindingMessage);
                }
            }
        }
    }

    #[test]
    fn who_is_told_brings_a_token_and_an_expiry_is_a_number() {
        let mut told = bank();
        told.registration.ciba_notification = Some("https://bank.example/told".into());
        assert_eq!(parse(GOOD, &told).err(), Some(Code::InvalidRequest));
        for (token, good) in [
            ("8d67dc78-7faa-4d41-aabd-67707b374255", true),
            ("a-._~%2B/==", true),
            ("=", false),
            ("a%20b", false),
            ("a%0Ab", false),
            (&"a".repeat(1024), true),
            (&"a".repeat(1025), false),
        ] {
            let query = format!("{GOOD}&client_notification_token={token}");
            assert_eq!(parse(&query, &told).is_ok(), good, "{token}");
        }
        for (expiry, good) in [
            ("1", true),
            ("0", false),
            ("-5", false),
            ("+5", false),
            ("a", false),
        ] {
            let query = format!("{GOOD}&requested_expiry={}", expiry.replace('+', "%2B"));
            assert_eq!(parse(&query, &bank()).is_ok(), good, "{expiry}");
        }
    }

    proptest! {
        #[test]
        fn any_message_is_taken_whole_or_refused(text in "\\PC{0,120}") {
            if let Ok(taken) = message(&text) {
                prop_assert_eq!(text.trim(), taken);
            }
        }
    }
}
