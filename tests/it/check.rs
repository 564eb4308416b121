//! The security check (UX W2): its answer is nowhere, good once, and never the only way.

use std::time::Duration;

use gerege::account::signup::Draft;
use gerege::captcha::Challenge;
use gerege::flow::derived::check_seed;
use gerege::store;

use crate::app::TestApp;
use crate::http::{Answer, Browser};
use crate::pages::{dressed, skeleton};
use crate::signup::begin;

fn app() -> TestApp {
    TestApp::with(&[("CHECK__KIND", "picture")])
}

/// What the picture shows now.
fn challenge(app: &TestApp) -> Challenge {
    let draft: Draft = app.drafts().pop().expect("a draft");
    let seed = check_seed(app.app.keys.master(), &draft.id, draft.check.number);
    Challenge::new(seed, usize::from(app.app.config.check.length))
}

fn arrive(browser: &mut Browser) -> Answer {
    let begun = begin(browser, "/signup", "temuulen", &[]).leads("/signup/check");
    browser.follow(&begun).is(200)
}

fn wrong(right: &str) -> String {
    right
        .chars()
        .map(|c| if c == 'a' || c == 'A' { 'b' } else { 'a' })
        .collect()
}

// R17
#[test]
fn the_letters_let_a_person_on() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    skeleton(&page);
    dressed(&page);
    let picture = browser.get("/signup/check/picture").is(200);
    assert_eq!(picture.header("content-type"), Some("image/png"));
    assert_eq!(picture.header("cache-control"), Some("no-store"));
    assert!(picture.bytes.starts_with(b"\x89PNG"));
    let right = challenge(&app).letters().to_lowercase();
    browser
        .submit(&page, &[("code", &right)])
        .leads("/signup/agree");
}

#[test]
fn the_digits_of_the_sound_do_as_well() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    let other = browser
        .submit(&page, &[("other", "sound")])
        .leads("/signup/check");
    let page = browser.follow(&other).is(200);
    skeleton(&page);
    assert!(page.text().contains("<audio"), "{}", page.h1());
    let sound = browser.get("/signup/check/sound").is(200);
    assert!(sound.bytes.starts_with(b"RIFF"));
    assert_eq!(sound.header("content-type"), Some("audio/wav"));
    let right = challenge(&app).digits();
    browser
        .submit(&page, &[("code", &right)])
        .leads("/signup/agree");
}

// R18
#[test]
fn the_answer_is_nowhere_to_be_read() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    let right = challenge(&app).letters().to_lowercase();
    let html = page.text().to_lowercase();
    assert!(!html.contains(&right));
    for (name, value) in &page.headers {
        assert!(!value.to_lowercase().contains(&right), "{name}");
    }
    let picture = browser.get("/signup/check/picture").is(200);
    let raw = String::from_utf8_lossy(&picture.bytes).to_lowercase();
    assert!(!raw.contains(&right), "in the file's text");
    for draft in app.drafts() {
        let kept = format!("{draft:?}").to_lowercase();
        assert!(!kept.contains(&right), "in the database");
    }
}

// R17: replay, another's, late, left out, empty, several.
#[test]
fn an_answer_is_good_once_for_its_own_draft_and_in_time() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    let right = challenge(&app).letters();
    for fields in [
        &[][..],
        &[("code", "")],
        &[("code", "   ")],
        &[("code[]", right.as_str())],
    ] {
        browser.submit(&page, fields).is(422);
    }
    // Another draft's answer.
    let mut other = app.browser();
    let begun = begin(&mut other, "/signup", "stranger", &[]).leads("/signup/check");
    let foreign = other.follow(&begun).is(200);
    other.submit(&foreign, &[("code", &right)]).is(422);
    // Three tries, then another picture: the old answer is worth nothing.
    let mut third = app.browser();
    let begun = begin(&mut third, "/signup", "someone", &[]).leads("/signup/check");
    let page = third.follow(&begun).is(200);
    let draft = |name: &str| {
        app.drafts()
            .into_iter()
            .find(|draft| draft.username == name)
            .unwrap()
    };
    let letters = |draft: &Draft| {
        let seed = check_seed(app.app.keys.master(), &draft.id, draft.check.number);
        Challenge::new(seed, usize::from(app.app.config.check.length)).letters()
    };
    let first = letters(&draft("someone"));
    for _ in 0..3 {
        third.submit(&page, &[("code", &wrong(&first))]).is(422);
    }
    third.submit(&page, &[("code", &first)]).is(422);
    // Late.
    let second = letters(&draft("someone"));
    assert_ne!(first, second);
    app.pass(Duration::from_secs(6 * 60));
    third.submit(&page, &[("code", &second)]).is(422);
    let third_one = letters(&draft("someone"));
    third
        .submit(&page, &[("code", &third_one)])
        .leads("/signup/agree");
}

// R19 and the operator's word: ask a person.
#[test]
fn a_person_can_be_asked_to_let_one_in() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    let other = browser
        .submit(&page, &[("other", "person")])
        .leads("/signup/check");
    let page = browser.follow(&other).is(200);
    skeleton(&page);
    browser.submit(&page, &[("note", "")]).is(422);
    let on = browser.submit(&page, &[("note", "I cannot see pictures. Bat knows me.")]);
    let agree = browser.follow(&on.leads("/signup/agree")).is(200);
    let agreed = browser
        .submit(&agree, &[("decision", "accept")])
        .leads("/signup/email");
    let page = browser.follow(&agreed).is(200);
    let code = app.letter("temuulen@mail.example").code();
    let waits = browser
        .submit(&page, &[("code", &code)])
        .leads("/signup/waiting");
    skeleton(&browser.follow(&waits).is(200));
    assert_eq!(app.read(store::account::count), 0, "nobody let them in yet");
}

#[test]
fn the_check_cannot_be_passed_by() {
    let app = app();
    let mut browser = app.browser();
    let page = arrive(&mut browser);
    for later in ["/signup/agree", "/signup/email", "/signup/done"] {
        browser.get(later).leads("/signup/check");
        let token = page.token().unwrap();
        browser.post(
            later,
            &[("form", &token), ("decision", "accept"), ("code", "123456")],
        );
    }
    assert!(app.letters("temuulen@mail.example").is_empty());
    assert_eq!(app.read(store::account::count), 0);
}

// UX W2: after five pictures the sound and the question are pointed at.
#[test]
fn after_five_pictures_the_other_ways_are_pointed_at() {
    let app = app();
    let mut browser = app.browser();
    let mut last = arrive(&mut browser);
    let hint = "Try a sound or a question instead";
    // Three tries each; the fifth picture comes with the hint.
    for tried in 0..12 {
        assert!(!last.text().contains(hint), "after {tried}");
        let answer = wrong(&challenge(&app).letters());
        last = browser.submit(&last, &[("code", &answer)]).is(422);
    }
    let html = last.text();
    assert!(html.contains(&format!("<a href=\"#ways\">{hint}</a>")));
    assert!(html.contains("id=\"ways\""));
    assert_eq!(html.matches(hint).count(), 1, "not at the field too");
    // A wrong sound does not send anybody to the sound.
    let other = browser.submit(&last, &[("other", "sound")]);
    let mut last = browser.follow(&other.leads("/signup/check")).is(200);
    for _ in 0..3 {
        let answer = wrong(&challenge(&app).digits());
        last = browser.submit(&last, &[("code", &answer)]).is(422);
        assert!(!last.text().contains(hint));
    }
}

#[test]
fn five_new_pictures_point_at_the_other_ways_too() {
    let app = app();
    let mut browser = app.browser();
    let mut last = arrive(&mut browser);
    for _ in 0..4 {
        assert!(!last.text().contains("Try a sound"));
        let other = browser.submit(&last, &[("other", "new")]);
        last = browser.follow(&other.leads("/signup/check")).is(200);
    }
    let html = last.text();
    assert!(html.contains("Try a sound or a question instead"));
    assert!(html.contains("id=\"ways\" tabindex=\"-1\" autofocus"));
}

#[test]
fn what_is_not_offered_is_not_pointed_at() {
    let app = TestApp::with(&[("CHECK__KIND", "picture"), ("CHECK__SOUND", "false")]);
    let mut browser = app.browser();
    let mut last = arrive(&mut browser);
    for _ in 0..15 {
        let answer = wrong(&challenge(&app).letters());
        last = browser.submit(&last, &[("code", &answer)]).is(422);
        assert!(!last.text().contains("Try a sound"));
    }
}

#[test]
fn a_question_is_asked_in_the_language_of_the_page() {
    for (tag, asked) in [("en", "lang=\"en\""), ("de", "lang=\"de\"")] {
        let app = app();
        let mut browser = app.browser().with("Accept-Language", tag);
        let page = arrive(&mut browser);
        let other = browser.submit(&page, &[("other", "question")]);
        let page = browser.follow(&other.leads("/signup/check")).is(200);
        let label = format!("<label for=\"code\" {asked}>");
        assert!(page.text().contains(&label), "{}", page.text());
        let draft = app.drafts().pop().expect("a draft");
        let question = gerege::flow::signup::check::question(&app.app, &draft, tag);
        let question = question.expect("a question");
        let shown = crate::http::unescape(&page.text());
        assert!(shown.contains(question.ask()), "{}", question.ask());
    }
}

#[test]
fn help_names_the_ways_that_there_are() {
    let says = |settings: &[(&str, &str)]| {
        let app = TestApp::with(settings);
        let html = app.browser().get("/help").is(200).text();
        [
            "security check",
            "letters of a picture",
            "numbers that you hear",
        ]
        .map(|words| html.contains(words))
    };
    assert_eq!(says(&[]), [false; 3]);
    let picture = ("CHECK__KIND", "picture");
    assert_eq!(says(&[picture]), [true; 3]);
    let silent = [picture, ("CHECK__SOUND", "false")];
    assert_eq!(says(&silent), [true, true, false]);
}
