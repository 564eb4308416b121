//! What may be typed after the options of `gerege client`.

use clap::ValueEnum;

use crate::keys;
use crate::oauth::certificate::Known;
use crate::oauth::client::{ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use crate::oauth::details;
use crate::oauth::fapi::Fapi;
use crate::oauth::service::Algorithm;

/// How an app proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// It does not: it is public
    None,
    /// Its secret by HTTP Basic
    #[value(alias = "client_secret_basic")]
    Basic,
    /// Its secret in the form body
    #[value(alias = "client_secret_post")]
    Post,
    /// An assertion signed with its own key
    #[value(name = "private_key_jwt", alias = "private-key-jwt")]
    PrivateKeyJwt,
    /// A certificate that the authority of mtls.ca_file vouches for
    #[value(name = "tls_client_auth")]
    Vouched,
    /// A certificate of its own, as x5c in its JWK set
    #[value(name = "self_signed_tls_client_auth")]
    SelfSigned,
}

impl From<Auth> for ClientAuth {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Basic => Self::ClientSecretBasic,
            Auth::Post => Self::ClientSecretPost,
            Auth::PrivateKeyJwt => Self::PrivateKeyJwt,
            Auth::Vouched => Self::TlsClientAuth,
            Auth::SelfSigned => Self::SelfSignedTlsClientAuth,
        }
    }
}

/// As the standards name it.
pub const fn auth_name(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::None => "none",
        ClientAuth::ClientSecretBasic => "client_secret_basic",
        ClientAuth::ClientSecretPost => "client_secret_post",
        ClientAuth::PrivateKeyJwt => "private_key_jwt",
        ClientAuth::TlsClientAuth => "tls_client_auth",
        ClientAuth::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
    }
}

/// Whether PKCE has to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PkceChoice {
    /// Each sign-in brings a code challenge
    Required,
    /// A confidential app may leave it out
    Optional,
}

impl From<PkceChoice> for Pkce {
    fn from(choice: PkceChoice) -> Self {
        match choice {
            PkceChoice::Required => Self::Required,
            PkceChoice::Optional => Self::Optional,
        }
    }
}

/// Whether an app must do something, or may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NeedChoice {
    /// It must: a request without is refused
    Required,
    /// It may
    Optional,
}

impl From<NeedChoice> for Need {
    fn from(choice: NeedChoice) -> Self {
        match choice {
            NeedChoice::Required => Self::Required,
            NeedChoice::Optional => Self::Optional,
        }
    }
}

/// As it is printed.
pub const fn need_name(need: Need) -> &'static str {
    match need {
        Need::Required => "required",
        Need::Optional => "optional",
    }
}

/// When a refresh token is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Refresh {
    /// When offline_access was granted
    Offline,
    /// With each sign-in: for messengers that sign in by themselves
    Always,
}

impl From<Refresh> for RefreshPolicy {
    fn from(refresh: Refresh) -> Self {
        match refresh {
            Refresh::Offline => Self::Offline,
            Refresh::Always => Self::Always,
        }
    }
}

/// A signature algorithm by its registered name.
pub fn algorithm(name: &str) -> Result<Algorithm, String> {
    keys::parse(name).ok_or_else(|| "there are RS256, ES256 and EdDSA".to_owned())
}

/// The name in a certificate: `dn:`, `dns:`, `uri:`, `ip:` or `email:`, and what it says.
pub fn known(text: &str) -> Result<Known, String> {
    let how = "write it as dn:SUBJECT, dns:HOST, uri:URI, ip:ADDRESS or email:ADDRESS";
    let (kind, name) = text.split_once(':').ok_or(how)?;
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err(how.to_owned());
    }
    Ok(match kind {
        "dn" => Known::SubjectDn(name),
        "dns" => Known::Dns(name),
        "uri" => Known::Uri(name),
        "ip" => Known::Ip(name.parse().map_err(|_| how)?),
        "email" => Known::Email(name),
        _ => return Err(how.to_owned()),
    })
}

/// A grant type by its registered name; those of long names by their last word.
pub fn grant(name: &str) -> Result<GrantType, String> {
    let known = match name {
        "device_code" => Some(GrantType::DeviceCode),
        "token_exchange" => Some(GrantType::TokenExchange),
        name => GrantType::from_name(name),
    };
    known.ok_or_else(|| {
        "there are authorization_code, refresh_token, client_credentials, device_code, token_exchange"
            .to_owned()
    })
}

/// Which profile of FAPI 2.0 an app is held to, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile(pub Option<Fapi>);

/// A profile by its name; `off` for none.
pub fn profile(name: &str) -> Result<Profile, String> {
    match (name, Fapi::from_name(name)) {
        ("off", _) => Ok(Profile(None)),
        (_, Some(fapi)) => Ok(Profile(Some(fapi))),
        _ => Err("there are off, security, message-signing, and security with + and jar, jarm, introspection".into()),
    }
}

/// A type of authorization details (RFC 9396 2).
pub fn detail_type(name: &str) -> Result<String, String> {
    if details::is_type(name) {
        Ok(name.to_owned())
    } else {
        Err("a type has up to 100 letters, digits and signs, without spaces and quotes".to_owned())
    }
}
