//! What a person allowed a client: the row that codes and tokens point at.

use serde::{Deserialize, Serialize};

use super::claims_request::Given;
use super::client::Client;
use super::details::Details;
use super::management::{self, Managed};
use super::scope;
use crate::clock::Time;

/// A grant, made together with its code. Machines (client_credentials) have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id; stands in every token as the private claim `gid`.
    pub id: String,
    /// The person.
    pub account_id: String,
    /// The client.
    pub client_id: String,
    /// The browser session it came from (`sid`), which ends it unless it is `offline`.
    pub sid: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// `resource` values of the authorization request (RFC 8707).
    pub resources: Vec<String>,
    /// Outlives the browser session (`offline_access`, or `refresh = always`).
    pub offline: bool,
    /// Claims asked for one by one, and allowed (OpenID Connect Core 5.5).
    #[serde(default)]
    pub claims: Given,
    /// What was asked for in detail, and allowed (RFC 9396).
    #[serde(default)]
    pub details: Details,
    /// `nonce` of the request.
    pub nonce: Option<String>,
    /// When the person last proved who they are.
    pub auth_time: Time,
    /// How they proved it (RFC 8176), such as `pwd`.
    pub amr: Vec<String>,
    /// Thumbprint of the key that must redeem the code (RFC 9449 10).
    #[serde(default)]
    pub dpop_jkt: Option<String>,
    /// The name by which its client manages it.
    #[serde(default)]
    pub managed: Option<Managed>,
    /// When it was made.
    pub created_at: Time,
    /// When it was ended.
    pub revoked_at: Option<Time>,
}

impl Grant {
    /// What the person allowed: the scopes, and those whose claims were asked for by name.
    pub fn allowed(&self) -> Vec<String> {
        let mut allowed = management::allowed(&self.scopes);
        for name in self.claims.scopes() {
            if !scope::has(&allowed, name) {
                allowed.push(name.to_owned());
            }
        }
        allowed
    }

    /// Without what its client may not have any more: what the operator takes from an app is taken
    /// from what people granted it before, too.
    #[must_use]
    pub fn cut(mut self, client: &Client) -> Self {
        let mut allowed = self.allowed();
        allowed.retain(|name| client.may_have(name));
        self.claims = self.claims.cut(&allowed);
        self.scopes.retain(|name| client.may_have(name));
        self.details = self.details.among(&client.asking.details);
        self
    }
}

/// An authorization code (RFC 6749 4.1.2), kept by the digest of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Digest of the secret.
    pub hash: String,
    /// The grant that it gives.
    pub grant_id: String,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// PKCE challenge, S256 (RFC 7636 4.2).
    pub challenge: Option<String>,
    /// When it stops working.
    pub expires_at: Time,
    /// When it was spent.
    pub used_at: Option<Time>,
    /// Exchanges with a wrong verifier; at five it is dead.
    pub wrong: i64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A grant for tests.
    pub(crate) fn grant(scopes: &str) -> Grant {
        Grant {
            id: "grant-1".into(),
            account_id: "person-1".into(),
            client_id: "forum".into(),
            sid: "session-1".into(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            resources: Vec::new(),
            offline: false,
            claims: Given::default(),
            details: Details::default(),
            nonce: None,
            auth_time: Time::default(),
            amr: Vec::new(),
            dpop_jkt: None,
            managed: None,
            created_at: Time::default(),
            revoked_at: None,
        }
    }
}
