//! A server that trusts our tokens (OAuth 2's resource server), as the operator registered it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// A signature algorithm (RFC 7518 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048-bit keys.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// What an access token for a service looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// RFC 9068 `at+jwt`.
    Jwt,
    /// Opaque to all but us; the service asks `/oauth2/introspect`.
    Opaque,
}

/// Whose key signs a service's access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOwner {
    /// The service's own key, which signs nothing else.
    Own,
    /// The issuer's key.
    Issuer,
}

/// How a service learns of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It reads the JWK set again; keys overlap.
    Jwks,
    /// It holds one key file; keys change only by command.
    Pinned,
}

/// What a service checks beside the token (PROTOCOL.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Nothing: whoever has the token has the right (RFC 6750).
    #[default]
    Bearer,
    /// A proof by the key that the token is bound to (RFC 9449).
    Dpop,
    /// The certificate that the token is bound to (RFC 8705 3).
    Mtls,
}

/// What is served for a service beside its keys; all of it by the operator's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Offers {
    /// It is its own issuer, with metadata of its own (PROTOCOL.md 1).
    pub own_issuer: bool,
    /// Apps that know only the service find us by its metadata (RFC 9728).
    pub metadata: bool,
    /// Its tokens name their place in a status list (Token Status List, draft 20).
    pub status_list: bool,
}

/// What people read of a service before they allow it; all of it by the operator's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Words {
    /// It is a messenger server, or it is not; else it is one whose tokens have a `jid`.
    pub messenger: Option<bool>,
    /// What a scope lets an app do, by the scope.
    pub scopes: BTreeMap<String, String>,
}

/// A claim of a service's access tokens and the template of its value,
/// such as `jid` = `{username}@{domain}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRule {
    /// The claim's name.
    pub claim: String,
    /// Text with `{username}`, `{domain}`, `{name}`, `{email}`, `{sub}`.
    pub template: String,
}

/// A registered service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id, in `/services/{id}/…` and at introspection.
    pub id: String,
    /// What people read on the consent page.
    pub name: String,
    /// `aud` of its tokens; also what `resource` names (RFC 8707).
    pub audience: String,
    /// The scopes that belong to it and to no other service.
    pub scopes: Vec<String>,
    /// The algorithm of its access tokens.
    pub algorithm: Algorithm,
    /// The shape of its access tokens.
    pub format: TokenFormat,
    /// Further claims.
    pub claims: Vec<ClaimRule>,
    /// Whose key signs.
    pub keys: KeyOwner,
    /// How it learns of a new key.
    pub rotation: Rotation,
    /// Takes tokens of machines (client_credentials).
    pub machine: bool,
    /// `/services/{id}/userinfo` answers.
    pub userinfo: bool,
    /// Types of `authorization_details` that belong to it and to no other service (RFC 9396 2).
    #[serde(default)]
    pub details: Vec<String>,
    /// What it checks beside the token.
    #[serde(default)]
    pub proof: Proof,
    /// What is served for it beside its keys.
    #[serde(default)]
    pub offers: Offers,
    /// What people read of it.
    #[serde(default)]
    pub words: Words,
    /// SHA-256 of the secret with which it introspects, base64url.
    pub secret_hash: Option<String>,
    /// When it was registered.
    pub created_at: Time,
}

impl Service {
    /// Whether an app that it lets in sends and receives messages as the person.
    pub fn is_messenger(&self) -> bool {
        let named = || self.claims.iter().any(|rule| rule.claim == "jid");
        self.words.messenger.unwrap_or_else(named)
    }

    /// `iss` of its tokens. A service that is its own issuer has a name below ours.
    pub fn issuer(&self, house: &str) -> String {
        if self.offers.own_issuer {
            own_issuer(house, &self.id)
        } else {
            house.to_owned()
        }
    }
}

/// The name of a service that is its own issuer (PROTOCOL.md 1).
pub fn own_issuer(house: &str, id: &str) -> String {
    format!("{}/services/{id}", house.trim_end_matches('/'))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A service `https://{id}.example` for tests.
    pub(crate) fn service(id: &str, scopes: &[&str]) -> Service {
        Service {
            id: id.to_owned(),
            name: id.to_owned(),
            audience: format!("https://{id}.example"),
            scopes: scopes.iter().map(|name| (*name).to_owned()).collect(),
            algorithm: Algorithm::RS256,
            format: TokenFormat::Jwt,
            claims: vec![ClaimRule {
                claim: "jid".to_owned(),
                template: "{username}@{domain}".to_owned(),
            }],
            keys: KeyOwner::Own,
            rotation: Rotation::Jwks,
            machine: false,
            userinfo: true,
            details: vec![],
            proof: Proof::Bearer,
            offers: Offers::default(),
            words: Default::default(),
            secret_hash: None,
            created_at: Time::default(),
        }
    }
}
