//! Two who change what is registered at the same moment: the second sees what the first wrote, and
//! neither undoes what the other did.

use std::sync::Barrier;
use std::thread;

use gerege::flow::operate::{client, service};
use gerege::oauth::client::{Client, Need};
use gerege::oauth::service::Service;
use gerege::store;
use serde_json::json;

use crate::app::TestApp;
use crate::http::Answer;
use crate::meanwhile::meanwhile;
use crate::register::{DOOR, bearer, open, registered, send};
use crate::road::{register, text};

const CB: &str = "https://app.example/cb";
/// So often each race is run.
const ROUNDS: usize = 20;
/// So many change the same at once.
const CALLERS: usize = 6;

/// Does something so many times at once, each with its number.
fn at_once<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(CALLERS);
    thread::scope(|scope| {
        let (gate, act) = (&gate, &act);
        let start = |number| {
            scope.spawn(move || {
                gate.wait();
                act(number)
            })
        };
        let threads: Vec<_> = (0..CALLERS).map(start).collect();
        let ended = threads.into_iter().map(|one| one.join());
        ended.map(|one| one.expect("it ends")).collect()
    })
}

fn on_file(app: &TestApp, id: &str) -> Client {
    let id = id.to_owned();
    app.read(move |c| store::client::find(c, &id))
        .expect("the app")
}

#[test]
fn all_edits_of_an_app_and_of_a_service_stay() {
    let app = TestApp::new();
    register(&app);
    for round in 0..ROUNDS {
        let name = |number: usize| format!("s{round}-{number}");
        at_once(|number| {
            let (more, scope) = (name(number), name(number));
            let edit = client::edit(&app.app, "forum", move |one| one.scopes.push(more.clone()));
            app.wait(edit).unwrap();
            let add = move |one: &mut Service| one.scopes.push(scope.clone());
            app.wait(service::edit(&app.app, "room", false, false, add))
                .unwrap();
        });
        let forum = on_file(&app, "forum");
        let room = app.read(|c| store::client::find_service(c, "room"));
        let room = room.expect("the room");
        for name in (0..CALLERS).map(name) {
            assert!(forum.scopes.contains(&name), "{name} of the app is lost");
            assert!(room.scopes.contains(&name), "{name} of the room is lost");
        }
    }
}

// PROTOCOL 1
#[test]
fn a_scope_and_an_id_belong_to_the_first_who_asks() {
    let app = TestApp::new();
    register(&app);
    let room = app.read(|c| store::client::find_service(c, "room"));
    let (room, forum) = (room.expect("the room"), on_file(&app, "forum"));
    for round in 0..ROUNDS {
        let added = at_once(|number| {
            let new = Service {
                id: format!("hall-{round}-{number}"),
                audience: format!("https://hall-{round}-{number}.example"),
                scopes: vec![format!("hall-{round}")],
                ..room.clone()
            };
            app.wait(service::add(&app.app, new, false)).is_ok()
        });
        assert_eq!(added.iter().filter(|is| **is).count(), 1, "{added:?}");
        let id = format!("one-{round}");
        let added = at_once(|number| match number % 2 {
            0 => {
                let (id, audience) = (id.clone(), format!("https://{id}-{number}.example"));
                let new = Service {
                    id,
                    audience,
                    scopes: vec![format!("one-{round}-{number}")],
                    ..room.clone()
                };
                app.wait(service::add(&app.app, new, false)).is_ok()
            }
            _ => {
                let id = id.clone();
                let new = Client {
                    id,
                    ..forum.clone()
                };
                app.wait(client::add(&app.app, new)).is_ok()
            }
        });
        assert_eq!(added.iter().filter(|is| **is).count(), 1, "{added:?}");
    }
}

/// An app that registered itself, and calls in which it says the same again by another name.
fn own_app(app: &TestApp) -> (String, Vec<impl FnOnce() -> Answer + Send>) {
    let body = json!({ "redirect_uris": [CB], "scope": "openid profile" });
    let client = registered(app, &body);
    let id = text(&client, "client_id");
    let keeper = bearer(app, &text(&client, "registration_access_token"));
    let calls = (0..CALLERS).map(|number| {
        let (mut keeper, at) = (keeper.clone(), format!("{DOOR}/{id}"));
        let body = json!({ "client_id": id, "redirect_uris": [CB],
            "scope": "openid profile", "client_name": format!("Name {number}") });
        move || send(&mut keeper, "PUT", &at, &body)
    });
    let calls = calls.collect();
    (id, calls)
}

// RFC 7592 2.2
#[test]
fn an_app_that_changes_itself_undoes_nothing_that_the_operator_does() {
    let app = open();
    for round in 0..ROUNDS {
        let (id, calls) = own_app(&app);
        let mut rotated = None;
        let answers = meanwhile(calls, || {
            let kept = app.wait(client::rotate_secret(&app.app, &id)).unwrap();
            rotated = kept.secret.map(|secret| secret.hash());
            let demand = |one: &mut Client| {
                one.dpop = Need::Required;
                one.scopes.retain(|name| name != "profile");
            };
            app.wait(client::edit(&app.app, &id, demand)).unwrap();
        });
        assert!(answers.iter().all(|answer| answer.status == 200));
        let now = on_file(&app, &id);
        assert!(now.secret_hash == rotated, "round {round}: the old secret");
        assert_eq!(now.dpop, Need::Required, "round {round}");
        assert_eq!(now.scopes, ["openid"], "round {round}");
    }
}

#[test]
fn an_app_that_is_removed_does_not_touch_what_comes_under_its_id() {
    let app = open();
    register(&app);
    for round in 0..ROUNDS {
        let (id, calls) = own_app(&app);
        let new = Client {
            id: id.clone(),
            ..on_file(&app, "forum")
        };
        meanwhile(calls, || {
            app.wait(client::remove(&app.app, &id, false)).unwrap();
            app.wait(client::add(&app.app, new)).unwrap();
        });
        assert_eq!(on_file(&app, &id).name, "Forum", "round {round}");
    }
}
