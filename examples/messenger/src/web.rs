//! Talking to the account server: where its doors are (OpenID Connect Discovery), and the two
//! that the app knocks at itself, for tokens and to give them back.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ureq::tls::TlsConfig;
use url::{Host, Url};

use crate::key::Key;
use crate::line::plain;

const MOST_BYTES: u64 = 256 * 1024;

/// An account server, as it describes itself.
pub struct Provider {
    agent: ureq::Agent,
    pub issuer: String,
    pub authorize: Url,
    token: Url,
    revoke: Option<Url>,
    /// Its answers name it (RFC 9207 3).
    pub names_itself: bool,
    /// What it last wants to see in a proof (RFC 9449 8).
    nonce: RefCell<Option<String>>,
}

/// What a sign-in or a renewal brings (RFC 6749 5.1).
#[derive(Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    token_type: String,
    /// Seconds.
    #[serde(default = "usual_life")]
    expires_in: u64,
}

fn usual_life() -> u64 {
    300
}

impl Tokens {
    /// It is bound to the app's key (RFC 9449 5); else whoever has it may use it.
    pub fn is_bound(&self) -> bool {
        self.token_type.eq_ignore_ascii_case("dpop")
    }

    /// When to renew, counted from now: after four fifths of the life, a minute before the end
    /// at most.
    pub fn renew_after(&self) -> Duration {
        let life = Duration::from_secs(self.expires_in.clamp(1, 86_400));
        life - (life / 5).min(Duration::from_secs(60))
    }
}

/// Why there are no tokens.
#[derive(Debug)]
pub enum Fault {
    /// `invalid_grant` (RFC 6749 5.2): what was shown is over, for good.
    Over,
    /// The account server said no to the app itself: its code.
    Refused(String),
    /// It did not answer, or not in a way that means anything. Later it may.
    Elsewhere(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("that is over"),
            Self::Refused(code) => write!(f, "it does not take this app ({})", plain(code)),
            Self::Elsewhere(why) => f.write_str(why),
        }
    }
}

impl Provider {
    /// Reads `{issuer}/.well-known/openid-configuration`.
    pub fn discover(issuer: &str) -> Result<Self, String> {
        let agent = agent();
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        door(&address)?;
        let document = read(agent.get(&address).call()).map_err(|why| match why {
            Fault::Over => format!("{address} is no account server."),
            Fault::Refused(why) | Fault::Elsewhere(why) => format!(
                "{issuer} does not answer: {why}. Is the account server running? \
                 In Gerege's folder, cargo run --release starts it."
            ),
        })?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        // OpenID Connect Discovery 4.3
        if text("issuer") != Some(issuer) {
            return Err(format!(
                "The server at {issuer} calls itself {}. Start again with --issuer and that name, if you trust it.",
                text("issuer").unwrap_or("nothing")
            ));
        }
        let needed = |name: &str| door(text(name).unwrap_or_default());
        Ok(Self {
            issuer: issuer.to_owned(),
            authorize: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            revoke: text("revocation_endpoint").map(door).transpose()?,
            names_itself: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            nonce: RefCell::default(),
            agent,
        })
    }

    /// Exchanges a code, or renews a stay. What comes is bound to the key.
    pub fn tokens(&self, form: &[(&str, &str)], key: &Key) -> Result<Tokens, Fault> {
        let answer = match self.ask(form, key) {
            // RFC 9449 8: the same again, with what the answer brought.
            Err(Fault::Refused(code)) if code == "use_dpop_nonce" => self.ask(form, key)?,
            other => other?,
        };
        // RFC 6749 5.1: a token of another type could not be used as it is
        match serde_json::from_value::<Tokens>(answer) {
            Ok(tokens) if tokens.is_bound() || tokens.token_type.eq_ignore_ascii_case("bearer") => {
                Ok(tokens)
            }
            _ => Err(Fault::Elsewhere("its answer makes no sense".to_owned())),
        }
    }

    fn ask(&self, form: &[(&str, &str)], key: &Key) -> Result<Value, Fault> {
        let nonce = self.nonce.borrow().clone();
        let proof = key.proof("POST", self.token.as_str(), None, nonce.as_deref());
        let answer = self
            .agent
            .post(self.token.as_str())
            .header("DPoP", proof.map_err(Fault::Elsewhere)?)
            .send_form(form.iter().copied());
        let next = answer.as_ref().ok().and_then(|answer| {
            let nonce = answer.headers().get("dpop-nonce")?.to_str().ok()?;
            Some(nonce.to_owned())
        });
        if next.is_some() {
            self.nonce.replace(next);
        }
        read(answer)
    }

    /// Gives a stay back (RFC 7009).
    pub fn revoke(&self, client: &str, refresh_token: &str) -> Result<(), Fault> {
        let Some(revoke) = &self.revoke else {
            return Ok(());
        };
        let form = [
            ("client_id", client),
            ("token", refresh_token),
            ("token_type_hint", "refresh_token"),
        ];
        let answer = self.agent.post(revoke.as_str()).send_form(form);
        match answer {
            Ok(answer) if answer.status() == 200 => Ok(()),
            Ok(answer) => Err(Fault::Elsewhere(format!("it answered {}", answer.status()))),
            Err(why) => Err(Fault::Elsewhere(why.to_string())),
        }
    }
}

/// An address that a secret may be sent to: https, or http on this machine.
pub fn door(address: &str) -> Result<Url, String> {
    let refuse = || format!("{address:?} is not an https address, nor http on this machine.");
    let url = Url::parse(address).map_err(|_| refuse())?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && local => Ok(url),
        _ => Err(refuse()),
    }
}

pub fn agent() -> ureq::Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ureq::Agent::config_builder()
        .tls_config(
            TlsConfig::builder()
                .unversioned_rustls_crypto_provider(provider)
                .build(),
        )
        .timeout_global(Some(Duration::from_secs(15)))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

pub fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, Fault> {
    let elsewhere = |why: ureq::Error| Fault::Elsewhere(why.to_string());
    let mut answer = answer.map_err(elsewhere)?;
    let status = answer.status().as_u16();
    let body = answer
        .body_mut()
        .with_config()
        .limit(MOST_BYTES)
        .read_to_vec()
        .map_err(elsewhere)?;
    let body: Option<Value> = serde_json::from_slice(&body).ok();
    match (status, body) {
        (200, Some(body)) => Ok(body),
        // RFC 6749 5.2: 400 or 401 with a code; anything else may pass
        (400 | 401, Some(body)) => match body.get("error").and_then(Value::as_str) {
            Some("invalid_grant") => Err(Fault::Over),
            Some(code) => Err(Fault::Refused(code.to_owned())),
            None => Err(Fault::Elsewhere(format!("it answered {status}"))),
        },
        _ => Err(Fault::Elsewhere(format!("it answered {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_only_to_https_or_this_machine() {
        for (address, good) in [
            ("https://id.steppe.example/oauth2/token", true),
            ("http://localhost:8777/oauth2/token", true),
            ("http://127.0.0.1:1/", true),
            ("http://[::1]:1/", true),
            ("http://id.steppe.example/", false),
            ("https://a:b@id.steppe.example/", false),
            ("file:///bin/sh", false),
            ("", false),
        ] {
            assert_eq!(door(address).is_ok(), good, "{address}");
        }
    }

    #[test]
    fn a_stay_is_renewed_before_it_ends() {
        for (life, after) in [(600, 540), (100, 80), (0, 0), (u64::MAX, 86_340)] {
            let tokens = Tokens {
                access_token: String::new(),
                refresh_token: None,
                token_type: "Bearer".to_owned(),
                expires_in: life,
            };
            assert_eq!(tokens.renew_after().as_secs(), after);
        }
    }
}
