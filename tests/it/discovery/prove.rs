//! How apps and services prove themselves, and what they may bring to the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::forged::hs256;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TRADE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

pub fn grant_types(world: &mut World, value: &Value) {
    let others = [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:uma-ticket",
        "Authorization_Code",
    ];
    let (list, others) = listed(value, &others);
    for one in list {
        match one {
            "authorization_code" => {
                world.tokens(&[], &[]);
            }
            "refresh_token" => {
                let tokens = world.tokens(&[("scope", "openid offline_access")], &[]);
                let kept = text(&tokens, "refresh_token");
                let fields = [("grant_type", one), ("refresh_token", kept.as_str())];
                world.post("/oauth2/token", &fields).is(200);
            }
            "client_credentials" => {
                let fields = [("grant_type", one), ("scope", "room")];
                world.post("/oauth2/token", &fields).is(200);
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let begun = crate::device::begin(&world.app);
                let mut browser = world.app.browser();
                let page = crate::device::arrive(&mut browser, &begun, "temuulen");
                let allowed = browser.submit(&page, &[("decision", "allow"), ("seen", "1")]);
                browser.arrive(allowed).is(200);
                crate::device::poll(&mut world.app.browser(), &begun).is(200);
            }
            crate::ciba::GRANT => super::asked::grant(world),
            TRADE => {
                let scope = [("scope", "openid chat room")];
                let tokens = world.tokens(&scope, &[("resource", "demo-chat")]);
                let token = text(&tokens, "access_token");
                let fields = [
                    ("grant_type", TRADE),
                    ("subject_token", token.as_str()),
                    ("subject_token_type", ACCESS),
                    ("audience", "room"),
                ];
                world.post("/oauth2/token", &fields).is(200);
            }
            other => panic!("nobody tries the grant {other}"),
        }
    }
    for one in others {
        let fields = [
            ("grant_type", one),
            ("username", "temuulen"),
            ("password", PASSWORD),
            ("assertion", "x"),
        ];
        let refused = world.post("/oauth2/token", &fields).is(400).json();
        assert_eq!(refused["error"], "unsupported_grant_type", "{one}");
        world.registers("grant_types", json!([one])).is(400);
    }
}

/// The app proves itself by a method of its own from now on; what it sends then.
fn proof(world: &World, method: &str) -> (Browser, Vec<(&'static str, String)>) {
    let secret = Some(gerege::rng::digest(SECRET));
    let be = |auth: ClientAuth| {
        let secret = secret.clone();
        world.edit(move |crawler| {
            crawler.auth = auth;
            crawler.secret_hash.clone_from(&secret);
        });
    };
    let id = ("client_id", "crawler".to_owned());
    let browser = world.app.browser();
    match method {
        "none" => {
            be(ClientAuth::None);
            (browser, vec![id])
        }
        "client_secret_basic" => {
            be(ClientAuth::ClientSecretBasic);
            (
                browser.with("Authorization", &basic("crawler", SECRET)),
                vec![],
            )
        }
        "client_secret_post" => {
            be(ClientAuth::ClientSecretPost);
            (browser, vec![id, ("client_secret", SECRET.to_owned())])
        }
        "private_key_jwt" => {
            be(ClientAuth::PrivateKeyJwt);
            (browser, assertion(world, "ES256"))
        }
        "tls_client_auth" => {
            be(ClientAuth::TlsClientAuth);
            world.edit(|crawler| {
                let name = "crawler.example".to_owned();
                crawler.known = Some(gerege::oauth::certificate::Known::Dns(name));
            });
            let key = KeyPair::generate().unwrap();
            let params = mtls::params("crawler.example");
            let signed = params.signed_by(&key, &world.authority).unwrap();
            (
                browser.with("Client-Cert", &mtls::header(signed.der())),
                vec![id],
            )
        }
        "self_signed_tls_client_auth" => {
            be(ClientAuth::SelfSignedTlsClientAuth);
            let key = KeyPair::generate().unwrap();
            let own = mtls::params("crawler.example").self_signed(&key).unwrap();
            let der = own.der().to_vec();
            let x5c = json!([STANDARD.encode(&der)]);
            world.edit(move |crawler| {
                let text = crawler.jwks.clone().unwrap_or_default();
                let mut set: Value = serde_json::from_str(&text).unwrap();
                let keys = set["keys"].as_array_mut().unwrap();
                keys.push(json!({ "kty": "EC", "x5c": x5c }));
                crawler.jwks = Some(set.to_string());
            });
            (browser.with("Client-Cert", &mtls::header(&der)), vec![id])
        }
        // OpenID Connect Core 9: the secret signs.
        "client_secret_jwt" => {
            be(ClientAuth::ClientSecretBasic);
            let claims = b64(claims(world).to_string());
            let token = hs256(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &claims);
            (browser, assertion_fields(token))
        }
        other => panic!("nobody tries {other}"),
    }
}

fn claims(world: &World) -> Value {
    let now = world.now();
    json!({
        "iss": "crawler", "sub": "crawler", "aud": world.app.origin, "exp": now + 60,
        "jti": world.app.app.rng.id(),
    })
}

fn assertion_fields(token: String) -> Vec<(&'static str, String)> {
    vec![
        ("client_assertion_type", TYPE.to_owned()),
        ("client_assertion", token),
    ]
}

fn assertion(world: &World, alg: &str) -> Vec<(&'static str, String)> {
    assertion_fields(world.sign(alg, json!({}), &claims(world)))
}

fn post(
    browser: &mut Browser,
    path: &str,
    proof: &[(&str, String)],
    more: &[(&str, &str)],
) -> Answer {
    let own = proof.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
    browser.post(path, &all)
}

pub fn token_methods(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["client_secret_jwt"]);
    let machine = [("grant_type", "client_credentials"), ("scope", "room")];
    for one in list {
        if one == "none" {
            // A public app redeems its code.
            let code = crate::road::code(&mut world.app.browser(), "temuulen");
            redeem(&mut world.app.browser(), &code).is(200);
            continue;
        }
        let (mut browser, fields) = proof(world, one);
        post(&mut browser, "/oauth2/token", &fields, &machine).is(200);
        // And by nothing else than what it is registered for.
        for other in [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ] {
            if other != one {
                let (mut browser, fields) = proof(world, other);
                proof(world, one);
                let answer = post(&mut browser, "/oauth2/token", &fields, &machine);
                assert_eq!(answer.status, 401, "{one} by {other}");
            }
        }
    }
    for one in others {
        let (mut browser, fields) = proof(world, one);
        let answer = post(&mut browser, "/oauth2/token", &fields, &machine);
        assert_eq!(answer.status, 401, "{one}");
        let answer = world.registers("token_endpoint_auth_method", json!(one));
        assert_eq!(answer.status, 400, "{one}");
    }
    proof(world, "client_secret_basic");
}

pub fn revocation_methods(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["client_secret_jwt"]);
    let token = [("token", "x")];
    for one in list {
        let (mut browser, fields) = proof(world, one);
        post(&mut browser, "/oauth2/revoke", &fields, &token).is(200);
    }
    for one in others {
        let (mut browser, fields) = proof(world, one);
        post(&mut browser, "/oauth2/revoke", &fields, &token).is(401);
    }
    proof(world, "client_secret_basic");
}

pub fn token_algorithms(world: &mut World, value: &Value) {
    algorithms(world, value, "/oauth2/token");
}

pub fn revocation_algorithms(world: &mut World, value: &Value) {
    algorithms(world, value, "/oauth2/revoke");
}

fn algorithms(world: &mut World, value: &Value, path: &str) {
    let (list, others) = listed(value, &SIGNATURES);
    proof(world, "private_key_jwt");
    let more = [
        ("grant_type", "client_credentials"),
        ("scope", "room"),
        ("token", "x"),
    ];
    for one in list {
        let fields = assertion(world, one);
        let answer = post(&mut world.app.browser(), path, &fields, &more);
        assert_eq!(answer.status, 200, "{one}");
    }
    for one in others {
        let fields = assertion(world, one);
        let answer = post(&mut world.app.browser(), path, &fields, &more);
        assert_eq!(answer.status, 401, "{one}");
    }
    proof(world, "client_secret_basic");
}

/// A service proves itself by its secret alone.
pub fn introspection_methods(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["none", "private_key_jwt", "client_secret_jwt"]);
    let mut now = claims(world);
    now["iss"] = json!("room");
    now["sub"] = json!("room");
    let send = |method: &str| {
        let mut browser = world.app.browser();
        let mut fields = vec![("token", "x".to_owned())];
        match method {
            "client_secret_basic" => {
                browser = browser.with("Authorization", &basic("room", SECRET))
            }
            "client_secret_post" => {
                fields.push(("client_id", "room".into()));
                fields.push(("client_secret", SECRET.into()));
            }
            "private_key_jwt" => {
                fields.extend(assertion_fields(world.sign("ES256", json!({}), &now)))
            }
            "client_secret_jwt" => {
                let claims = b64(now.to_string());
                let header = json!({ "alg": "HS256" });
                let token = hs256(SECRET.as_bytes(), &header, &claims);
                fields.extend(assertion_fields(token));
            }
            "none" => fields.push(("client_id", "room".into())),
            other => panic!("nobody tries {other}"),
        }
        post(&mut browser, "/oauth2/introspect", &fields, &[])
    };
    for one in list {
        send(one).is(200);
    }
    for one in others {
        send(one).is(401);
    }
}

pub fn proof_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    let send = |alg: &str| {
        let jwk = without(without(world.key(alg).jwk(None), "alg"), "use");
        let header = json!({ "typ": "dpop+jwt", "jwk": jwk });
        let claims = json!({
            "jti": world.app.app.rng.id(), "htm": "POST", "iat": world.now(),
            "htu": format!("{}/oauth2/token", world.app.origin),
        });
        let proof = world.sign(alg, header, &claims);
        let mut browser = world.app.browser().with("DPoP", &proof);
        browser = browser.with("Authorization", &basic("crawler", SECRET));
        let fields = [("grant_type", "client_credentials"), ("scope", "room")];
        browser.post("/oauth2/token", &fields)
    };
    for one in list {
        assert_eq!(send(one).status, 200, "{one}");
    }
    for one in others {
        let refused = send(one).is(400).json();
        assert_eq!(refused["error"], "invalid_dpop_proof", "{one}");
    }
}

pub fn certificates(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    world.edit(|crawler| crawler.certificate_bound = true);
    world.app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.proof = Proof::Mtls;
        store::client::save_service(c, &room)
    });
    let (mut browser, fields) = proof(world, "tls_client_auth");
    let machine = [("grant_type", "client_credentials"), ("scope", "room")];
    let given = post(&mut browser, "/oauth2/token", &fields, &machine)
        .is(200)
        .json();
    let bound = jwt(&text(&given, "access_token")).1;
    assert!(bound["cnf"]["x5t#S256"].is_string());
    world.edit(|crawler| crawler.certificate_bound = false);
    world.app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.proof = Proof::Bearer;
        store::client::save_service(c, &room)
    });
    proof(world, "client_secret_basic");
}
