//! The wizard, walked through its pages (UX W1 to W5).

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::{Answer, Browser};
use crate::pages::{dressed, skeleton};

/// The answers of step 1.
pub fn profile(username: &str) -> [(&'static str, String); 4] {
    [
        (
            "name",
            format!("{}{} Bat", username[..1].to_uppercase(), &username[1..]),
        ),
        ("username", username.to_owned()),
        ("email", format!("{username}@mail.example")),
        ("password", PASSWORD.to_owned()),
    ]
}

/// Step 1 with some answers changed.
pub fn begin(browser: &mut Browser, at: &str, username: &str, other: &[(&str, &str)]) -> Answer {
    let own = profile(username);
    let fields: Vec<(&str, &str)> = own
        .iter()
        .map(|(name, value)| {
            let changed = other.iter().find(|(changed, _)| changed == name);
            (*name, changed.map_or(value.as_str(), |(_, value)| *value))
        })
        .chain(other.iter().filter(|(name, _)| *name == "website").copied())
        .collect();
    browser.fill(at, &fields)
}

/// Walks to the page that asks for the code, from `/signup` with a query of its own.
pub fn walk_to_code(browser: &mut Browser, at: &str, username: &str) -> Answer {
    let begun = begin(browser, at, username, &[]).leads("/signup/agree");
    let page = browser.follow(&begun).is(200);
    let agreed = browser
        .submit(&page, &[("decision", "accept")])
        .leads("/signup/email");
    browser.follow(&agreed).is(200)
}

/// The whole wizard; ends on `/signup/done`.
pub fn sign_up(app: &TestApp, browser: &mut Browser, at: &str, username: &str) -> Answer {
    let page = walk_to_code(browser, at, username);
    let code = app.letter(&format!("{username}@mail.example")).code();
    let proved = browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/done");
    browser.follow(&proved).is(200)
}

fn accounts(app: &TestApp) -> i64 {
    app.read(store::account::count)
}

// R13 R15 R16 R36
#[test]
fn a_stranger_signs_up() {
    let app = TestApp::new();
    assert_eq!(accounts(&app), 0);
    let mut browser = app.browser();
    let first = browser.get("/signup").is(200);
    assert!(
        first
            .text()
            .contains("<title>Create an account: step 1 of 4"),
        "{}",
        first.text()
    );
    skeleton(&first);
    dressed(&first);
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    assert_eq!(page.h1(), "Enter the code we sent");
    skeleton(&page);
    dressed(&page);
    assert_eq!(accounts(&app), 0, "no account before the address is proved");
    let letter = app.letter("temuulen@mail.example");
    assert_eq!(letter.code().len(), 6);
    assert!(letter.text.contains("Temuulen"), "{}", letter.text);
    let spaced = format!("{} {}", &letter.code()[..3], &letter.code()[3..]);
    let proved = browser
        .submit(&page, &[("code", &spaced)])
        .leads("/signup/done");
    assert_eq!(accounts(&app), 1);
    let done = browser.follow(&proved).is(200);
    assert_eq!(done.h1(), "Your account is ready");
    skeleton(&done);
    let home = browser.submit(&done, &[("keep", "1")]).leads("/account");
    let home = browser.follow(&home).is(200);
    assert!(home.text().contains("Temuulen Bat"));
    let account = app
        .read(|c| store::account::find_by_username(c, "temuulen"))
        .unwrap();
    let accepted = app.read(move |c| store::terms::accepted(c, &account.id));
    assert_eq!(accepted.len(), 1, "what was accepted is on record");
    assert!(accepted[0].sha256.len() >= 43, "{accepted:?}");
    // Back after the end.
    let back = browser.get("/signup").leads("/signup/done");
    browser.follow(&back).is(200);
}

#[test]
fn all_mistakes_are_shown_at_once_and_answers_are_kept() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = begin(
        &mut browser,
        "/signup",
        "t",
        &[
            ("name", ""),
            ("username", "2 fast"),
            ("email", "nobody"),
            ("password", "short"),
        ],
    )
    .is(422);
    skeleton(&page);
    let errors = page.errors();
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(errors[0].contains("Enter your name"), "{errors:?}");
    assert!(errors[3].contains("It has 5"), "{errors:?}");
    let html = page.text();
    assert!(html.contains("value=\"2 fast\"") && html.contains("value=\"nobody\""));
    assert!(!html.contains("value=\"short\""), "passwords are not kept");
    for id in ["name", "username", "email", "password"] {
        assert!(html.contains(&format!("href=\"#{id}\"")), "{id}");
        assert!(html.contains(&format!("id=\"{id}-err\"")), "{id}");
    }
    // Without any field at all it is the same page, not a broken one.
    let page = browser.fill("/signup", &[]).is(422);
    assert_eq!(page.errors().len(), 4);
}

// R01 R02 R03 R05
#[test]
fn passwords_are_judged_by_how_hard_they_are_to_guess() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let long = "a quiet river bends under nine cedar bridges ".repeat(6);
    for (password, taken) in [
        ("kumquat9!", false),
        ("password1234", false),
        ("aaaaaaaaaaaaaaa", false),
        ("qwertyuiop1", false),
        ("temuulen-temuulen", false),
        ("temuulen@mail.example", false),
        ("plovdiwtramquark", true),
        ("дөрвөн морь хоёр тэмээ", true),
        ("🐎🐪 horse camel sheep", true),
        (&long[..256], true),
        (&long[..257], false),
        ("tab\there is a control", false),
    ] {
        let answer = begin(
            &mut browser,
            "/signup",
            "temuulen",
            &[("password", password)],
        );
        let shown: String = password.chars().take(30).collect();
        assert_eq!(
            answer.status,
            if taken { 303 } else { 422 },
            "{shown}: {:?}",
            answer.errors()
        );
    }
}

// R12
#[test]
fn usernames_that_could_be_taken_for_others_are_refused() {
    let app = TestApp::new();
    app.person("paypal");
    let mut browser = app.browser();
    let taken = [
        "paypal",
        "PayPal",
        "paypa1",
        "admin",
        "root",
        "postmaster",
        "Admin",
        "support",
        "abuse",
    ];
    let illegal = [
        "a",
        "1ab",
        "_ab",
        "-ab",
        "a b",
        "a.b",
        "a@b",
        "раypal",
        "p\u{200b}aypal",
        "ab\u{202e}c",
        "ａｂｃ",
        "a\u{0301}bc",
        "temuulen@mail.example",
        "a/b",
        "a:b",
        "<b>",
        "é1",
        "\u{1d5ba}bc",
        "x\u{00ad}y",
        "ßx",
        "ab!",
        "a+b",
        "a%b",
        "a\\b",
        "abcdefghijklmnopqrstuvwxyz01234",
    ];
    for (names, word) in [(&taken[..], "taken"), (&illegal[..], "")] {
        for name in names {
            let page = begin(&mut browser, "/signup", "temuulen", &[("username", name)]);
            assert_eq!(page.status, 422, "{name:?}");
            let errors = page.errors().join(" ");
            assert!(errors.contains(word), "{name:?}: {errors}");
        }
    }
    for good in [
        "ab",
        "a-b",
        "a_b",
        "temuulen2",
        "abcdefghijklmnopqrstuvwxyz0123",
    ] {
        let page = begin(&mut browser, "/signup", "temuulen", &[("username", good)]);
        assert_eq!(page.status, 303, "{good}: {:?}", page.errors());
    }
}

// R10 R11
#[test]
fn an_address_with_an_account_sees_the_same_pages_and_its_owner_is_told() {
    let app = TestApp::new();
    app.person("owner");
    let mut pages = Vec::new();
    for (username, email) in [
        ("stranger", "owner@mail.example"),
        ("newcomer", "nobody@mail.example"),
    ] {
        let mut browser = app.browser();
        let begun = begin(&mut browser, "/signup", username, &[("email", email)]);
        let agree = browser.follow(&begun).is(200);
        let agreed = browser.submit(&agree, &[("decision", "accept")]);
        let page = browser.follow(&agreed).is(200);
        let wrong = browser.submit(&page, &[("code", "000000")]).is(422);
        let plain = |answer: &Answer| {
            let text = answer
                .text()
                .replace(email, "ADDRESS")
                .replace(username, "NAME");
            let token = answer.token().unwrap();
            (answer.status, text.replace(&token, "TOKEN"))
        };
        pages.push((
            (begun.status, begun.location().to_owned()),
            plain(&agree),
            plain(&page),
            plain(&wrong),
        ));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(accounts(&app), 1);
    let letter = app.letter("owner@mail.example");
    assert!(letter.text.contains("/signin"), "{}", letter.text);
    assert_eq!(
        letter.code(),
        "",
        "no code to somebody else's account: {}",
        letter.subject
    );
    app.letter("nobody@mail.example");
}

// R14
#[test]
fn a_half_made_sign_up_holds_no_address() {
    let app = TestApp::new();
    let mut other = app.browser();
    begin(
        &mut other,
        "/signup",
        "thief",
        &[("email", "temuulen@mail.example")],
    )
    .leads("/signup/agree");
    let page = other.get("/signup/agree").is(200);
    let agreed = other.submit(&page, &[("decision", "accept")]);
    let waiting = other.follow(&agreed).is(200);
    app.deliver();
    let mut owner = app.browser();
    sign_up(&app, &mut owner, "/signup", "temuulen");
    assert_eq!(accounts(&app), 1);
    // The code that went to the owner's address for the other draft proves nothing any more.
    let first = app.letters("temuulen@mail.example").remove(0);
    let late = other.submit(&waiting, &[("code", &first.code())]);
    assert_ne!(late.status, 500);
    assert_eq!(accounts(&app), 1);
    app.deliver();
}

// R25
#[test]
fn a_code_has_five_tries_and_a_new_one_kills_the_old() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let first = app.letter("temuulen@mail.example").code();
    let wrong = if first == "000000" {
        "111111"
    } else {
        "000000"
    };
    for _ in 0..5 {
        browser.submit(&page, &[("code", wrong)]).is(422);
    }
    let spent = browser.submit(&page, &[("code", &first)]).is(422);
    assert!(
        spent.errors().join("").contains("Ask for a new one"),
        "{:?}",
        spent.errors()
    );
    assert_eq!(
        app.letters("temuulen@mail.example").len(),
        1,
        "a wrong answer sends none"
    );
    // At once it asks to wait; later it comes.
    let early = browser.submit(&page, &[("other", "resend")]).is(422);
    assert!(
        early.errors().join("").contains("Wait"),
        "{:?}",
        early.errors()
    );
    app.pass(Duration::from_secs(31));
    browser
        .submit(&page, &[("other", "resend")])
        .leads("/signup/email");
    let second = app.letter("temuulen@mail.example").code();
    assert_ne!(first, second);
    browser.submit(&page, &[("code", &first)]).is(422);
    browser
        .submit(&page, &[("code", &second)])
        .leads("/signup/done");
}

// R25: 10 wrong tries an hour for one address, across codes; then the link still confirms.
#[test]
fn wrong_codes_are_counted_across_codes_and_the_link_still_confirms() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    for _ in 0..2 {
        let code = app.letter("temuulen@mail.example").code();
        let wrong = if code == "000000" { "111111" } else { "000000" };
        for _ in 0..5 {
            browser.submit(&page, &[("code", wrong)]).is(422);
        }
        app.pass(Duration::from_secs(31));
        browser
            .submit(&page, &[("other", "resend")])
            .leads("/signup/email");
    }
    let letter = app.letter("temuulen@mail.example");
    let shut = browser.submit(&page, &[("code", &letter.code())]).is(422);
    assert!(
        shut.errors().join("").contains("Open the link"),
        "{:?}",
        shut.errors()
    );
    // Another draft for the same address is no way around.
    let mut other = app.browser();
    let own = begin(
        &mut other,
        "/signup",
        "someone",
        &[("email", "temuulen@mail.example")],
    );
    let agree = other.follow(&own);
    let agreed = other.submit(&agree, &[("decision", "accept")]);
    let waiting = other.follow(&agreed);
    app.deliver();
    other.submit(&waiting, &[("code", &letter.code())]).is(422);
    let own = browser.get(&letter.link("/e/")).is(200);
    browser.submit(&own, &[]).leads("/signup/done");
}

// R29
#[test]
fn looking_at_the_mailed_link_changes_nothing() {
    let app = TestApp::new();
    let mut browser = app.browser();
    walk_to_code(&mut browser, "/signup", "temuulen");
    let letter = app.letter("temuulen@mail.example");
    let link = letter.link("/e/");
    // A scanner looks often, and even posts, without the cookie.
    let mut scanner = app.browser();
    for _ in 0..100 {
        let seen = scanner.get(&link).is(200);
        assert!(
            seen.text().contains(&letter.code()[..3]),
            "the code for the other window"
        );
    }
    scanner.send("HEAD", &link, &[], None).is(200);
    let foreign = scanner.get("/signup").token().unwrap();
    let forced = scanner.post(&link, &[("form", &foreign)]);
    assert_eq!(forced.status, 303, "it is sent to begin");
    assert_eq!(accounts(&app), 0);
    let own = browser.get(&link).is(200);
    assert!(own.text().contains("Confirm"), "{}", own.h1());
    browser.submit(&own, &[]).leads("/signup/done");
    assert_eq!(accounts(&app), 1);
}

// R15
#[test]
fn the_agreements_cannot_be_passed_by() {
    let app = TestApp::new();
    let mut browser = app.browser();
    begin(&mut browser, "/signup", "temuulen", &[]).leads("/signup/agree");
    browser.get("/signup/email").leads("/signup/agree");
    let page = browser.get("/signup/agree").is(200);
    for later in ["/signup/email", "/signup/done", "/signup/name"] {
        let token = page.token().unwrap();
        let answer = browser.post(
            later,
            &[("form", &token), ("code", "123456"), ("username", "x")],
        );
        assert!(answer.status >= 300, "{later}");
    }
    assert_eq!(accounts(&app), 0);
    assert!(app.letters("temuulen@mail.example").is_empty());
    // Saying no saves nothing, and can be taken back.
    let no = browser.submit(&page, &[("decision", "decline")]);
    let no = browser.follow(&no).is(200);
    assert!(no.h1().contains("without accepting"), "{}", no.h1());
    browser
        .submit(&no, &[("decision", "delete")])
        .leads("/signup");
    browser.get("/signup/agree").leads("/signup");
}

#[test]
fn the_honeypot_makes_nothing() {
    let app = TestApp::new();
    let mut browser = app.browser();
    begin(
        &mut browser,
        "/signup",
        "temuulen",
        &[("website", "https://spam.example")],
    )
    .is(303);
    browser.get("/signup/agree").leads("/signup");
    assert_eq!(accounts(&app), 0);
}

#[test]
fn back_reload_and_a_double_click_do_no_harm() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    // Back to the first page: the answers stand there, the password does not.
    let first = browser.get("/signup").is(200);
    assert!(first.text().contains("value=\"temuulen\""));
    assert!(!first.text().contains(PASSWORD));
    browser.get("/signup/email").is(200);
    browser.get("/signup/email").is(200);
    let code = app.letter("temuulen@mail.example").code();
    browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/done");
    let token = browser.get("/signup/done").token().unwrap();
    let again = browser.post("/signup/email", &[("form", &token), ("code", &code)]);
    assert_eq!(again.status, 303);
    assert_eq!(accounts(&app), 1);
    assert_eq!(app.letters("temuulen@mail.example").len(), 1);
}

#[test]
fn a_draft_left_alone_asks_for_its_address_first() {
    let app = TestApp::new();
    let mut browser = app.browser();
    walk_to_code(&mut browser, "/signup", "temuulen");
    app.deliver();
    app.pass(Duration::from_secs(31 * 60));
    let page = browser.get("/signup/email").is(200);
    assert!(
        !page.text().contains("temuulen@mail.example"),
        "answers are hidden"
    );
    browser
        .submit(&page, &[("email", "other@mail.example")])
        .is(422);
    let open = browser.submit(&page, &[("email", "Temuulen@mail.example")]);
    browser.follow(&open).is(200);
}

// R32
#[test]
fn no_header_reaches_a_mail() {
    let app = TestApp::new();
    for (name, value) in [
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example;proto=https"),
        ("X-Forwarded-Proto", "https"),
        ("X-Original-URL", "/evil"),
        ("Referer", "https://evil.example/"),
    ] {
        let mut browser = app.browser().with(name, value);
        walk_to_code(&mut browser, "/signup", "temuulen");
        app.deliver();
        app.pass(Duration::from_secs(3600));
    }
    for letter in app.letters("temuulen@mail.example") {
        assert!(!letter.text.contains("evil"), "{}", letter.text);
        assert!(letter.text.contains(&app.origin), "{}", letter.text);
    }
}

#[test]
fn an_international_mail_domain_works() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let begun = begin(
        &mut browser,
        "/signup",
        "temuulen",
        &[("email", "temuulen@монгол.example")],
    );
    let page = browser.follow(&begun.leads("/signup/agree"));
    let agreed = browser.submit(&page, &[("decision", "accept")]);
    let page = browser.follow(&agreed);
    let code = app.letter("temuulen@xn--c1aqbeec.example").code();
    browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/done");
}

#[test]
fn a_closed_server_makes_no_accounts() {
    let app = TestApp::with(&[("SIGNUP__MODE", "closed")]);
    let mut browser = app.browser();
    let page = browser.get("/signup").is(403);
    skeleton(&page);
    let token = browser.get("/signin").token().unwrap();
    let own = profile("temuulen");
    let mut fields = vec![("form", token.as_str())];
    fields.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
    browser.post("/signup", &fields).is(403);
    assert_eq!(accounts(&app), 0);
}
