//! fapi2-message-signing-final-test-plan: what it adds about signed requests and answers.

use super::*;

/// Pushes a request object whose claims are changed.
fn pushed(bank: &Bank, change: impl Fn(&mut Value)) -> Answer {
    let mut object = bank.object(ONE, &[]);
    change(&mut object);
    bank.push_object(ONE, &bank.seal(ONE, &object))
}

#[track_caller]
fn object_fails(change: impl Fn(&mut Value, i64)) {
    let bank = Bank::signing();
    let now = bank.now();
    let answer = pushed(&bank, |object| change(object, now));
    refused(answer, 400, "invalid_request_object");
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds() {
    let bank = Bank::signing();
    let origin = bank.app().origin.clone();
    let aud = json!([origin, "https://other.example", "invalid"]);
    pushed(&bank, |object| object["aud"] = aud.clone()).is(201);
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted()
{
    let bank = Bank::signing();
    let now = bank.now();
    pushed(&bank, |object| object["nbf"] = json!(now + 8)).is(201);
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_without_exp_fails() {
    object_fails(|object, _| *object = without(object.clone(), "exp"));
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_without_nbf_fails() {
    object_fails(|object, _| *object = without(object.clone(), "nbf"));
}

#[test]
fn fapi2_security_profile_final_ensure_expired_request_object_fails() {
    object_fails(|object, now| object["exp"] = json!(now - 61));
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails() {
    object_fails(|object, _| object["aud"] = json!("https://other.example"));
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails() {
    object_fails(|object, now| object["exp"] = json!(now + 70 * 60));
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails() {
    object_fails(|object, now| {
        object["nbf"] = json!(now - 70 * 60);
        object["exp"] = json!(now + 60);
    });
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails() {
    let bank = Bank::signing();
    let answer = pushed(&bank, |object| {
        *object = without(object.clone(), "redirect_uri");
    });
    refused(answer, 400, "invalid_request");
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails() {
    let bank = Bank::signing();
    let header = json!({ "alg": "RS256", "kid": "rsa" });
    let object = RSA.sign(&header, &bank.object(ONE, &[]));
    refused(
        bank.push_object(ONE, &object),
        400,
        "invalid_request_object",
    );
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none() {
    let bank = Bank::signing();
    let (header, claims) = (json!({ "alg": "none" }), bank.object(ONE, &[]));
    let object = format!("{}.{}.", b64(header.to_string()), b64(claims.to_string()));
    refused(
        bank.push_object(ONE, &object),
        400,
        "invalid_request_object",
    );
}

#[test]
fn fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails() {
    let bank = Bank::signing();
    let object = bank.seal(ONE, &bank.object(ONE, &[]));
    let (message, _) = object.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", b64([0x5a; 64]));
    refused(
        bank.push_object(ONE, &forged),
        400,
        "invalid_request_object",
    );
}

/// The first client's request, signed by the second.
#[test]
fn fapi2_security_profile_final_ensure_matching_key_in_authorization_request() {
    let bank = Bank::signing();
    let object = bank.seal(TWO, &bank.object(ONE, &[]));
    refused(
        bank.push_object(ONE, &object),
        400,
        "invalid_request_object",
    );
}

#[test]
fn fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails() {
    let bank = Bank::signing();
    let wish = bank.wish(&[]);
    let fields: Vec<(&str, &str)> = wish.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = bank.ask(ONE, "/oauth2/par", &fields, None);
    refused(answer, 400, "invalid_request");
}

#[test]
#[allow(non_snake_case)]
fn fapi2_security_profile_final_par_authorization_request_containing_request_uri() {
    object_fails(|object, _| object["request_uri"] = json!("urn:ietf:params:oauth:request_uri:x"));
}

#[test]
fn fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object() {
    let mut bank = Bank::signing();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    let code = bank.walk(&format!("{at}&nonce=outside"))["code"].clone();
    let tokens = bank.redeem(ONE, &code).is(200).json();
    assert_eq!(bank.checked(ONE, &tokens)["nonce"], "nonce-of-the-suite");
}

#[test]
fn fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object() {
    let mut bank = Bank::signing();
    let at = bank.opened(ONE, &bank.push(ONE, &[]));
    let answer = bank.walk(&format!("{at}&state=outside"));
    assert_eq!(answer["state"], "state-of-the-suite");
}

#[test]
fn fapi2_security_profile_final_state_only_outside_request_object_not_used() {
    let mut bank = Bank::signing();
    let at = bank.opened(ONE, &bank.push(ONE, &[("state", "")]));
    let answer = bank.walk(&format!("{at}&state=outside"));
    assert!(!answer.contains_key("state"), "{answer:?}");
    assert!(answer.contains_key("code"));
}

/// What services hear is signed, and they must ask for it so (Message Signing 5.5).
#[test]
fn a_service_hears_of_a_token_signed_or_nothing() {
    let mut bank = Bank::signing();
    crate::road::register(bank.app());
    bank.app().write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.proof = gerege::oauth::service::Proof::Dpop;
        store::client::save_service(c, &room)?;
        let mut one = store::client::find(c, ONE)?.expect("the client");
        one.scopes.push("room".into());
        store::client::save(c, &one)
    });
    let code = bank.code(ONE, &[("scope", "openid room")]);
    let tokens = bank.redeem(ONE, &code).is(200).json();
    let token = text(&tokens, "access_token");
    let ask = |accept: &str, token: &str| {
        let mut room = bank.app().browser();
        room = room.with("Authorization", &basic("room", SECRET));
        room.with("Accept", accept)
            .post("/oauth2/introspect", &[("token", token)])
    };
    let plain = ask("application/json", &token);
    assert!(plain.text().contains("Accept must be"), "{}", plain.text());
    refused(plain, 400, "invalid_request");
    let signed = ask("application/token-introspection+jwt", &token).is(200);
    let told = bank.verified(&signed.text(), "token-introspection+jwt");
    assert_eq!(told["token_introspection"]["client_id"], ONE);
    assert_eq!(told["aud"], json!(["https://room.example", "room"]));
    // Of what is no token nothing has to be proved later.
    assert_eq!(
        ask("application/json", "x").is(200).json(),
        json!({ "active": false })
    );
}

/// Signed answers cannot be declined by who must take them (Message Signing 5.4).
#[test]
fn an_answer_to_a_client_of_message_signing_is_signed_or_none() {
    let bank = Bank::signing();
    for mode in ["", "query", "form_post"] {
        let answer = bank.push(ONE, &[("response_mode", mode)]);
        assert!(
            answer.text().contains("response_mode must be jwt"),
            "{mode}"
        );
        refused(answer, 400, "invalid_request");
    }
}
