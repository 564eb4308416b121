//! Signed authorization requests (RFC 9101), by value and pushed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::clock::Time;
use gerege::keys::{Keys, Master};
use gerege::oauth::client::Need;
use gerege::oauth::service::Algorithm;
use gerege::rng::Rng;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, Browser, basic, encode, jwt};
use crate::road::*;

/// The keys of a client: one of each kind, under its id.
pub struct Pen {
    keys: Keys,
    now: Time,
}

const KINDS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

impl Pen {
    pub fn new(app: &TestApp) -> Self {
        Self::of(app, 3)
    }

    /// Other keys.
    pub fn of(app: &TestApp, seed: u8) -> Self {
        let (keys, now) = (Keys::new(Master::new(&[seed; 32])), app.app.clock.now());
        let make = |kind| keys.make("pen", kind, 1, now, now, &Rng::System).unwrap();
        keys.load(&KINDS.map(make)).unwrap();
        Self { keys, now }
    }

    pub fn sign(&self, kind: Algorithm, typ: &str, claims: &Value) -> String {
        self.keys.sign("pen", kind, typ, claims, self.now).unwrap()
    }

    /// The public halves.
    pub fn set(&self) -> Value {
        json!(self.keys.jwks("pen", self.now))
    }

    /// Puts the public halves on file.
    pub fn register(&self, app: &TestApp, client: &'static str, need: Need) {
        let jwks = self.set().to_string();
        app.write(move |c| {
            let mut client = store::client::find(c, client)?.expect("the client");
            client.jwks = Some(jwks.clone());
            client.asking.request_object = need;
            store::client::save(c, &client)
        });
    }
}

/// An object whose members may stand twice.
struct Doubled(Vec<(String, Value)>);

impl serde::Serialize for Doubled {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What the forum asks, as claims.
fn wish(app: &TestApp) -> Value {
    let now = app.app.clock.now().seconds();
    json!({
        "iss": "forum", "aud": app.origin, "exp": now + 60, "nbf": now, "iat": now, "jti": "1",
        "client_id": "forum", "redirect_uri": FORUM, "response_type": "code",
        "scope": "openid profile", "state": "inside", "nonce": "nonce-inside", "max_age": 600,
        "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
    })
}

fn sent(object: &str, beside: &[(&str, &str)]) -> String {
    let own = [("client_id", "forum"), ("request", object)];
    format!("/oauth2/authorize?{}", encode(&[&own, beside].concat()))
}

fn setting(need: Need) -> (TestApp, Pen) {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    let pen = Pen::new(&app);
    pen.register(&app, "forum", need);
    (app, pen)
}

fn push(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    app.browser()
        .with("Authorization", &basic("forum", SECRET))
        .post("/oauth2/par", fields)
}

/// Signs in, allows, and redeems; gives the answer to the app and the ID token's claims.
fn through(app: &TestApp, browser: &mut Browser, at: &str) -> (Answer, Value) {
    let mut back = ask(browser, at, "temuulen");
    if back.status == 200 {
        let allowed = browser.allow(&back);
        back = browser.arrive(allowed);
    }
    let code = back.param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", FORUM),
        ("code_verifier", VERIFIER),
    ];
    let tokens = app
        .browser()
        .with("Authorization", &basic("forum", SECRET))
        .post("/oauth2/token", &fields)
        .is(200)
        .json();
    let (_, id) = jwt(&text(&tokens, "id_token"));
    (back, id)
}

#[test]
fn what_a_client_signed_is_the_whole_request() {
    let (app, pen) = setting(Need::Required);
    for kind in KINDS {
        // RFC 7515 4.1.9: the long form says the same.
        let types = [
            "oauth-authz-req+jwt",
            "application/oauth-authz-req+jwt",
            "JWT",
        ];
        for typ in types {
            let object = pen.sign(kind, typ, &wish(&app));
            let beside = [
                ("redirect_uri", "https://evil.example/"),
                ("scope", "openid email offline_access"),
                ("response_type", "token"),
                ("state", "outside"),
                ("nonce", "outside"),
                ("prompt", "none"),
            ];
            let (back, id) = through(&app, &mut app.browser(), &sent(&object, &beside));
            assert!(back.location().starts_with(FORUM));
            assert_eq!(back.param("state").as_deref(), Some("inside"));
            assert_eq!(id["nonce"], "nonce-inside");
        }
    }
    app.deliver();
}

#[test]
fn a_signed_request_can_be_pushed() {
    let (app, pen) = setting(Need::Required);
    let object = pen.sign(Algorithm::ES256, "oauth-authz-req+jwt", &wish(&app));
    let beside = [("request", object.as_str()), ("state", "outside")];
    let pushed = push(&app, &beside).is(201).json();
    let fields = [
        ("client_id", "forum"),
        ("request_uri", pushed["request_uri"].as_str().unwrap()),
    ];
    let at = format!("/oauth2/authorize?{}", encode(&fields));
    let (back, _) = through(&app, &mut app.browser(), &at);
    assert_eq!(back.param("state").as_deref(), Some("inside"));
    // Signed or not at all.
    let own = wish(&app);
    let own = own.as_object().unwrap().iter();
    let plain: Vec<(&str, &str)> = own
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    assert_eq!(
        push(&app, &plain).is(400).json()["error"],
        "invalid_request"
    );
    let mut asked = wish(&app);
    asked["redirect_uri"] = "https://evil.example/".into();
    let object = pen.sign(Algorithm::ES256, "JWT", &asked);
    let refused = push(&app, &[("request", &object)]).is(400);
    assert_eq!(refused.json()["error"], "invalid_request");
}

#[test]
fn a_client_that_must_sign_is_answered_nothing_else() {
    let (app, pen) = setting(Need::Required);
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ]);
    let refused = app.browser().get(&at).is(303);
    assert_eq!(refused.param("error").as_deref(), Some("invalid_request"));
    pen.register(&app, "forum", Need::Optional);
    let page = ask(&mut app.browser(), &at, "temuulen").is(200);
    assert!(page.path.starts_with("/consent"));
}

#[test]
fn no_forged_request_is_taken() {
    let (app, pen) = setting(Need::Optional);
    let good = wish(&app);
    let now = app.app.clock.now().seconds();
    let stranger = {
        let keys = Keys::new(Master::new(&[4; 32]));
        let time = app.app.clock.now();
        let row = keys.make("pen", Algorithm::ES256, 1, time, time, &Rng::System);
        keys.load(&[row.unwrap()]).unwrap();
        keys.sign("pen", Algorithm::ES256, "JWT", &good, time)
            .unwrap()
    };
    let own = pen.sign(Algorithm::ES256, "oauth-authz-req+jwt", &good);
    let [header, claims, signature] = own.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let kid = jwt(&own).0["kid"].clone();
    let mut forged: Vec<(String, &str)> = vec![
        (stranger, "another's key"),
        (format!("{header}.{claims}."), "no signature"),
        (format!("{header}.{claims}"), "two parts"),
        (format!("{header}.{claims}.{signature}.x"), "four parts"),
        (format!("{header}.{claims}.{signature}="), "padding"),
        (
            format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
            "r = s = 0",
        ),
        (
            format!("{header}.{}.{signature}", part(&json!({}))),
            "another payload",
        ),
        ("x".into(), "no token"),
        ("A".repeat(20_000), "too long"),
    ];
    for (extra, value) in [
        ("jwk", json!({ "kty": "EC" })),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MII"])),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
    ] {
        let mut head = json!({ "alg": "ES256", "kid": kid });
        head[extra] = value;
        forged.push((format!("{}.{claims}.{signature}", part(&head)), extra));
    }
    for alg in ["HS256", "ES384", "RS256", "PS256", "EdDSA", ""] {
        let head = part(&json!({ "alg": alg, "kid": kid }));
        forged.push((format!("{head}.{claims}.{signature}"), "another alg"));
    }
    for kid in ["../../dev/null", "' OR 1=1 --", ""] {
        let head = part(&json!({ "alg": "ES256", "kid": kid }));
        forged.push((format!("{head}.{claims}.{signature}"), "another kid"));
    }
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt"] {
        forged.push((pen.sign(Algorithm::ES256, typ, &good), "another typ"));
    }
    for (name, value) in [
        ("iss", json!("demo-messenger")),
        ("iss", Value::Null),
        ("aud", json!("https://other.example")),
        ("aud", Value::Null),
        ("client_id", json!("demo-messenger")),
        ("client_id", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 4000)),
        ("exp", json!("soon")),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("sub", json!("forum")),
        ("request", json!(own)),
        ("request_uri", json!("https://forum.example/request.jwt")),
        ("state", json!("a\u{0}b")),
    ] {
        let mut wrong = good.clone();
        if value.is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        } else {
            wrong[name] = value;
        }
        forged.push((pen.sign(Algorithm::ES256, "JWT", &wrong), name));
    }
    let mut doubled: Vec<(String, Value)> = vec![("state".into(), "x".into())];
    doubled.extend(good.as_object().unwrap().clone());
    let doubled = pen
        .keys
        .sign("pen", Algorithm::ES256, "JWT", &Doubled(doubled), pen.now);
    forged.push((doubled.unwrap(), "a member twice"));
    let mut browser = app.browser();
    for (object, why) in &forged {
        let beside = [("redirect_uri", FORUM), ("state", "outside")];
        let answer = browser.get(&sent(object, &beside)).is(303);
        assert!(answer.location().starts_with(FORUM), "{why}");
        let error = answer.param("error");
        assert_eq!(error.as_deref(), Some("invalid_request_object"), "{why}");
        assert_eq!(answer.param("state").as_deref(), Some("outside"), "{why}");
        let pushed = push(&app, &[("request", object)]).is(400).json();
        assert_eq!(pushed["error"], "invalid_request_object", "{why}");
    }
    assert!(forged.len() >= 40, "{}", forged.len());
    // Nobody's signature is not supported.
    for alg in ["none", "None", "NONE", "nOnE"] {
        let object = format!("{}.{claims}.", part(&json!({ "alg": alg })));
        let answer = browser
            .get(&sent(&object, &[("redirect_uri", FORUM)]))
            .is(303);
        assert_eq!(
            answer.param("error").as_deref(),
            Some("request_not_supported")
        );
    }
    let beside = [
        ("redirect_uri", FORUM),
        ("request_uri", "https://forum.example/request.jwt"),
    ];
    let both = browser.get(&sent(&own, &beside)).is(303);
    assert_eq!(both.param("error").as_deref(), Some("invalid_request"));
    // Where no address beside it is the client's, a page.
    let answer = browser.get(&sent("x", &[("redirect_uri", "https://evil.example/")]));
    assert_eq!(answer.is(400).header("location"), None);
    // A client without keys, and none at all.
    let object = own.as_str();
    let messenger =
        sent(object, &[("redirect_uri", CALLBACK)]).replace("=forum&", "=demo-messenger&");
    let answer = browser.get(&messenger).is(303);
    assert_eq!(
        answer.param("error").as_deref(),
        Some("invalid_request_object")
    );
    browser
        .get(&sent(object, &[]).replace("=forum&", "=nobody&"))
        .is(400);
}

// OpenID Connect Core 6.2
#[test]
fn a_fetched_request_is_kept_and_read_anew_when_it_is_another() {
    let (app, pen) = setting(Need::Optional);
    let server = Elsewhere::new();
    let (at, registered) = (server.url("/request.jwt"), server.url("/request.jwt"));
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.registration.request_uris = vec![registered.clone()];
        store::client::save(c, &forum)
    });
    let ask = |hash: &str| {
        let uri = format!("{at}{hash}");
        let at = encode(&[("client_id", "forum"), ("request_uri", &uri)]);
        // One that was here before: a stranger's would be answered at once.
        let mut browser = app.browser();
        browser.get("/signin").is(200);
        browser.get(&format!("/oauth2/authorize?{at}"))
    };
    let sign = |state: &str| {
        let mut wish = wish(&app);
        wish["state"] = json!(state);
        wish["prompt"] = json!("none");
        pen.sign(Algorithm::ES256, "JWT", &wish)
    };
    let first = sign("first");
    server.answers("/request.jwt", 200, &first);
    for _ in 0..20 {
        ask("").leads("/oauth2/authorize/");
    }
    assert_eq!(server.asked().len(), 1);
    let second = sign("second");
    server.answers("/request.jwt", 200, &second);
    for _ in 0..3 {
        let hash = format!("#{}", gerege::rng::digest(&second));
        let mut browser = app.browser();
        browser.get("/signin").is(200);
        let at = encode(&[
            ("client_id", "forum"),
            ("request_uri", &format!("{at}{hash}")),
        ]);
        let stored = browser.get(&format!("/oauth2/authorize?{at}"));
        let back = browser.arrive(stored).is(303);
        assert_eq!(back.param("state").as_deref(), Some("second"));
    }
    assert_eq!(server.asked().len(), 1);
    // What has run out there is read anew, once a minute at most.
    app.pass(Duration::from_secs(120));
    for _ in 0..3 {
        let back = ask("").is(303);
        assert_eq!(
            back.param("error").as_deref(),
            Some("invalid_request_object")
        );
    }
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn one_address_makes_us_read_few_requests_of_strangers() {
    let app = TestApp::limited(&[("NETWORK__ALLOW", "127.0.0.1")]);
    register(&app);
    let server = Elsewhere::new();
    let all: Vec<String> = (0..40).map(|n| server.url(&format!("/{n}"))).collect();
    let registered = all.clone();
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.registration.origin = gerege::oauth::registration::Origin::Registered;
        forum.registration.request_uris = registered.clone();
        store::client::save(c, &forum)
    });
    let fields = |uri: &str| encode(&[("client_id", "forum"), ("request_uri", uri)]);
    for uri in &all {
        app.browser()
            .get(&format!("/oauth2/authorize?{}", fields(uri)));
    }
    let asked = server.asked().len();
    assert!((1..=20).contains(&asked), "{asked}");
}
