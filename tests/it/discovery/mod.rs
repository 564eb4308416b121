//! Discovery tells the truth: every value of both documents is tried and works, and others of its
//! kind are refused. A new member, or a new value of one, fails here until somebody tries it.

mod answer;
mod ask;
mod asked;
mod endpoint;
mod manage;
mod prove;
mod service;
mod standards;
mod untold;

use std::collections::BTreeSet;
use std::time::Duration;

use gerege::flow::keyring;
use gerege::oauth::client::{Client, ClientAuth, GrantType, Pkce};
use gerege::oauth::registration::SubjectType;
use gerege::oauth::service::{Algorithm, Proof};
use gerege::store;
use rcgen::{Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp, free_port, own_folder};
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, Browser, basic, encode, jwt, param};
use crate::mtls;
use crate::register::{DOOR, send};
use crate::road::{SECRET, VERIFIER, arm, challenge, redeem, register, text};
use crate::sealed::trusting;
use crate::sign::{Signer, b64, set, without};
use crate::signin::sign_in;

const BACK: &str = "https://crawler.example/back";
/// What signs a JWS (the registry of RFC 7518 7.1), and words that are near.
const SIGNATURES: [&str; 18] = [
    "none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448", "es256",
];
const EVERYTHING: &str = "openid profile email offline_access chat room";

/// A server with everything switched on, an app that may do everything, and a person who is signed
/// in to both.
struct World {
    app: TestApp,
    browser: Browser,
    rsa: Signer,
    ec: Signer,
    ed: Signer,
    authority: Issuer<'static, KeyPair>,
    folder: std::path::PathBuf,
    /// The document.
    told: Value,
    /// The door where connections show certificates.
    door: std::net::SocketAddr,
    /// What calls there, while the endpoints at that door are tried.
    shown: Option<Browser>,
}

impl World {
    fn new(name: &str) -> Self {
        let folder = own_folder(&format!("discovery-{name}"));
        let (authority, pem) = mtls::authority("Steppe CA");
        let place = |file: &str| folder.join(file).display().to_string();
        std::fs::write(place("ca.pem"), pem).unwrap();
        let host = KeyPair::generate().unwrap();
        let own = mtls::params("localhost").self_signed(&host).unwrap();
        mtls::keep(&folder, "tls", &own.pem(), &host);
        let [(first, held), (door, too)] = [free_port(), free_port()];
        drop((held, too));
        let app = TestApp::with(&[
            ("LISTEN__TLS_CERT", &place("tls.pem")),
            ("LISTEN__TLS_KEY", &place("tls.key")),
            ("LISTEN__ADDRESS", &first.to_string()),
            ("PUBLIC_URL", &format!("https://localhost:{}", first.port())),
            ("MTLS__LISTEN", &door.to_string()),
            ("MTLS__HEADER", "Client-Cert"),
            ("MTLS__PROXIES", "127.0.0.0/8"),
            ("MTLS__CA_FILE", &place("ca.pem")),
            ("REGISTRATION__MODE", "open"),
            ("REGISTRATION__METADATA_DOCUMENTS", "true"),
            ("NETWORK__ALLOW", "127.0.0.1"),
        ]);
        app.person("temuulen");
        register(&app);
        arm(&app);
        crate::device::television(&app);
        let (rsa, ec, ed) = (Signer::rsa(), Signer::ec(), Signer::ed());
        let keys = set(&[
            without(rsa.jwk(Some("rsa")), "alg"),
            without(ec.jwk(Some("ec")), "alg"),
            without(ed.jwk(Some("ed")), "alg"),
        ]);
        app.write(move |c| {
            let forum = store::client::find(c, "forum")?.expect("the forum");
            let mut crawler = Client {
                id: "crawler".into(),
                name: "Crawler".into(),
                redirects: vec![BACK.into()],
                scopes: EVERYTHING.split(' ').map(str::to_owned).collect(),
                pkce: Pkce::Optional,
                first_party: true,
                jwks: Some(keys.clone()),
                service: Some("demo-chat".into()),
                exchange: vec!["room".into()],
                ..forum
            };
            crawler.grants.push(GrantType::TokenExchange);
            crawler.grants.push(GrantType::Ciba);
            crawler.registration.family = Some("crawlers".into());
            crawler.asking.details = vec!["payment".into()];
            for name in ["grant_management_query", "grant_management_revoke"] {
                crawler.scopes.push(name.into());
            }
            let _ = store::client::add(c, &crawler)?;
            let mut room = store::client::find_service(c, "room")?.expect("the room");
            room.details = vec!["payment".into(), "door".into()];
            room.offers.metadata = true;
            store::client::save_service(c, &room)
        });
        app.wait(keyring::refresh(&app.app)).unwrap();
        let mut browser = app.browser();
        sign_in(&mut browser, "temuulen");
        app.deliver();
        app.pass(Duration::from_secs(1));
        let at = "/.well-known/openid-configuration";
        let told = app.browser().get(at).is(200).json();
        Self {
            app,
            browser,
            rsa,
            ec,
            ed,
            authority,
            folder,
            told,
            door,
            shown: None,
        }
    }

    /// The path of an endpoint of ours, at the door that is tried.
    fn path(&self, value: &Value) -> String {
        let at = value.as_str().expect("a URL");
        assert!(!at.contains(['#', '?']), "{at}");
        let door = format!("https://localhost:{}", self.door.port());
        let own = self.shown.as_ref().map_or(&self.app.origin, |_| &door);
        at.strip_prefix(own).expect("ours").to_owned()
    }

    /// The path of the endpoint that the document tells under a name.
    fn at(&self, name: &str) -> String {
        let alias = &self.told["mtls_endpoint_aliases"][name];
        match self.shown.is_some() && !alias.is_null() {
            true => self.path(alias),
            false => {
                let at = self.told[name].as_str().expect("a URL");
                at.strip_prefix(&self.app.origin).expect("ours").to_owned()
            }
        }
    }

    /// A program that proves nothing, at the door that is tried.
    fn program(&self) -> Browser {
        self.shown.clone().unwrap_or_else(|| self.app.browser())
    }

    /// What calls at the door for certificates, by one of the authority.
    fn showing(&self, host: &str) -> Browser {
        let key = KeyPair::generate().unwrap();
        let signed = mtls::params(host).signed_by(&key, &self.authority).unwrap();
        let own = (
            signed.der().clone(),
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
        let name = format!("localhost:{}", self.door.port());
        Browser::new(self.door, &name).sealed(trusting(&self.folder.join("tls.pem"), Some(own)))
    }

    /// Changes the app.
    fn edit(&self, change: impl Fn(&mut Client) + Send + 'static) {
        self.app.write(move |c| {
            let mut crawler = store::client::find(c, "crawler")?.expect("the crawler");
            change(&mut crawler);
            store::client::save(c, &crawler)
        });
        // What is changed is seen within a second.
        self.app.pass(Duration::from_secs(1));
    }

    /// Sends the browser with a request, parameters changed, added, or (by an empty value) left
    /// out, and follows it until a page or the app comes.
    fn ask(&mut self, other: &[(&str, &str)]) -> Answer {
        let all = request(other);
        self.open(&all)
    }

    /// Sends the browser with these parameters.
    fn open(&mut self, query: &str) -> Answer {
        let at = self.at("authorization_endpoint");
        let first = self.browser.get(&format!("{at}?{query}"));
        self.browser.arrive(first)
    }

    #[track_caller]
    fn code(&mut self, other: &[(&str, &str)]) -> String {
        let back = self.ask(other).is(303);
        let at = back.location().to_owned();
        back.param("code")
            .unwrap_or_else(|| panic!("no code: {at}"))
    }

    /// The error that the app is told.
    #[track_caller]
    fn refused(&mut self, other: &[(&str, &str)]) -> String {
        let back = self.ask(other).is(303);
        assert!(back.location().starts_with(BACK), "{}", back.location());
        assert_eq!(back.param("code"), None);
        back.param("error").expect("an error")
    }

    /// Asks as the app, which proves itself by its secret, or where certificates are shown by its
    /// own.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        match &self.shown {
            None => self
                .app
                .browser()
                .with("Authorization", &basic("crawler", SECRET))
                .post(path, fields),
            Some(caller) => caller
                .clone()
                .post(path, &[&[("client_id", "crawler")], fields].concat()),
        }
    }

    fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let own = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        self.post(&self.at("token_endpoint"), &[&own, more].concat())
    }

    /// The whole way.
    #[track_caller]
    fn tokens(&mut self, other: &[(&str, &str)], more: &[(&str, &str)]) -> Value {
        let code = self.code(other);
        self.redeem(&code, more).is(200).json()
    }

    fn userinfo(&self, tokens: &Value) -> Answer {
        let token = text(tokens, "access_token");
        self.program()
            .with("Authorization", &format!("Bearer {token}"))
            .get(&self.at("userinfo_endpoint"))
            .is(200)
    }

    /// Signs with the key that an algorithm needs; with some key where there is none such.
    fn sign(&self, alg: &str, mut header: Value, claims: &Value) -> String {
        header["alg"] = json!(alg);
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = match alg {
            "RS256" | "RS384" | "RS512" => self.rsa.sign_bytes(message.as_bytes()),
            "PS256" | "PS384" | "PS512" => self.rsa.sign_pss(message.as_bytes()),
            "EdDSA" | "Ed25519" | "Ed448" => self.ed.sign_bytes(message.as_bytes()),
            "none" => Vec::new(),
            _ => self.ec.sign_bytes(message.as_bytes()),
        };
        format!("{message}.{}", b64(signature))
    }

    fn key(&self, alg: &str) -> &Signer {
        match alg {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => &self.rsa,
            "EdDSA" | "Ed25519" | "Ed448" => &self.ed,
            _ => &self.ec,
        }
    }

    fn now(&self) -> i64 {
        self.app.app.clock.now().seconds()
    }

    /// Registers an app with one member of its own.
    fn registers(&self, member: &str, value: Value) -> Answer {
        let mut body = json!({ "redirect_uris": [BACK], "client_name": "New app" });
        body[member] = value;
        let at = self.at("registration_endpoint");
        send(&mut self.app.browser(), "POST", &at, &body)
    }

    /// A token of ours whose signature is good by a published key of its algorithm.
    #[track_caller]
    fn verified(&self, token: &str, alg: &str) -> Value {
        let (header, claims) = jwt(token);
        assert_eq!(header["alg"], alg);
        let keys = self.app.browser().get(&self.at("jwks_uri")).is(200).json();
        let mut known = keys["keys"].as_array().unwrap().iter();
        let jwk = known
            .find(|key| key["kid"] == header["kid"])
            .expect("the key");
        let jwk = serde_json::from_value(jwk.clone()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let kind = alg.parse().unwrap();
        let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, kind);
        assert!(good.unwrap(), "{alg}");
        claims
    }
}

/// The parameters of the app's request, changed, added, or (by an empty value) left out.
fn request(other: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let own = [
        ("client_id", "crawler"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let kept = own
        .into_iter()
        .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
    let all: Vec<(&str, &str)> = kept
        .chain(other.iter().copied())
        .filter(|(_, value)| !value.is_empty())
        .collect();
    encode(&all)
}

/// A list of the document, and others of its kind that are not in it.
fn listed<'a>(value: &'a Value, others: &[&'static str]) -> (Vec<&'a str>, Vec<&'static str>) {
    let list: Vec<&str> = value
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one.as_str().expect("a text"))
        .collect();
    let others = others.iter().copied().filter(|one| !list.contains(one));
    let others: Vec<&'static str> = others.collect();
    assert!(!list.is_empty() && !others.is_empty());
    (list, others)
}

type Try = fn(&mut World, &Value);

/// Every member that is told, and who tries it.
const TRIES: [(&str, Try); 55] = [
    ("issuer", answer::issuer),
    ("authorization_endpoint", endpoint::authorization),
    ("token_endpoint", endpoint::token),
    ("userinfo_endpoint", endpoint::userinfo),
    ("introspection_endpoint", endpoint::introspection),
    ("revocation_endpoint", endpoint::revocation),
    ("end_session_endpoint", endpoint::end_session),
    ("device_authorization_endpoint", endpoint::device),
    ("pushed_authorization_request_endpoint", endpoint::pushed),
    ("registration_endpoint", endpoint::registration),
    ("jwks_uri", endpoint::jwks),
    ("response_types_supported", ask::response_types),
    ("response_modes_supported", ask::response_modes),
    ("backchannel_authentication_endpoint", endpoint::backchannel),
    ("backchannel_token_delivery_modes_supported", asked::modes),
    (
        "backchannel_authentication_request_signing_alg_values_supported",
        asked::algorithms,
    ),
    (
        "backchannel_user_code_parameter_supported",
        asked::user_code,
    ),
    ("native_sso_supported", asked::family),
    ("grant_types_supported", prove::grant_types),
    ("subject_types_supported", answer::subject_types),
    ("scopes_supported", ask::scopes),
    ("claims_supported", answer::claims),
    ("claim_types_supported", answer::claim_types),
    (
        "id_token_signing_alg_values_supported",
        answer::id_token_algorithms,
    ),
    (
        "userinfo_signing_alg_values_supported",
        answer::userinfo_algorithms,
    ),
    (
        "authorization_signing_alg_values_supported",
        answer::answer_algorithms,
    ),
    (
        "introspection_signing_alg_values_supported",
        answer::introspection_algorithms,
    ),
    (
        "token_endpoint_auth_methods_supported",
        prove::token_methods,
    ),
    (
        "token_endpoint_auth_signing_alg_values_supported",
        prove::token_algorithms,
    ),
    (
        "revocation_endpoint_auth_methods_supported",
        prove::revocation_methods,
    ),
    (
        "revocation_endpoint_auth_signing_alg_values_supported",
        prove::revocation_algorithms,
    ),
    (
        "introspection_endpoint_auth_methods_supported",
        prove::introspection_methods,
    ),
    ("code_challenge_methods_supported", ask::challenge_methods),
    ("dpop_signing_alg_values_supported", prove::proof_algorithms),
    ("prompt_values_supported", ask::prompts),
    ("acr_values_supported", ask::acrs),
    ("display_values_supported", ask::displays),
    ("ui_locales_supported", ask::languages),
    ("authorization_response_iss_parameter_supported", ask::iss),
    ("backchannel_logout_supported", answer::logouts),
    ("backchannel_logout_session_supported", answer::logouts),
    (
        "request_object_signing_alg_values_supported",
        ask::request_algorithms,
    ),
    ("require_pushed_authorization_requests", ask::plain_requests),
    ("claims_parameter_supported", ask::claims_parameter),
    ("request_parameter_supported", ask::request_parameter),
    ("request_uri_parameter_supported", ask::request_uri),
    ("require_request_uri_registration", ask::request_uri),
    ("authorization_details_types_supported", ask::detail_types),
    ("client_id_metadata_document_supported", answer::documents),
    ("grant_management_endpoint", endpoint::grants),
    ("grant_management_actions_supported", manage::actions),
    ("grant_management_action_required", manage::not_required),
    ("protected_resources", manage::resources),
    (
        "tls_client_certificate_bound_access_tokens",
        prove::certificates,
    ),
    ("mtls_endpoint_aliases", endpoint::aliases),
];

fn trial(name: &str) -> Try {
    let tried = TRIES.iter().find(|(tried, _)| *tried == name);
    tried.unwrap_or_else(|| panic!("nobody tries {name}")).1
}

#[test]
fn discovery_tells_the_truth() {
    let mut world = World::new("whole");
    let read = |at: &str| world.app.browser().get(at).is(200).json();
    let told = world.told.clone();
    let same = read("/.well-known/oauth-authorization-server");
    assert_eq!(told, same, "both documents say the same");
    for (name, value) in told.as_object().unwrap() {
        // The name of what is tried, for whoever reads a failure.
        println!("{name}");
        trial(name)(&mut world, value);
    }
    for (name, _) in TRIES {
        assert!(told.get(name).is_some(), "{name} is not told");
    }
    world.app.deliver();
    let _ = std::fs::remove_dir_all(&world.folder);
}

/// What is switched off is not told.
#[test]
fn what_is_switched_off_is_not_told() {
    let app = TestApp::new();
    let read = |at: &str| app.browser().get(at).is(200).json();
    let told = read("/.well-known/openid-configuration");
    assert_eq!(told, read("/.well-known/oauth-authorization-server"));
    for name in [
        "registration_endpoint",
        "client_id_metadata_document_supported",
        "tls_client_certificate_bound_access_tokens",
        "authorization_details_types_supported",
        "protected_resources",
    ] {
        assert!(told.get(name).is_none(), "{name}");
    }
    assert!(!told.to_string().contains("tls_client_auth"));
    let mut browser = app.browser();
    let answer = send(
        &mut browser,
        "POST",
        DOOR,
        &json!({ "redirect_uris": [BACK] }),
    );
    assert!([403, 404].contains(&answer.status), "{}", answer.status);
}
