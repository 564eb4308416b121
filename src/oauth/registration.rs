//! What a registration says of a client besides what signing in needs (OpenID Connect Dynamic
//! Client Registration 1.0, 2; RFC 7591 2; Back-Channel Logout 1.0, 2.2).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::client::Client;
use super::error::quote;
use super::imposed::Imposed;
use super::params::encode_all;
use super::service::Algorithm;
use super::subject;

/// A longer address, in bytes, is refused.
const MAX_BYTES: usize = 2000;
/// Keys in one set.
const MOST_KEYS: usize = 20;

/// Who registered a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The operator, who knows it.
    #[default]
    Operator,
    /// The app itself (RFC 7591): nobody here has looked at it.
    Registered,
    /// A document at its `client_id` (Client ID Metadata Document): nobody here has looked at it.
    Document,
}

/// What a client sees as a person's `sub` (OpenID Connect Core 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for all clients.
    #[default]
    Public,
    /// Another for each sector, so that two apps cannot compare.
    Pairwise,
}

/// The members of a registration that are kept as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// Who registered it.
    pub origin: Origin,
    /// Its home page.
    pub client_uri: Option<String>,
    /// Its picture. Never fetched by us, never shown by itself: it would tell its server who looks.
    pub logo_uri: Option<String>,
    /// Its privacy page.
    pub policy_uri: Option<String>,
    /// Its terms.
    pub tos_uri: Option<String>,
    /// Addresses of the people behind it.
    pub contacts: Vec<String>,
    /// RFC 7591 2.
    pub software_id: Option<String>,
    /// RFC 7591 2.
    pub software_version: Option<String>,
    /// Where its public keys lie, when they are not on file here.
    pub jwks_uri: Option<String>,
    /// Where its request objects may lie (OpenID Connect Core 6.2). A fragment stands for what the
    /// file held once and is not compared.
    pub request_uris: Vec<String>,
    /// The list of addresses that share one `sub` (OpenID Connect Core 8.1).
    pub sector_identifier_uri: Option<String>,
    /// Which `sub` it sees.
    pub subject_type: SubjectType,
    /// `userinfo_signed_response_alg`: userinfo comes as a JWT.
    pub userinfo_algorithm: Option<Algorithm>,
    /// `default_max_age`, in seconds.
    pub default_max_age: Option<u32>,
    /// `auth_time` must stand in the ID token; it always does.
    pub require_auth_time: bool,
    /// Where a sign-in can be begun from here (OpenID Connect Core 4).
    pub initiate_login_uri: Option<String>,
    /// Where it is told that a session ended.
    pub backchannel_logout_uri: Option<String>,
    /// A logout token must name the session; it always does.
    pub backchannel_logout_session_required: bool,
    /// Where it is told that a person has decided what it asked them (CIBA 4,
    /// `backchannel_client_notification_endpoint`); else it asks.
    pub ciba_notification: Option<String>,
    /// The apps of one maker, which sign a person in to each other (Native SSO 1.0). The
    /// operator's word alone.
    pub family: Option<String>,
    /// The operator has looked at an app that registered itself.
    pub checked: bool,
    /// What the operator demands of an app that registered itself.
    pub imposed: Imposed,
}

impl Client {
    /// Nobody at this server has looked at it: people are told so, and it gets nothing without a
    /// click.
    pub fn is_unchecked(&self) -> bool {
        self.is_strangers() && !self.registration.checked
    }

    /// The address to read for this `request_uri`, if it is one of its own.
    pub fn request_address<'a>(&self, asked: &'a str) -> Option<&'a str> {
        let known = &self.registration.request_uris;
        let asked = bare(asked);
        known
            .iter()
            .any(|known| bare(known) == asked)
            .then_some(asked)
    }

    /// The command that lets its requests lie at this address as well; nothing for one that cannot be
    /// registered. What is on file stands in it again: the words of the command replace it.
    pub fn add_request_address(&self, asked: &str) -> Option<String> {
        let asked = bare(asked);
        web_address(asked, false).ok()?;
        let known = self.registration.request_uris.iter().map(String::as_str);
        let all = known
            .chain([asked])
            .map(|address| format!(" --request-uri {}", quote(address)));
        let all: String = all.collect();
        Some(format!("gerege client edit {}{all}", quote(&self.id)))
    }

    /// What it says of itself, addresses among it, was typed by a stranger.
    pub fn is_strangers(&self) -> bool {
        self.registration.origin != Origin::Operator
    }
}

/// Where a browser goes to begin a sign-in to a client from here (OpenID Connect Core 4): the app
/// then sends it to us as always.
pub fn initiate(issuer: &str, client: &Client) -> Option<String> {
    let uri = client.registration.initiate_login_uri.as_ref()?;
    let mark = if uri.contains('?') { '&' } else { '?' };
    Some(format!("{uri}{mark}{}", encode_all([("iss", issuer)])))
}

/// Why a registration cannot be taken. `Display` is the sentence for whoever typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {why}")]
pub struct Fault {
    /// The member of the registration.
    pub member: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Judges the addresses of a registration.
///
/// # Errors
/// The first reason against it.
pub fn check(client: &Client) -> Result<(), Fault> {
    let on_file = &client.registration;
    let pages = [
        ("client_uri", &on_file.client_uri),
        ("logo_uri", &on_file.logo_uri),
        ("policy_uri", &on_file.policy_uri),
        ("tos_uri", &on_file.tos_uri),
        ("jwks_uri", &on_file.jwks_uri),
        ("sector_identifier_uri", &on_file.sector_identifier_uri),
        ("initiate_login_uri", &on_file.initiate_login_uri),
    ];
    for (member, address) in pages {
        if let Some(address) = address {
            web_address(address, false).map_err(|why| Fault { member, why })?;
        }
    }
    // Back-Channel Logout 2.2: http only for a confidential client, where we allow it: inside the
    // operator's own network. CIBA 4 names https alone; there the same holds.
    let http = !client.is_public() && !client.is_strangers();
    let told = [
        ("backchannel_logout_uri", &on_file.backchannel_logout_uri),
        (
            "backchannel_client_notification_endpoint",
            &on_file.ciba_notification,
        ),
    ];
    for (member, address) in told {
        if let Some(address) = address {
            web_address(address, http).map_err(|why| Fault { member, why })?;
        }
    }
    for address in &on_file.request_uris {
        web_address(bare(address), false).map_err(|why| Fault {
            member: "request_uris",
            why,
        })?;
    }
    if on_file.subject_type == SubjectType::Pairwise && subject::sector(client).is_none() {
        return Err(Fault {
            member: "sector_identifier_uri",
            why: "it is needed: the addresses to return to have several hosts",
        });
    }
    Ok(())
}

/// A JWK set of public keys (RFC 7517 5).
///
/// # Errors
/// What is wrong with it.
pub fn check_keys(jwks: &str) -> Result<(), &'static str> {
    let set: Value = serde_json::from_str(jwks).map_err(|_| "it is not JSON")?;
    let keys = set
        .get("keys")
        .and_then(Value::as_array)
        .filter(|keys| !keys.is_empty())
        .ok_or("it has no list \"keys\", or an empty one (RFC 7517 5)")?;
    if keys.len() > MOST_KEYS {
        return Err("it holds more than 20 keys");
    }
    for key in keys {
        match key.get("kty").and_then(Value::as_str) {
            Some("RSA" | "EC" | "OKP") => {}
            Some("oct") => return Err("it holds a shared secret; give public keys"),
            _ => return Err("a key has no kty, or one that is not known"),
        }
        // RFC 7518 6.2.2, 6.3.2
        if key.get("d").is_some() {
            return Err("it holds a private key; give the public half only");
        }
    }
    Ok(())
}

/// An address without its fragment.
fn bare(address: &str) -> &str {
    address.split('#').next().unwrap_or_default()
}

/// A web address that can be called or linked to. `http` also lets addresses off loopback do
/// without TLS; loopback may always, for trials on one machine.
fn web_address(text: &str, http: bool) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err("it is empty or longer than 2000 bytes");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds a character that is not allowed; write it percent-encoded");
    }
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if http || loopback => {}
        _ => return Err("it must begin with https://"),
    }
    if url.fragment().is_some() {
        return Err("it has a fragment (#)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or password before the host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::ClientAuth;
    use crate::oauth::client::tests::client;

    #[test]
    fn an_address_of_a_registration_is_a_web_address() {
        for (address, good) in [
            ("https://app.example/privacy", true),
            ("https://app.example", true),
            ("http://localhost:1/privacy", true),
            ("http://127.0.0.1/privacy", true),
            ("http://app.example/privacy", false),
            ("https://app.example/#a", false),
            ("https://user@app.example/", false),
            ("https://app.example/a b", false),
            ("javascript:alert(1)", false),
            ("data:text/html,a", false),
            ("//app.example", false),
            ("", false),
        ] {
            let mut app = client(&["https://app.example/back"], "openid");
            app.registration.policy_uri = Some(address.to_owned());
            assert_eq!(check(&app).is_ok(), good, "{address}");
        }
    }

    #[test]
    fn only_an_app_that_the_operator_knows_is_told_over_http() {
        let inside = Some("http://10.0.0.7/out".to_owned());
        let mut app = client(&["https://app.example/back"], "openid");
        app.registration.backchannel_logout_uri.clone_from(&inside);
        assert_eq!(check(&app), Ok(()));
        app.registration.origin = Origin::Registered;
        assert!(check(&app).is_err());
        app.registration.origin = Origin::Operator;
        app.auth = ClientAuth::None;
        assert!(check(&app).is_err());
    }

    #[test]
    fn a_set_has_at_most_20_keys() {
        let set = |count| {
            let keys = vec![serde_json::json!({ "kty": "EC" }); count];
            serde_json::json!({ "keys": keys }).to_string()
        };
        assert!(check_keys(&set(0)).is_err() && check_keys(&set(21)).is_err());
        assert!(check_keys(&set(1)).is_ok() && check_keys(&set(20)).is_ok());
    }

    #[test]
    fn a_client_from_before_reads_as_the_operators() {
        let mut body = serde_json::to_value(client(&[], "openid")).unwrap();
        body.as_object_mut().unwrap().remove("registration");
        let read: Client = serde_json::from_value(body).unwrap();
        assert!(!read.is_unchecked());
    }
}
