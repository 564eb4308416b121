//! What `gerege token inspect` says of a token is what everything else here says of it.

use std::time::Duration;

use gerege::flow::operate::{client, token};
use gerege::oauth::client::Client;
use gerege::oauth::registration::SubjectType;
use gerege::oauth::service::Service;

use crate::app::TestApp;
use crate::exchange::{machine, traded, why_not, world};
use crate::grants;
use crate::http::basic;
use crate::resource::offer;
use crate::road::*;

fn edit(app: &TestApp, id: &str, change: fn(&mut Client)) {
    app.wait(client::edit(&app.app, id, change)).unwrap();
    app.pass(Duration::from_secs(1));
}

// OpenID Connect Core 8.1: such a `sub` names nobody by itself.
#[test]
fn a_token_of_an_app_that_sees_a_sub_of_its_own_names_its_person() {
    let app = TestApp::new();
    register(&app);
    app.person("temuulen");
    edit(&app, "forum", |forum| {
        forum.registration.subject_type = SubjectType::Pairwise;
    });
    let scope = "openid offline_access";
    let back = grants::allowed(&app, &mut app.browser(), scope, &[]);
    let tokens = grants::redeemed(&app, &back).is(200).json();
    app.deliver();
    for kind in ["id_token", "access_token", "refresh_token"] {
        let token = text(&tokens, kind);
        let report = app.wait(token::inspect(&app.app, &token)).unwrap();
        assert!(report.is_good(), "{kind}: {:?}", report.why_not);
        let account = report.account.expect("the person");
        assert_eq!(account.username, "temuulen", "{kind}");
    }
}

/// Whether the room hears that a token is good; what is said of it here is the same.
fn is_good(app: &TestApp, token: &str) -> bool {
    let heard = introspect(app, "room", token)["active"] == true;
    assert_eq!(heard, why_not(app, token).is_empty());
    heard
}

#[test]
fn what_an_app_may_not_any_more_is_a_reason_against_its_tokens() {
    let app = TestApp::new();
    let (access, _) = world(&app, "openid offline_access chat room");
    let set = |change: fn(&mut Service)| offer(&app, "room", change);
    set(|room| room.machine = true);
    edit(&app, "forum", |forum| forum.scopes.push("room".into()));
    let (own, other) = (machine(&app), traded(&app, &access));
    assert!(is_good(&app, &own) && is_good(&app, &other));

    set(|room| room.machine = false);
    assert!(!is_good(&app, &own) && is_good(&app, &other));
    let why = why_not(&app, &own);
    assert_eq!(
        why,
        ["its service takes no tokens of apps themselves any more"]
    );
    set(|room| room.machine = true);
    assert!(is_good(&app, &own));

    let taken = "its app may have none of its scopes any more";
    let less: fn(&mut Client) = |client| client.scopes.retain(|name| name != "room");
    edit(&app, "forum", less);
    assert!(!is_good(&app, &own) && is_good(&app, &other));
    assert_eq!(why_not(&app, &own), [taken]);
    // The one behind an exchanged token is the app of the grant.
    edit(&app, "demo-messenger", less);
    assert!(!is_good(&app, &other));
    assert_eq!(why_not(&app, &other), [taken]);
    app.deliver();
}

#[test]
fn a_refresh_token_is_refused_once_its_app_may_have_none() {
    let app = TestApp::new();
    register(&app);
    app.person("temuulen");
    let scope = "openid offline_access";
    let back = grants::allowed(&app, &mut app.browser(), scope, &[]);
    let tokens = grants::redeemed(&app, &back).is(200).json();
    app.deliver();
    let token = text(&tokens, "refresh_token");
    let heard = || {
        let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
        let heard = forum.post("/oauth2/introspect", &[("token", token.as_str())]);
        heard.is(200).json()["active"] == true
    };
    assert!(heard() && why_not(&app, &token).is_empty());
    edit(&app, "forum", |forum| {
        forum.scopes.retain(|name| name != "offline_access");
    });
    assert!(!heard());
    let why = why_not(&app, &token);
    assert_eq!(why, ["its app may not have refresh tokens any more"]);
}
