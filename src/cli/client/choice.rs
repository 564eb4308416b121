//! What may be typed after the options of `gerege client`.

use clap::ValueEnum;

use crate::keys;
use crate::oauth::client::{ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
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
}

impl From<Auth> for ClientAuth {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Basic => Self::ClientSecretBasic,
            Auth::Post => Self::ClientSecretPost,
            Auth::PrivateKeyJwt => Self::PrivateKeyJwt,
        }
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

/// A grant type by its registered name.
pub fn grant(name: &str) -> Result<GrantType, String> {
    GrantType::from_name(name)
        .ok_or_else(|| "there are authorization_code, refresh_token, client_credentials".to_owned())
}
