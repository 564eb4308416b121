//! Token Status List: a service that checks tokens by itself learns within seconds of one that was
//! ended before its time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gerege::app::App;
use gerege::flow::operate::{client, person};
use gerege::flow::status;
use gerege::oauth::client::Client;
use gerege::oauth::service::{Service, TokenFormat};
use gerege::oauth::status::{LAST, LISTS};
use gerege::{store, worker};
use gerege_verify::{CheckError, Refusal, Remote};
use serde_json::Value;

use crate::app::TestApp;
use crate::http::{Browser, jwt};
use crate::meanwhile::meanwhile;
use crate::resource::offer;
use crate::road::*;

pub fn now(app: &TestApp) -> SystemTime {
    let millis = u64::try_from(app.app.clock.now().millis()).unwrap();
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn switch_on(app: &TestApp) {
    offer(app, "demo-chat", |chat| chat.offers.status_list = true);
}

fn remote(app: &TestApp) -> Remote {
    Remote::for_service(&app.origin, "demo-chat", "demo-chat").unwrap()
}

fn place(token: &str) -> (u64, String) {
    let list = jwt(token).1["status"]["status_list"].clone();
    (list["idx"].as_u64().expect("a place"), text(&list, "uri"))
}

type End = fn(&TestApp, &mut Browser, &str, &Value);

#[test]
fn a_service_that_reads_its_status_list_learns_of_an_end_within_seconds() {
    let app = TestApp::new();
    switch_on(&app);
    let chat = remote(&app);
    let ways: [(&str, End); 5] = [
        ("the app gives it back", |_, browser, _, tokens| {
            let token = text(tokens, "refresh_token");
            let fields = [("client_id", "demo-messenger"), ("token", &token)];
            browser.post("/oauth2/revoke", &fields).is(200);
        }),
        ("the person removes the app", |_, browser, _, _| {
            let page = browser.get("/account/apps").is(200);
            browser.submit(&page, &[("client", "demo-messenger")]);
        }),
        ("the operator closes the account", |app, _, _, tokens| {
            let id = text(&jwt(&text(tokens, "id_token")).1, "sub");
            app.wait(person::lock(&app.app, id)).unwrap();
        }),
        ("the code comes a second time", |_, browser, code, _| {
            redeem(browser, code).is(400);
        }),
        ("the refresh token is stolen", |app, browser, _, tokens| {
            let old = text(tokens, "refresh_token");
            refresh(browser, &old).is(200);
            app.pass(Duration::from_secs(40));
            refresh(&mut app.browser(), &old).is(400);
        }),
    ];
    for (number, (why, end)) in ways.into_iter().enumerate() {
        let mut browser = app.browser();
        let username = format!("person{number}");
        app.person(&username);
        let code = code(&mut browser, &username);
        let tokens = redeem(&mut browser, &code).is(200).json();
        let access = text(&tokens, "access_token");
        chat.check(&access, now(&app)).unwrap();
        end(&app, &mut browser, &code, &tokens);
        app.pass(Duration::from_secs(6));
        let refused = chat.check(&access, now(&app)).err();
        let ended = CheckError::Refused(Refusal::Ended);
        assert_eq!(refused, Some(ended), "{why}");
    }
}

// 5.1, 8.1, 8.2
#[test]
fn a_list_is_signed_by_us_kept_for_seconds_and_known_by_its_tag() {
    let app = TestApp::new();
    let at = "/services/demo-chat/status/0";
    // Where nobody asked for one there is none, and tokens name none.
    app.browser().get(at).is(404);
    let plain = tokens(&app, &mut app.browser(), "temuulen");
    assert!(jwt(&text(&plain, "access_token")).1["status"].is_null());
    switch_on(&app);
    let mut browser = app.browser().with("Origin", "https://app.example");
    let answer = browser.get(at).is(200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/statuslist+jwt")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=5"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let (header, list) = jwt(&answer.text());
    assert_eq!(header["typ"], "statuslist+jwt");
    assert_eq!(list["sub"], format!("{}{at}", app.origin));
    assert_eq!(
        list["exp"].as_i64(),
        list["iat"].as_i64().map(|at| at + 300)
    );
    let keys = app.browser().get("/jwks.json").is(200).json();
    let ours = |key: &Value| key["kid"] == header["kid"];
    assert!(
        keys["keys"].as_array().unwrap().iter().any(ours),
        "the issuer's key"
    );
    // The same for as long as nothing happens, and signed anew long before its end.
    let tag = answer.header("etag").expect("a tag").to_owned();
    let again = |browser: &mut Browser| browser.send("GET", at, &[("If-None-Match", &tag)], None);
    app.pass(Duration::from_secs(149));
    again(&mut browser).is(304);
    app.pass(Duration::from_secs(2));
    let newer = again(&mut browser).is(200);
    assert!(jwt(&newer.text()).1["iat"].as_i64() > list["iat"].as_i64());
    for nothing in ["64", "-1", "x", "99999999999999999999"] {
        let at = format!("/services/demo-chat/status/{nothing}");
        app.browser().get(&at).is(404);
    }
    app.browser().get("/services/nobody/status/0").is(404);
    // No list is a token for anything.
    arm(&app);
    let heard = introspect(&app, "demo-chat", &answer.text());
    assert_eq!(heard["active"], false);
}

// Each process reads what stands in the database, not what it did itself.
#[test]
fn an_end_in_one_process_stands_in_the_lists_of_another() {
    let app = TestApp::new();
    switch_on(&app);
    let other = app.second();
    let chat = app
        .read(|c| store::client::find_service(c, "demo-chat"))
        .expect("the demo service");
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let (idx, _) = place(&text(&tokens, "access_token"));
    let list = |other: &Arc<App>| {
        let list = app.wait(status::show(other, &chat, 0)).unwrap();
        jwt(&list.expect("a list").text).1["status_list"]["lst"].clone()
    };
    let before = list(&other);
    assert_eq!(before, list(&app.app));
    let token = text(&tokens, "refresh_token");
    let fields = [("client_id", "demo-messenger"), ("token", &token)];
    browser.post("/oauth2/revoke", &fields).is(200);
    app.pass(Duration::from_secs(1));
    assert_ne!(list(&other), before, "the place {idx} is marked");
    assert_eq!(list(&other), list(&app.app));
}

// 4.1, 13.2
#[test]
fn each_token_has_a_place_of_its_own_that_is_free_again_after_its_end() {
    let app = TestApp::new();
    switch_on(&app);
    let mut browser = app.browser();
    let mut tokens = tokens(&app, &mut browser, "temuulen");
    let mut places = BTreeSet::new();
    for _ in 0..20 {
        let (idx, uri) = place(&text(&tokens, "access_token"));
        assert!(idx <= u64::from(LAST));
        assert_eq!(uri, format!("{}/services/demo-chat/status/0", app.origin));
        assert!(places.insert(idx), "a place was given twice");
        tokens = refresh(&mut browser, &text(&tokens, "refresh_token"))
            .is(200)
            .json();
    }
    // They are not given in turn.
    assert!(places.last().unwrap() - places.first().unwrap() > 1000);
    let now = app.app.clock.now();
    assert_eq!(app.write(move |c| store::status::sweep(c, now)), 0);
    // Switched off, the list stays for the tokens that are out.
    offer(&app, "demo-chat", |chat| chat.offers.status_list = false);
    app.browser().get("/services/demo-chat/status/0").is(200);
    app.pass(Duration::from_secs(13 * 60));
    let now = app.app.clock.now();
    assert_eq!(app.write(move |c| store::status::sweep(c, now)), 21);
    app.browser().get("/services/demo-chat/status/0").is(404);
}

#[test]
fn a_place_that_is_taken_is_not_given_and_full_lists_give_none() {
    let app = TestApp::new();
    let end = app.app.clock.now().plus(Duration::from_secs(600));
    let take = |drawn: &[i64]| {
        let drawn = drawn.to_vec();
        let place = app.write(move |c| store::status::take(c, "chat", "g", None, &drawn, end));
        place.map(|place| (place.list, place.idx))
    };
    assert_eq!(take(&[7, 9]), Some((0, 7)));
    assert_eq!(take(&[7, 9]), Some((0, 9)));
    for list in 1..LISTS {
        assert_eq!(take(&[9]), Some((list, 9)));
    }
    assert_eq!(take(&[9]), None);
    assert_eq!(take(&[9, 7]), Some((1, 7)));
}

#[test]
fn fifty_callers_get_fifty_places() {
    let app = TestApp::new();
    let end = app.app.clock.now().plus(Duration::from_secs(600));
    let house = app.app.clone();
    let callers: Vec<_> = (0..50)
        .map(|number| {
            let house = house.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                // All of them want the same few.
                let drawn = [1, 2, 3];
                let grant = format!("g{number}");
                let take = house
                    .store
                    .write(move |c| store::status::take(c, "chat", &grant, None, &drawn, end));
                runtime.block_on(take).unwrap().expect("a place")
            })
        })
        .collect();
    let places: BTreeSet<(i64, i64)> = callers
        .into_iter()
        .map(|one| one.join().expect("an answer"))
        .map(|place| (place.list, place.idx))
        .collect();
    assert_eq!(places.len(), 50);
}

#[test]
fn an_opaque_token_needs_no_place() {
    let app = TestApp::new();
    switch_on(&app);
    offer(&app, "demo-chat", |chat: &mut Service| {
        chat.format = TokenFormat::Opaque
    });
    arm(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let heard = introspect(&app, "demo-chat", &text(&tokens, "access_token"));
    assert_eq!(heard["active"], true);
    let used = app.read(|c| store::status::is_used(c, "demo-chat", 0));
    assert!(!used, "whoever asks us needs no list");
}

#[test]
fn an_ended_token_stays_ended_until_it_would_have_run_out() {
    let app = TestApp::with(&[("TOKENS__ACCESS_MINUTES", "1440")]);
    switch_on(&app);
    let chat = remote(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    chat.check(&access, now(&app)).unwrap();
    let token = text(&tokens, "refresh_token");
    let fields = [("client_id", "demo-messenger"), ("token", &token)];
    browser.post("/oauth2/revoke", &fields).is(200);
    // Up to its last second, and the leeway of a clock; its grant is swept meanwhile.
    for seconds in [6, 20 * 3600, 4 * 3600, 10] {
        app.pass(Duration::from_secs(seconds));
        let at = app.app.clock.now();
        app.wait(worker::sweep(&app.app, at)).unwrap();
        let refused = chat.check(&access, now(&app)).err();
        let ended = CheckError::Refused(Refusal::Ended);
        assert_eq!(refused, Some(ended), "{seconds}");
    }
}

#[test]
fn what_the_operator_takes_from_an_app_ends_the_tokens_that_hold_it() {
    let app = TestApp::new();
    switch_on(&app);
    let chat = remote(&app);
    let mut browser = app.browser();
    let edit = |change: fn(&mut Client)| {
        app.wait(client::edit(&app.app, "demo-messenger", change))
            .unwrap();
        app.pass(Duration::from_secs(6));
    };
    let tokens = tokens(&app, &mut browser, "temuulen");
    let access = text(&tokens, "access_token");
    chat.check(&access, now(&app)).unwrap();
    edit(|client| client.name = "Other".into());
    edit(|client| client.scopes.push("device_sso".into()));
    edit(|client| client.scopes.retain(|name| name != "device_sso"));
    chat.check(&access, now(&app)).unwrap();
    edit(|client| client.scopes.retain(|name| name != "email"));
    let refused = chat.check(&access, now(&app)).err();
    assert_eq!(refused, Some(CheckError::Refused(Refusal::Ended)));
    // The app has a new one at once, without what was taken.
    let next = refresh(&mut browser, &text(&tokens, "refresh_token"));
    let access = text(&next.is(200).json(), "access_token");
    app.pass(Duration::from_secs(6));
    chat.check(&access, now(&app)).unwrap();
}

/// The demo chat server has a scope more, which the messenger may have.
fn widen(app: &TestApp) {
    offer(app, "demo-chat", |chat| chat.scopes.push("room".into()));
    set_room(app, true);
}

/// Lets the messenger have that scope, or takes it.
fn set_room(app: &TestApp, may: bool) {
    let edit = client::edit(&app.app, "demo-messenger", move |client| {
        client.scopes.retain(|name| name != "room");
        client.scopes.extend(may.then(|| "room".to_owned()));
    });
    app.wait(edit).unwrap();
}

const ROOM: &str = "openid offline_access chat room";

fn has_room(tokens: &Value) -> bool {
    text(tokens, "scope").split(' ').any(|name| name == "room")
}

// What was read of an app a moment ago lies ready in each process: no token is made by it that the
// list would not end.
#[test]
fn what_was_taken_a_moment_ago_is_in_no_token_that_a_list_cannot_end() {
    let app = TestApp::new();
    app.person("temuulen");
    switch_on(&app);
    widen(&app);
    let at = request(&[("scope", ROOM)]);
    let code = |browser: &mut Browser| {
        let back = ask(browser, &at, "temuulen").is(303);
        app.deliver();
        back.param("code").expect("a code")
    };
    let first = redeem(&mut app.browser(), &code(&mut app.browser()));
    let first = first.is(200).json();
    let waiting = code(&mut app.browser());
    let next = refresh(&mut app.browser(), &text(&first, "refresh_token"));
    let next = next.is(200).json();
    assert!(has_room(&first) && has_room(&next));
    // Seen by the process a tenth of a second ago, and good for half a second.
    app.pass(Duration::from_millis(100));
    set_room(&app, false);
    let late = refresh(&mut app.browser(), &text(&next, "refresh_token"));
    let late = late.is(200).json();
    assert!(!has_room(&late), "{late}");
    let redeemed = redeem(&mut app.browser(), &waiting).is(200).json();
    assert!(!has_room(&redeemed), "{redeemed}");
    let chat = remote(&app);
    app.pass(Duration::from_secs(6));
    let check = |tokens: &Value| chat.check(&text(tokens, "access_token"), now(&app)).is_ok();
    assert_eq!(
        [&first, &next, &late, &redeemed].map(check),
        [false, false, true, true]
    );
}

#[test]
fn what_is_taken_while_tokens_are_made_is_in_none_that_a_list_does_not_end() {
    let app = TestApp::new();
    switch_on(&app);
    widen(&app);
    let mut kept: Vec<String> = (0..6)
        .map(|number| {
            let username = format!("person{number}");
            app.person(&username);
            let at = request(&[("scope", ROOM)]);
            let back = ask(&mut app.browser(), &at, &username).is(303);
            let code = back.param("code").expect("a code");
            let tokens = redeem(&mut app.browser(), &code).is(200).json();
            text(&tokens, "refresh_token")
        })
        .collect();
    for round in 0..20 {
        let calls: Vec<_> = kept
            .iter()
            .map(|token| || refresh(&mut app.browser(), token))
            .collect();
        let answers = meanwhile(calls, || set_room(&app, false));
        let given: Vec<Value> = answers.into_iter().map(|one| one.is(200).json()).collect();
        let ended = app.read(|c| store::status::ended(c, "demo-chat", 0));
        for tokens in given.iter().filter(|tokens| has_room(tokens)) {
            let (idx, _) = place(&text(tokens, "access_token"));
            let idx = i64::try_from(idx).unwrap();
            assert!(
                ended.contains(&idx),
                "round {round}: the place {idx} is good"
            );
        }
        kept = given.iter().map(|one| text(one, "refresh_token")).collect();
        set_room(&app, true);
    }
}
