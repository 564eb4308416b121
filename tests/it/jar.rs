//! Signed authorization requests (RFC 9101), by value and pushed.

use std::time::Duration;

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

/// What the forum asks, as claims.
pub fn wish(app: &TestApp) -> Value {
    let now = app.app.clock.now().seconds();
    json!({
        "iss": "forum", "aud": app.origin, "exp": now + 60, "nbf": now, "iat": now, "jti": "1",
        "client_id": "forum", "redirect_uri": FORUM, "response_type": "code",
        "scope": "openid profile", "state": "inside", "nonce": "nonce-inside", "max_age": 600,
        "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
    })
}

pub fn sent(object: &str, beside: &[(&str, &str)]) -> String {
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

pub fn push(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
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
