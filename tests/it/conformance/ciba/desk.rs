//! The clients of the plan as they are set up for it: they prove themselves by a signature, sign
//! what they ask, and their tokens are bound to a certificate.

use gerege::flow::operate;
use gerege::oauth::client::{ClientAuth, Need};
use gerege::oauth::fapi::Fapi;

use super::*;
use crate::mtls;
use crate::sign::{Signer, b64, without};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ONE: &str = "desk-one";

struct Desk {
    suite: Suite,
    ec: Signer,
    rsa: Signer,
    /// The client's certificate, and another.
    own: String,
    other: String,
}

impl Desk {
    /// `fapi` also holds it to FAPI 2.0, which the plan does not.
    fn new(fapi: Option<&'static str>) -> Self {
        let settings = [
            ("MTLS__HEADER", "Client-Cert"),
            ("MTLS__PROXIES", "127.0.0.0/8"),
        ];
        let suite = Suite::with(&settings);
        let (ec, rsa) = (Signer::ec(), Signer::rsa());
        let keys = [ec.jwk(Some("ec")), without(rsa.jwk(Some("rsa")), "alg")];
        let jwks = json!({ "keys": keys });
        suite.app.write(move |c| {
            let mut client = store::client::find(c, "suite")?.expect("the suite");
            client.id = ONE.into();
            client.auth = ClientAuth::PrivateKeyJwt;
            client.secret_hash = None;
            client.jwks = Some(jwks.to_string());
            client.redirects = Vec::new();
            client.post_logout = Vec::new();
            client.pkce = gerege::oauth::client::Pkce::Required;
            client.grants = vec![GrantType::Ciba, GrantType::RefreshToken];
            client.asking.request_object = Need::Required;
            client.certificate_bound = true;
            client.id_token_algorithm = Algorithm::ES256;
            client.fapi = fapi.and_then(Fapi::from_name);
            operate::client::check(&client).expect("the operator could register it");
            store::client::add(c, &client).map(|_| ())
        });
        let certificate = |host: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            mtls::header(mtls::params(host).self_signed(&key).unwrap().der())
        };
        let (own, other) = (certificate("desk.example"), certificate("other.example"));
        Self {
            suite,
            ec,
            rsa,
            own,
            other,
        }
    }

    fn sign(&self, alg: &str, claims: &Value) -> String {
        if alg == "ES256" {
            return self.ec.sign(&json!({ "alg": alg, "kid": "ec" }), claims);
        }
        let header = json!({ "alg": alg, "kid": "rsa" });
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = match alg {
            "PS256" => self.rsa.sign_pss(message.as_bytes()),
            _ => self.rsa.sign_bytes(message.as_bytes()),
        };
        format!("{message}.{}", b64(signature))
    }

    /// Claims that are fresh.
    fn claims(&self, more: Value) -> Value {
        let now = self.suite.app.app.clock.now().seconds();
        let mut claims = json!({
            "iss": ONE, "aud": self.suite.app.origin, "exp": now + 300, "nbf": now, "iat": now,
            "jti": gerege::rng::Rng::System.id(),
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        claims
    }

    /// What the suite asks.
    fn wish(&self) -> Value {
        self.claims(json!({ "scope": "openid offline_access", "login_hint": PERSON }))
    }

    /// Calls with an assertion and, where there is one, a certificate.
    fn call(&self, at: &str, fields: &[(&str, &str)], assertion: &str, shown: &str) -> Answer {
        let mut browser = self.suite.app.browser();
        if !shown.is_empty() {
            browser = browser.with("Client-Cert", shown);
        }
        let own = [
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion),
        ];
        browser.post(at, &[&own, fields].concat())
    }

    fn assertion(&self, alg: &str) -> String {
        self.sign(alg, &self.claims(json!({ "sub": ONE })))
    }

    fn ask(&self, object_alg: &str, assertion_alg: &str) -> Answer {
        let object = self.sign(object_alg, &self.wish());
        let assertion = self.assertion(assertion_alg);
        self.call(
            "/oauth2/ciba",
            &[("request", &object)],
            &assertion,
            &self.own,
        )
    }

    fn poll_by(&self, begun: &Value, assertion: &str, shown: &str) -> Answer {
        let id = begun["auth_req_id"].as_str().unwrap();
        let fields = [("grant_type", GRANT), ("auth_req_id", id)];
        self.call("/oauth2/token", &fields, assertion, shown)
    }

    fn poll(&self, begun: &Value, shown: &str) -> Answer {
        self.poll_by(begun, &self.assertion("ES256"), shown)
    }

    fn resource(&self, tokens: &Value, shown: &str) -> u16 {
        let token = tokens["access_token"].as_str().unwrap();
        let mut browser = self.suite.app.browser();
        browser = browser.with("Authorization", &format!("Bearer {token}"));
        if !shown.is_empty() {
            browser = browser.with("Client-Cert", shown);
        }
        browser.get("/oauth2/userinfo").status
    }
}

#[test]
fn fapi_ciba_id1_ensure_mtls_holder_of_key_required() {
    let mut desk = Desk::new(None);
    let begun = desk.ask("ES256", "ES256").is(200).json();
    answer(&mut desk.suite, "allow");
    let bare = desk.poll(&begun, "");
    assert_eq!(bare.json()["error"], "invalid_request", "{}", bare.text());
    let tokens = desk.poll(&begun, &desk.own).is(200).json();
    desk.suite.id_token(ONE, &tokens);
    let told = [&*desk.own, &*desk.other, ""].map(|shown| desk.resource(&tokens, shown));
    assert_eq!(told, [200, 401, 401]);
    // So it is when it is renewed.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let renew = |shown: &str| {
        let assertion = desk.assertion("ES256");
        desk.call("/oauth2/token", &fields, &assertion, shown)
    };
    assert_ne!(renew("").status, 200);
    let newer = renew(&desk.own).is(200).json();
    desk.suite.id_token(ONE, &newer);
    assert_eq!(desk.resource(&newer, &desk.own), 200);
}

#[test]
fn fapi_ciba_id1_ensure_client_assertion_with_iss_aud_to_token_endpoint_succeeds() {
    let desk = Desk::new(None);
    let begun = desk.ask("ES256", "ES256").is(200).json();
    fails(desk.poll(&begun, &desk.own), "authorization_pending");
    // As the suite writes it elsewhere.
    let at = format!("{}/oauth2/token", desk.suite.app.origin);
    let claims = desk.claims(json!({ "sub": ONE, "aud": at }));
    let assertion = desk.sign("ES256", &claims);
    fails(desk.poll_by(&begun, &assertion, &desk.own), "slow_down");
    desk.suite.app.deliver();
}

#[test]
fn fapi_ciba_id1_ensure_without_client_assertion_in_backchannel_authorization_request() {
    let desk = Desk::new(None);
    let object = desk.sign("ES256", &desk.wish());
    let fields = [("client_id", ONE), ("request", object.as_str())];
    let mut browser = desk.suite.app.browser().with("Client-Cert", &desk.own);
    fails(browser.post("/oauth2/ciba", &fields), "invalid_client");
}

#[test]
fn fapi_ciba_id1_ensure_without_client_assertion_in_token_endpoint_request() {
    let desk = Desk::new(None);
    let begun = desk.ask("ES256", "ES256").is(200).json();
    let fields = [
        ("grant_type", GRANT),
        ("auth_req_id", begun["auth_req_id"].as_str().unwrap()),
        ("client_id", ONE),
    ];
    let mut browser = desk.suite.app.browser().with("Client-Cert", &desk.own);
    fails(browser.post("/oauth2/token", &fields), "invalid_client");
    desk.suite.app.deliver();
}

/// RS256 is taken of a client that is not held to FAPI; the suite asks with RSA keys alone.
#[test]
#[allow(non_snake_case)]
fn fapi_ciba_id1_ensure_request_object_signature_algorithm_is_RS256_fails() {
    let desk = Desk::new(Some("security"));
    fails(desk.ask("RS256", "PS256"), "invalid_request");
    desk.ask("PS256", "PS256").is(200);
    desk.suite.app.deliver();
}

#[test]
#[allow(non_snake_case)]
fn fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_backchannel_authorization_request_is_RS256_fails()
 {
    let desk = Desk::new(Some("security"));
    fails(desk.ask("PS256", "RS256"), "invalid_client");
    desk.ask("PS256", "PS256").is(200);
    desk.suite.app.deliver();
}

#[test]
#[allow(non_snake_case)]
fn fapi_ciba_id1_ensure_client_assertion_signature_algorithm_in_token_endpoint_request_is_RS256_fails()
 {
    let desk = Desk::new(Some("security"));
    let begun = desk.ask("PS256", "PS256").is(200).json();
    let weak = desk.poll_by(&begun, &desk.assertion("RS256"), &desk.own);
    fails(weak, "invalid_client");
    fails(desk.poll(&begun, &desk.own), "authorization_pending");
    desk.suite.app.deliver();
}
