//! What may stand in an authorization request.

use super::*;

pub fn response_types(world: &mut World, value: &Value) {
    let others = [
        "token",
        "id_token",
        "none",
        "code token",
        "code id_token",
        "id_token token",
        "code id_token token",
        "Code",
    ];
    let (list, others) = listed(value, &others);
    for one in list {
        world.code(&[("response_type", one)]);
        world.registers("response_types", json!([one])).is(201);
    }
    for one in others {
        // Such an answer is looked for in the fragment.
        let error = world.refused(&[("response_type", one)]);
        assert_eq!(error, "unsupported_response_type", "{one}");
        world.registers("response_types", json!([one])).is(400);
    }
}

pub fn response_modes(world: &mut World, value: &Value) {
    let others = [
        "web_message",
        "direct_post",
        "cookie",
        "jwt.jwt",
        "Query",
        "post",
    ];
    let (list, others) = listed(value, &others);
    for one in list {
        let back = world.ask(&[("response_mode", one)]);
        let signed = one.ends_with("jwt");
        let name = if signed { "response" } else { "code" };
        if one.starts_with("form_post") {
            let html = back.is(200).text();
            assert!(html.contains(&format!("action=\"{BACK}\"")), "{one}");
            assert!(html.contains(&format!("name=\"{name}\"")), "{one}");
            continue;
        }
        let sign = if one.starts_with("fragment") {
            '#'
        } else {
            '?'
        };
        let at = back.is(303).location().to_owned();
        assert!(at.starts_with(&format!("{BACK}{sign}")), "{one}: {at}");
        assert!(param(&at, name).is_some(), "{one}: {at}");
    }
    for one in others {
        let error = world.refused(&[("response_mode", one)]);
        assert_eq!(error, "invalid_request", "{one}");
    }
}

pub fn scopes(world: &mut World, value: &Value) {
    let others = ["address", "phone", "admin", "OpenID", "groups", "jabber"];
    let (list, others) = listed(value, &others);
    let issuer = world.app.origin.clone();
    for one in list {
        // Grant Management 6.1: for the app itself.
        if one.starts_with("grant_management_") {
            let fields = [("grant_type", "client_credentials"), ("scope", one)];
            let given = world.post("/oauth2/token", &fields).is(200).json();
            assert_eq!(given["scope"], one);
            continue;
        }
        // What is for a service stands in its token, all else in ours.
        let resource = match one {
            "chat" => "demo-chat",
            "room" => "https://room.example",
            _ => issuer.as_str(),
        };
        let scope = format!("openid {one}");
        let tokens = world.tokens(&[("scope", &scope)], &[("resource", resource)]);
        let given = text(&tokens, "scope");
        assert!(given.split(' ').any(|name| name == one), "{one}: {given}");
    }
    for one in others {
        let tokens = world.tokens(&[("scope", &format!("openid {one}"))], &[]);
        let given = text(&tokens, "scope");
        assert_eq!(given, "openid", "{one}");
    }
}

pub fn challenge_methods(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["plain", "S512", "s256", "none"]);
    for one in list {
        let code = world.code(&[("code_challenge_method", one)]);
        world.redeem(&code, &[]).is(200);
    }
    for one in others {
        for challenge in [VERIFIER.to_owned(), challenge(VERIFIER)] {
            let other = [
                ("code_challenge_method", one),
                ("code_challenge", &challenge),
            ];
            assert_eq!(world.refused(&other), "invalid_request", "{one}");
        }
    }
}

pub fn prompts(world: &mut World, value: &Value) {
    let others = ["verify", "admin", "None", "signup", "select-account"];
    let (list, others) = listed(value, &others);
    for one in list {
        let back = world.ask(&[("prompt", one)]);
        let page = match one {
            "none" => {
                assert!(back.is(303).param("code").is_some());
                continue;
            }
            "login" => "/confirm",
            "consent" => "/consent",
            "select_account" => "/signin/choose",
            "create" => "/signup",
            other => panic!("nobody tries prompt={other}"),
        };
        assert!(back.path.starts_with(page), "{one}: {}", back.path);
        back.is(200);
    }
    for one in others {
        assert_eq!(
            world.refused(&[("prompt", one)]),
            "invalid_request",
            "{one}"
        );
    }
}

pub fn acrs(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["0", "1", "urn:mace:incommon:iap:silver", "phr"]);
    let essential = |acr: &str| {
        json!({ "id_token": { "acr": { "essential": true, "value": acr } } }).to_string()
    };
    for one in list {
        let tokens = world.tokens(&[("claims", &essential(one))], &[]);
        assert_eq!(jwt(&text(&tokens, "id_token")).1["acr"], one);
        world.tokens(&[("acr_values", one)], &[]);
    }
    for one in others {
        let error = world.refused(&[("claims", &essential(one))]);
        assert_eq!(error, "unmet_authentication_requirements", "{one}");
    }
}

/// The pages fit every window, so each of the standard's words leads to the same page, and one that
/// is not listed as well: it is a wish that nothing is refused for (OpenID Connect Core 3.1.2.1).
pub fn displays(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["wap", "hologram"]);
    let known = ["page", "popup", "touch", "wap"];
    assert!(list.iter().all(|one| known.contains(one)), "{list:?}");
    let mut page = |one: &str| {
        let page = world.ask(&[("prompt", "login"), ("display", one)]).is(200);
        assert!(page.path.starts_with("/confirm"), "{one}: {}", page.path);
        page.h1()
    };
    let plain = page("");
    for one in list.into_iter().chain(others) {
        assert_eq!(page(one), plain, "{one}");
    }
}

pub fn languages(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["xx", "tlh", "zz-ZZ"]);
    let mut lang = |tag: &str| {
        let page = world
            .ask(&[("prompt", "login"), ("ui_locales", tag)])
            .is(200);
        let html = page.text();
        let after = html.split("<html lang=\"").nth(1).expect("a language");
        after.split('"').next().unwrap().to_owned()
    };
    for one in &list {
        assert_eq!(lang(one), *one);
    }
    for one in others {
        assert!(list.contains(&lang(one).as_str()), "{one}");
    }
}

pub fn iss(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    for other in [&[][..], &[("prompt", "none"), ("max_age", "0")]] {
        let back = world.ask(other).is(303);
        assert_eq!(back.param("iss"), Some(world.app.origin.clone()));
    }
}

pub fn plain_requests(world: &mut World, value: &Value) {
    assert_eq!(value, false);
    world.code(&[]);
}

pub fn claims_parameter(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    let wanted = r#"{"userinfo":{"email":{"essential":true}}}"#;
    let tokens = world.tokens(&[("claims", wanted)], &[]);
    let told = world.userinfo(&tokens).json();
    assert_eq!(told["email"], "temuulen@mail.example");
}

/// A request that the app signs.
fn object(world: &World, alg: &str) -> String {
    let now = world.now();
    let claims = json!({
        "iss": "crawler", "aud": world.app.origin, "client_id": "crawler", "exp": now + 60,
        "redirect_uri": BACK, "response_type": "code", "scope": "openid", "state": "inside",
        "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
    });
    world.sign(alg, json!({ "typ": "oauth-authz-req+jwt" }), &claims)
}

pub fn request_algorithms(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &SIGNATURES);
    for one in list {
        let object = object(world, one);
        let back = world.ask(&[("request", &object)]).is(303);
        assert_eq!(back.param("state").as_deref(), Some("inside"), "{one}");
        assert!(back.param("code").is_some(), "{one}: {}", back.location());
    }
    for one in others {
        let object = object(world, one);
        let error = world.refused(&[("request", &object)]);
        let known = ["invalid_request_object", "request_not_supported"];
        assert!(known.contains(&error.as_str()), "{one}: {error}");
    }
}

pub fn request_parameter(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    let object = object(world, "ES256");
    world.code(&[("request", &object)]);
}

/// An address that is on file is read, and no other.
pub fn request_uri(world: &mut World, value: &Value) {
    assert_eq!(value, true);
    let server = Elsewhere::new();
    let (known, other) = (server.url("/known.jwt"), server.url("/other.jwt"));
    let object = object(world, "ES256");
    for path in ["/known.jwt", "/other.jwt"] {
        server.answers(path, 200, &object);
    }
    let on_file = known.clone();
    world.edit(move |crawler| crawler.registration.request_uris = vec![on_file.clone()]);
    world.code(&[("request_uri", &known)]);
    let error = world.refused(&[("request_uri", &other)]);
    assert_eq!(error, "invalid_request_uri");
    assert_eq!(server.asked().len(), 1);
}

pub fn detail_types(world: &mut World, value: &Value) {
    let (list, others) = listed(value, &["account_information", "window", "Payment"]);
    let types: Vec<String> = list.iter().map(|one| (*one).to_owned()).collect();
    world.edit(move |crawler| crawler.asking.details.clone_from(&types));
    let wish = |one: &str| json!([{ "type": one }]).to_string();
    for one in list {
        let details = wish(one);
        let other = [
            ("authorization_details", details.as_str()),
            ("scope", "openid room"),
        ];
        let tokens = world.tokens(&other, &[("resource", "https://room.example")]);
        assert_eq!(tokens["authorization_details"][0]["type"], one);
    }
    for one in others {
        let details = wish(one);
        let other = [
            ("authorization_details", details.as_str()),
            ("scope", "openid room"),
        ];
        assert_eq!(
            world.refused(&other),
            "invalid_authorization_details",
            "{one}"
        );
    }
}
