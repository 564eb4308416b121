//! The device grant (RFC 8628): an app without a browser asks, a person allows it elsewhere.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authorize::{Checked, Prompt, check_resources, grantable};
use super::client::{Client, GrantType};
use super::error::{Code, Problem};
use super::params::Params;
use super::redirect::{Delivery, RedirectUri};
use super::scope;
use super::service::Service;
use super::token::is_offline;
use crate::clock::Time;

/// Letters of a code that a person types: no vowels, so that no words come about, and none that
/// looks like a digit (RFC 8628 6.1).
pub const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters such a code has.
pub const LENGTH: usize = 8;

/// An app may ask this often (RFC 8628 3.2), and each time that it asks too early it must wait so
/// much longer (RFC 8628 3.5).
pub const PAUSE: Duration = Duration::from_secs(5);

/// What an app asks for (RFC 8628 3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequest {
    /// What it wants to do.
    pub scopes: Vec<String>,
    /// Whom it wants to speak to (RFC 8707 2).
    pub resources: Vec<String>,
}

impl DeviceRequest {
    /// Reads and judges a request of an authenticated client.
    ///
    /// # Errors
    /// `unauthorized_client`, `invalid_scope` or `invalid_target`.
    pub fn parse(
        params: &Params,
        client: &Client,
        services: &[Service],
        issuer: &str,
    ) -> Result<Self, Problem> {
        if !client.may(GrantType::DeviceCode) {
            return Err(Problem::new(
                Code::UnauthorizedClient,
                format!(
                    "this client is not registered for {}",
                    GrantType::DeviceCode.name()
                ),
            ));
        }
        let scopes = grantable(params.one("scope"), client, services)?;
        let resources = params.many("resource");
        check_resources(&resources, &scopes, services, issuer)?;
        Ok(Self { scopes, resources })
    }

    /// The request as the one decision about people sees it: always with a page on which the
    /// person says yes, and with an answer that never leaves this server.
    pub fn checked(&self, client: &Client, services: &[Service], own: RedirectUri) -> Checked {
        Checked {
            client_id: client.id.clone(),
            redirect: own,
            delivery: Delivery::QUERY,
            state: None,
            nonce: None,
            services: services
                .iter()
                .filter(|service| {
                    let has = |name: &String| scope::has(&service.scopes, name);
                    self.scopes.iter().any(has)
                })
                .map(|service| service.id.clone())
                .collect(),
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            challenge: None,
            dpop_jkt: None,
            action: None,
            prompt: Prompt {
                consent: true, // RFC 8628 5.4: a link alone must not do it
                ..Prompt::default()
            },
            max_age: None,
            login_hint: None,
            ui_locales: Vec::new(),
            acr_values: Vec::new(),
            id_token_hint: None,
            claims: Default::default(),
            details: Default::default(),
            essential: Vec::new(),
            lasts: is_offline(client, &[]),
            subs: Vec::new(),
            first_party: false,
            unchecked: client.is_unchecked(),
            silent: false,
        }
    }
}

/// What an app waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Digest of the secret that it asks with.
    pub hash: String,
    /// Keyed digest of the code that the person types.
    pub user_code: Option<String>,
    /// Who waits.
    pub client_id: String,
    /// For what, and what is told of it.
    pub body: Body,
    /// When it began.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// The least time between two questions.
    pub pause: Duration,
    /// Not before this instant again.
    pub next_at: Time,
    /// What was allowed.
    pub grant_id: Option<String>,
    /// When the person decided.
    pub decided_at: Option<Time>,
    /// When the tokens were given.
    pub used_at: Option<Time>,
}

/// The part of it that nothing is looked for by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// What is asked for.
    pub asked: DeviceRequest,
    /// The network that the app asked from.
    pub network: String,
}

/// What becomes of a question for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has decided. Note when it may ask again, and with which pause.
    Wait {
        /// It asked too early.
        slow: bool,
        /// The pause from now on.
        pause: Duration,
        /// Not before this instant.
        next_at: Time,
    },
    /// Give it what this grant allows, once.
    Ready(String),
    /// Nothing changes.
    Refused(Problem),
}

impl Poll {
    /// What is said while nobody has decided.
    pub fn waiting(slow: bool) -> Problem {
        if slow {
            Problem::new(
                Code::SlowDown,
                "asked too early: wait five seconds longer from now on",
            )
        } else {
            Problem::new(Code::AuthorizationPending, "the person has not decided yet")
        }
    }
}

/// Judges a question for tokens (RFC 8628 3.5).
pub fn poll(pending: &Pending, client: &Client, now: Time) -> Poll {
    let refuse = |code, why: &str| Poll::Refused(Problem::new(code, why));
    if pending.client_id != client.id {
        return refuse(Code::InvalidGrant, "the code was not given to this client");
    }
    if pending.used_at.is_some() {
        return refuse(Code::InvalidGrant, "the code was used before");
    }
    if pending.expires_at <= now {
        return refuse(Code::ExpiredToken, "the code has run out; begin again");
    }
    match (&pending.grant_id, pending.decided_at) {
        (Some(grant), _) => Poll::Ready(grant.clone()),
        (None, Some(_)) => refuse(Code::AccessDenied, "the person did not allow it"),
        (None, None) => {
            let slow = now < pending.next_at;
            let pause = if slow {
                pending.pause + PAUSE
            } else {
                pending.pause
            };
            Poll::Wait {
                slow,
                pause,
                next_at: now.plus(pause),
            }
        }
    }
}

/// A code that a person types, from as many drawn bytes as [`LENGTH`], each below 20.
pub fn user_code(drawn: impl Iterator<Item = u8>) -> String {
    drawn
        .take(LENGTH)
        .map(|at| char::from(LETTERS[usize::from(at) % LETTERS.len()]))
        .collect()
}

/// What a person typed, as a code: in capitals, without dashes and spaces (RFC 8628 6.1). `None`
/// when it can be none.
pub fn typed(text: &str) -> Option<String> {
    let mut code = String::new();
    for letter in text.chars() {
        match letter.to_ascii_uppercase() {
            letter if letter.is_ascii() && LETTERS.contains(&(letter as u8)) => code.push(letter),
            ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{a0}' | '.' => {}
            _ => return None,
        }
        if code.len() > LENGTH {
            return None;
        }
    }
    (code.len() == LENGTH).then_some(code)
}

/// A code as it is shown: `WDJB-MJHT`.
pub fn shown(code: &str) -> String {
    match code.split_at_checked(LENGTH / 2) {
        Some((head, tail)) => format!("{head}-{tail}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::service::tests::service;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    fn box_() -> Client {
        let mut client = client(&[], "openid profile chat");
        client.grants = vec![GrantType::DeviceCode];
        client
    }

    fn pending() -> Pending {
        Pending {
            hash: "h".into(),
            user_code: Some("u".into()),
            client_id: "forum".into(),
            body: Body::default(),
            created_at: at(0),
            expires_at: at(600),
            pause: PAUSE,
            next_at: at(5),
            grant_id: None,
            decided_at: None,
            used_at: None,
        }
    }

    #[test]
    fn only_a_client_registered_for_it_may_begin() {
        let services = [service("chat", &["chat"])];
        let parse = |query: &str, client: &Client| {
            let params = Params::parse(query.as_bytes()).unwrap();
            DeviceRequest::parse(&params, client, &services, "https://steppe.example")
                .map_err(|problem| problem.code)
        };
        let asked = parse("scope=openid+chat&resource=https://chat.example", &box_()).unwrap();
        assert_eq!(asked.scopes, ["openid", "chat"]);
        assert_eq!(asked.resources, ["https://chat.example"]);
        assert_eq!(parse("", &box_()), Err(Code::InvalidScope));
        let mail = "scope=openid&resource=https://mail.example";
        assert_eq!(parse(mail, &box_()), Err(Code::InvalidTarget));
        let web = client(&[], "openid");
        assert_eq!(parse("scope=openid", &web), Err(Code::UnauthorizedClient));
    }

    // RFC 8628 3.5
    #[test]
    fn an_app_waits_until_the_person_has_decided() {
        let code = |pending: &Pending, now| match poll(pending, &box_(), at(now)) {
            Poll::Refused(problem) => problem.code,
            Poll::Wait { slow, .. } => Poll::waiting(slow).code,
            Poll::Ready(_) => panic!("ready"),
        };
        assert_eq!(code(&pending(), 5), Code::AuthorizationPending);
        assert_eq!(code(&pending(), 4), Code::SlowDown);
        assert_eq!(code(&pending(), 600), Code::ExpiredToken);
        let early = poll(&pending(), &box_(), at(4));
        let next = Poll::Wait {
            slow: true,
            pause: PAUSE * 2,
            next_at: at(14),
        };
        assert_eq!(early, next);

        let mut allowed = pending();
        (allowed.grant_id, allowed.decided_at) = (Some("g1".into()), Some(at(3)));
        // Who asks early is told to wait only while there is nothing to give.
        assert_eq!(poll(&allowed, &box_(), at(4)), Poll::Ready("g1".into()));
        assert_eq!(code(&allowed, 600), Code::ExpiredToken);
        allowed.used_at = Some(at(5));
        assert_eq!(code(&allowed, 6), Code::InvalidGrant);

        let mut denied = pending();
        denied.decided_at = Some(at(3));
        assert_eq!(code(&denied, 10), Code::AccessDenied);

        let mut other = box_();
        other.id = "another".into();
        let told = poll(&pending(), &other, at(10));
        assert!(matches!(told, Poll::Refused(problem) if problem.code == Code::InvalidGrant));
    }

    #[test]
    fn a_typed_code_is_read_as_people_type() {
        for good in [
            "WDJBMJHT",
            "WDJB-MJHT",
            "wdjb-mjht",
            " wdjb mjht ",
            "W.D.J.B\u{2013}M J\u{a0}H T",
        ] {
            assert_eq!(typed(good).as_deref(), Some("WDJBMJHT"), "{good}");
        }
        for bad in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJB-MJHA",
            "WDJB-MJH7",
            "WDJB_MJHT",
            "ШDJBMJHT",
        ] {
            assert_eq!(typed(bad), None, "{bad}");
        }
        assert_eq!(shown("WDJBMJHT"), "WDJB-MJHT");
    }

    proptest! {
        #[test]
        fn every_code_can_be_typed(drawn in proptest::collection::vec(0_u8..20, LENGTH)) {
            let code = user_code(drawn.into_iter());
            prop_assert_eq!(typed(&shown(&code)), Some(code));
        }

        #[test]
        fn any_text_is_a_code_or_none(text in "\\PC{0,30}") {
            if let Some(code) = typed(&text) {
                prop_assert_eq!(code.len(), LENGTH);
            }
        }
    }
}
