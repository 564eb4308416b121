//! What an app waits for while a person decides elsewhere: by the device grant (RFC 8628), or
//! because its server asked about somebody (OpenID Connect CIBA Core 1.0).

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

/// An app may ask this often (RFC 8628 3.2, CIBA 7.3), and each time that it asks too early it
/// must wait so much longer (RFC 8628 3.5, CIBA 11).
pub const PAUSE: Duration = Duration::from_secs(5);

/// What an app asks for (RFC 8628 3.1, CIBA 7.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What it wants to do.
    pub scopes: Vec<String>,
    /// Whom it wants to speak to (RFC 8707 2).
    pub resources: Vec<String>,
}

impl Asked {
    /// Reads and judges a request of an authenticated client.
    ///
    /// # Errors
    /// `unauthorized_client`, `invalid_scope` or `invalid_target`.
    pub fn parse(
        params: &Params,
        grant: GrantType,
        client: &Client,
        services: &[Service],
        issuer: &str,
    ) -> Result<Self, Problem> {
        client.must_be_for(grant)?;
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
            manages: Vec::new(),
            prompt: Prompt {
                consent: true, // RFC 8628 5.4: a link alone must not do it; nor a server
                ..Prompt::default()
            },
            // OpenID Connect Registration 2, default_max_age
            max_age: client
                .registration
                .default_max_age
                .map(|seconds| Duration::from_secs(seconds.into())),
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
    /// Who is asked, where the app said so (CIBA 7.1). An app that asked about nobody waits in
    /// vain.
    pub account_id: Option<String>,
    /// The sealed token by which the app is told that the person has decided (CIBA 10.2).
    pub ping: Option<String>,
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
    pub asked: Asked,
    /// The network that the app asked from.
    pub network: String,
    /// What its secret is derived from, where it has to be sent again (CIBA 10.2).
    #[serde(default)]
    pub id: String,
    /// What stands on the other screen as well (CIBA 7.1, `binding_message`).
    #[serde(default)]
    pub message: Option<String>,
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

/// Judges a question for tokens (RFC 8628 3.5, CIBA 11).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::tests::client;
    use crate::oauth::service::tests::service;

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
            account_id: None,
            ping: None,
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
            Asked::parse(
                &params,
                GrantType::DeviceCode,
                client,
                &services,
                "https://steppe.example",
            )
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
}
