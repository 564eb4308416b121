//! Grant management: a client reads, widens, replaces and ends its own grant, the one that the
//! person sees under "Connected apps".

use gerege::oauth::client::{Client, GrantType};
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::dpop::Key;
use crate::http::{Answer, Browser, basic};
use crate::resource::offer;
use crate::road::*;

const OPENID: &str = "openid offline_access";

/// The forum may manage its grants, and there is another app that may.
pub fn set_up(app: &TestApp) {
    register(app);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.push("room".into());
        for name in ["grant_management_query", "grant_management_revoke"] {
            forum.scopes.push(name.into());
        }
        store::client::save(c, &forum)?;
        let mut other = forum.clone();
        other.id = "other".into();
        let _ = store::client::add(c, &other)?;
        Ok(())
    });
}

/// The forum's request, allowed wherever it is asked for; gives the answer that leads back.
pub fn allowed(app: &TestApp, browser: &mut Browser, scope: &str, more: &[(&str, &str)]) -> Answer {
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", scope),
    ];
    let stored = browser.get(&request(&[&own, more].concat()));
    let mut page = browser.arrive(stored);
    if page.path.starts_with("/signin?") {
        let fields = [("login", "temuulen"), ("password", crate::app::PASSWORD)];
        let signed = browser.submit(&page, &fields);
        page = browser.arrive(signed);
    }
    if page.path.starts_with("/consent") {
        let sent = browser.allow(&page);
        page = browser.arrive(sent);
    }
    if page.path.starts_with("/signin/continue") {
        let sent = browser.submit(&page, &[]);
        page = browser.arrive(sent);
    }
    let _ = app;
    page.is(303)
}

fn ask_token(app: &TestApp, client: &str, fields: &[(&str, &str)]) -> Answer {
    let mut browser = app.browser().with("Authorization", &basic(client, SECRET));
    browser.post("/oauth2/token", fields)
}

pub fn redeemed(app: &TestApp, back: &Answer) -> Answer {
    let code = back
        .param("code")
        .unwrap_or_else(|| panic!("{}", back.location()));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", FORUM),
        ("code_verifier", VERIFIER),
    ];
    ask_token(app, "forum", &fields)
}

/// A token by which a client manages its grants.
pub fn manager(app: &TestApp, client: &str, scope: &str) -> String {
    let fields = [("grant_type", "client_credentials"), ("scope", scope)];
    text(
        &ask_token(app, client, &fields).is(200).json(),
        "access_token",
    )
}

pub fn call(app: &TestApp, method: &str, token: &str, id: &str) -> Answer {
    let mut browser = app
        .browser()
        .with("Authorization", &format!("Bearer {token}"));
    browser.send(method, &format!("/oauth2/grants/{id}"), &[], None)
}

fn refreshed(app: &TestApp, tokens: &Value) -> Answer {
    let token = text(tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &token)];
    ask_token(app, "forum", &fields)
}

#[test]
fn a_client_reads_widens_replaces_and_ends_its_own_grant() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    // Without the parameter there is no name.
    let back = allowed(&app, &mut browser, OPENID, &[]);
    assert!(redeemed(&app, &back).is(200).json()["grant_id"].is_null());

    let create = [("grant_management_action", "create")];
    let back = allowed(&app, &mut browser, &format!("{OPENID} profile"), &create);
    assert_eq!(
        back.param("grant_id"),
        None,
        "5.3: not in the answer to the browser"
    );
    let first = redeemed(&app, &back).is(200).json();
    let id = text(&first, "grant_id");
    let query = manager(&app, "forum", "grant_management_query");
    let revoke = manager(&app, "forum", "grant_management_revoke");
    let told = call(&app, "GET", &query, &id).is(200);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let told = told.json();
    assert_eq!(
        told["scopes"],
        json!([{"scope": format!("{OPENID} profile")}])
    );
    assert!(told["created_at"].is_i64());

    // Merging adds to what was allowed, under the same name.
    let merge = [
        ("grant_management_action", "merge"),
        ("grant_id", id.as_str()),
    ];
    let back = allowed(&app, &mut browser, "openid email room", &merge);
    // Until the code is redeemed nothing has changed.
    refreshed(&app, &first).is(200);
    let told = call(&app, "GET", &query, &id).is(200).json();
    assert_eq!(told["scopes"][0]["scope"], format!("{OPENID} profile"));
    let merged = redeemed(&app, &back).is(200).json();
    assert_eq!(merged["grant_id"], id.as_str());
    let told = call(&app, "GET", &query, &id).is(200).json();
    let scope = text(&told["scopes"][0], "scope");
    for name in ["openid", "email", "room", "profile", "offline_access"] {
        assert!(scope.split(' ').any(|had| had == name), "{scope}");
    }
    // Refresh tokens from before give nothing (5.2), and those of now all of it.
    assert_eq!(
        refreshed(&app, &first).is(400).json()["error"],
        "invalid_grant"
    );
    refreshed(&app, &merged).is(200);

    // What the operator took from the app meanwhile is not brought back.
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.scopes.retain(|name| name != "room");
        store::client::save(c, &forum)
    });
    app.pass(std::time::Duration::from_secs(1));
    let back = allowed(&app, &mut browser, "openid", &merge);
    let merged = redeemed(&app, &back).is(200).json();
    let told = call(&app, "GET", &query, &id).is(200).json();
    let scope = text(&told["scopes"][0], "scope");
    assert!(
        scope.contains("email") && !scope.contains("room"),
        "{scope}"
    );

    // Replacing leaves what is asked for now.
    let replace = [
        ("grant_management_action", "replace"),
        ("grant_id", id.as_str()),
    ];
    let back = allowed(&app, &mut browser, OPENID, &replace);
    let replaced = redeemed(&app, &back).is(200).json();
    assert_eq!(replaced["grant_id"], id.as_str());
    let told = call(&app, "GET", &query, &id).is(200).json();
    assert_eq!(told["scopes"], json!([{"scope": OPENID}]));
    refreshed(&app, &merged).is(400);
    refreshed(&app, &replaced).is(200);

    // Ending it ends its tokens.
    call(&app, "DELETE", &query, &id).is(403);
    let gone = call(&app, "DELETE", &revoke, &id).is(204);
    assert_eq!(gone.text(), "");
    call(&app, "DELETE", &revoke, &id).is(404);
    call(&app, "GET", &query, &id).is(404);
    refreshed(&app, &replaced).is(400);
    let back = allowed(&app, &mut browser, OPENID, &merge);
    assert_eq!(back.param("error").as_deref(), Some("invalid_grant_id"));
}

#[test]
fn what_the_person_sees_and_what_the_client_manages_is_one_grant() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    let create = [("grant_management_action", "create")];
    let query = manager(&app, "forum", "grant_management_query");
    let revoke = manager(&app, "forum", "grant_management_revoke");
    // The person removes the app: the client's grant is gone.
    let back = allowed(&app, &mut browser, OPENID, &create);
    let id = text(&redeemed(&app, &back).is(200).json(), "grant_id");
    let page = browser.get("/account/apps").is(200);
    assert!(page.text().contains("value=\"forum\""));
    browser.submit(&page, &[("client", "forum")]);
    call(&app, "GET", &query, &id).is(404);
    // The client ends it: it is among the person's apps no more.
    let back = allowed(&app, &mut browser, OPENID, &create);
    let id = text(&redeemed(&app, &back).is(200).json(), "grant_id");
    assert!(
        browser
            .get("/account/apps")
            .is(200)
            .text()
            .contains("value=\"forum\"")
    );
    call(&app, "DELETE", &revoke, &id).is(204);
    assert!(
        !browser
            .get("/account/apps")
            .is(200)
            .text()
            .contains("value=\"forum\"")
    );
}

#[test]
fn nobody_reads_or_ends_the_grant_of_another() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    let back = allowed(
        &app,
        &mut browser,
        OPENID,
        &[("grant_management_action", "create")],
    );
    let tokens = redeemed(&app, &back).is(200).json();
    let id = text(&tokens, "grant_id");
    let both = "grant_management_query grant_management_revoke";
    let other = manager(&app, "other", both);
    let own = manager(&app, "forum", both);
    let before = app.dump();
    for method in ["GET", "DELETE"] {
        // Another client, and a name that is none: the same answer.
        call(&app, method, &other, &id).is(404);
        call(&app, method, &own, "nothing").is(404);
        // No token, a made-up one, a person's that was not asked for with the scopes.
        let bare = app
            .browser()
            .send(method, &format!("/oauth2/grants/{id}"), &[], None);
        assert!(bare.is(401).header("www-authenticate").is_some());
        call(&app, method, "made-up", &id).is(401);
        let person = text(&tokens, "access_token");
        let refused = call(&app, method, &person, &id).is(403);
        assert_eq!(refused.json()["error"], "insufficient_scope");
        call(&app, method, &text(&tokens, "refresh_token"), &id).is(401);
    }
    call(&app, "PUT", &own, &id).is(405);
    assert_eq!(app.dump(), before);
    // A token for a service is none for us.
    let fields = [("grant_type", "client_credentials"), ("scope", "room")];
    let room = text(
        &ask_token(&app, "forum", &fields).is(200).json(),
        "access_token",
    );
    call(&app, "GET", &room, &id).is(401);
    call(&app, "GET", &own, &id).is(200);
    // Nor is one of the app that had this id before.
    app.write(|c| {
        let forum = store::client::find(c, "other")?.expect("the other");
        let created_at = forum.created_at.plus(std::time::Duration::from_secs(1));
        store::client::save(
            c,
            &Client {
                created_at,
                ..forum
            },
        )
    });
    call(&app, "GET", &other, &id).is(401);
    // Another person cannot widen it, and another client cannot name it.
    app.person("saraana");
    let mut stranger = app.browser();
    let merge = [
        ("grant_management_action", "merge"),
        ("grant_id", id.as_str()),
    ];
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", OPENID),
    ];
    let at = request(&[&own[..], &merge].concat());
    let back = ask(&mut stranger, &at, "saraana").is(303);
    assert_eq!(back.param("error").as_deref(), Some("invalid_grant_id"));
    let own = [
        ("client_id", "other"),
        ("redirect_uri", FORUM),
        ("scope", OPENID),
    ];
    let stored = browser.get(&request(&[&own[..], &merge].concat()));
    let back = browser.arrive(stored).is(303);
    assert_eq!(back.param("error").as_deref(), Some("invalid_grant_id"));
}

/// The scopes of the endpoint, as an app asks for them beside its own.
const BOTH: &str = "openid offline_access grant_management_query grant_management_revoke";

#[test]
fn a_persons_token_manages_the_grant_that_it_is_of_and_no_other() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    let create = [("grant_management_action", "create")];
    let given = |browser: &mut Browser, more: &[(&str, &str)]| {
        let back = allowed(&app, browser, BOTH, more);
        let tokens = redeemed(&app, &back).is(200).json();
        (text(&tokens, "access_token"), tokens)
    };
    // Without a name for the grant the scopes mean nothing.
    let (plain, tokens) = given(&mut browser, &[]);
    assert_eq!(tokens["scope"], OPENID);
    // Nobody is asked for what only reads and ends what was allowed.
    let own = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", BOTH),
        ("prompt", "consent"),
    ];
    let stored = browser.get(&request(&[&own[..], &create].concat()));
    let page = browser.arrive(stored).is(200);
    assert!(page.path.starts_with("/consent") && !page.text().contains("grant_management"));

    let (first, tokens) = given(&mut browser, &create);
    assert_eq!(tokens["scope"], BOTH);
    let id = text(&tokens, "grant_id");
    let told = call(&app, "GET", &first, &id).is(200).json();
    assert_eq!(told["scopes"], json!([{ "scope": OPENID }]));
    // Another grant of the same app and person, of another person, and none at all.
    let (second, tokens) = given(&mut browser, &create);
    let other = text(&tokens, "grant_id");
    app.person("saraana");
    let at = request(&[&own[..3], &create].concat());
    let mut theirs = app.browser();
    let page = ask(&mut theirs, &at, "saraana").is(200);
    let sent = theirs.allow(&page);
    let back = theirs.arrive(sent);
    let saraanas = text(&redeemed(&app, &back).is(200).json(), "grant_id");
    for method in ["GET", "DELETE"] {
        for not in [&other, &saraanas, "nothing"] {
            call(&app, method, &first, not).is(404);
        }
        call(&app, method, &plain, &id).is(403);
    }
    // A narrower token does not have them, and one of a grant that another took over is of none.
    let refresh = text(&tokens, "refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("scope", "openid"),
    ];
    let narrow = ask_token(&app, "forum", &fields).is(200).json();
    call(&app, "GET", &text(&narrow, "access_token"), &other).is(403);
    let merge = [("grant_management_action", "merge"), ("grant_id", &*other)];
    let (merged, _) = given(&mut browser, &merge);
    call(&app, "DELETE", &second, &other).is(404);
    call(&app, "GET", &merged, &other).is(200);
    // What is asked for the endpoint is asked each time: a merge does not bring it along.
    let back = allowed(&app, &mut browser, "openid", &merge);
    let without = redeemed(&app, &back).is(200).json();
    assert_eq!(without["scope"], OPENID);
    // Ended, there is nothing left to read; and what was ended by the person is ended.
    call(&app, "DELETE", &first, &id).is(204);
    call(&app, "DELETE", &first, &id).is(404);
    call(&app, "GET", &first, &id).is(404);
    let (third, tokens) = given(&mut browser, &create);
    let page = browser.get("/account/apps").is(200);
    assert!(!page.text().contains("grant_management"));
    browser.submit(&page, &[("client", "forum")]);
    call(&app, "DELETE", &third, &text(&tokens, "grant_id")).is(404);
}

#[test]
fn what_does_not_go_together_is_refused_and_public_apps_manage_nothing() {
    let app = TestApp::new();
    set_up(&app);
    let forum = [
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", OPENID),
    ];
    for (more, error) in [
        (
            &[("grant_management_action", "update")][..],
            "invalid_request",
        ),
        (&[("grant_management_action", "merge")], "invalid_request"),
        (&[("grant_id", "x")], "invalid_request"),
        (
            &[("grant_management_action", "create"), ("grant_id", "x")],
            "invalid_request",
        ),
    ] {
        let back = app
            .browser()
            .get(&request(&[&forum[..], more].concat()))
            .is(303);
        assert_eq!(back.param("error").as_deref(), Some(error), "{more:?}");
    }
    let create = [("grant_management_action", "create")];
    let back = app.browser().get(&request(&create)).is(303);
    assert_eq!(back.param("error").as_deref(), Some("unauthorized_client"));
    // The scopes have to be on file.
    app.write(|c| {
        let mut other = store::client::find(c, "other")?.expect("the other");
        other.scopes.retain(|name| !name.starts_with("grant_"));
        assert!(other.may(GrantType::ClientCredentials));
        store::client::save(c, &other)
    });
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "grant_management_query"),
    ];
    assert_eq!(
        ask_token(&app, "other", &fields).is(400).json()["error"],
        "invalid_scope"
    );
    // No service may call a scope so.
    let named = app.wait(gerege::flow::operate::service::edit(
        &app.app,
        "room",
        false,
        false,
        |room| {
            room.scopes.push("grant_management_query".into());
        },
    ));
    assert!(named.is_err());
}

#[test]
fn a_bound_token_manages_with_its_proof() {
    let app = TestApp::new();
    set_up(&app);
    offer(&app, "room", |room| room.machine = true);
    app.person("temuulen");
    let mut browser = app.browser();
    let back = allowed(
        &app,
        &mut browser,
        OPENID,
        &[("grant_management_action", "create")],
    );
    let id = text(&redeemed(&app, &back).is(200).json(), "grant_id");
    let key = Key::new();
    let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "grant_management_query"),
    ];
    let mut forum = app
        .browser()
        .with("Authorization", &basic("forum", SECRET))
        .with("DPoP", &proof);
    let given = forum.post("/oauth2/token", &fields).is(200).json();
    assert_eq!(given["token_type"], "DPoP");
    let token = text(&given, "access_token");
    call(&app, "GET", &token, &id).is(401);
    let at = format!("/oauth2/grants/{id}");
    let proof = key.proof(&app, "GET", &at, json!({ "ath": challenge(&token) }));
    let mut forum = app
        .browser()
        .with("Authorization", &format!("DPoP {token}"))
        .with("DPoP", &proof);
    forum.get(&at).is(200);
    forum.get(&at).is(401);
}

#[test]
fn merging_brings_back_nothing_that_the_person_took_back() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    let create = [("grant_management_action", "create")];
    let back = allowed(
        &app,
        &mut browser,
        &format!("{OPENID} profile email"),
        &create,
    );
    let first = redeemed(&app, &back).is(200).json();
    let id = text(&first, "grant_id");
    // Asked again, the person leaves the address out.
    let stored = browser.get(&request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid profile email"),
        ("prompt", "consent"),
    ]));
    let page = browser.arrive(stored).is(200);
    let sent = browser.submit(&page, &[("scope", "profile"), ("decision", "allow")]);
    browser.arrive(sent).is(303);
    let merge = [
        ("grant_management_action", "merge"),
        ("grant_id", id.as_str()),
    ];
    let back = allowed(&app, &mut browser, "openid", &merge);
    let merged = redeemed(&app, &back).is(200).json();
    assert_eq!(merged["scope"], "openid offline_access profile");
}

#[test]
fn merging_undoes_nothing_that_was_changed_since() {
    let app = TestApp::new();
    set_up(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    let create = [("grant_management_action", "create")];
    let back = allowed(&app, &mut browser, &format!("{OPENID} profile"), &create);
    let first = redeemed(&app, &back).is(200).json();
    let id = text(&first, "grant_id");
    let act = |action: &'static str| [("grant_management_action", action), ("grant_id", &*id)];
    // Two windows ask at once; whoever comes second for its tokens asks again.
    let late = allowed(&app, &mut browser, "openid email", &act("merge"));
    let soon = allowed(&app, &mut browser, "openid room", &act("merge"));
    let wide = redeemed(&app, &soon).is(200).json();
    assert_eq!(
        redeemed(&app, &late).is(400).json()["error"],
        "invalid_grant"
    );
    refreshed(&app, &wide).is(200);
    let late = allowed(&app, &mut browser, "openid email", &act("merge"));
    // What was replaced meanwhile does not come back.
    let narrow = allowed(&app, &mut browser, OPENID, &act("replace"));
    redeemed(&app, &narrow).is(200);
    redeemed(&app, &late).is(400);
    let again = allowed(&app, &mut browser, "openid email", &act("merge"));
    let tokens = redeemed(&app, &again).is(200).json();
    assert_eq!(tokens["scope"], "openid email offline_access");
}

#[test]
fn merging_asks_again_for_what_was_allowed_in_detail() {
    let app = TestApp::new();
    set_up(&app);
    offer(&app, "room", |room| room.details = vec!["payment".into()]);
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.asking.details = vec!["payment".into()];
        store::client::save(c, &forum)
    });
    app.person("temuulen");
    app.person("bayar");
    let mut browser = app.browser();
    let wish = [
        ("grant_management_action", "create"),
        (
            "authorization_details",
            r#"[{"type":"payment","amount":"12.50"}]"#,
        ),
    ];
    let back = allowed(&app, &mut browser, "openid room", &wish);
    let id = text(&redeemed(&app, &back).is(200).json(), "grant_id");
    let merge = |browser: &mut Browser, prompt: &str| {
        let stored = browser.get(&request(&[
            ("client_id", "forum"),
            ("redirect_uri", FORUM),
            ("scope", "openid room"),
            ("grant_management_action", "merge"),
            ("grant_id", &id),
            ("prompt", prompt),
        ]));
        browser.arrive(stored)
    };
    let silent = merge(&mut browser, "none").is(303);
    assert_eq!(silent.param("error").as_deref(), Some("consent_required"));
    let page = merge(&mut browser, "").is(200);
    assert!(page.path.starts_with("/consent"), "{}", page.path);
    assert!(page.text().contains("12.50"));
    let sent = browser.allow(&page);
    let merged = redeemed(&app, &browser.arrive(sent).is(303)).is(200).json();
    assert_eq!(merged["authorization_details"][0]["amount"], "12.50");
    // Nobody else reads what it was for.
    let mut other = app.browser();
    let page = merge(&mut other, "");
    let fields = [("login", "bayar"), ("password", crate::app::PASSWORD)];
    let signed = other.submit(&page, &fields);
    let refused = other.arrive(signed).is(303);
    assert_eq!(refused.param("error").as_deref(), Some("invalid_grant_id"));
}
