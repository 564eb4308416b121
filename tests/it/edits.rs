//! Two who change the same at the same moment, be it an app, a service, a key, an agreement or a
//! name: the second sees what the first wrote, and neither undoes what the other did.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use gerege::account::username::skeleton;
use gerege::flow::operate::key::{self, When};
use gerege::flow::operate::{client, person, service};
use gerege::flow::{keyring, terms};
use gerege::keys::ISSUER;
use gerege::oauth::client::{Client, Need};
use gerege::oauth::service::{Algorithm, Service};
use gerege::{store, worker};
use serde_json::json;

use crate::app::TestApp;
use crate::http::Answer;
use crate::meanwhile::meanwhile;
use crate::register::{DOOR, bearer, open, registered, send};
use crate::road::{register, text};

const CB: &str = "https://app.example/cb";
/// So often each race is run.
const ROUNDS: usize = 20;
/// After that time an app that nobody let in goes.
const UNUSED: Duration = Duration::from_secs(91 * 86_400);
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

// What the operator has looked at stays.
#[test]
fn an_app_that_is_marked_as_checked_is_not_swept_with_the_others() {
    let app = open();
    let mut was_swept = 0;
    for round in 0..ROUNDS {
        let (id, _) = own_app(&app);
        app.pass(UNUSED);
        let now = app.app.clock.now();
        let marked = AtomicBool::new(false);
        at_once(|number| match number {
            0 => {
                let mark = |one: &mut Client| one.registration.checked = true;
                let edit = app.wait(client::edit(&app.app, &id, mark));
                marked.store(edit.is_ok(), Ordering::Relaxed);
            }
            1 => drop(app.wait(worker::tidy(&app.app, now)).unwrap()),
            _ => {}
        });
        let stands = app.read(move |c| store::client::find(c, &id)).is_some();
        assert_eq!(stands, marked.into_inner(), "round {round}");
        was_swept += usize::from(!stands);
    }
    assert!(was_swept < ROUNDS);
}

// PROTOCOL 4: after a theft the next key signs at once, whoever made it.
#[test]
fn a_key_signs_after_a_theft_also_when_its_successor_is_made_at_that_moment() {
    let app = TestApp::new();
    let second = app.second();
    for round in 0..ROUNDS {
        let of_issuer = |row: &store::key::Row| row.owner == ISSUER;
        let stolen: Vec<String> = (app.read(store::key::list).into_iter())
            .filter(of_issuer)
            .map(|row| row.kid)
            .collect();
        at_once(|number| match number {
            0 => {
                let turned = key::rotate(&app.app, ISSUER, None, When::Compromised);
                app.wait(turned).unwrap();
            }
            1 => {
                let turned = key::rotate(&second, ISSUER, None, When::Ahead);
                app.wait(turned).unwrap();
            }
            _ => {}
        });
        // One who came before the theft was noticed writes after it, by a clock that is behind.
        for kid in stolen.clone() {
            let later = app.app.clock.now().plus(UNUSED);
            app.write(move |c| store::key::retire(c, &kid, later, later));
        }
        app.wait(keyring::refresh(&app.app)).unwrap();
        let now = app.app.clock.now();
        let told = app.app.keys.jwks(ISSUER, now).to_string();
        assert!(
            !stolen.iter().any(|kid| told.contains(kid.as_str())),
            "round {round}"
        );
        for algorithm in [Algorithm::ES256, Algorithm::RS256] {
            let signs = app.app.keys.current(ISSUER, algorithm, now);
            let kid = signs.expect("a key").kid.clone();
            let told = app.app.keys.jwks(ISSUER, now).to_string();
            assert!(
                told.contains(&kid),
                "round {round}: {algorithm:?} is taken back"
            );
        }
    }
}

#[test]
fn of_two_who_publish_an_agreement_at_once_neither_is_lost() {
    let app = TestApp::new();
    for round in 0..ROUNDS {
        let says = |number: usize| format!("Round {round}, as {number} has it");
        at_once(|number| {
            let folder = app.folder().join(number.to_string());
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join("rules.md");
            let text = format!("---\ntitle: Rules\nlanguage: en\n---\n# {}\n", says(number));
            std::fs::write(&file, text).unwrap();
            app.wait(terms::publish(&app.app, &file)).unwrap();
        });
        let all = app.read(store::terms::list);
        for number in 0..CALLERS {
            let stands = all.iter().any(|one| one.text.contains(&says(number)));
            assert!(stands, "{}", says(number));
        }
    }
}

// DESIGN 7: a name is never given again.
#[test]
fn a_name_is_not_given_to_another_as_its_owner_is_deleted() {
    let app = TestApp::new();
    for round in 0..ROUNDS {
        let name = format!("temuulen-{round}");
        let owner = app.person(&name);
        let mac = app.app.name_mac(&skeleton(&name));
        let added = at_once(|number| {
            if number == 0 {
                app.wait(person::delete(&app.app, owner.clone())).unwrap();
                return false;
            }
            let mut other = owner.clone();
            other.id = format!("{name}-{number}");
            other.email = format!("{number}@{name}.example");
            other.email_key.clone_from(&other.email);
            let mac = mac.clone();
            app.write(move |c| store::account::add(c, &other, &skeleton(&other.username), &mac))
                .is_ok()
        });
        assert!(!added.contains(&true), "round {round}");
    }
}
