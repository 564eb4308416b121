//! The authorization request (RFC 6749 4.1.1, OpenID Connect Core 3.1.2): read, then checked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::audience::{Audience, named};
use super::claims_request::{ClaimsRequest, Given};
use super::client::{Client, GrantType, Need};
use super::details::Details;
use super::dpop;
use super::error::{Code, Problem};
use super::fapi;
use super::jarm::Answer;
use super::management::Action;
use super::params::Params;
use super::pkce;
pub use super::prompt::Prompt;
use super::redirect::{Delivery, Kind, Mismatch, RedirectUri, ResponseMode};
pub use super::refusal::{PageError, Refusal};
use super::scope::{self, DEVICE_SSO, EMAIL, OFFLINE, OPENID, PROFILE};
use super::service::Service;
use super::step_up;
use super::token::is_offline;

/// A request as it was sent; what is stored while a person signs up or in. Parameters that are
/// not listed are ignored (RFC 6749 3.1). So are `display` and `claims_locales`: the pages fit every
/// window, and names are kept in one script (OpenID Connect Core 3.1.2.1, 5.2).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // each is the parameter of the same name
pub struct AuthorizeRequest {
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub response_type: Option<String>,
    pub response_mode: Option<String>,
    pub scope: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub prompt: Option<String>,
    pub max_age: Option<String>,
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
    pub acr_values: Option<String>,
    /// OpenID Connect Core 5.5, as JSON.
    pub claims: Option<String>,
    pub code_challenge: Option<String>,
    pub code_challenge_method: Option<String>,
    /// RFC 9396 2, as JSON.
    pub authorization_details: Option<String>,
    /// RFC 9449 10.
    pub dpop_jkt: Option<String>,
    /// Grant Management 5.2.
    pub grant_management_action: Option<String>,
    /// Grant Management 5.2.
    pub grant_id: Option<String>,
    /// RFC 8707 2.1.
    pub resource: Vec<String>,
    /// As sent; its signature is not checked here.
    pub id_token_hint: Option<String>,
    /// Whether client metadata came (OpenID Connect Core 7.2.1).
    pub registration: bool,
    /// Whether the client itself pushed it, before the browser came (RFC 9126).
    pub pushed: bool,
    /// Whether the client signed it (RFC 9101).
    pub signed: bool,
}

impl AuthorizeRequest {
    /// Takes the known parameters; nothing is judged yet, so that `check` can tell a refusal
    /// that may be sent back from one that may not.
    pub fn parse(params: &Params) -> Self {
        Self {
            client_id: params.owned("client_id"),
            redirect_uri: params.owned("redirect_uri"),
            response_type: params.owned("response_type"),
            response_mode: params.owned("response_mode"),
            scope: params.owned("scope"),
            state: params.owned("state"),
            nonce: params.owned("nonce"),
            prompt: params.owned("prompt"),
            max_age: params.owned("max_age"),
            login_hint: params.owned("login_hint"),
            ui_locales: params.owned("ui_locales"),
            acr_values: params.owned("acr_values"),
            claims: params.owned("claims"),
            code_challenge: params.owned("code_challenge"),
            code_challenge_method: params.owned("code_challenge_method"),
            authorization_details: params.owned("authorization_details"),
            dpop_jkt: params.owned("dpop_jkt"),
            grant_management_action: params.owned("grant_management_action"),
            grant_id: params.owned("grant_id"),
            resource: params.many("resource"),
            id_token_hint: params.owned("id_token_hint"),
            registration: params.one("registration").is_some(),
            pushed: false,
            signed: false,
        }
    }
}

impl std::fmt::Debug for AuthorizeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The others may name a person or open something.
        f.debug_struct("AuthorizeRequest")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

/// A request that may go on, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect: RedirectUri,
    /// How the answer travels.
    pub delivery: Delivery,
    /// To be sent back as it is.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// Scopes that can be granted.
    pub scopes: Vec<String>,
    /// `resource` values, each a service's or our own.
    pub resources: Vec<String>,
    /// Ids of the services whose scopes are among those.
    pub services: Vec<String>,
    /// PKCE challenge, S256.
    pub challenge: Option<String>,
    /// Thumbprint of the key that must redeem the code.
    pub dpop_jkt: Option<String>,
    /// What it does with a grant that the client manages.
    pub action: Option<Action>,
    /// The scopes by which the client may manage that grant with its token.
    pub manages: Vec<String>,
    /// What is to be shown.
    pub prompt: Prompt,
    /// The longest time since the person last proved who they are.
    pub max_age: Option<Duration>,
    /// What to fill in at sign-in.
    pub login_hint: Option<String>,
    /// Languages in order of preference.
    pub ui_locales: Vec<String>,
    /// Wished for, never demanded.
    pub acr_values: Vec<String>,
    /// Claims asked for one by one; only those of scopes that the client may have.
    pub claims: Given,
    /// What is asked for in detail.
    pub details: Details,
    /// Scopes that the client cannot do without, by its own word.
    pub essential: Vec<&'static str>,
    /// The client stays signed in whatever its scopes are (`refresh = always`).
    pub lasts: bool,
    /// Who is expected, by `sub`; anyone when it is empty.
    pub subs: Vec<String>,
    /// A token that says who is expected; not verified here.
    pub id_token_hint: Option<String>,
    /// No consent page, unless it is asked for.
    pub first_party: bool,
    /// Nobody here has looked at the client.
    pub unchecked: bool,
    /// May be answered without a click (PROTOCOL.md 3).
    pub silent: bool,
}

impl Checked {
    /// What the person is asked to allow: the scopes, those whose claims are asked for by name
    /// (OpenID Connect Core 5.5), and `offline_access` where the client has it in any case.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.scopes.clone();
        let lasts = self.lasts.then_some(OFFLINE);
        for name in self.claims.scopes().into_iter().chain(lasts) {
            if !scope::has(&asked, name) {
                asked.push(name.to_owned());
            }
        }
        asked
    }

    /// Whether a person may leave out one of those: what tells of them, or lasts, unless the
    /// client said that it needs it. A service's scope stays: without it the sign-in would look
    /// done and not work.
    pub fn may_leave_out(&self, name: &str) -> bool {
        [PROFILE, EMAIL, OFFLINE, DEVICE_SSO].contains(&name)
            && !self.essential.contains(&name)
            && !(self.lasts && name == OFFLINE)
    }

    /// The answer with a code (RFC 6749 4.1.2), with our name in it (RFC 9207 2).
    pub fn grant(&self, code: &str, issuer: &str) -> Answer {
        Answer::new(
            &self.redirect,
            self.delivery,
            &[("code", code)],
            self.state.as_deref(),
            issuer,
        )
    }

    /// The refusal of this request.
    pub fn refuse(&self, problem: Problem) -> Refusal {
        Refusal::Redirect {
            to: self.redirect.clone(),
            delivery: self.delivery,
            problem,
            state: self.state.clone(),
        }
    }
}

/// The longest request that is stored, in bytes as it is stored.
const LONGEST: usize = 8 * 1024;
/// The longest `state` that is sent back with the refusal of such a request, in bytes.
const LONGEST_STATE: usize = 4 * 1024;
/// More services than one sign-in could be for.
const MOST_RESOURCES: usize = 20;

/// The whole of a request, so that no parameter is left out of the bound.
fn length(request: &AuthorizeRequest) -> usize {
    serde_json::to_string(request).map_or(usize::MAX, |text| text.len())
}

/// Judges a request. `services` are all registered ones, `issuer` our own name.
///
/// # Errors
/// A page when client or address are wrong; else a refusal that is sent back.
pub fn check(
    request: &AuthorizeRequest,
    client: Option<&Client>,
    services: &[Service],
    issuer: &str,
) -> Result<Checked, Refusal> {
    let (client, redirect) = recipient(request, client, issuer).map_err(Refusal::Page)?;
    // Requests are stored for an hour: what nobody has to prove to send has a bound.
    if length(request) > LONGEST {
        return Err(Refusal::Redirect {
            to: redirect,
            delivery: Delivery::QUERY,
            problem: Problem::new(Code::InvalidRequest, "the request is too long"),
            state: request
                .state
                .clone()
                .filter(|state| state.len() <= LONGEST_STATE),
        });
    }
    let delivery = match request.response_mode.as_deref() {
        Some(name) => Delivery::from_name(name),
        None => Some(default_delivery(request)),
    };
    let refuse = |problem| Refusal::Redirect {
        to: redirect.clone(),
        delivery: delivery.unwrap_or(Delivery::QUERY),
        problem,
        state: request.state.clone(),
    };
    let wrong = |code, why: &str| refuse(Problem::new(code, why));

    let Some(delivery) = delivery else {
        return Err(wrong(Code::InvalidRequest, "response_mode is unknown"));
    };
    if delivery.mode == ResponseMode::FormPost && redirect.kind() == Kind::PrivateUse {
        // Browsers hand an app its address, not a form's body.
        return Err(Refusal::Redirect {
            to: redirect.clone(),
            delivery: Delivery::QUERY,
            problem: Problem::new(Code::InvalidRequest, "form_post needs a web address"),
            state: request.state.clone(),
        });
    }
    // OpenID Connect Core 7.2.1
    if request.registration {
        return Err(wrong(
            Code::RegistrationNotSupported,
            "registration is not supported",
        ));
    }
    // RFC 9126 6: `require_pushed_authorization_requests` of this client.
    if client.must_push() && !request.pushed {
        let why = "this client must push its requests to /oauth2/par";
        let problem = Problem::new(Code::InvalidRequest, why);
        // One that is held to a profile pushes in any case.
        return Err(refuse(match client.asking.par {
            Need::Required => {
                problem.mend(format!("gerege client edit {} --par optional", client.id))
            }
            Need::Optional => problem,
        }));
    }
    // RFC 9101 10.5: `require_signed_request_object` of this client.
    if client.must_sign() && !request.signed {
        let why = "this client must sign its requests and send them as request";
        let problem = Problem::new(Code::InvalidRequest, why);
        return Err(refuse(match client.asking.request_object {
            Need::Required => problem.mend(format!(
                "gerege client edit {} --request-object optional",
                client.id
            )),
            Need::Optional => problem,
        }));
    }
    if let Some(fapi) = client.fapi {
        fapi::judge(fapi, request, delivery).map_err(refuse)?;
    }
    match request.response_type.as_deref() {
        Some("code") => {}
        None => return Err(wrong(Code::InvalidRequest, "response_type is missing")),
        // RFC 9700 2.1.2: no implicit, no hybrid.
        Some(_) => {
            return Err(wrong(
                Code::UnsupportedResponseType,
                "response_type must be code",
            ));
        }
    }
    let registered = client.must_be_for(GrantType::AuthorizationCode);
    registered.map_err(refuse)?;
    let scopes = grantable(request.scope.as_deref(), client, services).map_err(refuse)?;
    check_resources(&request.resource, &scopes, services, issuer).map_err(refuse)?;
    let challenge = pkce::challenge(
        request.code_challenge.as_deref(),
        request.code_challenge_method.as_deref(),
        pkce::is_required(client),
    )
    .map_err(|problem| match &request.code_challenge {
        // A public client cannot do without.
        None if !client.is_public() => {
            problem.mend(format!("gerege client edit {} --pkce optional", client.id))
        }
        _ => problem,
    })
    .map_err(refuse)?;
    if request
        .dpop_jkt
        .as_deref()
        .is_some_and(|jkt| !dpop::is_thumbprint(jkt))
    {
        return Err(wrong(
            Code::InvalidRequest,
            "dpop_jkt must be a SHA-256 thumbprint in base64url",
        ));
    }
    let prompt = Prompt::parse(request.prompt.as_deref().unwrap_or_default()).map_err(refuse)?;
    // OpenID Connect Registration 2, default_max_age
    let default = client.registration.default_max_age;
    let max_age = max_age(request.max_age.as_deref())
        .map_err(refuse)?
        .or(default.map(|seconds| Duration::from_secs(seconds.into())));
    let details = match request.authorization_details.as_deref() {
        None => Details::default(),
        Some(text) => Details::parse(text, client, &scopes, services).map_err(refuse)?,
    };
    let claims = claims(request.claims.as_deref()).map_err(refuse)?;
    let action = Action::read(request, client).map_err(refuse)?;
    let manages = match action {
        None => Vec::new(),
        Some(_) => Action::scopes(request.scope.as_deref(), client),
    };
    Ok(Checked {
        client_id: client.id.clone(),
        delivery,
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        services: services
            .iter()
            .filter(|service| scopes.iter().any(|name| scope::has(&service.scopes, name)))
            .map(|service| service.id.clone())
            .collect(),
        scopes,
        resources: request.resource.clone(),
        challenge,
        dpop_jkt: request.dpop_jkt.clone(),
        action,
        manages,
        prompt,
        max_age,
        login_hint: request.login_hint.clone(),
        ui_locales: words(request.ui_locales.as_deref()),
        acr_values: words(request.acr_values.as_deref()),
        claims: claims.given.cut(&client.scopes),
        details,
        essential: claims.essential,
        subs: claims.sub.values,
        lasts: is_offline(client, &[]),
        id_token_hint: request.id_token_hint.clone(),
        first_party: client.first_party && !client.is_unchecked(),
        unchecked: client.is_unchecked(),
        silent: is_silent(client, &redirect),
        redirect,
    })
}

/// The refusal of a request whose parts could not be put together: told to the client where the
/// address beside them is one that it registered.
pub fn refuse(
    request: &AuthorizeRequest,
    client: &Client,
    issuer: &str,
    problem: Problem,
) -> Refusal {
    match recipient(request, Some(client), issuer) {
        Err(page) => Refusal::Page(page),
        Ok((_, to)) => {
            let asked = request.response_mode.as_deref();
            Refusal::Redirect {
                to,
                delivery: asked
                    .and_then(Delivery::from_name)
                    .unwrap_or_else(|| default_delivery(request)),
                problem,
                state: request
                    .state
                    .clone()
                    .filter(|state| state.len() <= LONGEST_STATE),
            }
        }
    }
}

/// Who asks and where the answer goes. Until both are known nothing may be sent anywhere.
fn recipient<'a>(
    request: &AuthorizeRequest,
    client: Option<&'a Client>,
    issuer: &str,
) -> Result<(&'a Client, RedirectUri), PageError> {
    let client_id = request.client_id.as_ref().ok_or(PageError::ClientMissing)?;
    let client = client
        .filter(|client| client.id == *client_id)
        .ok_or_else(|| PageError::ClientUnknown {
            client_id: client_id.clone(),
        })?;
    // OpenID Connect Core 3.1.2.1 requires it; RFC 6749 4.1.1 does not.
    let openid = words(request.scope.as_deref())
        .iter()
        .any(|name| name == OPENID);
    if openid && request.redirect_uri.is_none() {
        return Err(PageError::RedirectMissing);
    }
    match client.redirect_away(issuer, request.redirect_uri.as_deref()) {
        Ok(redirect) => Ok((client, redirect)),
        Err(Mismatch::Missing) => Err(PageError::RedirectMissing),
        Err(Mismatch::Unknown { asked, nearest }) => Err(PageError::RedirectUnknown {
            client_id: client.id.clone(),
            asked,
            on_file: client.redirects.clone(),
            nearest,
        }),
    }
}

/// Where a client looks for the answer when it does not say (OAuth 2.0 Multiple Response Types
/// 2.1 and 5): we refuse these types, but the refusal must be found.
fn default_delivery(request: &AuthorizeRequest) -> Delivery {
    let words = words(request.response_type.as_deref());
    let fragment = words
        .iter()
        .any(|word| word == "token" || word == "id_token");
    Delivery::plain(if fragment {
        ResponseMode::Fragment
    } else {
        ResponseMode::Query
    })
}

/// The scopes that can be granted. One that is not understood is ignored (OpenID Connect Core
/// 3.1.2.1), and so are `profile`, `email` and `offline_access` where the client is not
/// registered for them: the answer's `scope` tells. A service's scope, or `openid`, that the
/// client may not have is `invalid_scope`, since the sign-in would look done and not work.
pub(super) fn grantable(
    asked: Option<&str>,
    client: &Client,
    services: &[Service],
) -> Result<Vec<String>, Problem> {
    let mut granted = Vec::new();
    let asked = scope::parse(asked.unwrap_or_default())?;
    for name in &asked {
        let name = name.clone();
        if name == DEVICE_SSO {
            // Native SSO 3.1: with `openid`, for the apps of a family.
            if client.may_have(&name) && scope::has(&asked, OPENID) {
                granted.push(name);
            }
            continue;
        }
        let needed = name == OPENID || scope::owner(&name, services).is_some();
        if !needed && !scope::is_standard(&name) {
            continue;
        }
        if scope::has(&client.scopes, &name) {
            granted.push(name);
        } else if needed {
            return Err(Problem::new(
                Code::InvalidScope,
                format!("this client is not registered for the scope {name}"),
            )
            .mend(format!(
                "gerege client edit {} --add-scope {name}",
                client.id
            )));
        }
    }
    if granted.is_empty() {
        // RFC 6749 3.3: no default; a code for nothing would help nobody.
        return Err(Problem::new(
            Code::InvalidScope,
            "scope is missing, or names nothing that this client may have",
        )
        .mend(format!("gerege client show {}", client.id)));
    }
    Ok(granted)
}

/// Each resource is a service with a scope among those asked for, or this server.
pub(super) fn check_resources(
    resources: &[String],
    scopes: &[String],
    services: &[Service],
    issuer: &str,
) -> Result<(), Problem> {
    if resources.len() > MOST_RESOURCES {
        let why = "resource comes too often";
        return Err(Problem::new(Code::InvalidTarget, why));
    }
    for resource in resources {
        if let Audience::Service(service) = named(resource, services, issuer)?
            && !scopes.iter().any(|name| scope::has(&service.scopes, name))
        {
            return Err(Problem::new(
                Code::InvalidTarget,
                "a resource was named, but none of its scopes was asked for",
            ));
        }
    }
    Ok(())
}

/// Reads `claims`, and judges the one that can fail before anyone has signed in: an essential
/// `acr` that no way of signing in here reaches.
fn claims(text: Option<&str>) -> Result<ClaimsRequest, Problem> {
    let Some(text) = text else {
        return Ok(ClaimsRequest::default());
    };
    let asked = ClaimsRequest::parse(text)?;
    step_up::reach(&asked)?;
    Ok(asked)
}

fn max_age(text: Option<&str>) -> Result<Option<Duration>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // As many digits as the largest number has.
    if text.len() <= 10
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(seconds) = text.parse::<u32>()
    {
        return Ok(Some(Duration::from_secs(seconds.into())));
    }
    Err(Problem::new(
        Code::InvalidRequest,
        "max_age must be a number of seconds",
    ))
}

/// Whether an answer may leave without a click (PROTOCOL.md 3). `Client::silent` is the
/// operator's word for a loopback app; a scheme that any app can claim stays with the click.
fn is_silent(client: &Client, redirect: &RedirectUri) -> bool {
    if client.is_unchecked() {
        return false;
    }
    match redirect.kind() {
        Kind::Https => true,
        Kind::Loopback => !client.is_public() || client.silent,
        Kind::PrivateUse => !client.is_public(),
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
#[path = "authorize_test.rs"]
mod tests;
