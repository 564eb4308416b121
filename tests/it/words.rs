//! Words that must be true: of devices, cookies, agreements, and of what an app asked for in vain.

use crate::app::TestApp;
use crate::http::{Answer, Browser, encode};
use crate::pages::{dressed, skeleton};
use crate::road::{FORUM, register};
use crate::signin::sign_in;
use crate::signup::{begin, sign_up, walk_to_code};

fn german(app: &TestApp) -> Browser {
    app.browser().with("Accept-Language", "de")
}

#[test]
fn a_device_is_named_in_the_readers_language() {
    let app = TestApp::new();
    sign_up(&app, &mut german(&app), "/signup", "temuulen");
    let mut browser = german(&app);
    sign_in(&mut browser, "temuulen");
    for page in ["/account/devices", "/account/log"] {
        let text = browser.get(page).is(200).text();
        assert!(text.contains("Firefox auf Linux"), "{page}");
        assert!(!text.contains("Firefox on Linux"), "{page}");
    }
    let mut english = app.browser().with("Accept-Language", "en");
    english.cookies.clone_from(&browser.cookies);
    let text = english.get("/account/devices").is(200).text();
    assert!(text.contains("Firefox on Linux"));
    let letter = app.letter("temuulen@mail.example");
    assert!(letter.text.contains("Firefox auf Linux"), "{}", letter.text);
    // One that says nothing of itself has no empty line in the mail.
    let mut silent = app.browser();
    silent.headers.clear();
    sign_in(&mut silent, "temuulen");
    let letter = app.letter("temuulen@mail.example");
    assert!(!letter.text.contains("Gerät:"), "{}", letter.text);
}

fn draft_days(answer: &Answer) -> Option<String> {
    let set = answer
        .headers("set-cookie")
        .find(|set| set.starts_with("gerege-draft="))?;
    let age = set.split("Max-Age=").nth(1)?;
    let seconds: u64 = age.split(';').next()?.parse().ok()?;
    Some(format!("{} h", seconds / 3600))
}

#[test]
fn the_drafts_cookie_is_kept_as_long_as_the_page_says() {
    let app = TestApp::with(&[("SIGNUP__MODE", "approve")]);
    let mut browser = app.browser();
    let begun = begin(&mut browser, "/signup", "temuulen", &[]).is(303);
    assert_eq!(draft_days(&begun).as_deref(), Some("24 h"));
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "saran");
    let code = app.letter("saran@mail.example").code();
    let waits = browser.submit(&page, &[("code", &code)]);
    let waits = waits.leads("/signup/waiting");
    assert_eq!(draft_days(&waits).as_deref(), Some("360 h"));
    let words = "Kept: 24 hours; 15 days if";
    assert!(browser.get("/cookies").text().contains(words));
}

#[test]
fn an_agreement_can_be_saved_and_promises_what_there_is() {
    let app = TestApp::new();
    for (language, title, name) in [
        ("en", "Terms of use", "temuulen"),
        ("de", "Nutzungsbedingungen", "saran"),
    ] {
        let mut browser = app.browser().with("Accept-Language", language);
        let begun = begin(&mut browser, "/signup", name, &[]).leads("/signup/agree");
        let page = browser.follow(&begun).is(200);
        assert!(page.text().contains(title), "{language}");
        let href = "/terms/terms/1?download";
        assert!(page.text().contains(&format!("href=\"{href}\"")));
        let file = browser.get(href).is(200);
        let kept = file.header("content-disposition").unwrap();
        assert!(kept.starts_with("attachment"), "{kept}");
        assert!(file.text().contains(title), "{language}");
        for promise in ["take your data", "You can delete"] {
            assert!(!file.text().contains(promise), "{promise}");
        }
        let declined = browser.get("/signup/agree?declined=1").is(200);
        assert!(!declined.text().contains("Nothing has been saved"));
    }
}

#[test]
fn no_two_german_pages_are_called_the_same() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = german(&app);
    let first = browser.get("/signin").is(200).h1();
    sign_in(&mut browser, "temuulen");
    let second = browser.get("/account/signing-in").is(200).h1();
    assert_ne!(first, second);
    app.deliver();
}

#[test]
fn answers_to_our_mail_reach_the_people_behind_the_server() {
    let app = TestApp::with(&[("CONTACT", "help@steppe.example")]);
    let mut browser = app.browser();
    walk_to_code(&mut browser, "/signup", "temuulen");
    app.deliver();
    let letters = std::fs::read_dir(app.folder().join("mail")).unwrap();
    let mut seen = 0;
    for letter in letters {
        let text = std::fs::read(letter.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.contains("Subject:") {
            seen += 1;
            assert!(text.contains("Reply-To: help@steppe.example"), "{text}");
        }
    }
    assert_eq!(seen, 1);
}

// RP-Initiated Logout 4
#[test]
fn an_app_that_signs_out_wrongly_leaves_the_person_a_way_out() {
    let app = TestApp::new();
    register(&app);
    app.person("temuulen");
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let mark = crate::log::mark();
    let wrong = browser.get("/oauth2/logout?id_token_hint=made-up").is(400);
    assert_eq!(wrong.h1(), "The app could not sign you out");
    let wrong_return = encode(&[("client_id", "forum"), ("post_logout_redirect_uri", FORUM)]);
    let mismatch = browser
        .get(&format!("/oauth2/logout?{wrong_return}"))
        .is(400);
    assert_eq!(mismatch.h1(), "This app is not set up correctly");
    let command = "gerege client edit forum --add-post-logout-redirect";
    assert!(mismatch.text().contains(command));
    for page in [&wrong, &mismatch] {
        skeleton(page);
        dressed(page);
        assert!(page.text().contains("href=\"/signout\""));
        assert!(!page.text().contains("sent you here to sign in"));
    }
    let said = crate::log::since(mark);
    for part in [
        "logout.refused",
        "forum",
        "https://forum.example/bye",
        command,
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    browser.get("/account").is(200);
    app.deliver();
}
