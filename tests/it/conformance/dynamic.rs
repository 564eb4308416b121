//! oidcc-dynamic-certification-test-plan, response type `code`: every client registers itself. Its
//! addresses lie on a server of the suite on this machine, which the operator allows.

use gerege::flow::operate::key::{When, rotate};
use gerege::keys::ISSUER;
use gerege::oauth::service::Algorithm;

use super::*;
use crate::elsewhere::Elsewhere;
use crate::jar::Pen;
use crate::register::{DOOR, open, registered, send};
use crate::road::text;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The provider with registration open, and the suite's own server.
struct Dynamic {
    suite: Suite,
    server: Elsewhere,
}

impl Dynamic {
    fn new() -> Self {
        Self {
            suite: Suite::at(open()),
            server: Elsewhere::new(),
        }
    }

    /// Registers a client with these members beside its address.
    #[track_caller]
    fn client(&self, members: Value) -> Value {
        registered(&self.suite.app, &self.body(members))
    }

    /// The same, refused; gives the error.
    #[track_caller]
    fn refused(&self, members: Value) -> String {
        let body = self.body(members);
        let answer = send(&mut self.suite.app.browser(), "POST", DOOR, &body);
        text(&answer.is(400).json(), "error")
    }

    fn body(&self, members: Value) -> Value {
        let mut body = json!({ "redirect_uris": [CALLBACK], "response_types": ["code"] });
        let all = body.as_object_mut().unwrap();
        all.extend(members.as_object().unwrap().clone());
        body
    }

    #[track_caller]
    fn code(&mut self, client: &Value, other: &[(&str, &str)]) -> String {
        let id = text(client, "client_id");
        let own = [("client_id", id.as_str())];
        self.suite.code(&[&own, other].concat())
    }

    /// Redeems a code with the client's secret.
    #[track_caller]
    fn redeem(&self, client: &Value, code: &str) -> Value {
        let (id, secret) = (text(client, "client_id"), text(client, "client_secret"));
        self.suite
            .app
            .browser()
            .with("Authorization", &basic(&id, &secret))
            .post("/oauth2/token", &bought(code))
            .is(200)
            .json()
    }

    /// The whole way, with the client's secret; the tokens and the ID token's claims.
    #[track_caller]
    fn sign_in(&mut self, client: &Value, other: &[(&str, &str)]) -> (Value, Value) {
        let code = self.code(client, other);
        let tokens = self.redeem(client, &code);
        let claims = self.suite.id_token(&text(client, "client_id"), &tokens);
        (tokens, claims)
    }

    /// Asks the token endpoint with an assertion.
    fn prove(&self, assertion: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion),
        ];
        let all = [&own, fields].concat();
        self.suite.app.browser().post("/oauth2/token", &all)
    }

    /// What an assertion of a client says, with members changed or (by null) left out.
    fn assertion(&self, pen: &Pen, client: &Value, other: Value) -> String {
        let (id, now) = (text(client, "client_id"), self.suite.app.app.clock.now());
        let mut claims = json!({
            "iss": id, "sub": id, "aud": self.suite.app.origin, "iat": now.seconds(),
            "exp": now.seconds() + 60, "jti": self.suite.app.app.rng.id(),
        });
        let all = claims.as_object_mut().unwrap();
        all.extend(other.as_object().unwrap().clone());
        all.retain(|_, value| !value.is_null());
        pen.sign(Algorithm::RS256, "JWT", &claims)
    }

    /// A client that proves itself by assertions, and its keys.
    fn signer(&self) -> (Value, Pen) {
        let pen = Pen::new(&self.suite.app);
        let client = self.client(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": pen.set(),
        }));
        (client, pen)
    }

    /// As [`Self::signer`], with keys of their own and refresh tokens.
    fn renewer(&self, seed: u8) -> (Value, Pen) {
        let pen = Pen::of(&self.suite.app, seed);
        let client = self.client(json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": pen.set(),
            "grant_types": ["authorization_code", "refresh_token"],
        }));
        (client, pen)
    }

    fn discovery(&self) -> Value {
        let at = "/.well-known/openid-configuration";
        self.suite.app.browser().get(at).is(200).json()
    }
}

fn bought(code: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

#[test]
fn oidcc_idtoken_rs256() {
    let mut plan = Dynamic::new();
    let client = plan.client(json!({ "id_token_signed_response_alg": "RS256" }));
    let (tokens, _) = plan.sign_in(&client, &[]);
    assert_eq!(jwt(&text(&tokens, "id_token")).0["alg"], "RS256");
}

#[test]
fn oidcc_userinfo_rs256() {
    let mut plan = Dynamic::new();
    let client = plan.client(json!({ "userinfo_signed_response_alg": "RS256" }));
    let (tokens, claims) = plan.sign_in(&client, &[]);
    let answer = plan.suite.ask_userinfo(&tokens).is(200);
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    let signed = answer.text();
    let (header, told) = jwt(&signed);
    assert_eq!(header["alg"], "RS256");
    plan.suite.verify(&header, &signed);
    assert_eq!(told["sub"], claims["sub"]);
    assert_eq!(told["iss"], plan.suite.app.origin);
    assert_eq!(told["aud"], client["client_id"]);
}

#[test]
#[allow(non_snake_case)]
fn oidcc_redirect_uri_query_OK() {
    let mut plan = Dynamic::new();
    let at = format!("{CALLBACK}?foo=bar");
    let client = plan.client(json!({ "redirect_uris": [at] }));
    let id = text(&client, "client_id");
    let asked = plan
        .suite
        .request(&[("client_id", &id), ("redirect_uri", &at)]);
    let (back, _) = plan.suite.walk(&asked);
    let answer = parameters(&back.is(303), '?');
    assert_eq!(answer["foo"], "bar");
    assert!(answer.contains_key("code"));
}

/// A page for the person, and nothing is sent anywhere.
#[track_caller]
fn stays(plan: &mut Dynamic, registered: &str, asked: &str) {
    let client = plan.client(json!({ "redirect_uris": [registered] }));
    let id = text(&client, "client_id");
    let at = plan
        .suite
        .request(&[("client_id", &id), ("redirect_uri", asked)]);
    let (page, _) = plan.suite.walk(&at);
    assert!(page.is(400).header("location").is_none());
}

#[test]
fn oidcc_redirect_uri_query_mismatch() {
    let mut plan = Dynamic::new();
    let (foo, bar) = (format!("{CALLBACK}?foo=bar"), format!("{CALLBACK}?bar=foo"));
    stays(&mut plan, &foo, &bar);
}

#[test]
fn oidcc_redirect_uri_query_added() {
    let mut plan = Dynamic::new();
    stays(&mut plan, CALLBACK, &format!("{CALLBACK}?foo=bar"));
}

#[test]
fn oidcc_redirect_uri_regfrag() {
    let plan = Dynamic::new();
    let error = plan.refused(json!({ "redirect_uris": [format!("{CALLBACK}#foobar")] }));
    assert_eq!(error, "invalid_redirect_uri");
}

/// The consent page has a link to the address that was registered; the page of signing in too, where
/// it is about what the person agrees to. A picture is never loaded from elsewhere.
#[track_caller]
fn linked(member: &str, at_once: bool) {
    let mut plan = Dynamic::new();
    let at = format!("https://suite.example/{member}");
    let client = plan.client(json!({ member: at }));
    let id = text(&client, "client_id");
    let asked = plan.suite.request(&[("client_id", &id)]);
    let first = plan.suite.browser.get(&asked);
    let page = plan.suite.browser.arrive(first).is(200);
    let link = format!("href=\"{at}\"");
    assert_eq!(page.text().contains(&link), at_once, "{}", page.text());
    let signed = plan
        .suite
        .browser
        .submit(&page, &[("login", PERSON), ("password", PASSWORD)]);
    let page = plan.suite.browser.arrive(signed).is(200);
    assert!(page.path.starts_with("/consent"));
    assert!(page.text().contains(&link), "{}", page.text());
}

#[test]
fn oidcc_registration_logo_uri() {
    linked("logo_uri", false);
}

#[test]
fn oidcc_registration_policy_uri() {
    linked("policy_uri", true);
}

#[test]
fn oidcc_registration_tos_uri() {
    linked("tos_uri", true);
}

/// `client_auth_type=private_key_jwt`, as the whole plan; the keys are registered as they are.
#[test]
fn oidcc_server() {
    let mut plan = Dynamic::new();
    let (client, pen) = plan.signer();
    let code = plan.code(&client, &[]);
    let assertion = plan.assertion(&pen, &client, json!({}));
    let tokens = plan.prove(&assertion, &bought(&code)).is(200).json();
    let claims = plan.suite.id_token(&text(&client, "client_id"), &tokens);
    assert_eq!(claims["nonce"], "nonce-of-the-suite");
    assert_eq!(plan.suite.userinfo(&tokens)["sub"], claims["sub"]);
}

#[test]
fn oidcc_refresh_token() {
    let mut plan = Dynamic::new();
    let ((client, pen), (other, others)) = (plan.renewer(3), plan.renewer(4));
    let wish = [("scope", "openid offline_access"), ("prompt", "consent")];
    let code = plan.code(&client, &wish);
    let assertion = plan.assertion(&pen, &client, json!({}));
    let tokens = plan.prove(&assertion, &bought(&code)).is(200).json();
    let first = plan.suite.id_token(&text(&client, "client_id"), &tokens);
    let refresh = text(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let ask =
        |client: &Value, pen: &Pen| plan.prove(&plan.assertion(pen, client, json!({})), &fields);
    let newer = ask(&client, &pen).is(200).json();
    let second = plan.suite.id_token(&text(&client, "client_id"), &newer);
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    let stolen = ask(&other, &others).is(400).json();
    assert_eq!(stolen["error"], "invalid_grant");
}

#[test]
fn oidcc_idtoken_unsigned() {
    let plan = Dynamic::new();
    let known = &plan.discovery()["id_token_signing_alg_values_supported"];
    assert!(!known.to_string().contains("none"));
    let error = plan.refused(json!({ "id_token_signed_response_alg": "none" }));
    assert_eq!(error, "invalid_client_metadata");
}

/// Of two addresses the request has to name one; the person sees that it does not.
#[test]
fn oidcc_ensure_redirect_uri_in_authorization_request() {
    let mut plan = Dynamic::new();
    let both = json!([CALLBACK, format!("{CALLBACK}?dummy1=lorem")]);
    let client = plan.client(json!({ "redirect_uris": both }));
    let id = text(&client, "client_id");
    let asked = plan
        .suite
        .request(&[("client_id", &id), ("redirect_uri", "")]);
    let (page, _) = plan.suite.walk(&asked);
    assert!(page.clone().is(400).header("location").is_none());
    assert!(!page.h1().is_empty());
}

/// Newer versions of the suite have it within `oidcc-server`.
#[test]
fn oidcc_registration_jwks() {
    let mut plan = Dynamic::new();
    let (client, pen) = plan.signer();
    assert_eq!(client["jwks"], pen.set());
    assert!(client.get("jwks_uri").is_none());
    let code = plan.code(&client, &[]);
    let other = Pen::of(&plan.suite.app, 4);
    let stolen = plan.assertion(&other, &client, json!({}));
    plan.prove(&stolen, &bought(&code)).is(401);
    let assertion = plan.assertion(&pen, &client, json!({}));
    plan.prove(&assertion, &bought(&code)).is(200);
    let both = json!({ "jwks": pen.set(), "jwks_uri": plan.server.url("/keys") });
    assert_eq!(plan.refused(both), "invalid_client_metadata");
}

#[test]
fn oidcc_registration_jwks_uri() {
    let mut plan = Dynamic::new();
    let pen = Pen::new(&plan.suite.app);
    plan.server.answers("/keys", 200, &pen.set().to_string());
    let client = plan.client(json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": plan.server.url("/keys"),
    }));
    let code = plan.code(&client, &[]);
    let assertion = plan.assertion(&pen, &client, json!({}));
    plan.prove(&assertion, &bought(&code)).is(200);
}

#[test]
fn oidcc_registration_sector_uri() {
    let plan = Dynamic::new();
    plan.server
        .answers("/sector", 200, &json!([CALLBACK]).to_string());
    let client = plan.client(json!({
        "subject_type": "pairwise", "sector_identifier_uri": plan.server.url("/sector"),
    }));
    assert_eq!(client["subject_type"], "pairwise");
}

#[test]
fn oidcc_registration_sector_bad() {
    let plan = Dynamic::new();
    let others = json!(["https://suite.example/elsewhere"]);
    plan.server.answers("/sector", 200, &others.to_string());
    let error = plan.refused(json!({
        "subject_type": "pairwise", "sector_identifier_uri": plan.server.url("/sector"),
    }));
    assert_eq!(error, "invalid_client_metadata");
}

#[test]
fn oidcc_server_rotate_keys() {
    let mut plan = Dynamic::new();
    let client = plan.client(json!({}));
    let kid = |tokens: &Value| jwt(&text(tokens, "id_token")).0["kid"].clone();
    let (before, _) = plan.sign_in(&client, &[]);
    let app = &plan.suite.app;
    app.wait(rotate(&app.app, ISSUER, Some(Algorithm::RS256), When::Now))
        .unwrap();
    let (after, _) = plan.sign_in(&client, &[]);
    assert_ne!(kid(&before), kid(&after));
    // The old one stays while its tokens live.
    let old = text(&before, "id_token");
    plan.suite.verify(&jwt(&old).0, &old);
}

#[test]
fn oidcc_refresh_token_rp_key_rotation() {
    let mut plan = Dynamic::new();
    let (old, new) = (Pen::of(&plan.suite.app, 5), Pen::of(&plan.suite.app, 6));
    plan.server.answers("/keys", 200, &old.set().to_string());
    let client = plan.client(json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": plan.server.url("/keys"),
        "grant_types": ["authorization_code", "refresh_token"],
    }));
    let code = plan.code(
        &client,
        &[("scope", "openid offline_access"), ("prompt", "consent")],
    );
    let assertion = plan.assertion(&old, &client, json!({}));
    let tokens = plan.prove(&assertion, &bought(&code)).is(200).json();
    plan.server.answers("/keys", 200, &new.set().to_string());
    let refresh = text(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let fresh = plan.assertion(&new, &client, json!({}));
    let renewed = plan.prove(&fresh, &fields).is(200).json();
    assert!(renewed["access_token"].is_string());
    // From then on the old key is worth nothing.
    let stale = plan.assertion(&old, &client, json!({}));
    assert_eq!(
        plan.prove(&stale, &fields).is(401).json()["error"],
        "invalid_client"
    );
}

/// Sends the address of a request object that the suite serves.
fn by_reference(plan: &mut Dynamic, client: &Value) -> Answer {
    let (id, at) = (text(client, "client_id"), plan.server.url("/request.jwt"));
    let asked = plan.suite.request(&[
        ("client_id", &id),
        ("request_uri", &at),
        ("state", "outside"),
    ]);
    plan.suite.walk(&asked).0
}

/// The request as the suite signs it: with `iss` and `aud`, and without an end.
fn wish(plan: &Dynamic, client: &Value) -> Value {
    json!({
        "iss": client["client_id"], "aud": plan.suite.app.origin,
        "client_id": client["client_id"], "redirect_uri": CALLBACK, "response_type": "code",
        "scope": "openid", "state": "inside", "nonce": "nonce-inside",
    })
}

/// What is in a signed request counts, and not what stands beside it.
#[test]
fn oidcc_ensure_request_object_with_redirect_uri() {
    let mut plan = Dynamic::new();
    let (client, pen) = plan.signer();
    let object = pen.sign(Algorithm::RS256, "JWT", &wish(&plan, &client));
    let asked = plan.suite.request(&[
        ("client_id", &text(&client, "client_id")),
        ("redirect_uri", "https://suite.example/other"),
        ("request", &object),
    ]);
    let (back, _) = plan.suite.walk(&asked);
    assert_eq!(parameters(&back.is(303), '?')["state"], "inside");
}

/// An object that nobody signed is refused, as the module allows.
#[test]
fn oidcc_request_uri_unsigned() {
    let mut plan = Dynamic::new();
    assert_eq!(plan.discovery()["request_uri_parameter_supported"], true);
    assert!(
        !plan.discovery()["request_object_signing_alg_values_supported"]
            .to_string()
            .contains("none")
    );
    let client = plan.client(json!({ "request_uris": [plan.server.url("/request.jwt")] }));
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let object = format!(
        "{}.{}.",
        part(json!({ "alg": "none" })),
        part(wish(&plan, &client))
    );
    plan.server.answers("/request.jwt", 200, &object);
    let answer = parameters(&by_reference(&mut plan, &client).clicked(), '?');
    assert_eq!(answer["error"], "request_not_supported");
}

#[test]
fn oidcc_request_uri_signed_rs256() {
    let mut plan = Dynamic::new();
    let pen = Pen::new(&plan.suite.app);
    let at = plan.server.url("/request.jwt");
    let client = plan.client(json!({
        "request_uris": [format!("{at}#what-it-held-then")],
        "request_object_signing_alg": "RS256",
        "jwks": pen.set(),
    }));
    let object = pen.sign(Algorithm::RS256, "JWT", &wish(&plan, &client));
    plan.server.answers("/request.jwt", 200, &object);
    let answer = parameters(&by_reference(&mut plan, &client).is(303), '?');
    assert_eq!(answer["state"], "inside");
    let tokens = plan.redeem(&client, &answer["code"]);
    let claims = plan.suite.id_token(&text(&client, "client_id"), &tokens);
    assert_eq!(claims["nonce"], "nonce-inside");

    // What lies elsewhere is not read, and what cannot be read is no request.
    plan.server.asked();
    let other = plan.client(json!({ "jwks": pen.set() }));
    let answer = parameters(&by_reference(&mut plan, &other).clicked(), '?');
    assert_eq!(answer["error"], "invalid_request_uri");
    assert!(plan.server.asked().is_empty());
    plan.server.answers("/request.jwt", 500, "");
    plan.suite
        .app
        .pass(std::time::Duration::from_secs(25 * 3600));
    let answer = parameters(&by_reference(&mut plan, &client).clicked(), '?');
    assert_eq!(answer["error"], "invalid_request_uri");
}

/// Beside the module's own case what else may be in an assertion, and whether the client is let in.
#[test]
fn oidcc_ensure_client_assertion_with_iss_aud_succeeds() {
    let plan = Dynamic::new();
    let (client, pen) = plan.signer();
    let origin = plan.suite.app.origin.clone();
    let now = plan.suite.app.app.clock.now().seconds();
    let cases = [
        ("as it should be", json!({}), true),
        ("the issuer", json!({ "aud": origin }), true),
        (
            "the token endpoint",
            json!({ "aud": format!("{origin}/oauth2/token") }),
            true,
        ),
        ("aud as a list", json!({ "aud": [origin] }), false),
        (
            "aud of another server",
            json!({ "aud": "https://other.example" }),
            false,
        ),
        ("no aud", json!({ "aud": null }), false),
        ("another iss", json!({ "iss": "other" }), false),
        ("another sub", json!({ "sub": "other" }), false),
        ("no sub", json!({ "sub": null }), false),
        ("run out", json!({ "exp": now - 120 }), false),
        ("no exp", json!({ "exp": null }), false),
        ("no jti", json!({ "jti": null }), false),
        ("not valid yet", json!({ "nbf": now + 600 }), false),
    ];
    let ask = |assertion: &str| {
        let answer = plan.prove(assertion, &bought("gc_x"));
        // A code that nobody has: it is refused once the client is let in.
        match answer.json()["error"].as_str() {
            Some("invalid_grant") => true,
            Some("invalid_client") => false,
            other => panic!("{other:?}"),
        }
    };
    for (name, change, good) in cases {
        assert_eq!(ask(&plan.assertion(&pen, &client, change)), good, "{name}");
    }
    let once = plan.assertion(&pen, &client, json!({}));
    assert!(ask(&once));
    assert!(!ask(&once), "an assertion counts once");
}
