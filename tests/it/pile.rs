//! What one person, app or network may pile up here has an end.

use std::time::Duration;

use gerege::store;

use crate::app::TestApp;
use crate::http::{Browser, basic};
use crate::register::{code, redeem};
use crate::road::*;

fn standing(app: &TestApp, account_id: &str) -> usize {
    let (id, now) = (account_id.to_owned(), app.app.clock.now());
    app.read(move |c| store::grant::list(c, &id, now)).len()
}

#[test]
fn a_grant_that_no_app_comes_for_is_gone_within_the_hour() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let first = code(&mut browser, "forum", FORUM, "temuulen");
    let second = code(&mut browser, "forum", FORUM, "temuulen");
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    redeem(&mut forum, &second, FORUM, &[]).is(200);
    assert_eq!(standing(&app, &account.id), 2);
    app.pass(Duration::from_secs(3600));
    assert_eq!(standing(&app, &account.id), 1);
    app.pass(Duration::from_secs(300 * 86_400));
    assert_eq!(
        standing(&app, &account.id),
        1,
        "it was given a refresh token"
    );
    // Those that wait are bounded before they run out.
    let mut browser = app.browser();
    for _ in 0..105 {
        code(&mut browser, "forum", FORUM, "temuulen");
    }
    assert_eq!(standing(&app, &account.id), 101);
    redeem(&mut forum, &first, FORUM, &[]).is(400);
    app.deliver();
}

#[test]
fn the_oldest_sign_in_of_an_app_ends_when_there_are_too_many() {
    let app = TestApp::new();
    let account = app.person("temuulen");
    register(&app);
    let mut browser = app.browser();
    let mut forum = app.browser().with("Authorization", &basic("forum", SECRET));
    let sign_in = |browser: &mut Browser, forum: &mut Browser| {
        app.pass(Duration::from_millis(1));
        let code = code(browser, "forum", FORUM, "temuulen");
        text(
            &redeem(forum, &code, FORUM, &[]).is(200).json(),
            "refresh_token",
        )
    };
    let refreshed = |forum: &mut Browser, token: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        forum.post("/oauth2/token", &fields)
    };
    let first = sign_in(&mut browser, &mut forum);
    let second = sign_in(&mut browser, &mut forum);
    for _ in 2..100 {
        sign_in(&mut browser, &mut forum);
    }
    refreshed(&mut forum, &first).is(200);
    // One that no app comes for ends nothing.
    code(&mut browser, "forum", FORUM, "temuulen");
    refreshed(&mut forum, &first).is(200);
    sign_in(&mut browser, &mut forum);
    refreshed(&mut forum, &first).is(400);
    refreshed(&mut forum, &second).is(200);
    assert_eq!(standing(&app, &account.id), 101, "with the one that waits");
    let log = browser.get("/account/log").is(200).text();
    assert!(log.contains("Ended the oldest sign-in of Forum"), "{log}");
    app.deliver();
}
