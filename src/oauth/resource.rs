//! What is told of a service: to verifiers, where it is its own issuer (RFC 8414, OpenID Connect
//! Discovery), and to apps that know only the service (RFC 9728).

use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::dpop;
use super::service::{Algorithm, Proof, Service, own_issuer};

/// What verifiers read of a service that is its own issuer. There is no sign-in under that name,
/// so there is no endpoint in it: what a verifier needs is the name and the keys.
pub fn issuer(service: &Service, house: &str) -> Map<String, Value> {
    let name = own_issuer(house, &service.id);
    let fields = [
        ("jwks_uri", json!(format!("{name}/jwks.json"))),
        ("issuer", json!(name)),
        // Required by RFC 8414 2 and OpenID Connect Discovery 3, and true: nothing is asked here.
        ("response_types_supported", json!([])),
        ("grant_types_supported", json!([])),
        ("subject_types_supported", json!(["public"])),
        ("scopes_supported", json!(service.scopes)),
        // Some verifiers take no algorithm but these. Nothing else is signed under this name.
        (
            "id_token_signing_alg_values_supported",
            json!([match service.algorithm {
                Algorithm::RS256 => "RS256",
                Algorithm::ES256 => "ES256",
                Algorithm::EdDSA => "EdDSA",
            }]),
        ),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The metadata of a protected resource (RFC 9728 2).
pub fn metadata(service: &Service, house: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("resource", json!(service.audience));
    put("authorization_servers", json!([house]));
    put("scopes_supported", json!(service.scopes));
    put("bearer_methods_supported", json!(["header"]));
    put("resource_name", json!(service.name));
    match service.proof {
        Proof::Bearer => {}
        Proof::Dpop => {
            put("dpop_bound_access_tokens_required", json!(true));
            put("dpop_signing_alg_values_supported", json!(dpop::ALGORITHMS));
        }
        Proof::Mtls => {
            put("tls_client_certificate_bound_access_tokens", json!(true));
        }
    }
    if !service.details.is_empty() {
        let types = json!(service.details);
        put("authorization_details_types_supported", types);
    }
    fields
}

/// Where the metadata of a service lies (RFC 9728 3).
pub fn metadata_url(house: &str, id: &str) -> String {
    let root = house.trim_end_matches('/');
    format!("{root}/.well-known/oauth-protected-resource/services/{id}")
}

/// Whether an audience can be a resource identifier: an https URL without a fragment (RFC 9728
/// 1.2), or one of this machine.
pub fn is_identifier(audience: &str) -> bool {
    let Ok(url) = Url::parse(audience) else {
        return false;
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::service::tests::service;

    const HOUSE: &str = "https://id.steppe.example";

    #[test]
    fn a_service_that_is_its_own_issuer_tells_its_name_and_its_keys() {
        let mut chat = service("chat", &["chat"]);
        assert_eq!(chat.issuer(HOUSE), HOUSE);
        chat.offers.own_issuer = true;
        let told = issuer(&chat, HOUSE);
        assert_eq!(told["issuer"], chat.issuer(HOUSE));
        assert_eq!(told["issuer"], "https://id.steppe.example/services/chat");
        assert_eq!(
            told["jwks_uri"],
            "https://id.steppe.example/services/chat/jwks.json"
        );
        // Nothing is asked under that name.
        assert!(told.keys().all(|name| !name.ends_with("_endpoint")));
        assert_eq!(told["response_types_supported"], json!([]));
    }

    #[test]
    fn metadata_names_the_resource_as_apps_know_it_and_what_it_checks() {
        let mut chat = service("chat", &["chat"]);
        let told = metadata(&chat, HOUSE);
        assert_eq!(told["resource"], "https://chat.example");
        assert_eq!(told["authorization_servers"], json!([HOUSE]));
        assert!(told.get("dpop_bound_access_tokens_required").is_none());
        chat.proof = Proof::Dpop;
        chat.details = vec!["room".into()];
        let told = metadata(&chat, HOUSE);
        assert_eq!(told["dpop_bound_access_tokens_required"], true);
        assert_eq!(told["authorization_details_types_supported"][0], "room");
        // The issuer stays ours also where tokens carry the service's own name: apps sign in here.
        chat.offers.own_issuer = true;
        chat.proof = Proof::Mtls;
        let told = metadata(&chat, HOUSE);
        assert_eq!(told["authorization_servers"], json!([HOUSE]));
        assert_eq!(told["tls_client_certificate_bound_access_tokens"], true);
    }

    #[test]
    fn a_resource_identifier_is_an_https_url_without_a_fragment() {
        for (audience, good) in [
            ("https://chat.example", true),
            ("https://chat.example/xmpp?room=1", true),
            ("http://127.0.0.1:7777", true),
            ("http://localhost:7777/", true),
            ("http://chat.example", false),
            ("https://chat.example/#x", false),
            ("https://a:b@chat.example", false),
            ("demo-chat", false),
            ("urn:chat", false),
            ("", false),
        ] {
            assert_eq!(is_identifier(audience), good, "{audience}");
        }
    }
}
