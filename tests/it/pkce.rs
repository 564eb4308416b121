//! Whoever takes a code on its way, or changes the request, does not get by without the verifier
//! (RFC 7636, RFC 9700 4.8.2).

use std::time::Duration;

use gerege::oauth::client::Pkce;
use gerege::store;

use crate::app::TestApp;
use crate::http::{Answer, basic};
use crate::road::*;

/// A code of the demo messenger (public) or of the forum (confidential), by a request with these
/// parameters of PKCE.
fn code_for(app: &TestApp, client: &str, challenge: &str, method: &str) -> Answer {
    let back = if client == "forum" { FORUM } else { CALLBACK };
    let at = request(&[
        ("client_id", client),
        ("redirect_uri", back),
        ("scope", "openid"),
        ("code_challenge", challenge),
        ("code_challenge_method", method),
    ]);
    let mut browser = app.browser();
    let stored = browser.get(&at).is(303);
    if !stored.location().starts_with("/oauth2/authorize/") {
        return stored;
    }
    let page = browser.arrive(stored);
    let fields = [("login", "temuulen"), ("password", crate::app::PASSWORD)];
    let signed = browser.submit(&page, &fields);
    let arrived = browser.arrive(signed);
    app.deliver();
    if arrived.status == 303 {
        return arrived;
    }
    let allowed = browser.allow(&arrived);
    browser.arrive(allowed).is(303)
}

fn redeem_by(app: &TestApp, client: &str, code: &str, more: &[(&str, &str)]) -> Answer {
    let back = if client == "forum" { FORUM } else { CALLBACK };
    let own = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back),
    ];
    let all = [&own, more].concat();
    if client == "forum" {
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        return forum.post("/oauth2/token", &all);
    }
    token(&mut app.browser(), &all)
}

/// The forum, which may do without PKCE.
fn setting() -> TestApp {
    let app = TestApp::new();
    app.person("temuulen");
    register(&app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.pkce = Pkce::Optional;
        store::client::save(c, &forum)
    });
    app
}

#[test]
fn a_request_is_refused_whose_challenge_is_not_s256() {
    let app = setting();
    let good = challenge(VERIFIER);
    let (long, padded) = (format!("{good}A"), format!("{good}="));
    let other = good.replace(['-', '_'], "+");
    let rows: Vec<(&str, &str, &str, bool)> = vec![
        // name, challenge, method; whether one that may do without is refused as well
        ("taken out whole", "", "", false),
        (
            "the method taken out, so that plain is meant",
            &good,
            "",
            true,
        ),
        ("the challenge taken out", "", "S256", true),
        ("plain", VERIFIER, "plain", true),
        ("plain with a digest", &good, "plain", true),
        ("the method in small letters", &good, "s256", true),
        ("a method with a space", &good, " S256", true),
        ("two methods", &good, "S256 plain", true),
        ("a made-up method", &good, "S512", true),
        ("none as the method", &good, "none", true),
        ("a short challenge", &good[1..], "S256", true),
        ("a long one", &long, "S256", true),
        ("a padded one", &padded, "S256", true),
        (
            "one in the other alphabet",
            if other == good { "+" } else { &other },
            "S256",
            true,
        ),
        ("one with a space", " ", "S256", true),
        (
            "one in hex",
            "a379a6f6eeafb9a55e378c118034e2751e682fab9f2d30ab13d2125586ce1947",
            "S256",
            true,
        ),
    ];
    for (name, challenge, method, always) in rows {
        for client in ["demo-messenger", "forum"] {
            let answer = code_for(&app, client, challenge, method);
            if client == "forum" && !always {
                assert!(answer.param("code").is_some(), "{name}");
                continue;
            }
            assert_eq!(
                answer.param("error").as_deref(),
                Some("invalid_request"),
                "{client}: {name}"
            );
            assert_eq!(answer.param("code"), None, "{name}");
        }
    }
}

#[test]
fn a_code_is_redeemed_by_its_own_verifier_alone() {
    let app = setting();
    let good = challenge(VERIFIER);
    let (short, long) = (&VERIFIER[..42], "v".repeat(129));
    let upper = VERIFIER.to_uppercase();
    let rows: [(&str, &[(&str, &str)]); 11] = [
        ("none", &[]),
        ("an empty one", &[("code_verifier", "")]),
        ("the challenge itself", &[("code_verifier", &good)]),
        (
            "another",
            &[(
                "code_verifier",
                "another-verifier-with-more-than-43-characters-0",
            )],
        ),
        ("in capitals", &[("code_verifier", &upper)]),
        ("a short one", &[("code_verifier", short)]),
        ("a long one", &[("code_verifier", &long)]),
        (
            "with a space",
            &[(
                "code_verifier",
                "a verifier with more than 43 characters in it 0123456789",
            )],
        ),
        (
            "the challenge beside it",
            &[
                ("code_challenge", &good),
                ("code_challenge_method", "plain"),
            ],
        ),
        ("under another name", &[("verifier", VERIFIER)]),
        (
            "twice",
            &[("code_verifier", VERIFIER), ("code_verifier", VERIFIER)],
        ),
    ];
    for client in ["demo-messenger", "forum"] {
        for (name, more) in &rows {
            let code = code_for(&app, client, &good, "S256")
                .param("code")
                .expect("a code");
            let answer = redeem_by(&app, client, &code, more);
            assert_eq!(answer.status, 400, "{client}: {name}");
            let error = text(&answer.json(), "error");
            assert!(
                ["invalid_grant", "invalid_request"].contains(&error.as_str()),
                "{name}: {error}"
            );
            // The rightful app is not locked out by one wrong try.
            redeem_by(&app, client, &code, &[("code_verifier", VERIFIER)]).is(200);
        }
    }
}

/// The four ways in which PKCE could be argued away (RFC 9700 4.8.2, SECURITY R48).
#[test]
fn pkce_cannot_be_argued_away() {
    let app = setting();
    let good = challenge(VERIFIER);
    // 1. The challenge is taken out of the request on its way, and the app sends its verifier.
    let code = code_for(&app, "forum", "", "")
        .param("code")
        .expect("a code");
    let verifier = [("code_verifier", VERIFIER)];
    redeem_by(&app, "forum", &code, &verifier).is(400);
    // 2. The method is taken out, so that the verifier would be the challenge.
    let answer = code_for(&app, "forum", VERIFIER, "");
    assert_eq!(answer.param("error").as_deref(), Some("invalid_request"));
    // 3. The verifier is left out by whoever took the code.
    let code = code_for(&app, "forum", &good, "S256")
        .param("code")
        .expect("a code");
    redeem_by(&app, "forum", &code, &[]).is(400);
    // 4. A code that was made without a challenge is put into the place of one with it: the app's
    // verifier has nothing to fit; and once PKCE is required, the old code gives nothing.
    let stolen = code_for(&app, "forum", "", "")
        .param("code")
        .expect("a code");
    redeem_by(&app, "forum", &stolen, &verifier).is(400);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.pkce = Pkce::Required;
        store::client::save(c, &forum)
    });
    app.pass(Duration::from_secs(1));
    redeem_by(&app, "forum", &stolen, &[]).is(400);
    // Guesses kill it: five, and not even the right one is taken.
    let code = code_for(&app, "demo-messenger", &good, "S256")
        .param("code")
        .expect("a code");
    for guess in 0..5 {
        let guess = format!("{VERIFIER}{guess}");
        redeem_by(&app, "demo-messenger", &code, &[("code_verifier", &guess)]).is(400);
    }
    redeem_by(&app, "demo-messenger", &code, &verifier).is(400);
}
