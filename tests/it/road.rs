//! The way of an app through sign-in to its tokens, for the tests that walk it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::oauth::client::{Asking, Client, ClientAuth, GrantType, Need, Pkce, RefreshPolicy};
use gerege::oauth::service::{Algorithm, KeyOwner, Offers, Proof, Rotation, Service, TokenFormat};
use gerege::store;
use serde_json::Value;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser, basic, encode};

pub const CALLBACK: &str = "http://127.0.0.1:5123/callback";
pub const VERIFIER: &str = "a-verifier-with-more-than-43-characters-in-it-0123456789";
pub const FORUM: &str = "https://forum.example/callback";
pub const SECRET: &str = "forum-secret-of-the-tests";

/// The S256 challenge of a verifier (RFC 7636 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The demo messenger's request, with parameters added, changed, or (by an empty value) left out.
pub fn request(other: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let own = [
        ("response_type", "code"),
        ("client_id", "demo-messenger"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email offline_access chat"),
        ("state", "st/ate+1 %"),
        ("nonce", "nonce-1"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let mut all: Vec<(&str, &str)> = own
        .into_iter()
        .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name))
        .collect();
    all.extend(other.iter().filter(|(_, value)| !value.is_empty()));
    format!("/oauth2/authorize?{}", encode(&all))
}

/// A confidential third-party web app, and a chat server that introspects.
pub fn register(app: &TestApp) {
    let now = app.app.clock.now();
    let forum = Client {
        id: "forum".into(),
        name: "Forum".into(),
        auth: ClientAuth::ClientSecretBasic,
        secret_hash: Some(gerege::rng::digest(SECRET)),
        jwks: None,
        redirects: vec![FORUM.into()],
        post_logout: vec!["https://forum.example/bye".into()],
        scopes: ["openid", "profile", "email", "offline_access"]
            .map(str::to_owned)
            .into(),
        grants: vec![
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
        ],
        pkce: Pkce::Required,
        first_party: false,
        silent: false,
        refresh: RefreshPolicy::Offline,
        id_token_algorithm: Algorithm::ES256,
        id_token_claims: false,
        asking: Asking::default(),
        dpop: Need::Optional,
        known: None,
        certificate_bound: false,
        service: None,
        exchange: Vec::new(),
        fapi: None,
        created_at: now,
        registration: Default::default(),
    };
    let room = Service {
        id: "room".into(),
        name: "Room".into(),
        audience: "https://room.example".into(),
        scopes: vec!["room".into()],
        algorithm: Algorithm::ES256,
        format: TokenFormat::Jwt,
        claims: Vec::new(),
        keys: KeyOwner::Issuer,
        rotation: Rotation::Jwks,
        machine: true,
        details: vec![],
        userinfo: false,
        proof: Proof::Bearer,
        offers: Offers::default(),
        words: Default::default(),
        secret_hash: Some(gerege::rng::digest(SECRET)),
        created_at: now,
    };
    app.write(move |c| {
        let _ = store::client::add(c, &forum)?;
        let _ = store::client::add_service(c, &room)?;
        Ok(())
    });
}

/// Gives the demo chat server a secret to introspect with.
pub fn arm(app: &TestApp) {
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo service");
        chat.secret_hash = Some(gerege::rng::digest(SECRET));
        store::client::save_service(c, &chat)
    });
}

/// Signs in on the way and comes back to the app; gives the answer that leads there.
pub fn ask(browser: &mut Browser, at: &str, username: &str) -> Answer {
    let stored = browser.get(at).leads("/oauth2/authorize/");
    let page = browser.arrive(stored);
    assert!(
        page.path.starts_with("/signin?request="),
        "{}: {}",
        page.path,
        page.h1()
    );
    let signed = browser.submit(&page, &[("login", username), ("password", PASSWORD)]);
    browser.arrive(signed)
}

/// A code for the demo messenger.
pub fn code(browser: &mut Browser, username: &str) -> String {
    let back = ask(browser, &request(&[]), username).is(303);
    back.param("code")
        .unwrap_or_else(|| panic!("{}", back.location()))
}

/// Asks the token endpoint as the demo messenger.
pub fn token(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let all = [&[("client_id", "demo-messenger")], fields].concat();
    browser.post("/oauth2/token", &all)
}

/// Redeems a code.
pub fn redeem(browser: &mut Browser, code: &str) -> Answer {
    token(
        browser,
        &[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ],
    )
}

pub fn refresh(browser: &mut Browser, token_: &str) -> Answer {
    token(
        browser,
        &[("grant_type", "refresh_token"), ("refresh_token", token_)],
    )
}

/// Tokens of a fresh person.
pub fn tokens(app: &TestApp, browser: &mut Browser, username: &str) -> Value {
    app.person(username);
    let code = code(browser, username);
    redeem(browser, &code).is(200).json()
}

pub fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
        .to_owned()
}

/// What a service hears about a token.
pub fn introspect(app: &TestApp, service: &str, token: &str) -> Value {
    let answer = app
        .browser()
        .with("Authorization", &basic(service, SECRET))
        .post("/oauth2/introspect", &[("token", token)]);
    answer.is(200).json()
}
