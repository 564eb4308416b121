//! oidcc-backchannel-rp-initiated-logout-certification-test-plan.

use super::*;
use crate::backchannel::{EVENT, tell, told_at_by};
use crate::elsewhere::Elsewhere;

#[test]
fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let suite = Suite::new();
    let at = "/.well-known/openid-configuration";
    let document = suite.app.browser().get(at).is(200).json();
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
    assert!(document["end_session_endpoint"].is_string());
}

#[test]
fn oidcc_backchannel_rp_initiated_logout() {
    let (mut suite, server) = (Suite::new(), Elsewhere::new());
    server.answers("/backchannel_logout", 200, "");
    told_at_by(&suite.app, "suite", &server.url("/backchannel_logout"));
    let (tokens, claims) = suite.sign_in(&[]);
    let hint = tokens["id_token"].as_str().unwrap();
    let fields = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", SIGNED_OUT),
        ("state", "bye"),
    ];
    let at = format!("/oauth2/logout?{}", encode(&fields));
    let back = suite.browser.get(&at).is(303);
    assert_eq!(back.location(), format!("{SIGNED_OUT}?state=bye"));
    tell(&suite.app);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let token = asked[0].body.strip_prefix("logout_token=").unwrap();
    let (header, told) = jwt(token);
    suite.verify(&header, token);
    assert_ne!(header["alg"], "none");
    for name in ["iss", "aud", "sub", "sid"] {
        assert_eq!(told[name], claims[name], "{name}");
    }
    assert!(told["iat"].is_i64() && told["exp"].is_i64() && told["jti"].is_string());
    assert!(told["events"][EVENT].is_object());
    assert!(told.get("nonce").is_none());
    // Nobody is signed in any more.
    let answer = suite.answer(&[("prompt", "none")]);
    assert_eq!(answer["error"], "login_required");
}
