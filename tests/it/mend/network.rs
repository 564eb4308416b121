//! Calls to others that a setting of the operator's would let through.

use gerege::oauth::client::ClientAuth;
use gerege::store;
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{client, field};
use crate::app::{TestApp, free_port, own_folder};
use crate::log;
use crate::mtls::{keep, params};
use crate::register::{DOOR, arrive, registered, send};
use crate::road::{register, request, text};
use crate::sign::{Signer, set};

const CB: &str = "https://app.example/cb";

fn open(allow: &str) -> TestApp {
    TestApp::with(&[
        ("REGISTRATION__METADATA_DOCUMENTS", "true"),
        ("REGISTRATION__MODE", "open"),
        ("NETWORK__ALLOW", allow),
    ])
}

/// What the log proposes in the line of this name that tells of a machine, if anything.
fn proposed(mark: usize, name: &str, host: &str) -> Vec<String> {
    let said = log::since(mark);
    let lines = said.lines().filter(|line| line.contains(name));
    let tries = lines.filter_map(|line| field(line, "try"));
    tries.filter(|text| text.contains(host)).collect()
}

/// Asks for a token with an assertion, so that the app's keys are read.
fn assert(app: &TestApp, id: &str) {
    let claims = json!({ "iss": id, "sub": id, "aud": app.origin, "jti": "1",
        "exp": app.app.clock.now().seconds() + 60 });
    let assertion = Signer::ec().sign(&json!({ "alg": "ES256" }), &claims);
    let fields = [
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
    ];
    app.browser().post("/oauth2/token", &fields).is(401);
}

/// Everything that is read at an address that a stranger typed, each at a machine of its own.
fn read(app: &TestApp) {
    app.person("temuulen");
    arrive(
        &mut app.browser(),
        "https://127.0.3.1:1/app.json",
        CB,
        "temuulen",
    )
    .is(400);
    let sector = json!({ "redirect_uris": [CB], "subject_type": "pairwise",
        "sector_identifier_uri": "https://127.0.3.2:1/list" });
    send(&mut app.browser(), "POST", DOOR, &sector).is(400);
    let keys = json!({ "redirect_uris": [CB], "jwks_uri": "https://127.0.3.3:1/keys",
        "token_endpoint_auth_method": "private_key_jwt" });
    assert(app, &text(&registered(app, &keys), "client_id"));
    let jwks: Value = serde_json::from_str(&set(&[Signer::ec().jwk(None)])).unwrap();
    let lies = "https://127.0.3.4:1/wish";
    let wish = json!({ "redirect_uris": [CB], "jwks": jwks, "request_uris": [lies] });
    let id = text(&registered(app, &wish), "client_id");
    let at = [
        ("client_id", id.as_str()),
        ("redirect_uri", CB),
        ("request_uri", lies),
    ];
    app.browser().get(&request(&at));
}

const READ: [(&str, &str); 4] = [
    ("client.document", "127.0.3.1"),
    ("client.sector", "127.0.3.2"),
    ("client.keys", "127.0.3.3"),
    ("request_object.fetch", "127.0.3.4"),
];

#[test]
fn a_machine_inside_a_network_is_named_with_the_setting_that_lets_it_be_called() {
    let (mark, app) = (log::mark(), open(""));
    read(&app);
    let mut allow = Vec::new();
    for (name, host) in READ {
        let wanted = format!("name {host} in network.allow, if it is a machine of yours");
        let tries = proposed(mark, name, host);
        assert!(tries.contains(&wanted), "{name}: {tries:?}");
        allow.push(host);
    }
    app.deliver();
    // With the setting they are called; nobody listens there.
    let (mark, app) = (log::mark(), open(&allow.join(",")));
    read(&app);
    for (name, host) in READ {
        assert_eq!(proposed(mark, name, host), Vec::<String>::new(), "{name}");
    }
    app.deliver();
}

#[test]
fn a_certificate_of_an_unknown_authority_is_named_with_the_setting_that_makes_it_known() {
    let folder = own_folder("mend-authority");
    let host = KeyPair::generate().unwrap();
    let own = params("localhost").self_signed(&host).unwrap();
    keep(&folder, "tls", &own.pem(), &host);
    let place = |file: &str| folder.join(file).display().to_string();
    let (at, held) = free_port();
    drop(held);
    let far = TestApp::with(&[
        ("LISTEN__TLS_CERT", &place("tls.pem")),
        ("LISTEN__TLS_KEY", &place("tls.key")),
        ("LISTEN__ADDRESS", &at.to_string()),
        ("PUBLIC_URL", &format!("https://localhost:{}", at.port())),
    ]);
    let keys = format!("{}/jwks.json", far.origin);
    let wanted = "name a file with the authority of localhost in network.ca_file";
    for (settings, said) in [
        (vec![], true),
        (vec![("NETWORK__CA_FILE", place("tls.pem"))], false),
    ] {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let app = TestApp::with(&settings);
        register(&app);
        let keys = keys.clone();
        client(&app, "forum", move |forum| {
            forum.auth = ClientAuth::PrivateKeyJwt;
            forum.secret_hash = None;
            forum.registration.jwks_uri = Some(keys.clone());
        });
        assert!(app.read(|c| store::client::find(c, "forum")).is_some());
        let mark = log::mark();
        assert(&app, "forum");
        let tries = proposed(mark, "client.keys", "localhost");
        assert_eq!(tries.iter().any(|text| text == wanted), said, "{tries:?}");
    }
    drop(far);
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_closed_registration_tells_the_operator_how_it_is_opened() {
    let app = TestApp::new();
    let mark = log::mark();
    let body = json!({ "redirect_uris": [CB] });
    let closed = send(&mut app.browser(), "POST", DOOR, &body).is(404);
    let reference = format!("req=\"{}\"", closed.header("request-id").unwrap());
    let said = log::since(mark);
    let line = said
        .lines()
        .find(|line| line.contains("registration.off") && line.contains(&reference));
    let wanted = "set registration.mode to token or open, if apps may register themselves";
    assert_eq!(field(line.unwrap(), "try").as_deref(), Some(wanted));
}
