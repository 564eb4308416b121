//! How long a sign-up is kept, what is said when it is gone, and what its last page names.

use std::time::Duration;

use gerege::store;

use crate::app::{PASSWORD, TestApp};
use crate::http::Answer;
use crate::pages::skeleton;
use crate::signup::{begin, sign_up, walk_to_code};

fn lives(answer: &Answer, name: &str) -> String {
    let set = answer.headers("set-cookie");
    let own = set.filter(|line| line.starts_with(&format!("{name}=")));
    let ages = own.filter_map(|line| line.split("Max-Age=").nth(1)?.split(';').next());
    ages.map(str::to_owned).last().unwrap_or_default()
}

#[test]
fn cookies_are_kept_as_long_as_what_they_open() {
    let own = [("SIGNUP__DRAFT_HOURS", "72"), ("SIGNIN__KEEP_DAYS", "365")];
    for (settings, draft, session, words) in [
        (&own[..], "259200", "31536000", ["72 hours", "365 days"]),
        (&[], "86400", "15552000", ["24 hours", "180 days"]),
    ] {
        let app = TestApp::with(settings);
        let page = app.browser().get("/cookies").is(200).text();
        for word in words {
            assert!(page.contains(word), "{word}");
        }
        let mut browser = app.browser();
        let begun = begin(&mut browser, "/signup", "temuulen", &[]);
        assert_eq!(lives(&begun, "gerege-draft"), draft);
        let left = browser.get("/signup/agree?declined").is(200).text();
        assert!(left.contains(&format!("draft for {}", words[0])), "{left}");
        let done = sign_up(&app, &mut app.browser(), "/signup", "saran");
        assert_eq!(done.h1(), "Your account is ready");
        let mut browser = app.browser();
        let fields = [("login", "saran"), ("password", PASSWORD), ("keep", "1")];
        let signed = browser.fill("/signin", &fields).leads("/account");
        assert_eq!(lives(&signed, "gerege"), session);
        app.deliver();
    }
}

#[test]
fn a_form_whose_draft_is_gone_says_so() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let code = app.letter("temuulen@mail.example").code();
    app.pass(Duration::from_secs(25 * 3600));
    let words = "This sign-up is no longer here";
    let sent = browser.submit(&page, &[("code", &code)]).leads("/signup?");
    let first = browser.follow(&sent).is(200);
    assert!(first.text().contains(words), "{}", first.text());
    skeleton(&first);
    // Said once; and a stranger had none.
    assert!(!browser.get("/signup").is(200).text().contains(words));
    let led = app.browser().get("/signup/email").is(303);
    assert_eq!(led.location(), "/signup");
    // A page that is looked at says it as well.
    let mut browser = app.browser();
    walk_to_code(&mut browser, "/signup", "saran");
    app.pass(Duration::from_secs(25 * 3600));
    let led = browser.get("/signup/email").leads("/signup?");
    assert!(browser.follow(&led).is(200).text().contains(words));
    app.deliver();
}

#[test]
fn the_last_page_shows_a_server_that_can_be_typed() {
    let app = TestApp::new();
    let html = sign_up(&app, &mut app.browser(), "/signup", "temuulen").text();
    assert!(html.contains("Use it in"), "{html}");
    assert!(!html.contains("demo-chat"), "{html}");
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo");
        chat.audience = "https://chat.steppe.example/".into();
        store::client::save_service(c, &chat)
    });
    let html = sign_up(&app, &mut app.browser(), "/signup", "saran").text();
    assert!(html.contains(">chat.steppe.example<"), "{html}");
    app.write(|c| {
        let mut chat = store::client::find_service(c, "demo-chat")?.expect("the demo");
        chat.words.messenger = Some(false);
        store::client::save_service(c, &chat)
    });
    let html = sign_up(&app, &mut app.browser(), "/signup", "bea").text();
    assert!(!html.contains("Use it in"), "{html}");
}
