//! What has run out is removed, a little at a time, and nothing else.

use std::time::Duration;

use gerege::store::browser::Browser;
use gerege::store::pushed::Pushed;
use gerege::{store, worker};

use crate::app::{PASSWORD, TestApp};
use crate::dpop::Key;
use crate::road::{refresh, request, text, tokens};
use crate::signin::sign_in;

#[test]
fn much_that_has_run_out_is_removed_a_little_at_a_time() {
    let app = TestApp::new();
    let now = app.app.clock.now();
    app.write(move |c| {
        for number in 0..2501_i64 {
            let gone = number < 2500;
            store::pushed::add(
                c,
                &Pushed {
                    hash: number.to_string(),
                    client_id: "demo-messenger".into(),
                    body: "{}".into(),
                    expires_at: now.millis() + if gone { -1 } else { 1 },
                },
            )?;
        }
        Ok(())
    });
    let sweep = move |c: &mut store::Conn<'_>| store::pushed::sweep(c, now);
    assert_eq!(app.write(sweep), 1000, "what one transaction removes");
    assert_eq!(app.wait(worker::sweep(&app.app, now)).unwrap(), 1500);
    app.pass(Duration::from_secs(1));
    let now = app.app.clock.now();
    assert_eq!(
        app.wait(worker::sweep(&app.app, now)).unwrap(),
        1,
        "what was alive"
    );
}

#[test]
fn a_browser_is_forgotten_when_it_holds_no_session_and_stays_away() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut signed_in = app.browser();
    sign_in(&mut signed_in, "temuulen");
    let now = app.app.clock.now();
    app.write(move |c| {
        for number in 0..1500 {
            let browser = Browser {
                id: format!("browser-{number}"),
                secret_hash: format!("secret-{number}"),
                created_at: now.millis(),
                seen_at: now.millis(),
            };
            store::browser::add(c, &browser)?;
        }
        Ok(())
    });
    assert_eq!(app.wait(worker::tidy(&app.app, now)).unwrap(), 0);
    app.pass(Duration::from_secs(25 * 3600));
    let now = app.app.clock.now();
    assert_eq!(app.wait(worker::tidy(&app.app, now)).unwrap(), 1500);
    // The session goes first, and its browser after it.
    app.pass(Duration::from_secs(3 * 86_400));
    let now = app.app.clock.now();
    assert!(app.wait(worker::sweep(&app.app, now)).unwrap() > 0);
    assert_eq!(app.wait(worker::tidy(&app.app, now)).unwrap(), 1);
    app.deliver();
}

#[test]
fn a_browser_stays_for_a_sign_in_that_begins_when_it_was_long_away() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    browser.get(&request(&[])).is(303);
    app.pass(Duration::from_secs(24 * 3600 - 60));
    let stored = browser.get(&request(&[])).is(303);
    let page = browser.arrive(stored).is(200);
    app.pass(Duration::from_secs(120));
    let now = app.app.clock.now();
    app.wait(worker::tidy(&app.app, now)).unwrap();
    let fields = [("login", "temuulen"), ("password", PASSWORD)];
    let signed_in = browser.submit(&page, &fields);
    let back = browser.arrive(signed_in).is(303);
    assert!(back.param("code").is_some(), "{}", back.location());
    app.deliver();
}

// RFC 9449 11.1: once for all processes, whose clocks may be two seconds apart (PROTOCOL 2).
#[test]
fn what_came_once_is_remembered_for_a_process_whose_clock_is_behind() {
    let app = TestApp::new();
    let tokens = tokens(&app, &mut app.browser(), "temuulen");
    let proof = Key::new().proof(&app, "POST", "/oauth2/token", serde_json::json!({}));
    let mut browser = app.browser().with("DPoP", &proof);
    let next = refresh(&mut browser, &text(&tokens, "refresh_token")).is(200);
    let next = text(&next.json(), "refresh_token");
    // A second before a proof is too old; the one that sweeps is two seconds ahead.
    app.pass(Duration::from_secs(119));
    let ahead = app.app.clock.now().plus(Duration::from_secs(2));
    app.wait(worker::sweep(&app.app, ahead)).unwrap();
    let again = refresh(&mut browser, &next).is(400).json();
    assert_eq!(again["error"], "invalid_dpop_proof");
    let said = text(&again, "error_description");
    assert!(said.contains("used before"), "{said}");
    // Not for ever.
    app.pass(Duration::from_secs(120));
    let now = app.app.clock.now();
    assert_eq!(app.wait(worker::sweep(&app.app, now)).unwrap(), 1);
}
