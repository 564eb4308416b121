//! What apps that register themselves can make this server do and keep.

use std::time::Duration;

use gerege::flow::register;
use gerege::store;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::elsewhere::Elsewhere;
use crate::register::{DOOR, Signer, bearer, open, redeem, registered, send};
use crate::road::text;

const CB: &str = "https://app.example/cb";

#[test]
fn apps_that_nobody_let_in_are_bounded() {
    let app = open();
    let body = json!({ "redirect_uris": [CB] });
    registered(&app, &body);
    let now = app.app.clock.now();
    app.write(move |c| {
        for number in 1..register::MOST_UNUSED {
            store::registered::add(c, &format!("app-{number}"), None, now)?;
        }
        Ok(())
    });
    let full = send(&mut app.browser(), "POST", DOOR, &body).is(429);
    assert_eq!(full.header("retry-after"), Some("3600"));
    // Whom the operator gave a token to does not wait for the others.
    let day = Duration::from_secs(86_400);
    let made = app.wait(register::make_initial(&app.app, "", 1, day));
    send(&mut bearer(&app, &made.unwrap().0), "POST", DOOR, &body).is(201);
    app.write(|c| {
        store::registered::remove(c, "app-1")?;
        store::registered::remove(c, "app-2")
    });
    registered(&app, &body);
}

#[test]
fn what_an_app_registers_makes_us_call_rarely_and_tells_nothing() {
    let app = open();
    let owner = Elsewhere::new();
    let body = |list: &str| {
        json!({
            "redirect_uris": [CB],
            "subject_type": "pairwise",
            "sector_identifier_uri": list,
        })
    };
    owner.answers("/good", 200, &json!([CB]).to_string());
    let client = registered(&app, &body(&owner.url("/good")));
    // Kept, whoever asks again.
    for _ in 0..3 {
        registered(&app, &body(&owner.url("/good")));
    }
    assert_eq!(owner.asked().len(), 1);
    // What stands there is told in one sentence: a closed port, nothing, an address inside.
    let (closed, listener) = crate::app::free_port();
    drop(listener);
    let mut said = Vec::new();
    for list in [
        owner.url("/none"),
        format!("http://{closed}/"),
        "https://10.0.0.1/list".to_owned(),
        "https://printer.local/list".to_owned(),
    ] {
        let answer = send(&mut app.browser(), "POST", DOOR, &body(&list)).is(400);
        said.push(text(&answer.json(), "error_description"));
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    drop((client, owner));

    // A change costs what a registration does.
    let app = TestApp::limited(&[("REGISTRATION__MODE", "open")]);
    let body = json!({ "redirect_uris": [CB] });
    let client = registered(&app, &body);
    let mut own = bearer(&app, &text(&client, "registration_access_token"));
    let at = format!("{DOOR}/{}", text(&client, "client_id"));
    let mut new = body.clone();
    new["client_id"] = client["client_id"].clone();
    let done = (0..40)
        .map(|_| send(&mut own, "PUT", &at, &new).status)
        .take_while(|status| *status == 200);
    assert!((1..20).contains(&done.count()));
    assert_eq!(send(&mut own, "PUT", &at, &new).status, 429);
}

#[test]
fn a_spent_token_makes_us_call_nobody() {
    let settings = [
        ("REGISTRATION__MODE", "token"),
        ("NETWORK__ALLOW", "127.0.0.1"),
    ];
    let (app, owner) = (TestApp::with(&settings), Elsewhere::new());
    let day = Duration::from_secs(86_400);
    let made = app.wait(register::make_initial(&app.app, "", 1, day));
    let (token, _) = made.unwrap();
    let body = |list: &str| {
        json!({ "redirect_uris": [CB], "subject_type": "pairwise",
            "sector_identifier_uri": owner.url(list) })
    };
    owner.answers("/good", 200, &json!([CB]).to_string());
    let mut app = bearer(&app, &token);
    send(&mut app, "POST", DOOR, &body("/good")).is(201);
    assert_eq!(owner.asked().len(), 1);
    send(&mut app, "POST", DOOR, &body("/other")).is(401);
    assert_eq!(owner.asked().len(), 0);
}

#[test]
fn wrong_signatures_of_an_app_that_registered_itself_are_bounded_before_the_work() {
    let app = open();
    let (own, other) = (Signer::new(), Signer::new());
    let many = json!({ "keys": vec![json!({ "kty": "EC" }); 21] });
    let body = |keys: &Value| {
        json!({ "redirect_uris": [CB], "token_endpoint_auth_method": "private_key_jwt",
            "jwks": keys })
    };
    send(&mut app.browser(), "POST", DOOR, &body(&many)).is(400);
    let keys: Value = serde_json::from_str(&own.set()).unwrap();
    let id = text(&registered(&app, &body(&keys)), "client_id");
    let mut count = 0;
    let mut prove = |signer: &Signer| {
        count += 1;
        let assertion = signer.assertion(&app, &id, &count.to_string());
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
        ];
        redeem(&mut app.browser(), "gc_x", CB, &fields).status
    };
    assert_eq!(prove(&own), 400, "the code is made up");
    let wrong = (0..100).map(|_| prove(&other)).take_while(|s| *s == 401);
    assert!((50..=60).contains(&wrong.count()));
    assert_eq!(prove(&own), 429);
    app.pass(Duration::from_secs(5));
    assert_eq!(prove(&own), 400);
}
