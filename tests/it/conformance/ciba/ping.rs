//! `ciba_mode=ping`: what the suite answers when it is told that the person has decided.

use std::time::Duration;

use super::*;
use crate::elsewhere::{Asked, Elsewhere};

/// Tells whoever is to be told, for a minute.
fn pass(suite: &Suite) {
    for _ in 0..12 {
        let app = &suite.app;
        while app.wait(gerege::flow::ciba::send_due(&app.app)).unwrap() > 0 {}
        app.pass(Duration::from_secs(5));
    }
}

/// The person decides, and the suite answers as it was told to; gives what it was asked.
#[track_caller]
fn told(decision: &str, answers: impl Fn(&Elsewhere)) -> (Suite, Value, Vec<Asked>) {
    let (mut suite, server) = (setting(), Elsewhere::new());
    answers(&server);
    let url = server.url("/told");
    suite.app.write(move |c| {
        let mut client = store::client::find(c, "suite")?.expect("the suite");
        client.registration.ciba_notification = Some(url.clone());
        store::client::save(c, &client)
    });
    let token = "a".repeat(1024);
    let begun = ask(&suite, &[("client_notification_token", &token)]);
    let begun = begun.is(200).json();
    answer(&mut suite, decision);
    pass(&suite);
    let asked = server.asked();
    let bearer = format!("authorization: bearer {token}");
    for one in &asked {
        assert!(one.path == "/told" && one.head.contains(&bearer));
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(body, json!({ "auth_req_id": begun["auth_req_id"] }));
    }
    (suite, begun, asked)
}

/// It is told once, whatever it answers, and then given what was allowed.
#[track_caller]
fn once(answers: impl Fn(&Elsewhere)) {
    let (suite, begun, asked) = told("allow", answers);
    assert_eq!(asked.len(), 1);
    let tokens = poll(&suite, "suite", &begun).is(200).json();
    suite.id_token("suite", &tokens);
}

/// `fapi-ciba-id1` and `fapi-ciba-id1-user-rejects-authentication` in this mode.
#[test]
fn the_suite_is_told_of_a_yes_and_of_a_no() {
    once(|server| server.answers("/told", 204, ""));
    let (suite, begun, asked) = told("deny", |server| server.answers("/told", 204, ""));
    assert_eq!(asked.len(), 1);
    fails(poll(&suite, "suite", &begun), "access_denied");
}

#[test]
fn fapi_ciba_id1_ping_backchannel_notification_endpoint_response_has_body() {
    once(|server| server.answers("/told", 200, "Backchannel Notification Endpoint"));
}

#[test]
fn fapi_ciba_id1_ping_backchannel_notification_endpoint_response_401() {
    once(|server| server.answers("/told", 401, "Unauthorized, even though it is valid"));
}

#[test]
fn fapi_ciba_id1_ping_backchannel_notification_endpoint_response_403() {
    once(|server| server.answers("/told", 403, "Forbidden, even though it is valid"));
}

/// The suite waits for a second call while it has its tokens already.
#[test]
fn fapi_ciba_id1_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry()
 {
    let (suite, begun, asked) = told("allow", |server| server.answers("/told", 401, ""));
    poll(&suite, "suite", &begun).is(200);
    pass(&suite);
    assert_eq!(asked.len(), 1);
}

#[test]
fn fapi_ciba_id1_ping_backchannel_notification_endpoint_return_redirect_request() {
    once(|server| {
        let location = format!("Location: {}\r\n", server.url("/elsewhere"));
        server.answers_with("/told", 301, &location, "");
        server.answers("/elsewhere", 204, "");
    });
}

/// One that was away and asks by itself meanwhile is told no more.
#[test]
fn who_has_asked_is_told_no_more() {
    for decision in ["allow", "deny"] {
        let (mut suite, server) = (setting(), Elsewhere::new());
        server.answers("/told", 503, "");
        let url = server.url("/told");
        suite.app.write(move |c| {
            let mut client = store::client::find(c, "suite")?.expect("the suite");
            client.registration.ciba_notification = Some(url.clone());
            store::client::save(c, &client)
        });
        let begun = ask(&suite, &[("client_notification_token", "t-0123456789")]);
        let begun = begun.is(200).json();
        answer(&mut suite, decision);
        let app = &suite.app;
        app.wait(gerege::flow::ciba::send_due(&app.app)).unwrap();
        assert_eq!(server.asked().len(), 1);
        let given = poll(&suite, "suite", &begun);
        assert_eq!(given.status == 200, decision == "allow");
        app.pass(Duration::from_secs(5));
        pass(&suite);
        assert_eq!(server.asked().len(), 0, "{decision}");
    }
}
