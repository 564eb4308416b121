//! Client metadata as an app sends it about itself (RFC 7591 2, RFC 7592 2.2, OpenID Connect
//! Dynamic Client Registration 1.0, 2): read strictly, and told back. What is not known is ignored
//! (RFC 7591 2).

use serde_json::{Map, Value, json};

use super::authenticate;
use super::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use super::error::{Code, Problem};
use super::imposed::Imposed;
use super::redirect::{is_at, register_check};
use super::registration::{self, Origin, Registration, SubjectType, check_keys};
use super::request_object::ALGORITHMS;
use super::scope;
use super::service::Algorithm;
use crate::account::label;
use crate::clock::Time;

/// Longer lists and texts are refused: anybody may send them.
const MOST: usize = 20;
const LONGEST: usize = 2000;

/// What the operator allows an app that registers itself; what it asks for beyond is refused or
/// replaced (RFC 7591 3.2.1).
#[derive(Clone, Debug)]
pub struct Policy {
    /// The scopes it may have.
    pub scopes: Vec<String>,
    /// The types of `authorization_details` that it may ask for.
    pub details: Vec<String>,
    /// Whether tokens can be bound to a certificate here.
    pub certificates: bool,
    /// Whether PKCE is required of one that keeps a secret.
    pub pkce: Pkce,
    /// The names that it cannot bear.
    pub names: Names,
    /// Our own address: it is answered at none of ours.
    pub own: String,
}

/// Names that people know here: an app with one of them would pass for somebody else (RFC 7591 5).
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Ours: nobody else speaks for it.
    pub server: String,
    /// Those of the operator's own apps and services.
    pub known: Vec<String>,
}

/// How an app is known here (RFC 7591 3.2.1); drawn or kept by the caller.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `client_id`
    pub id: String,
    /// Who registered it.
    pub origin: Origin,
    /// When.
    pub created_at: Time,
}

/// Reads metadata as a client. Its secret is not set here.
///
/// # Errors
/// `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 3.2.2).
pub fn client(
    sent: &Map<String, Value>,
    identity: Identity,
    policy: &Policy,
) -> Result<Client, Problem> {
    refuse_what_is_not_done(sent)?;
    let redirects = texts(sent, "redirect_uris")?;
    for uri in &redirects {
        register_check(uri).map_err(|fault| {
            Problem::new(
                Code::InvalidRedirectUri,
                format!("a redirect_uri cannot be registered: {fault}"),
            )
        })?;
    }
    if redirects.iter().any(|uri| is_at(&policy.own, uri)) {
        return Err(Problem::new(
            Code::InvalidRedirectUri,
            "a redirect_uri is at this server",
        ));
    }
    let auth = auth(sent, identity.origin)?;
    let grants = grants(sent)?;
    if redirects.is_empty() {
        return Err(Problem::new(
            Code::InvalidRedirectUri,
            "redirect_uris is missing",
        ));
    }
    let post_logout = texts(sent, "post_logout_redirect_uris")?;
    for uri in &post_logout {
        register_check(uri).map_err(|fault| {
            wrong(format!(
                "a post_logout_redirect_uri cannot be registered: {fault}"
            ))
        })?;
    }
    let begin = text(sent, "initiate_login_uri")?;
    if post_logout
        .iter()
        .chain(&begin)
        .any(|uri| is_at(&policy.own, uri))
    {
        return Err(wrong(
            "post_logout_redirect_uris or initiate_login_uri is at this server",
        ));
    }
    let jwks = match member(sent, "jwks") {
        None => None,
        Some(_) if member(sent, "jwks_uri").is_some() => {
            return Err(wrong("jwks and jwks_uri exclude each other")); // RFC 7591 2
        }
        Some(set) => {
            let text = set.to_string();
            check_keys(&text).map_err(|why| wrong(format!("jwks: {why}")))?;
            Some(text)
        }
    };
    let registration = registration(sent, identity.origin)?;
    if auth == ClientAuth::PrivateKeyJwt && jwks.is_none() && registration.jwks_uri.is_none() {
        return Err(wrong("private_key_jwt needs jwks or jwks_uri"));
    }
    if flag(sent, "require_signed_request_object")?
        && jwks.is_none()
        && registration.jwks_uri.is_none()
    {
        return Err(wrong(
            "require_signed_request_object needs jwks or jwks_uri",
        ));
    }
    let client = Client {
        name: name(sent, &redirects, &policy.names)?,
        auth,
        secret_hash: None,
        jwks,
        redirects,
        post_logout,
        scopes: scopes(sent, policy)?,
        grants,
        pkce: if auth == ClientAuth::None {
            Pkce::Required
        } else {
            policy.pkce
        },
        first_party: false,
        silent: false,
        refresh: RefreshPolicy::Offline,
        id_token_algorithm: algorithm(sent, "id_token_signed_response_alg")?
            .unwrap_or(Algorithm::RS256),
        id_token_claims: false,
        asking: Asking {
            // RFC 9126 6
            par: need(sent, "require_pushed_authorization_requests")?,
            // RFC 9101 10.5
            request_object: need(sent, "require_signed_request_object")?,
            // RFC 9396 10. As with scopes, less may be registered.
            details: scope::cut(
                &texts(sent, "authorization_details_types")?,
                &policy.details,
            ),
            // JARM 3
            response_algorithm: algorithm(sent, "authorization_signed_response_alg")?,
        },
        // RFC 9449 5.2
        dpop: need(sent, "dpop_bound_access_tokens")?,
        known: None,
        certificate_bound: certificate_bound(sent, policy)?,
        service: None,
        exchange: Vec::new(),
        fapi: None,
        created_at: identity.created_at,
        registration,
        id: identity.id,
    };
    registration::check(&client).map_err(|fault| wrong(fault.to_string()))?;
    Ok(client)
}

/// What would be promised and not kept: an app that wants its tokens encrypted must not get them
/// in the clear.
fn refuse_what_is_not_done(sent: &Map<String, Value>) -> Result<(), Problem> {
    // `request_object_encryption_alg` and its like are what the app itself would send.
    let kinds = ["_encrypted_response_", "request_object_encryption_"];
    let encrypted = sent
        .iter()
        .find(|(name, value)| kinds.iter().any(|kind| name.contains(kind)) && !value.is_null());
    if let Some((name, _)) = encrypted {
        return Err(wrong(format!("{name}: encryption is not supported")));
    }
    let asked = texts(sent, "response_types")?;
    if asked.iter().any(|kind| kind != "code") {
        return Err(wrong("response_types may hold code alone"));
    }
    match text(sent, "application_type")?.as_deref() {
        None | Some("web" | "native") => {}
        Some(_) => return Err(wrong("application_type must be web or native")),
    }
    // What it signs with follows from its keys; a name that is not read would never do.
    for name in [
        "token_endpoint_auth_signing_alg",
        "request_object_signing_alg",
    ] {
        if text(sent, name)?.is_some_and(|one| !ALGORITHMS.contains(&one.as_str())) {
            return Err(wrong(format!("{name} is not supported")));
        }
    }
    Ok(())
}

/// RFC 8705 3.4
fn certificate_bound(sent: &Map<String, Value>, policy: &Policy) -> Result<bool, Problem> {
    let name = "tls_client_certificate_bound_access_tokens";
    match flag(sent, name)? {
        true if !policy.certificates => Err(wrong(format!("{name} is not supported"))),
        asked => Ok(asked),
    }
}

fn auth(sent: &Map<String, Value>, origin: Origin) -> Result<ClientAuth, Problem> {
    let auth = match text(sent, "token_endpoint_auth_method")?.as_deref() {
        Some("none") => ClientAuth::None,
        Some("client_secret_basic") => ClientAuth::ClientSecretBasic,
        Some("client_secret_post") => ClientAuth::ClientSecretPost,
        Some("private_key_jwt") => ClientAuth::PrivateKeyJwt,
        // RFC 7591 2; a document cannot hold a secret (CIMD 4.1).
        None if origin == Origin::Document => ClientAuth::None,
        None => ClientAuth::ClientSecretBasic,
        Some(_) => return Err(wrong("token_endpoint_auth_method is not supported")),
    };
    Ok(auth)
}

fn grants(sent: &Map<String, Value>) -> Result<Vec<GrantType>, Problem> {
    if member(sent, "grant_types").is_none() {
        return Ok(vec![GrantType::AuthorizationCode]);
    }
    let mut grants = Vec::new();
    for name in texts(sent, "grant_types")? {
        match GrantType::from_name(&name) {
            Some(grant @ (GrantType::AuthorizationCode | GrantType::RefreshToken)) => {
                if !grants.contains(&grant) {
                    grants.push(grant);
                }
            }
            // A machine of a stranger has nothing to do here.
            _ => {
                return Err(wrong(
                    "grant_types may hold authorization_code and refresh_token",
                ));
            }
        }
    }
    if !grants.contains(&GrantType::AuthorizationCode) {
        return Err(wrong("grant_types must hold authorization_code"));
    }
    Ok(grants)
}

fn scopes(sent: &Map<String, Value>, policy: &Policy) -> Result<Vec<String>, Problem> {
    let Some(asked) = text(sent, "scope")? else {
        return Ok(policy.scopes.clone());
    };
    let asked = scope::parse(&asked).map_err(|_| wrong("scope is malformed"))?;
    // RFC 7591 2: less may be registered than was asked for; the answer tells.
    let allowed = scope::cut(&asked, &policy.scopes);
    if allowed.is_empty() {
        return Err(wrong("scope holds nothing that may be registered here"));
    }
    Ok(allowed)
}

/// The name that people read; else the one host of its addresses, which it cannot choose freely.
fn name(sent: &Map<String, Value>, redirects: &[String], taken: &Names) -> Result<String, Problem> {
    let host = |uri: &String| Some(url::Url::parse(uri).ok()?.host_str()?.to_owned());
    let first = redirects.first().and_then(host);
    let own = first.filter(|first| {
        redirects
            .iter()
            .all(|uri| host(uri).as_ref() == Some(first))
    });
    let own = own.unwrap_or_else(|| "app".to_owned());
    let Some(name) = text(sent, "client_name")? else {
        return Ok(own);
    };
    if name.trim() == own {
        return Ok(own);
    }
    let name = label::read(&name).map_err(|why| wrong(format!("client_name {why}")))?;
    if label::speaks_for(&name, &taken.server)
        || taken
            .known
            .iter()
            .any(|known| label::is_alike(&name, known))
    {
        return Err(wrong(
            "client_name could be taken for this server's, or for one of its operator's apps",
        ));
    }
    Ok(name)
}

fn registration(sent: &Map<String, Value>, origin: Origin) -> Result<Registration, Problem> {
    let subject_type = match text(sent, "subject_type")?.as_deref() {
        None | Some("public") => SubjectType::Public,
        Some("pairwise") => SubjectType::Pairwise,
        Some(_) => return Err(wrong("subject_type must be public or pairwise")),
    };
    let default_max_age = match member(sent, "default_max_age") {
        None => None,
        Some(value) => {
            let seconds = value
                .as_u64()
                .and_then(|seconds| u32::try_from(seconds).ok());
            Some(seconds.ok_or_else(|| wrong("default_max_age must be a number of seconds"))?)
        }
    };
    Ok(Registration {
        origin,
        client_uri: text(sent, "client_uri")?,
        logo_uri: text(sent, "logo_uri")?,
        policy_uri: text(sent, "policy_uri")?,
        tos_uri: text(sent, "tos_uri")?,
        contacts: texts(sent, "contacts")?,
        software_id: text(sent, "software_id")?,
        software_version: text(sent, "software_version")?,
        jwks_uri: text(sent, "jwks_uri")?,
        request_uris: texts(sent, "request_uris")?,
        sector_identifier_uri: text(sent, "sector_identifier_uri")?,
        subject_type,
        userinfo_algorithm: algorithm(sent, "userinfo_signed_response_alg")?,
        default_max_age,
        require_auth_time: flag(sent, "require_auth_time")?,
        initiate_login_uri: text(sent, "initiate_login_uri")?,
        backchannel_logout_uri: text(sent, "backchannel_logout_uri")?,
        backchannel_logout_session_required: flag(sent, "backchannel_logout_session_required")?,
        // Neither the grant nor a family is for who registered itself.
        ciba_notification: None,
        family: None,
        checked: false,
        imposed: Imposed::default(),
    })
}

/// Judges the document at `sector_identifier_uri`: a JSON list with each of the client's
/// addresses (OpenID Connect Registration 5).
///
/// # Errors
/// `invalid_client_metadata`.
pub fn check_sector(client: &Client, document: &[u8]) -> Result<(), Problem> {
    let list: Vec<String> = serde_json::from_slice(document)
        .map_err(|_| wrong("sector_identifier_uri does not lead to a JSON list of addresses"))?;
    if client.redirects.iter().all(|uri| list.contains(uri)) {
        return Ok(());
    }
    Err(wrong(
        "a redirect_uri does not stand in the list at sector_identifier_uri",
    ))
}

/// Judges a change (RFC 7592 2.2): it names the client itself, its own secret if any, and nothing
/// that only we say.
///
/// # Errors
/// `invalid_request`, or `invalid_client_metadata` for another client or secret.
pub fn check_change(sent: &Map<String, Value>, client: &Client) -> Result<(), Problem> {
    for name in [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ] {
        if sent.contains_key(name) {
            return Err(Problem::new(
                Code::InvalidRequest,
                format!("{name} must not be sent"),
            ));
        }
    }
    if text(sent, "client_id")?.as_deref() != Some(client.id.as_str()) {
        return Err(wrong("client_id must be the one of this registration"));
    }
    match text(sent, "client_secret")? {
        Some(secret) if !authenticate::is_secret(client, &secret) => {
            Err(wrong("client_secret must be the present one"))
        }
        _ => Ok(()),
    }
}

/// What is on file, as it is told back (RFC 7591 3.2.1).
pub fn told(client: &Client) -> Map<String, Value> {
    let on_file = &client.registration;
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.name()).collect();
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            all.insert(name.to_owned(), value);
        }
    };
    put("client_id", json!(client.id));
    put("client_id_issued_at", json!(client.created_at.seconds()));
    put("client_name", json!(client.name));
    put("redirect_uris", json!(client.redirects));
    put("post_logout_redirect_uris", json!(client.post_logout));
    put("token_endpoint_auth_method", json!(client.auth));
    put("grant_types", json!(grants));
    put("response_types", json!(["code"]));
    put("scope", json!(scope::print(&client.scopes)));
    put(
        "id_token_signed_response_alg",
        json!(client.id_token_algorithm),
    );
    put(
        "userinfo_signed_response_alg",
        json!(on_file.userinfo_algorithm),
    );
    put("subject_type", json!(on_file.subject_type));
    put(
        "sector_identifier_uri",
        json!(on_file.sector_identifier_uri),
    );
    put("jwks_uri", json!(on_file.jwks_uri));
    put("request_uris", json!(on_file.request_uris));
    let keys = client.jwks.as_deref().map(serde_json::from_str::<Value>);
    put("jwks", keys.and_then(Result::ok).unwrap_or_default());
    put(
        "require_pushed_authorization_requests",
        json!(client.asking.par == Need::Required),
    );
    put(
        "dpop_bound_access_tokens",
        json!(client.dpop == Need::Required),
    );
    put(
        "tls_client_certificate_bound_access_tokens",
        json!(client.certificate_bound),
    );
    put(
        "require_signed_request_object",
        json!(client.asking.request_object == Need::Required),
    );
    put(
        "authorization_signed_response_alg",
        json!(client.asking.response_algorithm),
    );
    put("authorization_details_types", json!(client.asking.details));
    put("client_uri", json!(on_file.client_uri));
    put("logo_uri", json!(on_file.logo_uri));
    put("policy_uri", json!(on_file.policy_uri));
    put("tos_uri", json!(on_file.tos_uri));
    put("contacts", json!(on_file.contacts));
    put("software_id", json!(on_file.software_id));
    put("software_version", json!(on_file.software_version));
    put("default_max_age", json!(on_file.default_max_age));
    put("require_auth_time", json!(on_file.require_auth_time));
    put("initiate_login_uri", json!(on_file.initiate_login_uri));
    put(
        "backchannel_logout_uri",
        json!(on_file.backchannel_logout_uri),
    );
    put(
        "backchannel_logout_session_required",
        json!(on_file.backchannel_logout_session_required),
    );
    all
}

/// A member that is there; `null` and an empty text are as good as none (RFC 7592 2.2).
fn member<'a>(sent: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    sent.get(name)
        .filter(|value| !value.is_null() && value.as_str() != Some(""))
}

fn text(sent: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match member(sent, name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= LONGEST && !text.contains('\0') => {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(wrong(format!(
            "{name} must be a text, of 2000 bytes at most"
        ))),
    }
}

fn texts(sent: &Map<String, Value>, name: &str) -> Result<Vec<String>, Problem> {
    let refuse = || wrong(format!("{name} must be a list of at most 20 texts"));
    match member(sent, name) {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MOST => list
            .iter()
            .map(|one| match one {
                Value::String(text) if text.len() <= LONGEST && !text.contains('\0') => {
                    Ok(text.clone())
                }
                _ => Err(refuse()),
            })
            .collect(),
        Some(_) => Err(refuse()),
    }
}

fn flag(sent: &Map<String, Value>, name: &str) -> Result<bool, Problem> {
    match member(sent, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(wrong(format!("{name} must be true or false"))),
    }
}

fn need(sent: &Map<String, Value>, name: &str) -> Result<Need, Problem> {
    Ok(if flag(sent, name)? {
        Need::Required
    } else {
        Need::Optional
    })
}

fn algorithm(sent: &Map<String, Value>, name: &str) -> Result<Option<Algorithm>, Problem> {
    match member(sent, name) {
        None => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| wrong(format!("{name} is not supported"))),
    }
}

fn wrong(why: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidClientMetadata, why)
}

#[cfg(test)]
#[path = "register_test.rs"]
mod tests;
