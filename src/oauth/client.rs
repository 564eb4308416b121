//! An app that asks for sign-in (OAuth 2's client, RFC 6749 2), as the operator registered it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::certificate::Known;
use super::error::{Code, Problem};
use super::fapi::{self, Fapi};
use super::registration::Registration;
use super::scope;
use super::service::Algorithm;
use crate::clock::Time;

/// How a client proves itself at the token endpoint (OpenID Connect Core 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// A public client: it has no secret that it could keep.
    None,
    /// HTTP Basic with the secret.
    ClientSecretBasic,
    /// The secret in the form body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A certificate that the operator's authority vouches for (RFC 8705 2.1).
    TlsClientAuth,
    /// A certificate of its own, which it registered (RFC 8705 2.2).
    SelfSignedTlsClientAuth,
}

/// A grant type (RFC 6749 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 4.1.
    AuthorizationCode,
    /// RFC 6749 6.
    RefreshToken,
    /// RFC 6749 4.4.
    ClientCredentials,
    /// RFC 8628.
    DeviceCode,
    /// RFC 8693.
    TokenExchange,
    /// OpenID Connect CIBA Core 1.0.
    Ciba,
}

impl GrantType {
    /// The name that goes over the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
        }
    }

    /// Whether it is for clients that prove themselves alone (RFC 6749 4.4, CIBA 7.1; a token that is
    /// exchanged says who acts).
    pub const fn needs_proof(self) -> bool {
        matches!(
            self,
            Self::ClientCredentials | Self::TokenExchange | Self::Ciba
        )
    }

    /// From the name that goes over the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::AuthorizationCode,
            Self::RefreshToken,
            Self::ClientCredentials,
            Self::DeviceCode,
            Self::TokenExchange,
            Self::Ciba,
        ]
        .into_iter()
        .find(|grant| grant.name() == name)
    }
}

/// Whether a code challenge must come with each request (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// The default, and the only choice for public clients.
    Required,
    /// A confidential client may leave it out.
    Optional,
}

/// When a client is given a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshPolicy {
    /// When `offline_access` was granted (OpenID Connect Core 11).
    Offline,
    /// With each sign-in: what messengers need to sign in by themselves.
    Always,
}

/// Whether something must be used, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The client may.
    #[default]
    Optional,
    /// The client must.
    Required,
}

/// How a client asks for authorization, beyond RFC 6749.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asking {
    /// Whether each request must be pushed first (RFC 9126).
    pub par: Need,
    /// Whether each request must be signed (RFC 9101).
    pub request_object: Need,
    /// Types of `authorization_details` that it may ask for (RFC 9396 10).
    pub details: Vec<String>,
    /// `authorization_signed_response_alg` (JARM 3), where it says one.
    pub response_algorithm: Option<Algorithm>,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`. Has no `@` and is never a legal `sub`.
    pub id: String,
    /// What people read on the pages.
    pub name: String,
    /// How it proves itself.
    pub auth: ClientAuth,
    /// SHA-256 of its secret, base64url.
    pub secret_hash: Option<String>,
    /// Its public keys as a JWK set (JSON text), for `private_key_jwt`.
    pub jwks: Option<String>,
    /// Registered redirect URIs, compared as strings (RFC 9700 2.1).
    pub redirects: Vec<String>,
    /// Registered addresses to return to after signing out.
    pub post_logout: Vec<String>,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Grant types it may use.
    pub grants: Vec<GrantType>,
    /// Whether PKCE is required.
    pub pkce: Pkce,
    /// The operator's own app: no consent page.
    pub first_party: bool,
    /// Signs in without a click even on loopback (operator's choice).
    pub silent: bool,
    /// When it is given a refresh token.
    pub refresh: RefreshPolicy,
    /// `id_token_signed_response_alg`.
    pub id_token_algorithm: Algorithm,
    /// Profile claims stand in the ID token, not only in userinfo.
    pub id_token_claims: bool,
    /// How it asks for authorization.
    #[serde(default)]
    pub asking: Asking,
    /// Whether it must prove that it holds a key.
    #[serde(default)]
    pub dpop: Need,
    /// The name in its certificate by which it is known, for `tls_client_auth`.
    #[serde(default)]
    pub known: Option<Known>,
    /// All its access tokens are bound to its certificate
    /// (`tls_client_certificate_bound_access_tokens`, RFC 8705 3.4).
    #[serde(default)]
    pub certificate_bound: bool,
    /// The service that it is the program of: tokens for that one it may bring to an exchange.
    #[serde(default)]
    pub service: Option<String>,
    /// The services, by id, that it may get tokens for by exchange (RFC 8693).
    #[serde(default)]
    pub exchange: Vec<String>,
    /// The profile of FAPI 2.0 that it is held to.
    #[serde(default)]
    pub fapi: Option<Fapi>,
    /// When it was registered.
    pub created_at: Time,
    /// What else is on file about it.
    #[serde(default)]
    pub registration: Registration,
}

impl Client {
    /// A public client keeps no secret (RFC 6749 2.1).
    pub fn is_public(&self) -> bool {
        self.auth == ClientAuth::None
    }

    /// Whether it proves itself by a secret.
    pub fn uses_secret(&self) -> bool {
        matches!(
            self.auth,
            ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost
        )
    }

    /// Whether it may be given this scope: one that it is registered for, or that of its family
    /// (Native SSO 3.1).
    pub fn may_have(&self, name: &str) -> bool {
        match name {
            scope::DEVICE_SSO => self.registration.family.is_some(),
            _ => scope::has(&self.scopes, name),
        }
    }

    /// Whether it may use a grant type.
    pub fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether it may get tokens for a service in exchange for others (RFC 8693).
    pub fn may_trade(&self, service_id: &str) -> bool {
        self.may(GrantType::TokenExchange) && self.exchange.iter().any(|id| id == service_id)
    }

    /// Whether it is registered for a grant type.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749 5.2), with the command that registers it.
    pub fn must_be_for(&self, grant: GrantType) -> Result<(), Problem> {
        if self.may(grant) {
            return Ok(());
        }
        let problem = Problem::new(
            Code::UnauthorizedClient,
            format!("this client is not registered for {}", grant.name()),
        );
        if self.is_public() && grant.needs_proof() {
            return Err(problem); // such a client cannot be registered for it
        }
        let short = grant.name().rsplit(':').next().unwrap_or_default();
        let short = short.replace('-', "_"); // as the command takes it
        Err(problem.mend(format!(
            "gerege client edit {} --add-grant {short}",
            self.id
        )))
    }

    /// Whether each of its requests must be pushed first (RFC 9126; FAPI 2.0 Security Profile
    /// 5.3.2.2, 3).
    pub fn must_push(&self) -> bool {
        self.asking.par == Need::Required || self.fapi.is_some()
    }

    /// Whether each of its requests must be signed (RFC 9101; FAPI 2.0 Message Signing 5.3.1).
    pub fn must_sign(&self) -> bool {
        self.asking.request_object == Need::Required || self.fapi.is_some_and(|fapi| fapi.jar)
    }

    /// Whether it must prove that it holds a key (RFC 9449; FAPI 2.0 Security Profile 5.3.2.1, 4
    /// and 5, unless its tokens are bound to its certificate).
    pub fn must_prove_key(&self) -> bool {
        self.dpop == Need::Required || self.fapi.is_some() && !self.certificate_bound
    }

    /// The algorithm of its signed answers.
    pub fn response_algorithm(&self) -> Algorithm {
        let usual = match self.fapi {
            None => Algorithm::RS256,
            Some(_) => Algorithm::ES256,
        };
        self.asking.response_algorithm.unwrap_or(usual)
    }

    /// How long its codes live, where `set` is what the operator set.
    pub fn code_life(&self, set: Duration) -> Duration {
        self.fapi.map_or(set, |_| set.min(fapi::CODE))
    }

    /// How long its pushed requests wait, where `set` is what the operator set.
    pub fn pushed_life(&self, set: Duration) -> Duration {
        self.fapi.map_or(set, |_| set.min(fapi::PUSHED))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A confidential web client for tests.
    pub(crate) fn client(redirects: &[&str], scopes: &str) -> Client {
        Client {
            id: "forum".to_owned(),
            name: "Forum".to_owned(),
            auth: ClientAuth::ClientSecretBasic,
            secret_hash: Some(crate::rng::digest("opensesame")),
            jwks: None,
            redirects: redirects.iter().map(|uri| (*uri).to_owned()).collect(),
            post_logout: vec!["https://forum.example/bye".to_owned()],
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            pkce: Pkce::Required,
            first_party: false,
            silent: false,
            refresh: RefreshPolicy::Offline,
            id_token_algorithm: Algorithm::RS256,
            id_token_claims: false,
            asking: Asking::default(),
            dpop: Need::Optional,
            known: None,
            certificate_bound: false,
            service: None,
            exchange: Vec::new(),
            fapi: None,
            created_at: Time::default(),
            registration: Registration::default(),
        }
    }
}
