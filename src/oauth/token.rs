//! The token endpoint's rules: a request read, a code redeemed, a machine's token (RFC 6749 4.1.3
//! and 4.4; PROTOCOL.md 2). The client has proved itself before.

use super::audience::{Audience, Target, audience};
use super::client::{Client, GrantType, RefreshPolicy};
use super::error::{Code as Error, Problem};
use super::exchange::Ask;
use super::grant::{Code, Grant};
use super::params::Params;
use super::pkce::{self, Verdict};
use super::scope::{self, OFFLINE, OPENID};
use super::service::Service;
use super::sso;
use crate::clock::Time;

/// This many wrong verifiers kill a code.
pub const MAX_WRONG: i64 = 5;

/// A token request, by grant type.
#[derive(Clone, PartialEq, Eq)]
pub enum Exchange {
    /// RFC 6749 4.1.3.
    Code {
        /// The secret.
        code: String,
        /// Must be the one of the authorization request.
        redirect_uri: Option<String>,
        /// RFC 7636 4.5.
        verifier: Option<String>,
        /// RFC 8707 2.2.
        resource: Vec<String>,
    },
    /// RFC 6749 6.
    Refresh {
        /// The secret.
        token: String,
        /// No more than was granted.
        scope: Option<Vec<String>>,
        /// RFC 8707 2.2.
        resource: Vec<String>,
    },
    /// RFC 8628 3.4.
    Device {
        /// The secret.
        code: String,
        /// RFC 8707 2.2.
        resource: Vec<String>,
    },
    /// CIBA 10.1.
    Ciba {
        /// The secret.
        id: String,
        /// RFC 8707 2.2.
        resource: Vec<String>,
    },
    /// RFC 8693 2.1.
    Trade(Ask),
    /// Native SSO 4.2.
    Sso(sso::Ask),
    /// RFC 6749 4.4.2.
    Machine {
        /// No more than is registered.
        scope: Option<Vec<String>>,
        /// RFC 8707 2.2.
        resource: Vec<String>,
    },
}

impl Exchange {
    /// Reads a token request's body.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_scope` or `unsupported_grant_type`.
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let need = |name: &str| {
            params
                .owned(name)
                .ok_or_else(|| Problem::new(Error::InvalidRequest, format!("{name} is missing")))
        };
        // RFC 9396 6 would let it narrow them; one that is not read must not look as if it did.
        if params.has("authorization_details") {
            return Err(Problem::new(
                Error::InvalidAuthorizationDetails,
                "authorization_details are settled by the authorization request",
            ));
        }
        let resource = params.many("resource");
        let scope = || params.one("scope").map(scope::parse).transpose();
        match GrantType::from_name(&need("grant_type")?) {
            Some(GrantType::AuthorizationCode) => Ok(Self::Code {
                code: need("code")?,
                redirect_uri: params.owned("redirect_uri"),
                verifier: params.owned("code_verifier"),
                resource,
            }),
            Some(GrantType::RefreshToken) => Ok(Self::Refresh {
                token: need("refresh_token")?,
                scope: scope()?,
                resource,
            }),
            Some(GrantType::DeviceCode) => Ok(Self::Device {
                code: need("device_code")?,
                resource,
            }),
            Some(GrantType::Ciba) => Ok(Self::Ciba {
                id: need("auth_req_id")?,
                resource,
            }),
            Some(GrantType::TokenExchange) if sso::is_asked(params) => {
                sso::Ask::parse(params).map(Self::Sso)
            }
            Some(GrantType::TokenExchange) => Ask::parse(params).map(Self::Trade),
            Some(GrantType::ClientCredentials) => Ok(Self::Machine {
                scope: scope()?,
                resource,
            }),
            None => Err(Problem::new(
                Error::UnsupportedGrantType,
                "grant_type is not supported",
            )),
        }
    }

    /// Its grant type.
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::Code { .. } => GrantType::AuthorizationCode,
            Self::Refresh { .. } => GrantType::RefreshToken,
            Self::Device { .. } => GrantType::DeviceCode,
            Self::Ciba { .. } => GrantType::Ciba,
            Self::Trade(_) | Self::Sso(_) => GrantType::TokenExchange,
            Self::Machine { .. } => GrantType::ClientCredentials,
        }
    }

    /// `resource` of this request.
    pub fn resource(&self) -> &[String] {
        match self {
            Self::Code { resource, .. }
            | Self::Refresh { resource, .. }
            | Self::Device { resource, .. }
            | Self::Ciba { resource, .. }
            | Self::Machine { resource, .. } => resource,
            Self::Trade(ask) => &ask.targets,
            Self::Sso(ask) => &ask.resource,
        }
    }

    /// Whether the client is registered for this grant type.
    ///
    /// # Errors
    /// `unauthorized_client` (RFC 6749 5.2).
    pub fn allowed(&self, client: &Client) -> Result<(), Problem> {
        match self {
            // Native SSO 4.3: the family is what is registered for it.
            Self::Sso(_) => sso::family(client).map(drop),
            _ => client.must_be_for(self.grant_type()),
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({})", self.grant_type().name())
    }
}

/// What a redeemed code gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// All granted scopes; those of the access token are cut by `audience`.
    pub scopes: Vec<String>,
    /// An ID token is due.
    pub id_token: bool,
    /// A refresh token is due.
    pub refresh: bool,
}

/// Why a code gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The verifier does not fit: count it. Answered as `invalid_grant`.
    WrongVerifier,
    /// The rightful client sent it a second time: revoke the grant. Answered as `invalid_grant`.
    Replay,
    /// Nothing changes.
    Refused(Problem),
}

impl Denied {
    /// What the client is told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::WrongVerifier => {
                Problem::new(Error::InvalidGrant, "code_verifier does not fit the code")
            }
            Self::Replay => Problem::new(Error::InvalidGrant, "the code was used before"),
            Self::Refused(problem) => problem.clone(),
        }
    }
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// Judges a code. The order is PROTOCOL.md 2: whoever saw a code but is not its client, or
/// lacks its verifier, can neither spend it nor revoke what it gave.
///
/// # Errors
/// Why it gives nothing, and what must be written down.
pub fn redeem(
    grant: &Grant,
    code: &Code,
    exchange: &Exchange,
    client: &Client,
    now: Time,
) -> Result<Award, Denied> {
    let refuse = |why| Err(Denied::Refused(Problem::new(Error::InvalidGrant, why)));
    exchange.allowed(client)?;
    let Exchange::Code {
        redirect_uri,
        verifier,
        ..
    } = exchange
    else {
        return refuse("this is no exchange of a code");
    };
    if code.grant_id != grant.id || grant.client_id != client.id {
        return refuse("the code was not given to this client"); // RFC 6749 5.2
    }
    match redirect_uri {
        Some(uri) if *uri == code.redirect_uri => {}
        Some(_) => return refuse("redirect_uri is not the one the code was sent to"),
        // RFC 6749 4.1.3: it may be left out only where the request could leave it out.
        None if client.redirects.len() == 1 && !scope::has(&grant.scopes, OPENID) => {}
        None => return refuse("redirect_uri is missing"),
    }
    let spent = code.used_at.is_some();
    // Wrong verifiers after it was spent do not hide a replay.
    if code.wrong >= MAX_WRONG && !spent {
        return refuse("the code is dead after too many wrong verifiers");
    }
    if code.challenge.is_none() && pkce::is_required(client) {
        return refuse("the code was made without PKCE, which this client must use");
    }
    match pkce::verify(code.challenge.as_deref(), verifier.as_deref()) {
        Verdict::Good => {}
        Verdict::Wrong if spent => return Err(Denied::Refused(Denied::WrongVerifier.problem())),
        Verdict::Wrong => return Err(Denied::WrongVerifier),
        Verdict::Refused(problem) => return Err(Denied::Refused(problem)),
    }
    // From here on it is the rightful client.
    if grant.revoked_at.is_some() {
        return refuse("what the code gave has been ended");
    }
    if spent {
        return Err(Denied::Replay); // RFC 6749 4.1.2
    }
    if code.expires_at <= now {
        return refuse("the code has run out");
    }
    Ok(Award {
        scopes: grant.scopes.clone(),
        id_token: scope::has(&grant.scopes, OPENID),
        refresh: is_offline(client, &grant.scopes),
    })
}

/// Whether a refresh token is given, and so whether the grant outlives the browser session
/// (OpenID Connect Core 11; `refresh = always`).
pub fn is_offline(client: &Client, scopes: &[String]) -> bool {
    client.may(GrantType::RefreshToken)
        && (client.refresh == RefreshPolicy::Always || scope::has(scopes, OFFLINE))
}

/// The audience and scopes of a machine's token (RFC 6749 4.4). Without `scope` it gets all
/// that it is registered for.
///
/// # Errors
/// `unauthorized_client`, `invalid_scope` or `invalid_target`.
pub fn machine<'a>(
    client: &Client,
    exchange: &Exchange,
    services: &'a [Service],
    issuer: &str,
) -> Result<Target<'a>, Problem> {
    exchange.allowed(client)?;
    let Exchange::Machine { scope, resource } = exchange else {
        return Err(Problem::new(
            Error::InvalidRequest,
            "this is no request of a machine",
        ));
    };
    if client.is_public() {
        // RFC 6749 4.4: only confidential clients.
        return Err(Problem::new(
            Error::UnauthorizedClient,
            "client_credentials needs a confidential client",
        ));
    }
    let scopes = match scope {
        Some(asked) => {
            // A token without a person has nothing of a person's (PROTOCOL.md 1).
            let fits =
                |name: &String| !scope::is_standard(name) && scope::has(&client.scopes, name);
            if !asked.iter().all(fits) {
                return Err(Problem::new(
                    Error::InvalidScope,
                    "scope names what this client may not have without a person",
                ));
            }
            asked.clone()
        }
        None => client
            .scopes
            .iter()
            .filter(|name| scope::owner(name, services).is_some_and(|service| service.machine))
            .cloned()
            .collect(),
    };
    let target = audience(resource, &[], &scopes, services, issuer)?;
    match target.audience {
        Audience::Service(service) if !service.machine => Err(Problem::new(
            Error::InvalidTarget,
            "this service takes no tokens without a person",
        )
        .mend(format!("gerege service edit {} --machine true", service.id))),
        _ => Ok(target),
    }
}

#[cfg(test)]
#[path = "token_test.rs"]
mod tests;
