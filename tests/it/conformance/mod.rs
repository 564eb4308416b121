//! The modules of the OpenID Foundation's conformance plans, each as one test with the module's
//! name: a relying party and a browser that fills in the real forms. How to run the Foundation's
//! own suite against Gerege stands in docs/conformance.md.

mod backchannel;
mod basic;
mod ciba;
mod config;
mod configuration;
mod dynamic;
mod fapi2;
mod logout;
mod third_party;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gerege::oauth::client::Client;
use gerege::store;
use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser, attribute, basic, encode, jwt, unescape};
use crate::road::SECRET;

/// Where the suite takes answers.
pub const CALLBACK: &str = "https://suite.example/test/a/gerege/callback";
/// Where it is led after signing out.
pub const SIGNED_OUT: &str = "https://suite.example/test/a/gerege/post_logout_redirect";
/// Who signs in.
pub const PERSON: &str = "temuulen";

/// The provider under test, with the clients that the plans ask for: `suite` proves itself by
/// Basic, `suite-post` by the body. Neither has to bring PKCE.
pub struct Suite {
    pub app: TestApp,
    pub browser: Browser,
    /// `response_mode` of its requests; empty for none.
    pub mode: &'static str,
}

/// How a client proves itself, by its id.
fn proof(client: &str) -> &'static str {
    match client {
        "suite-post" => "client_secret_post",
        _ => "client_secret_basic",
    }
}

impl Suite {
    pub fn new() -> Self {
        Self::at(TestApp::new())
    }

    /// With other settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::at(TestApp::with(settings))
    }

    /// With a provider that is set up otherwise.
    pub fn at(app: TestApp) -> Self {
        app.person(PERSON);
        for id in ["suite", "suite-two", "suite-post"] {
            let client: Client = serde_json::from_value(json!({
                "id": id,
                "name": "Conformance suite",
                "auth": proof(id),
                "secret_hash": gerege::rng::digest(SECRET),
                "jwks": null,
                "redirects": [CALLBACK],
                "post_logout": [SIGNED_OUT],
                "scopes": ["openid", "profile", "email", "offline_access"],
                "grants": ["authorization_code", "refresh_token"],
                "pkce": "optional",
                "first_party": false,
                "silent": false,
                "refresh": "offline",
                "id_token_algorithm": "RS256",
                "id_token_claims": false,
                "created_at": app.app.clock.now(),
            }))
            .unwrap();
            app.write(move |c| store::client::add(c, &client).map(|_| ()));
        }
        let browser = app.browser();
        let mode = "";
        Self { app, browser, mode }
    }

    /// Takes its answers as forms that send themselves.
    pub fn by_form_post(self) -> Self {
        let mode = "form_post";
        Self { mode, ..self }
    }

    /// The plan's request, with parameters changed, added, or (by an empty value) left out.
    pub fn request(&self, other: &[(&str, &str)]) -> String {
        let own = [
            ("client_id", "suite"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "state-of-the-suite"),
            ("nonce", "nonce-of-the-suite"),
            ("response_mode", self.mode),
        ];
        let kept = own.into_iter().filter(|(name, value)| {
            !value.is_empty() && !other.iter().any(|(changed, _)| changed == name)
        });
        let added = other.iter().copied().filter(|(_, value)| !value.is_empty());
        let all: Vec<(&str, &str)> = kept.chain(added).collect();
        format!("/oauth2/authorize?{}", encode(&all))
    }

    /// Walks through the pages as a person would, until the way leads back to the suite or ends
    /// on a page. Gives that answer and the pages on the way.
    pub fn walk(&mut self, at: &str) -> (Answer, Vec<String>) {
        let first = self.browser.get(at);
        let mut here = self.browser.arrive(first);
        let mut pages = Vec::new();
        for _ in 0..6 {
            let page = here.path.split('?').next().unwrap_or_default().to_owned();
            let fields: &[(&str, &str)] = match page.as_str() {
                "/signin" => &[("login", PERSON), ("password", PASSWORD)],
                "/confirm" => &[("password", PASSWORD)],
                "/signin/continue" | "/signin/choose" | "/consent" => &[],
                _ => return (here, pages),
            };
            let chosen = [("account", account_of(&here))];
            let filled = if page == "/consent" {
                self.browser.allow(&here)
            } else if fields.is_empty() {
                let chosen: Vec<(&str, &str)> =
                    chosen.iter().map(|(n, v)| (*n, v.as_str())).collect();
                self.browser.submit(&here, &chosen)
            } else {
                self.browser.submit(&here, fields)
            };
            here = self.browser.arrive(filled);
            pages.push(page);
        }
        panic!("too many pages: {pages:?}");
    }

    /// The answer that leads back to the suite, as its parameters.
    #[track_caller]
    pub fn answer(&mut self, other: &[(&str, &str)]) -> BTreeMap<String, String> {
        let at = self.request(other);
        let (back, _) = self.walk(&at);
        self.back(&back)
    }

    /// The parameters of an answer that leads back to the suite.
    #[track_caller]
    pub fn back(&self, answer: &Answer) -> BTreeMap<String, String> {
        match self.mode {
            "" => parameters(&answer.clone().is(303), '?'),
            _ => fields(&answer.clone().is(200)),
        }
    }

    /// A code by way of the pages.
    #[track_caller]
    pub fn code(&mut self, other: &[(&str, &str)]) -> String {
        let mut answer = self.answer(other);
        assert_eq!(answer.get("iss"), Some(&self.app.origin), "RFC 9207");
        answer
            .remove("code")
            .unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    /// Asks the token endpoint as a client.
    pub fn token(&self, client: &str, fields: &[(&str, &str)]) -> Answer {
        if proof(client) == "client_secret_post" {
            let own = [("client_id", client), ("client_secret", SECRET)];
            let all = [&own[..], fields].concat();
            return self.app.browser().post("/oauth2/token", &all);
        }
        self.app
            .browser()
            .with("Authorization", &basic(client, SECRET))
            .post("/oauth2/token", fields)
    }

    pub fn redeem(&self, client: &str, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        self.token(client, &fields)
    }

    /// The whole way: the token answer, and the checked claims of its ID token.
    #[track_caller]
    pub fn sign_in(&mut self, other: &[(&str, &str)]) -> (Value, Value) {
        let client = other
            .iter()
            .find(|(name, _)| *name == "client_id")
            .map_or("suite", |(_, id)| id)
            .to_owned();
        let code = self.code(other);
        let tokens = self.redeem(&client, &code).is(200).json();
        assert_eq!(tokens["token_type"], "Bearer");
        assert!(tokens["expires_in"].as_i64().is_some());
        let claims = self.id_token(&client, &tokens);
        (tokens, claims)
    }

    /// Checks an ID token as OpenID Connect Core 3.1.3.7 says.
    #[track_caller]
    pub fn id_token(&self, client: &str, tokens: &Value) -> Value {
        let token = tokens["id_token"].as_str().expect("an id_token");
        let (header, claims) = jwt(token);
        let id = client.to_owned();
        let found = self.app.read(move |c| store::client::find(c, &id));
        let registered = found.expect("the client").id_token_algorithm;
        assert_eq!(header["alg"], json!(registered));
        self.verify(&header, token);
        assert_eq!(claims["iss"], self.app.origin);
        assert_eq!(claims["aud"], client);
        let now = self.app.app.clock.now().seconds();
        assert!(claims["exp"].as_i64().unwrap() > now);
        assert!((claims["iat"].as_i64().unwrap() - now).abs() <= 5);
        let sub = claims["sub"].as_str().unwrap();
        assert!(!sub.is_empty() && sub.len() <= 255 && sub.is_ascii());
        claims
    }

    #[track_caller]
    fn verify(&self, header: &Value, token: &str) {
        let keys = self.app.browser().get("/jwks.json").is(200).json();
        let key = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["kid"] == header["kid"])
            .expect("the key is published");
        assert_eq!(key["alg"], header["alg"]);
        let kind = serde_json::from_value(header["alg"].clone()).expect("an algorithm");
        let jwk = serde_json::from_value(key.clone()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let good = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, kind);
        assert!(good.unwrap(), "the signature is good");
    }

    /// What userinfo says, asked by the header.
    #[track_caller]
    pub fn userinfo(&self, tokens: &Value) -> Value {
        self.ask_userinfo(tokens).is(200).json()
    }

    pub fn ask_userinfo(&self, tokens: &Value) -> Answer {
        let token = tokens["access_token"].as_str().unwrap();
        self.app
            .browser()
            .with("Authorization", &format!("Bearer {token}"))
            .get("/oauth2/userinfo")
    }
}

/// The account that a chooser's or "Continue as" button stands for.
fn account_of(page: &Answer) -> String {
    let html = page.text();
    html.split("name=\"account\"")
        .nth(1)
        .and_then(|rest| rest.split("value=\"").nth(1))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

/// The parameters after `?` or `#` of where an answer leads.
#[track_caller]
pub fn parameters(answer: &Answer, sign: char) -> BTreeMap<String, String> {
    let location = answer.location();
    let (to, query) = location
        .split_once(sign)
        .unwrap_or_else(|| panic!("nothing after {sign} in {location}"));
    assert_eq!(to, CALLBACK);
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The fields of the form that leads back; it sends itself, or by a button where there is no script.
#[track_caller]
fn fields(page: &Answer) -> BTreeMap<String, String> {
    let html = page.text();
    let form = html.split("<form").nth(1).expect("a form");
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains(&format!("action=\"{CALLBACK}\"")), "{form}");
    assert!(form.contains("method=\"post\""));
    form.split("<input")
        .skip(1)
        .filter_map(|tag| {
            let tag = tag.split('>').next()?;
            let value = attribute(tag, "value").unwrap_or_default();
            Some((attribute(tag, "name")?, unescape(&value)))
        })
        .collect()
}
