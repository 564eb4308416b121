//! Refusals on the way of a person to an app.

use gerege::oauth::client::{GrantType, Need, RefreshPolicy};
use gerege::oauth::registration::SubjectType;
use gerege::store;

use super::After::{Gone, Shown};
use super::{Book, client, heard};
use crate::app::TestApp;
use crate::http::{Answer, basic};
use crate::road::*;
use crate::sign::{Signer, set};

/// The forum's request.
fn wish(more: &[(&str, &str)]) -> String {
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid profile"),
    ];
    let own = own
        .iter()
        .filter(|(name, _)| !more.iter().any(|(changed, _)| changed == name));
    request(&own.chain(more).copied().collect::<Vec<_>>())
}

/// What the authorization endpoint says to an app.
pub fn asked(book: &mut Book) {
    let app = TestApp::new();
    register(&app);
    let get = |more: &[(&str, &str)]| app.browser().get(&wish(more)).is(303);
    let scope = "gerege client edit forum --add-scope room";
    book.mends(&app, scope, Gone, &mut || get(&[("scope", "openid room")]));
    let show = "gerege client show forum";
    book.mends(&app, show, Shown, &mut || get(&[("scope", "unknown")]));
    let nowhere = [("resource", "https://nowhere.example")];
    book.mends(&app, "gerege service list", Shown, &mut || get(&nowhere));
    let keys = set(&[Signer::ec().jwk(None)]);
    let jwks = keys.clone();
    client(&app, "forum", move |forum| {
        forum.jwks = Some(jwks.clone());
        forum.grants.clear();
        forum.asking.par = Need::Required;
        forum.asking.request_object = Need::Required;
    });
    for option in [
        "--par optional",
        "--request-object optional",
        "--add-grant authorization_code",
    ] {
        let command = format!("gerege client edit forum {option}");
        book.mends(&app, &command, Gone, &mut || get(&[]));
    }
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    let pkce = "gerege client edit forum --pkce optional";
    book.mends(&app, pkce, Gone, &mut || get(&bare));
    let payment = [
        ("scope", "openid room"),
        ("authorization_details", r#"[{"type":"payment"}]"#),
    ];
    for command in [
        "gerege service edit room --add-detail-type payment",
        "gerege client edit forum --add-detail-type payment",
    ] {
        book.mends(&app, command, Gone, &mut || get(&payment));
    }
    let payment = [payment[1], ("scope", "openid")];
    client(&app, "forum", |forum| forum.asking.details.clear());
    let door = [
        payment[1],
        ("authorization_details", r#"[{"type":"door"}]"#),
    ];
    book.mends(&app, "gerege service list", Shown, &mut || get(&door));

    // An address that a request lies at is one more, and takes the place of none.
    client(&app, "forum", |forum| {
        forum.registration.request_uris = vec!["https://forum.example/it's?a=b&c".into()];
    });
    let command = r"gerege client edit forum --request-uri 'https://forum.example/it'\''s?a=b&c' --request-uri https://127.0.0.1:1/wish";
    let lies = [("request_uri", "https://127.0.0.1:1/wish")];
    book.mends(&app, command, Gone, &mut || get(&lies));
    let forum = app.read(|c| store::client::find(c, "forum")).unwrap();
    assert_eq!(forum.registration.request_uris.len(), 2);
    for bad in ["http://forum.example/a", "https://forum.example/a b", "x"] {
        assert!(
            heard(&mut || get(&[("request_uri", bad)])).is_none(),
            "{bad}"
        );
    }
    let long = format!("https://forum.example/{}", "a".repeat(300));
    book.mends(&app, show, Shown, &mut || get(&[("request_uri", &long)]));

    client(&app, "forum", |forum| forum.jwks = None);
    std::fs::write(app.folder().join("FILE"), keys).unwrap();
    let jwks = "gerege client edit forum --jwks FILE";
    book.mends(&app, jwks, Gone, &mut || get(&[("request", "x.y.z")]));

    app.person("temuulen");
    let mut browser = app.browser();
    code(&mut browser, "temuulen");
    let silent = "gerege client edit demo-messenger --silent true";
    book.mends(&app, silent, Gone, &mut || {
        let stored = browser.get(&request(&[("prompt", "none")]));
        browser.arrive(stored).is(303)
    });
    app.deliver();
}

/// What an app is told that pushes its request.
pub fn pushed(book: &mut Book) {
    let app = TestApp::new();
    register(&app);
    let push = |redirect: &str| -> Answer {
        let query = wish(&[("redirect_uri", redirect)]);
        let body = query.split_once('?').unwrap().1;
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        forum.post_bytes("/oauth2/par", body.as_bytes())
    };
    let edit = "gerege client edit forum --add-redirect";
    // What a shell would read is quoted for it.
    for (asked, typed) in [
        ("https://forum.example/other", "https://forum.example/other"),
        (
            "https://forum.example/cb?a=b&c=;id",
            "'https://forum.example/cb?a=b&c=;id'",
        ),
        ("http://127.0.0.1:5000/back", "http://127.0.0.1/back"),
    ] {
        book.mends(&app, &format!("{edit} {typed}"), Gone, &mut || push(asked));
        push(asked).is(201);
    }
    // What cannot be registered is no part of a command.
    for bad in [
        "https://x --silent true",
        "http://forum.example/",
        "javascript:alert(1)",
    ] {
        book.mends(&app, "gerege client show forum", Shown, &mut || push(bad));
    }
    client(&app, "forum", |forum| forum.redirects.clear());
    book.mends(&app, &format!("{edit} {FORUM}"), Gone, &mut || push(FORUM));
    // A request that has to be signed by its app's server (CIBA 7.1.1).
    client(&app, "forum", |forum| {
        forum.asking.request_object = Need::Required
    });
    let sign = "gerege client edit forum --request-object optional";
    book.mends(&app, sign, Gone, &mut || {
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        forum.post("/oauth2/ciba", &[("scope", "openid")])
    });
}

/// What becomes of what a person allowed.
pub fn granted(book: &mut Book) {
    let app = TestApp::new();
    // An app that sees a `sub` of its own, at a service that could not read it.
    app.person("temuulen");
    client(&app, "demo-messenger", |demo| {
        demo.registration.subject_type = SubjectType::Pairwise;
    });
    let secret = "gerege service edit demo-chat --new-secret";
    book.mends(&app, secret, Gone, &mut || {
        let mut browser = app.browser();
        let code = code(&mut browser, "temuulen");
        redeem(&mut browser, &code)
    });
    client(&app, "demo-messenger", |demo| {
        demo.registration.subject_type = SubjectType::Public;
        demo.scopes.retain(|name| name != "openid");
    });
    let mut browser = app.browser();
    let back = ask(&mut browser, &request(&[("scope", "profile")]), "temuulen");
    let tokens = redeem(&mut browser, &back.param("code").unwrap())
        .is(200)
        .json();
    let token = format!("Bearer {}", text(&tokens, "access_token"));
    let scope = "gerege client edit demo-messenger --add-scope openid";
    book.mends(&app, scope, Gone, &mut || {
        let mut reader = app.browser().with("Authorization", &token);
        reader.get("/oauth2/userinfo").is(403)
    });

    // What the operator takes back.
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    let tokens = redeem(&mut browser, &code).is(200).json();
    let token = text(&tokens, "refresh_token");
    let show = "gerege client show demo-messenger";
    client(&app, "demo-messenger", |demo| demo.scopes.clear());
    book.mends(&app, show, Shown, &mut || {
        refresh(&mut app.browser(), &token).is(400)
    });
    client(&app, "demo-messenger", |demo| {
        demo.scopes = vec!["openid".into()];
        demo.refresh = RefreshPolicy::Offline;
    });
    book.mends(&app, show, Shown, &mut || {
        refresh(&mut app.browser(), &token).is(400)
    });
    client(&app, "demo-messenger", |demo| {
        demo.grants
            .retain(|grant| *grant != GrantType::RefreshToken);
    });
    let grant = "gerege client edit demo-messenger --add-grant refresh_token";
    book.mends(&app, grant, Gone, &mut || {
        refresh(&mut app.browser(), &token).is(400)
    });
    app.deliver();
}
