//! fapi2-security-profile-final-test-plan and fapi2-message-signing-final-test-plan: plain FAPI with
//! OpenID Connect, `private_key_jwt` and DPoP. `/oauth2/userinfo` is the resource.

mod grant;
mod machine;
mod proof;
mod request;
mod security;
mod signing;

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use gerege::flow::operate;
use gerege::oauth::client::{ClientAuth, GrantType};
use gerege::oauth::fapi::Fapi;
use gerege::oauth::service::Algorithm;

use super::*;
use crate::road::{VERIFIER, challenge, text};
use crate::sign::{Signer, b64, without};

/// The two clients of a plan.
const ONE: &str = "bank-one";
const TWO: &str = "bank-two";

/// Where the second client takes its answer.
const SECOND: &str = "https://suite.example/test/a/gerege/callback?dummy1=lorem&dummy2=ipsum";

/// What RSA keys take to be made is paid once.
static RSA: LazyLock<Signer> = LazyLock::new(Signer::rsa);

/// The provider under test with the clients of a plan.
struct Bank {
    suite: Suite,
    /// The first client's key, and the second's.
    one: Signer,
    two: Signer,
    /// The key that tokens are bound to.
    bound: Signer,
    signing: bool,
}

impl Bank {
    /// The Security Profile's plan.
    fn new() -> Self {
        Self::with("security", &[])
    }

    /// Message Signing's.
    fn signing() -> Self {
        Self::with("message-signing", &[])
    }

    fn with(profile: &str, settings: &[(&str, &str)]) -> Self {
        Self::at(profile, Suite::with(settings))
    }

    /// With a provider that is set up otherwise.
    fn at(profile: &str, suite: Suite) -> Self {
        let (one, two) = (Signer::ec(), Signer::ec());
        let fapi = Fapi::from_name(profile).unwrap();
        for (id, key) in [(ONE, &one), (TWO, &two)] {
            let rsa = without(RSA.jwk(Some("rsa")), "alg");
            let jwks = json!({ "keys": [key.jwk(Some("ec")), rsa] });
            suite.app.write(move |c| {
                let mut client = store::client::find(c, "suite")?.expect("the suite");
                client.id = id.into();
                client.auth = ClientAuth::PrivateKeyJwt;
                client.secret_hash = None;
                client.jwks = Some(jwks.to_string());
                client.redirects = vec![CALLBACK.into(), SECOND.into()];
                client.pkce = gerege::oauth::client::Pkce::Required;
                client.id_token_algorithm = Algorithm::ES256;
                client.fapi = Some(fapi);
                operate::client::check(&client).expect("the operator could register it");
                store::client::add(c, &client).map(|_| ())
            });
        }
        Self {
            suite,
            one,
            two,
            bound: Signer::ec(),
            signing: fapi.jar,
        }
    }

    fn app(&self) -> &TestApp {
        &self.suite.app
    }

    fn now(&self) -> i64 {
        self.app().app.clock.now().seconds()
    }

    fn key(&self, client: &str) -> &Signer {
        if client == ONE { &self.one } else { &self.two }
    }

    /// The claims of a good assertion (RFC 7523 3).
    fn claims(&self, client: &str) -> Value {
        let now = self.now();
        json!({
            "iss": client, "sub": client, "aud": self.app().origin, "jti": self.app().app.rng.id(),
            "iat": now, "nbf": now, "exp": now + 60,
        })
    }

    fn assert(&self, client: &str, claims: &Value) -> String {
        self.assert_by(self.key(client), claims)
    }

    fn assert_by(&self, key: &Signer, claims: &Value) -> String {
        key.sign(&json!({ "alg": "ES256", "kid": "ec" }), claims)
    }

    /// Asks as a client that proves itself, with a proof by a key, and again with our nonce.
    fn ask(
        &self,
        client: &str,
        path: &str,
        fields: &[(&str, &str)],
        by: Option<&Signer>,
    ) -> Answer {
        let assertion = || self.assert(client, &self.claims(client));
        self.ask_by(client, path, fields, by, &assertion)
    }

    /// The same with an assertion that is good or not.
    fn ask_by(
        &self,
        client: &str,
        path: &str,
        fields: &[(&str, &str)],
        by: Option<&Signer>,
        assertion: &dyn Fn() -> String,
    ) -> Answer {
        let mut nonce: Option<String> = None;
        loop {
            let assertion = assertion();
            let own = [
                ("client_id", client),
                ("client_assertion_type", ASSERTION),
                ("client_assertion", assertion.as_str()),
            ];
            let mut browser = self.app().browser();
            if let Some(by) = by {
                let more = nonce
                    .as_ref()
                    .map_or(json!({}), |nonce| json!({ "nonce": nonce }));
                browser = browser.with("DPoP", &self.proof(by, "POST", path, &more));
            }
            let answer = browser.post(path, &[&own, fields].concat());
            let asked = answer.text().contains("use_dpop_nonce");
            if !asked || nonce.is_some() {
                return answer;
            }
            nonce = answer.header("dpop-nonce").map(str::to_owned);
        }
    }

    /// A proof with claims added or changed.
    fn proof(&self, by: &Signer, method: &str, path: &str, more: &Value) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": by.alg(), "jwk": shown(by) });
        let mut claims = json!({
            "jti": self.app().app.rng.id(), "htm": method, "iat": self.now(),
            "htu": format!("{}{path}", self.app().origin),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        by.sign(&header, &claims)
    }

    /// The plan's request, with parameters changed, added, or (by an empty value) left out.
    fn wish(&self, other: &[(&str, &str)]) -> Vec<(String, String)> {
        let challenge = challenge(VERIFIER);
        let mode = if self.signing { "jwt" } else { "" };
        let own = [
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "state-of-the-suite"),
            ("nonce", "nonce-of-the-suite"),
            ("response_mode", mode),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let kept = own
            .into_iter()
            .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        kept.chain(other.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The same as a request object's claims (Message Signing 5.3.1).
    fn object(&self, client: &str, other: &[(&str, &str)]) -> Value {
        let now = self.now();
        let mut object = json!({
            "iss": client, "aud": self.app().origin, "client_id": client, "nbf": now, "iat": now,
            "exp": now + 300, "jti": self.app().app.rng.id(),
        });
        for (name, value) in self.wish(other) {
            object[name] = value.into();
        }
        object
    }

    fn seal(&self, client: &str, object: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "ec", "typ": "oauth-authz-req+jwt" });
        self.key(client).sign(&header, object)
    }

    /// Pushes a request: signed where the plan signs.
    fn push(&self, client: &str, other: &[(&str, &str)]) -> Answer {
        self.push_by(client, other, None)
    }

    fn push_by(&self, client: &str, other: &[(&str, &str)], by: Option<&Signer>) -> Answer {
        if self.signing {
            return self.push_object(client, &self.seal(client, &self.object(client, other)));
        }
        let wish = self.wish(other);
        let fields: Vec<(&str, &str)> =
            wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.ask(client, "/oauth2/par", &fields, by)
    }

    fn push_object(&self, client: &str, object: &str) -> Answer {
        self.ask(client, "/oauth2/par", &[("request", object)], None)
    }

    /// Where a browser opens what was pushed.
    fn opened(&self, client: &str, pushed: &Answer) -> String {
        let uri = text(&pushed.clone().is(201).json(), "request_uri");
        let fields = [("client_id", client), ("request_uri", uri.as_str())];
        format!("/oauth2/authorize?{}", encode(&fields))
    }

    /// The way through the pages; gives the parameters of the answer.
    #[track_caller]
    fn walk(&mut self, at: &str) -> BTreeMap<String, String> {
        let (back, _) = self.suite.walk(at);
        let mut answer = parameters(&back.is(303), '?');
        if let Some(response) = answer.remove("response") {
            assert!(self.signing);
            let claims = self.verified(&response, "oauth-authz-resp+jwt");
            assert!(claims["exp"].as_i64() > Some(self.now()));
            let all = claims.as_object().unwrap().iter();
            answer.extend(all.map(|(name, value)| {
                let text = value.as_str().map(str::to_owned);
                (name.clone(), text.unwrap_or_else(|| value.to_string()))
            }));
        }
        answer
    }

    /// Pushes and walks.
    #[track_caller]
    fn answer(&mut self, client: &str, other: &[(&str, &str)]) -> BTreeMap<String, String> {
        let at = self.opened(client, &self.push(client, other));
        self.walk(&at)
    }

    #[track_caller]
    fn code(&mut self, client: &str, other: &[(&str, &str)]) -> String {
        let mut answer = self.answer(client, other);
        assert_eq!(answer.get("iss"), Some(&self.app().origin), "RFC 9207");
        answer
            .remove("code")
            .unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    fn redeem(&self, client: &str, code: &str) -> Answer {
        let fields = redeeming(code, CALLBACK);
        self.ask(client, "/oauth2/token", &fields, Some(&self.bound))
    }

    /// The whole way: the token answer and the checked claims of its ID token.
    #[track_caller]
    fn sign_in(&mut self, client: &str, other: &[(&str, &str)]) -> (Value, Value) {
        let code = self.code(client, other);
        let tokens = self.redeem(client, &code).is(200).json();
        let claims = self.checked(client, &tokens);
        (tokens, claims)
    }

    #[track_caller]
    fn checked(&self, client: &str, tokens: &Value) -> Value {
        assert_eq!(tokens["token_type"], "DPoP");
        let claims = self.verified(&text(tokens, "id_token"), "JWT");
        assert_eq!(claims["iss"], self.app().origin);
        assert_eq!(claims["aud"], client);
        assert!(claims["exp"].as_i64() > Some(self.now()));
        claims
    }

    /// A token of ours whose signature is good and by none of the algorithms that FAPI leaves out.
    #[track_caller]
    fn verified(&self, token: &str, typ: &str) -> Value {
        let (header, claims) = jwt(token);
        assert_eq!(
            (&header["alg"], &header["typ"]),
            (&json!("ES256"), &json!(typ))
        );
        let keys = self.app().browser().get("/jwks.json").is(200).json();
        let mut known = keys["keys"].as_array().unwrap().iter();
        let jwk = known
            .find(|key| key["kid"] == header["kid"])
            .expect("the key");
        let jwk = serde_json::from_value(jwk.clone()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let kind = jsonwebtoken::Algorithm::ES256;
        let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, kind);
        assert!(good.unwrap(), "the signature is good");
        claims
    }

    /// Asks at a path with a token and a proof by a key, its claims changed.
    fn show(&self, method: &str, path: &str, tokens: &Value, by: &Signer, more: &Value) -> Answer {
        let token = text(tokens, "access_token");
        let mut all = json!({ "ath": ath(&token) });
        for (name, value) in more.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let proof = self.proof(by, method, path, &all);
        let browser = self.app().browser();
        let browser = browser.with("Authorization", &format!("DPoP {token}"));
        browser.with("DPoP", &proof).send(method, path, &[], None)
    }

    /// The same at the resource.
    fn resource_by(&self, tokens: &Value, by: &Signer, more: &Value) -> Answer {
        self.show("GET", "/oauth2/userinfo", tokens, by, more)
    }

    fn resource(&self, tokens: &Value) -> Answer {
        self.resource_by(tokens, &self.bound, &json!({}))
    }
}

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn redeeming<'a>(code: &'a str, back: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", VERIFIER),
    ]
}

/// A key as a proof shows it.
fn shown(key: &Signer) -> Value {
    without(without(key.jwk(None), "alg"), "use")
}

/// RFC 7638 3: its members are in order.
fn jkt(key: &Signer) -> String {
    b64(digest(&SHA256, shown(key).to_string().as_bytes()))
}

fn ath(token: &str) -> String {
    b64(digest(&SHA256, token.as_bytes()))
}

/// A refusal in JSON.
#[track_caller]
fn refused(answer: Answer, status: u16, error: &str) {
    assert_eq!(answer.json()["error"], error, "{}", answer.text());
    answer.is(status);
}
