//! "Approve on your phone": an app's own server asks a person, who decides on their pages (CIBA).

use std::time::Duration;

use gerege::flow::ciba;
use gerege::oauth::client::{Client, GrantType};
use gerege::oauth::registration::SubjectType;
use gerege::{store, worker};
use serde_json::Value;

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::http::{Answer, Browser, basic, jwt};
use crate::road::*;
use crate::signin::sign_in;

pub const GRANT: &str = "urn:openid:params:grant-type:ciba";

/// A bank that asks from its own server.
pub fn bank(app: &TestApp) {
    register(app);
    app.write(|c| {
        let forum = store::client::find(c, "forum")?.expect("the forum");
        let bank = Client {
            id: "bank".into(),
            name: "Steppe Bank".into(),
            redirects: Vec::new(),
            grants: vec![GrantType::Ciba, GrantType::RefreshToken],
            ..forum
        };
        let _ = store::client::add(c, &bank)?;
        Ok(())
    });
}

/// Asks as the bank, with parameters added, changed, or (by an empty value) left out.
pub fn ask(app: &TestApp, other: &[(&str, &str)]) -> Answer {
    let own = [("scope", "openid profile"), ("login_hint", "temuulen")];
    let all: Vec<(&str, &str)> = own
        .into_iter()
        .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name))
        .chain(other.iter().copied().filter(|(_, value)| !value.is_empty()))
        .collect();
    app.browser()
        .with("Authorization", &basic("bank", SECRET))
        .post("/oauth2/ciba", &all)
}

pub fn poll_as(app: &TestApp, client: &str, begun: &Value) -> Answer {
    let fields = [
        ("grant_type", GRANT),
        ("auth_req_id", begun["auth_req_id"].as_str().unwrap()),
    ];
    app.browser()
        .with("Authorization", &basic(client, SECRET))
        .post("/oauth2/token", &fields)
}

fn poll(app: &TestApp, begun: &Value) -> Answer {
    poll_as(app, "bank", begun)
}

fn told(answer: Answer) -> String {
    text(&answer.is(400).json(), "error")
}

/// What waits on a person's page, by what its buttons send.
pub fn waiting(browser: &mut Browser) -> Vec<String> {
    let page = browser.get("/account/asked").is(200).text();
    page.split("name=\"asked\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Opens the newest thing that waits; gives the page on which the person decides.
pub fn open(browser: &mut Browser) -> Answer {
    let newest = waiting(browser).remove(0);
    let answer = browser.fill("/account/asked", &[("asked", &newest)]);
    browser.arrive(answer)
}

pub fn decide(browser: &mut Browser, page: &Answer, decision: &str) -> Answer {
    let answer = browser.submit(page, &[("decision", decision)]);
    browser.arrive(answer)
}

#[test]
fn a_person_allows_on_a_page_what_a_server_asked() {
    let app = TestApp::new();
    app.person("temuulen");
    bank(&app);
    let begun = ask(&app, &[("binding_message", "W4SCT")]).is(200).json();
    assert_eq!(
        (&begun["expires_in"], &begun["interval"]),
        (&600.into(), &5.into())
    );
    assert_eq!(told(poll(&app, &begun)), "authorization_pending");
    assert_eq!(told(poll(&app, &begun)), "slow_down");

    let letter = app.letter("temuulen@mail.example");
    assert_eq!(letter.subject, "Steppe Bank asks you");
    assert!(letter.text.contains("W4SCT"), "{}", letter.text);
    let link = letter.link("/account/asked");
    // The link opens nothing by itself.
    let mut browser = app.browser();
    assert_eq!(browser.get(&link).is(303).location(), "/signin");
    sign_in(&mut browser, "temuulen");
    app.deliver();
    let home = browser.get("/account").is(200).text();
    assert!(home.contains("Steppe Bank") && home.contains("W4SCT"));
    let page = open(&mut browser).is(200);
    assert!(
        page.path.starts_with("/account/asked/allow?request="),
        "{}",
        page.path
    );
    assert_eq!(page.h1(), "Let Steppe Bank go on?");
    assert!(page.text().contains("<bdi>W4SCT</bdi>"));
    assert_eq!(told(poll(&app, &begun)), "slow_down");
    let done = decide(&mut browser, &page, "allow").is(200);
    assert_eq!(done.path, "/device/done?ended=allowed");

    let tokens = poll(&app, &begun).is(200).json();
    let claims = jwt(&text(&tokens, "id_token")).1;
    assert_eq!(claims["aud"], "bank");
    assert!(
        tokens.get("refresh_token").is_none(),
        "offline_access was not asked for"
    );
    let access = text(&tokens, "access_token");
    let info = app
        .browser()
        .with("Authorization", &format!("Bearer {access}"))
        .get("/oauth2/userinfo")
        .is(200)
        .json();
    assert_eq!(info["preferred_username"], "temuulen");
    assert_eq!(info["sub"], claims["sub"]);
    assert_eq!(told(poll(&app, &begun)), "invalid_grant");
    assert_eq!(waiting(&mut browser), Vec::<String>::new());
    let apps = browser.get("/account/apps").is(200);
    assert!(apps.text().contains("Steppe Bank"));
    // And by the token that it was given, the bank asks again.
    let hint = text(&tokens, "id_token");
    ask(&app, &[("login_hint", ""), ("id_token_hint", &hint)]).is(200);
    assert_eq!(waiting(&mut browser).len(), 1);
    app.deliver();
}

#[test]
fn what_a_person_refuses_is_refused_once() {
    let app = TestApp::new();
    app.person("temuulen");
    bank(&app);
    let begun = ask(&app, &[]).is(200).json();
    app.deliver();
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.deliver();
    let (page, again) = (open(&mut browser), open(&mut browser));
    assert_eq!(
        decide(&mut browser, &page, "deny").path,
        "/device/done?ended=denied"
    );
    decide(&mut browser, &again, "allow").is(400);
    assert_eq!(told(poll(&app, &begun)), "access_denied");
}

#[test]
fn only_the_person_who_was_asked_can_answer() {
    let app = TestApp::new();
    app.person("temuulen");
    app.person("saruul");
    bank(&app);
    let begun = ask(&app, &[]).is(200).json();
    app.deliver();
    let (mut hers, mut his) = (app.browser(), app.browser());
    sign_in(&mut hers, "saruul");
    sign_in(&mut his, "temuulen");
    app.deliver();
    assert_eq!(waiting(&mut hers), Vec::<String>::new());
    let id = waiting(&mut his).remove(0);
    let form = hers.get("/signout").token().expect("a form");
    let answer = hers.post("/account/asked", &[("form", &form), ("asked", &id)]);
    assert_eq!(answer.is(303).location(), "/account/asked");
    // His page is of his browser alone.
    let page = open(&mut his);
    let theirs = hers.get(&page.path);
    hers.arrive(theirs).is(400);
    // Signed out meanwhile, and another one in: nothing is answered for him.
    his.fill("/signout", &[("decision", "signout")]);
    let request = page.path.split_once("request=").unwrap().1.to_owned();
    his.get(&format!("/oauth2/authorize/{request}")).is(400);
    assert_eq!(told(poll(&app, &begun)), "authorization_pending");
    sign_in(&mut his, "temuulen");
    app.deliver();
    let page = open(&mut his);
    decide(&mut his, &page, "allow").is(200);
    poll(&app, &begun).is(200);
}

// PROTOCOL 7
#[test]
fn a_name_that_is_nobodys_is_answered_as_any_other() {
    let app = TestApp::new();
    let known = app.person("temuulen");
    bank(&app);
    let mut shapes = Vec::new();
    for hint in [
        "temuulen",
        "temuulen@mail.example",
        "nobody",
        "nobody@mail.example",
        "no one at all",
    ] {
        let begun = ask(&app, &[("login_hint", hint)]).is(200);
        let names: Vec<String> = begun.json().as_object().unwrap().keys().cloned().collect();
        shapes.push((
            names,
            begun.json()["expires_in"].clone(),
            begun.text().len(),
        ));
        assert_eq!(
            told(poll(&app, &begun.json())),
            "authorization_pending",
            "{hint}"
        );
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    assert_eq!(app.letters(&known.email).len(), 2);
    let nobody = ask(&app, &[("login_hint", "nobody")]).is(200).json();
    app.pass(Duration::from_secs(600));
    assert_eq!(told(poll(&app, &nobody)), "expired_token");
    // Ten in a quarter of an hour, of anyone.
    for hint in ["saruul", "temuulen"] {
        let count = (0..20)
            .take_while(|_| ask(&app, &[("login_hint", hint)]).status == 200)
            .count();
        let wanted = if hint == "saruul" { 10 } else { 9 };
        assert_eq!(count, wanted, "{hint}");
        let slow = ask(&app, &[("login_hint", hint)]).is(429);
        assert_eq!(slow.header("retry-after"), Some("900"));
    }
    app.deliver();
}

// R24
#[test]
fn a_person_is_not_flooded() {
    let app = TestApp::new();
    let person = app.person("temuulen");
    bank(&app);
    for hint in ["temuulen", "temuulen@mail.example"] {
        for _ in 0..4 {
            ask(&app, &[("login_hint", hint)]).is(200);
        }
    }
    let mut browser = app.browser();
    assert_eq!(app.letters(&person.email).len(), 3);
    sign_in(&mut browser, "temuulen");
    app.deliver();
    assert_eq!(waiting(&mut browser).len(), 5);
}

#[test]
fn one_app_does_not_take_the_places_of_another() {
    let app = TestApp::new();
    app.person("temuulen");
    bank(&app);
    app.write(|c| {
        let bank = store::client::find(c, "bank")?.expect("the bank");
        for number in 1..=5 {
            let other = Client {
                id: format!("bank-{number}"),
                ..bank.clone()
            };
            let _ = store::client::add(c, &other)?;
        }
        Ok(())
    });
    let ask_as = |client: &str| {
        let fields = [("scope", "openid"), ("login_hint", "temuulen")];
        let mut bank = app.browser().with("Authorization", &basic(client, SECRET));
        bank.post("/oauth2/ciba", &fields).is(200);
    };
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    for (client, wanted) in [
        ("bank", 5),
        ("bank-1", 10),
        ("bank-2", 15),
        ("bank-3", 20),
        ("bank-4", 20),
    ] {
        for _ in 0..7 {
            ask_as(client);
        }
        assert_eq!(waiting(&mut browser).len(), wanted, "{client}");
    }
    app.deliver();
}

#[test]
fn a_question_runs_out_and_is_not_mailed_late() {
    let app = TestApp::new();
    let person = app.person("temuulen");
    bank(&app);
    let begun = ask(&app, &[("requested_expiry", "30")]).is(200).json();
    assert_eq!(begun["expires_in"], 30);
    app.pass(Duration::from_secs(1));
    let long = ask(&app, &[("requested_expiry", "86400")]).is(200).json();
    assert_eq!(long["expires_in"], 600);
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let page = {
        let all = waiting(&mut browser);
        let answer = browser.fill("/account/asked", &[("asked", &all[1])]);
        browser.arrive(answer)
    };
    app.pass(Duration::from_secs(31));
    decide(&mut browser, &page, "allow").is(400);
    assert_eq!(waiting(&mut browser).len(), 1);
    assert_eq!(told(poll(&app, &begun)), "expired_token");
    let asked = app
        .letters(&person.email)
        .into_iter()
        .filter(|letter| letter.subject == "Steppe Bank asks you");
    assert_eq!(asked.count(), 1);
}

#[test]
fn an_auth_req_id_is_its_clients_own() {
    let app = TestApp::new();
    app.person("temuulen");
    bank(&app);
    let begun = ask(&app, &[]).is(200).json();
    app.write(|c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.grants.push(GrantType::Ciba);
        store::client::save(c, &forum)
    });
    assert_eq!(told(poll_as(&app, "forum", &begun)), "invalid_grant");
    let made_up = serde_json::json!({ "auth_req_id": "gb_x" });
    assert_eq!(told(poll(&app, &made_up)), "invalid_grant");
    // Nothing of it lies in the database.
    let secret = text(&begun, "auth_req_id");
    assert!(!app.dump().contains(&secret));
    app.deliver();
}

#[test]
fn an_id_token_of_another_app_names_nobody() {
    let app = TestApp::new();
    bank(&app);
    let mut browser = app.browser();
    let tokens = tokens(&app, &mut browser, "temuulen");
    let hint = text(&tokens, "id_token");
    for bad in [hint.as_str(), "not.a.token", &text(&tokens, "access_token")] {
        let refused = ask(&app, &[("login_hint", ""), ("id_token_hint", bad)]);
        assert_eq!(told(refused), "unknown_user_id");
    }
    app.deliver();
}

#[test]
fn an_app_that_sees_a_sub_of_its_own_is_understood_by_it() {
    let app = TestApp::new();
    let person = app.person("temuulen");
    bank(&app);
    app.write(|c| {
        let mut bank = store::client::find(c, "bank")?.expect("the bank");
        bank.registration.subject_type = SubjectType::Pairwise;
        bank.redirects = vec!["https://bank.example/back".into()];
        store::client::save(c, &bank)
    });
    let begun = ask(&app, &[]).is(200).json();
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.deliver();
    let page = open(&mut browser);
    decide(&mut browser, &page, "allow").is(200);
    let tokens = poll(&app, &begun).is(200).json();
    let hint = text(&tokens, "id_token");
    assert_ne!(jwt(&hint).1["sub"], person.id);
    ask(&app, &[("login_hint", ""), ("id_token_hint", &hint)]).is(200);
    assert_eq!(waiting(&mut browser).len(), 1);
    app.deliver();
}

#[test]
fn an_app_that_wants_a_newer_proof_gets_one() {
    let app = TestApp::new();
    app.person("temuulen");
    bank(&app);
    app.write(|c| {
        let mut bank = store::client::find(c, "bank")?.expect("the bank");
        bank.registration.default_max_age = Some(60);
        store::client::save(c, &bank)
    });
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.pass(Duration::from_secs(120));
    let begun = ask(&app, &[]).is(200).json();
    app.deliver();
    let page = open(&mut browser).is(200);
    assert!(page.path.starts_with("/confirm?request="), "{}", page.path);
    let answer = browser.submit(&page, &[("password", crate::app::PASSWORD)]);
    let page = browser.arrive(answer).is(200);
    assert!(
        page.path.starts_with("/account/asked/allow"),
        "{}",
        page.path
    );
    decide(&mut browser, &page, "allow").is(200);
    let tokens = poll(&app, &begun).is(200).json();
    let claims = jwt(&text(&tokens, "id_token")).1;
    let age = claims["iat"].as_i64().unwrap() - claims["auth_time"].as_i64().unwrap();
    assert!(age < 60, "{age}");
    app.deliver();
}

/// The bank, told at `url`.
fn told_at(app: &TestApp, url: &str) {
    let url = url.to_owned();
    app.write(move |c| {
        let mut bank = store::client::find(c, "bank")?.expect("the bank");
        bank.registration.ciba_notification = Some(url.clone());
        store::client::save(c, &bank)
    });
}

fn tell(app: &TestApp) {
    while app.wait(ciba::send_due(&app.app)).unwrap() > 0 {}
}

// CIBA 10.2
#[test]
fn an_app_is_told_that_the_person_has_decided() {
    const TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";
    for decision in ["allow", "deny"] {
        let (app, bank_) = (TestApp::new(), Elsewhere::new());
        app.person("temuulen");
        bank(&app);
        told_at(&app, &bank_.url("/told"));
        bank_.answers("/told", 503, "");
        assert_eq!(told(ask(&app, &[])), "invalid_request");
        let begun = ask(&app, &[("client_notification_token", TOKEN)])
            .is(200)
            .json();
        assert!(!app.dump().contains(TOKEN));
        tell(&app);
        assert_eq!(bank_.asked().len(), 0, "nobody has decided");
        let mut browser = app.browser();
        sign_in(&mut browser, "temuulen");
        app.deliver();
        let page = open(&mut browser);
        decide(&mut browser, &page, decision).is(200);
        tell(&app);
        let asked = bank_.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].method, "POST");
        assert!(
            asked[0]
                .head
                .contains(&format!("authorization: bearer {TOKEN}"))
        );
        assert!(asked[0].head.contains("content-type: application/json"));
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({ "auth_req_id": begun["auth_req_id"] })
        );
        // It was away: again, and then no more.
        bank_.answers("/told", 204, "");
        tell(&app);
        assert_eq!(bank_.asked().len(), 0, "not before its time");
        app.pass(Duration::from_secs(5));
        tell(&app);
        app.pass(Duration::from_secs(60));
        tell(&app);
        assert_eq!(bank_.asked().len(), 1);
        let list = app
            .wait(ciba::list(&app.app, Some("bank".into()), 10))
            .unwrap();
        assert!(list[0].pinged_at.is_some() && list[0].ping_tries == 2);
        match decision {
            "allow" => poll(&app, &begun).is(200),
            _ => {
                assert_eq!(told(poll(&app, &begun)), "access_denied");
                continue;
            }
        };
    }
}

#[test]
fn an_app_that_never_answers_is_told_until_it_is_too_late() {
    const TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";
    let (app, bank_) = (TestApp::new(), Elsewhere::new());
    app.person("temuulen");
    bank(&app);
    told_at(&app, &bank_.url("/told"));
    bank_.answers("/told", 500, "");
    let wish = [
        ("client_notification_token", TOKEN),
        ("requested_expiry", "60"),
    ];
    ask(&app, &wish).is(200);
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.deliver();
    let page = open(&mut browser);
    decide(&mut browser, &page, "allow").is(200);
    for _ in 0..80 {
        tell(&app);
        app.pass(Duration::from_secs(1));
    }
    // After 5, 10 and 20 seconds; the next would come too late.
    assert_eq!(bank_.asked().len(), 4);
    let list = app.wait(ciba::list(&app.app, None, 10)).unwrap();
    assert!(list[0].pinged_at.is_none() && list[0].ping_at.is_none());
    assert_eq!(list[0].ping_said.as_deref(), Some("HTTP 500"));
    // The operator can look at that for a day.
    for (hours, left) in [(23, 1), (2, 0)] {
        app.pass(Duration::from_secs(hours * 3600));
        let now = app.app.clock.now();
        app.wait(worker::sweep(&app.app, now)).unwrap();
        let list = app.wait(ciba::list(&app.app, None, 10)).unwrap();
        assert_eq!(list.len(), left);
    }
}
