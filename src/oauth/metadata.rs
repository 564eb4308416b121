//! What we tell about ourselves (OpenID Connect Discovery 3, RFC 8414 2): only what works today.

use serde_json::{Map, Value, json};

use super::ciba;
use super::client::GrantType;
use super::dpop;
use super::iss;
use super::management::ACTIONS;
use super::request_object::ALGORITHMS;
use super::scope::OURS;
use super::service::Service;
use super::step_up;
use crate::rng::digest;

/// A document as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub text: String,
    /// The tag by which a reader knows it again (RFC 9110 8.8.3).
    pub tag: String,
}

impl Document {
    /// A text with its tag.
    pub fn new(text: String) -> Self {
        let tag = format!("\"{}\"", &digest(&text)[..16]);
        Self { text, tag }
    }
}

/// Where our doors are, as full URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the endpoint of the same name
pub struct Endpoints {
    pub authorize: String,
    pub token: String,
    pub userinfo: String,
    pub introspect: String,
    pub revoke: String,
    pub logout: String,
    pub device: String,
    pub ciba: String,
    pub jwks: String,
    pub par: String,
    pub grants: String,
}

impl Endpoints {
    /// Built from the issuer alone, never from a request (SECURITY R32).
    pub fn new(issuer: &str) -> Self {
        let root = issuer.trim_end_matches('/');
        Self {
            authorize: format!("{root}/oauth2/authorize"),
            token: format!("{root}/oauth2/token"),
            userinfo: format!("{root}/oauth2/userinfo"),
            introspect: format!("{root}/oauth2/introspect"),
            revoke: format!("{root}/oauth2/revoke"),
            logout: format!("{root}/oauth2/logout"),
            device: format!("{root}/oauth2/device"),
            ciba: format!("{root}/oauth2/ciba"),
            jwks: format!("{root}/jwks.json"),
            par: format!("{root}/oauth2/par"),
            grants: format!("{root}/oauth2/grants"),
        }
    }
}

/// The document of `/.well-known/openid-configuration` and, the same, of
/// `/.well-known/oauth-authorization-server`. `ui_locales` are the languages there are pages in.
pub fn discovery(issuer: &str, services: &[Service], ui_locales: &[String]) -> Map<String, Value> {
    let at = Endpoints::new(issuer);
    let signing = json!(["RS256", "ES256", "EdDSA"]);
    let told = signing.clone();
    let client = json!([
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
    ]);
    let mut scopes: Vec<&str> = OURS.to_vec();
    for name in services.iter().flat_map(|service| &service.scopes) {
        if !scopes.contains(&name.as_str()) {
            scopes.push(name);
        }
    }
    let details: Vec<&str> = services
        .iter()
        .flat_map(|service| service.details.iter().map(String::as_str))
        .collect();
    let fields = [
        ("issuer", json!(issuer)),
        ("authorization_endpoint", json!(at.authorize)),
        ("token_endpoint", json!(at.token)),
        ("userinfo_endpoint", json!(at.userinfo)),
        ("introspection_endpoint", json!(at.introspect)),
        ("revocation_endpoint", json!(at.revoke)),
        ("end_session_endpoint", json!(at.logout)),
        ("device_authorization_endpoint", json!(at.device)), // RFC 8628 4
        ("jwks_uri", json!(at.jwks)),
        ("response_types_supported", json!(["code"])),
        (
            "response_modes_supported",
            json!([
                "query",
                "fragment",
                "form_post",
                "jwt",
                "query.jwt",
                "fragment.jwt",
                "form_post.jwt"
            ]),
        ),
        (
            "grant_types_supported",
            json!([
                "authorization_code",
                "refresh_token",
                "client_credentials",
                GrantType::DeviceCode.name(),
                GrantType::TokenExchange.name(),
                GrantType::Ciba.name()
            ]),
        ),
        // CIBA 4
        ("backchannel_authentication_endpoint", json!(at.ciba)),
        (
            "backchannel_token_delivery_modes_supported",
            json!(ciba::MODES),
        ),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!(ALGORITHMS),
        ),
        ("backchannel_user_code_parameter_supported", json!(false)),
        // Native SSO 5
        ("native_sso_supported", json!(true)),
        ("subject_types_supported", json!(["public", "pairwise"])),
        ("scopes_supported", json!(scopes)),
        (
            "claims_supported",
            json!([
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "amr",
                "azp",
                "sid",
                "at_hash",
                "ds_hash",
                "name",
                "preferred_username",
                "updated_at",
                "locale",
                "email",
                "email_verified"
            ]),
        ),
        ("claim_types_supported", json!(["normal"])),
        ("id_token_signing_alg_values_supported", signing.clone()),
        ("userinfo_signing_alg_values_supported", signing.clone()),
        ("token_endpoint_auth_methods_supported", client.clone()),
        (
            "token_endpoint_auth_signing_alg_values_supported",
            json!(ALGORITHMS),
        ),
        ("revocation_endpoint_auth_methods_supported", client),
        (
            "revocation_endpoint_auth_signing_alg_values_supported",
            json!(ALGORITHMS),
        ),
        // RFC 9701 7
        ("introspection_signing_alg_values_supported", told),
        // Services introspect with their secret.
        (
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("dpop_signing_alg_values_supported", json!(dpop::ALGORITHMS)), // RFC 9449 5.1
        (
            "prompt_values_supported",
            json!(["none", "login", "consent", "select_account", "create"]),
        ),
        ("acr_values_supported", json!(step_up::ACRS)),
        (
            "display_values_supported",
            json!(["page", "popup", "touch"]),
        ),
        ("ui_locales_supported", json!(ui_locales)),
        (iss::SUPPORTED, json!(true)),
        // Back-Channel Logout 1.0, 2.1
        ("backchannel_logout_supported", json!(true)),
        ("backchannel_logout_session_supported", json!(true)),
        (
            "request_object_signing_alg_values_supported",
            json!(ALGORITHMS),
        ),
        // JARM 4
        ("authorization_signing_alg_values_supported", signing),
        // RFC 9126 5
        ("pushed_authorization_request_endpoint", json!(at.par)),
        ("require_pushed_authorization_requests", json!(false)),
        // Grant Management 7.1
        ("grant_management_endpoint", json!(at.grants)),
        ("grant_management_actions_supported", json!(ACTIONS)),
        ("grant_management_action_required", json!(false)),
        // Their defaults differ, so they are said (OpenID Connect Discovery 3).
        ("claims_parameter_supported", json!(true)),
        // RFC 9101 10.5; `request_uri` is what was pushed here, or an address that is registered.
        ("request_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(true)),
        ("require_request_uri_registration", json!(true)),
    ];
    // RFC 9396 10
    let details = (
        "authorization_details_types_supported",
        json!(details),
        !details.is_empty(),
    );
    let details = details.2.then_some((details.0, details.1));
    // RFC 9728 4
    let told: Vec<&str> = services
        .iter()
        .filter(|service| service.offers.metadata)
        .map(|service| service.audience.as_str())
        .collect();
    let resources = (!told.is_empty()).then(|| ("protected_resources", json!(told)));
    fields
        .into_iter()
        .chain(details)
        .chain(resources)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Adds what is there only while the operator switched it on.
pub fn add_registration(
    document: &mut Map<String, Value>,
    issuer: &str,
    registers: bool,
    reads_documents: bool,
) {
    if registers {
        // RFC 7591 3
        let endpoint = format!("{}/oauth2/register", issuer.trim_end_matches('/'));
        document.insert("registration_endpoint".into(), endpoint.into());
    }
    if reads_documents {
        // draft-ietf-oauth-client-id-metadata-document-02, 6
        document.insert("client_id_metadata_document_supported".into(), true.into());
    }
}

/// The endpoints that look at certificates (RFC 8705 5).
const CERTIFIED: [&str; 8] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint",
    "grant_management_endpoint",
];

/// Adds what is true where certificates of clients count (RFC 8705 2 and 3.3). `vouched`: an
/// authority is named, so that those it vouches for do. `door`: the URL at which connections are
/// asked for theirs (5).
pub fn tell_of_certificates(fields: &mut Map<String, Value>, vouched: bool, door: Option<&str>) {
    let mut methods = vec![json!("self_signed_tls_client_auth")];
    if vouched {
        methods.push(json!("tls_client_auth"));
    }
    for name in [
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
    ] {
        if let Some(Value::Array(list)) = fields.get_mut(name) {
            list.extend(methods.iter().cloned());
        }
    }
    let bound = "tls_client_certificate_bound_access_tokens";
    fields.insert(bound.to_owned(), json!(true));
    let Some(door) = door else { return };
    let issuer = fields.get("issuer").and_then(Value::as_str);
    let issuer = issuer.unwrap_or_default();
    let aliases: Map<String, Value> = CERTIFIED
        .into_iter()
        .filter_map(|name| {
            let path = fields.get(name)?.as_str()?.strip_prefix(issuer)?;
            Some((name.to_owned(), format!("{door}{path}").into()))
        })
        .collect();
    fields.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
}

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
