//! Client ID Metadata Documents: a `client_id` that is the address of a document about the client
//! (draft-ietf-oauth-client-id-metadata-document-02, 6 July 2026; section numbers are its own).

use serde_json::{Map, Value};
use url::Url;

use super::client::{Client, ClientAuth};
use super::error::{Code, Problem};
use super::register::{Identity, Policy, client};
use super::registration::Origin;
use crate::clock::Time;

/// A longer address, in bytes, is none: it stands in every request and token.
const LONGEST: usize = 512;
/// A longer document, in bytes, is none (6.6).
const LONGEST_DOCUMENT: usize = 5 * 1024;

/// Whether a `client_id` is the address of a document (3). `http` is for loopback, where the
/// caller lets it through only when the operator named the machine. What browsers would write
/// otherwise is none, so that the text that is compared is the address that is called.
pub fn is_address(client_id: &str) -> bool {
    let Some((scheme, rest)) = client_id.split_once("://") else {
        return false;
    };
    // The last: no `client_id` has an @ (PROTOCOL.md 1), which also excludes a user name.
    if client_id.len() > LONGEST || !["https", "http"].contains(&scheme) || rest.contains('@') {
        return false;
    }
    // "MUST contain a path component"
    let Some((_, path)) = rest.split_once('/') else {
        return false;
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let dots = path.split('/').any(|step| {
        let step = step.to_ascii_lowercase().replace("%2e", ".");
        step == "." || step == ".."
    });
    let Ok(url) = Url::parse(client_id) else {
        return false;
    };
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.as_str() == client_id
        && url.fragment().is_none()
        && !dots
        && (scheme == "https" || loopback)
}

/// Reads a document as the client that it is about (4). `kind` is its media type.
///
/// # Errors
/// `invalid_client_metadata` or `invalid_redirect_uri`.
pub fn read(
    client_id: &str,
    kind: &str,
    document: &[u8],
    policy: &Policy,
    now: Time,
) -> Result<Client, Problem> {
    let wrong = |why: &str| Problem::new(Code::InvalidClientMetadata, why);
    if document.len() > LONGEST_DOCUMENT {
        return Err(wrong("the document is longer than 5 KiB"));
    }
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json"))
    {
        return Err(wrong("the document is not application/json"));
    }
    let sent: Map<String, Value> =
        serde_json::from_slice(document).map_err(|_| wrong("the document is no JSON object"))?;
    if sent.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(wrong("client_id in the document is not its address"));
    }
    // 4.1
    if sent.contains_key("client_secret") || sent.contains_key("client_secret_expires_at") {
        return Err(wrong("the document holds a client_secret"));
    }
    // Whose `sub`s it would see is settled by a list elsewhere (OpenID Connect Registration 5),
    // which nobody reads for a document.
    if sent
        .get("sector_identifier_uri")
        .is_some_and(|uri| !uri.is_null())
    {
        return Err(wrong(
            "sector_identifier_uri is for apps that are registered",
        ));
    }
    let identity = Identity {
        id: client_id.to_owned(),
        origin: Origin::Document,
        created_at: now,
    };
    let client = client(&sent, identity, policy)?;
    // PROTOCOL.md 6: public clients only.
    if client.auth != ClientAuth::None {
        return Err(wrong("token_endpoint_auth_method must be none"));
    }
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::Pkce;
    use proptest::prelude::*;
    use serde_json::json;

    const ID: &str = "https://app.example/client.json";

    fn policy() -> Policy {
        Policy {
            scopes: vec!["openid".into()],
            details: Vec::new(),
            certificates: false,
            pkce: Pkce::Optional,
            own: "https://id.steppe.example".into(),
            names: super::super::register::Names::default(),
        }
    }

    #[test]
    fn an_address_is_a_web_address_with_a_path() {
        for (id, good) in [
            (ID, true),
            ("https://app.example/", true),
            ("https://app.example:8443/c", true),
            ("https://app.example/c?v=1", true),
            ("http://127.0.0.1:5000/c", true),
            ("https://app.example", false),
            ("https://app.example?c", false),
            ("https://app.example/c#a", false),
            ("https://app.example/c#", false),
            ("https://user@app.example/c", false),
            ("https://app.example/@c", false),
            ("https://app.example/a/../c", false),
            ("https://app.example/./c", false),
            ("https://app.example/%2E%2e/c", false),
            ("https://app.example/..", false),
            ("https://APP.example/c", false),
            ("https://app.example:443/c", false),
            ("https:/app.example/c", false),
            ("https:\\\\app.example\\c", false),
            ("https://app.example/c d", false),
            ("https://0x7f.1/c", false),
            ("http://app.example/c", false),
            ("ftp://app.example/c", false),
            ("javascript://app.example/c", false),
            ("forum", false),
            ("", false),
        ] {
            assert_eq!(is_address(id), good, "{id}");
        }
        assert!(!is_address(&format!(
            "https://app.example/{}",
            "a".repeat(512)
        )));
    }

    #[test]
    fn a_document_speaks_of_its_own_address_and_keeps_no_secret() {
        let own = |other: Value| {
            let mut sent = json!({
                "client_id": ID,
                "client_name": "App",
                "redirect_uris": ["https://app.example/cb"],
            });
            for (name, value) in other.as_object().unwrap() {
                sent[name] = value.clone();
            }
            sent.to_string()
        };
        let read = |kind: &str, text: &str| {
            super::read(ID, kind, text.as_bytes(), &policy(), Time::default())
        };
        let json = "application/json";
        let good = read(json, &own(json!({}))).unwrap();
        assert!(good.is_unchecked() && good.is_public() && good.id == ID);
        assert_eq!(good.pkce, Pkce::Required);
        assert!(read("application/client+json", &own(json!({}))).is_ok());
        for other in [
            json!({ "client_id": "https://app.example/client.json/" }),
            json!({ "client_id": null }),
            json!({ "client_secret": "a" }),
            json!({ "client_secret_expires_at": 0 }),
            json!({ "subject_type": "pairwise", "sector_identifier_uri": "https://a.example/l" }),
            json!({ "token_endpoint_auth_method": "client_secret_basic" }),
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/k" }),
            json!({ "jwks": { "keys": [{ "kty": "EC", "d": "a" }] } }),
            json!({ "redirect_uris": [] }),
        ] {
            assert!(read(json, &own(other.clone())).is_err(), "{other}");
        }
        assert!(read("text/html", &own(json!({}))).is_err());
        let pad = |length| own(json!({ "pad": "a".repeat(length) }));
        assert!(read(json, &pad(4_900)).is_ok() && read(json, &pad(5_200)).is_err());
        assert!(read("", &own(json!({}))).is_err());
        assert!(read(json, "[]").is_err());
        assert!(read(json, "").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_none(text in "https?://\\PC{0,40}") {
            if is_address(&text) {
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.as_str(), text.as_str());
            }
        }

        #[test]
        fn any_bytes_are_a_document_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = read(ID, "application/json", &bytes, &policy(), Time::default());
            prop_assert!(read.is_err());
        }
    }
}
