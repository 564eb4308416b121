//! What a good token says.

use std::time::SystemTime;

use serde_json::{Map, Value};

/// The claims of a token that passed every check (RFC 9068 2.2).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// Who it is about: stable, never given to someone else. For a machine, its `client_id`.
    pub sub: String,
    /// The app that got the token.
    pub client_id: String,
    /// What it may do, in the token's order.
    pub scopes: Vec<String>,
    /// The person's username (`preferred_username`); none for a machine.
    pub username: Option<String>,
    /// The person's chat address (`jid`), where the service has one.
    pub jid: Option<String>,
    /// The token's own id.
    pub jti: String,
    /// When it was signed.
    pub issued_at: SystemTime,
    /// When it ends.
    pub expires_at: SystemTime,
    /// All claims as they stand in the token.
    pub raw: Map<String, Value>,
}

impl Claims {
    /// Whether `scope` was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// A further claim, when it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw.get(name)?.as_str()
    }
}
