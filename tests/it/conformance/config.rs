//! oidcc-config-certification-test-plan.

use super::*;

#[test]
fn oidcc_discovery_endpoint_verification() {
    let suite = Suite::new();
    let answer = suite.app.browser().get("/.well-known/openid-configuration");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.is(200).json();
    assert_eq!(document["issuer"], suite.app.origin);
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        let at = document[endpoint].as_str().unwrap();
        assert!(at.starts_with(&suite.app.origin), "{endpoint}: {at}");
        assert!(!at.contains('#'), "{endpoint}");
    }
    let holds = |name: &str, value: &str| {
        let list = document[name].as_array().unwrap();
        assert!(list.iter().any(|one| one == value), "{name}: {list:?}");
    };
    holds("scopes_supported", "openid");
    holds("response_types_supported", "code");
    holds("subject_types_supported", "public");
    holds("id_token_signing_alg_values_supported", "RS256");
    holds("claims_supported", "sub");

    let keys = suite.app.browser().get("/jwks.json").is(200).json();
    let keys = keys["keys"].as_array().unwrap();
    assert!(!keys.is_empty());
    let mut names = std::collections::BTreeSet::new();
    for key in keys {
        assert!(names.insert(key["kid"].as_str().unwrap()), "kids differ");
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key[private].is_null(), "{private} is published");
        }
    }
}
