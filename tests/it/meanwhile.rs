//! What is ended, taken back or changed at the very moment in which an app is let in: whoever comes
//! first, nothing is left of what was ended.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use gerege::flow::operate::{client, person};
use gerege::oauth::client::{Client, RefreshPolicy};
use gerege::store;

use crate::app::TestApp;
use crate::exchange;
use crate::grants;
use crate::http::{Answer, Browser};
use crate::road::*;
use crate::signin::sign_in;
use crate::sso;
use crate::terms;

/// So often each race is run: the orders that do harm come by in some of them.
const ROUNDS: usize = 20;
/// The password of who takes an account back.
const OWN: &str = "seven harbours of my own";
/// So many callers ask to be let in at once.
const CALLERS: usize = 6;

/// Lets callers go at once, and `end` in their midst.
pub fn meanwhile<C>(calls: Vec<C>, end: impl FnOnce()) -> Vec<Answer>
where
    C: FnOnce() -> Answer + Send,
{
    let gate = Barrier::new(calls.len() + 1);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let gate = &gate;
        let threads: Vec<_> = calls
            .into_iter()
            .map(|call| {
                scope.spawn(move || {
                    gate.wait();
                    call()
                })
            })
            .collect();
        gate.wait();
        end();
        let ended = threads.into_iter().map(|one| one.join());
        ended.map(|one| one.expect("an answer")).collect()
    });
    for answer in &answers {
        assert!(answer.status < 500, "{}", answer.text());
    }
    answers
}

/// The apps that have something of a person now, each for each sign-in.
fn apps(app: &TestApp, account_id: &str) -> Vec<String> {
    let (id, now) = (account_id.to_owned(), app.app.clock.now());
    let grants = app.read(move |c| store::grant::list(c, &id, now));
    grants.into_iter().map(|one| one.client_id).collect()
}

type End = fn(&TestApp, &mut Browser, &Answer, String);

// PROTOCOL 3: "Sign out everywhere" ends both, sessions and what outlives them.
#[test]
fn no_app_that_is_let_in_meanwhile_outlives_a_sign_out_everywhere() {
    let app = TestApp::new();
    sso::family(&app);
    let ways: [(&str, End); 2] = [
        ("the person", |_, browser, page, _| {
            let fields = [("everywhere", "else")];
            browser.submit(page, &fields).leads("/account/devices");
        }),
        ("the operator", |app, _, _, id| {
            app.wait(person::sign_out(&app.app, id)).unwrap();
        }),
    ];
    for (who, end) in ways {
        for round in 0..ROUNDS {
            let username = format!("{}-{round}", who.split(' ').next_back().unwrap());
            let id = app.person(&username).id;
            let mut browser = app.browser();
            sign_in(&mut browser, &username);
            let tokens = sso::first(&app, &mut app.browser(), &username, sso::SCOPE);
            let page = browser.get("/account/devices").is(200);
            let trade = || sso::trade(&app, &tokens, &[]);
            meanwhile(vec![trade; CALLERS], || {
                end(&app, &mut browser, &page, id.clone());
            });
            let left = apps(&app, &id);
            assert!(left.is_empty(), "{who}, round {round}: {left:?} stand");
        }
    }
}

#[test]
fn no_app_that_is_let_in_by_what_was_allowed_outlives_its_removal() {
    let app = TestApp::new();
    sso::family(&app);
    register(&app);
    app.write(|c| {
        let mut calls = store::client::find(c, "calls")?.expect("the sister app");
        calls.first_party = false;
        store::client::save(c, &calls)
    });
    let id = app.person("temuulen").id;
    let tokens = sso::first(&app, &mut app.browser(), "temuulen", sso::SCOPE);
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.deliver();
    let now = app.app.clock.now();
    for round in 0..ROUNDS {
        for name in ["calls", "forum"] {
            let whose = id.clone();
            app.write(move |c| {
                let all = ["openid", "profile", "email", "offline_access", "chat"];
                let all = all.map(str::to_owned);
                store::grant::allow(c, &whose, name, &all, now)
            });
            let page = browser.get("/account/apps").is(200);
            // The forum is answered without a click, and the sister app without a browser.
            let at = request(&[
                ("client_id", "forum"),
                ("redirect_uri", FORUM),
                ("scope", "openid"),
            ]);
            let calls: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let stored = browser.get(&at).is(303).location().to_owned();
                    let (mut browser, app, tokens) = (browser.clone(), &app, &tokens);
                    move || match name {
                        "calls" => sso::trade(app, tokens, &[]),
                        _ => browser.get(&stored),
                    }
                })
                .collect();
            meanwhile(calls, || {
                browser.submit(&page, &[("client", name)]).is(303);
            });
            let left = apps(&app, &id);
            let still = left.iter().filter(|one| *one == name).count();
            assert_eq!(still, 0, "{name}, round {round}");
        }
    }
}

// RFC 6749 3.1.2.3: once the operator has taken an address from an app, no code goes there.
#[test]
fn no_code_is_given_by_what_an_app_was_a_moment_ago() {
    let app = TestApp::new();
    register(&app);
    let at = request(&[
        ("client_id", "forum"),
        ("redirect_uri", FORUM),
        ("scope", "openid"),
    ]);
    let set = |redirect: &'static str| {
        let edit = client::edit(&app.app, "forum", move |one| {
            one.redirects = vec![redirect.to_owned()];
        });
        app.wait(edit).unwrap();
    };
    let id = app.person("temuulen").id;
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    let (whose, now) = (id.clone(), app.app.clock.now());
    app.write(move |c| store::grant::allow(c, &whose, "forum", &["openid".to_owned()], now));
    for round in 0..ROUNDS {
        set(FORUM);
        let calls = (0..CALLERS).map(|_| {
            let stored = browser.get(&at).is(303).location().to_owned();
            let mut browser = browser.clone();
            move || browser.get(&stored)
        });
        let mut before = 0;
        meanwhile(calls.collect(), || {
            set("https://elsewhere.example/cb");
            before = apps(&app, &id).len();
        });
        assert_eq!(apps(&app, &id).len(), before, "round {round}");
    }
    app.deliver();
}

// PROTOCOL 2: without offline_access a refresh token ends with the session.
#[test]
fn what_was_allowed_for_a_session_ends_with_it_whatever_the_app_is_given_later() {
    let app = TestApp::new();
    app.person("temuulen");
    let set = |refresh: RefreshPolicy| {
        let edit = client::edit(&app.app, "demo-messenger", move |client| {
            client.refresh = refresh;
        });
        app.wait(edit).unwrap();
        app.pass(Duration::from_secs(1));
    };
    set(RefreshPolicy::Offline);
    let at = request(&[("scope", "openid chat")]);
    let back = ask(&mut app.browser(), &at, "temuulen").is(303);
    app.deliver();
    set(RefreshPolicy::Always);
    let code = back.param("code").expect("a code");
    let tokens = redeem(&mut app.browser(), &code).is(200).json();
    let next = refresh(&mut app.browser(), &text(&tokens, "refresh_token"));
    let next = text(&next.is(200).json(), "refresh_token");
    // Nobody came to the browser for a day.
    app.pass(Duration::from_secs(25 * 3600));
    let refused = refresh(&mut app.browser(), &next).is(400).json();
    assert_eq!(refused["error"], "invalid_grant");
}

// SECURITY R29: who proves the mailbox has the account, whoever sits in it.
#[test]
fn nobody_who_is_signed_in_overwrites_the_password_of_who_takes_the_account_back() {
    let app = TestApp::new();
    let (mut owner, mut taken_back) = (app.browser(), 0);
    for round in 0..ROUNDS {
        let username = format!("temuulen-{round}");
        app.person(&username);
        let mut intruder = app.browser();
        sign_in(&mut intruder, &username);
        let page = intruder.get("/account/signing-in").is(200);
        owner.fill("/forgot", &[("login", &username)]);
        app.deliver();
        let letter = app.letters(&format!("{username}@mail.example")).pop();
        let link = letter.expect("a letter").link("/reset/");
        let form = owner.get(&link).is(200);
        let calls = (0..CALLERS).map(|number| {
            let (mut intruder, page) = (intruder.clone(), page.clone());
            let password = format!("a word of somebody else {number}");
            move || intruder.submit(&page, &[("password", &password)])
        });
        let mut back = None;
        meanwhile(calls.collect(), || {
            back = Some(owner.submit(&form, &[("password", OWN)]).status);
        });
        // A link that was too late leads to another one.
        if back == Some(303) {
            taken_back += 1;
            let fields = [("login", username.as_str()), ("password", OWN)];
            let again = app.browser().fill("/signin", &fields);
            assert_eq!(again.status, 303, "round {round}: another password");
        }
    }
    assert!(taken_back > 0);
    app.deliver();
}

// RFC 8693, Token Status List: what an app may exchange no more is ended where nobody asks us, too.
#[test]
fn no_token_that_is_exchanged_meanwhile_outlives_the_right_to_it() {
    let mut given = 0;
    for round in 0..ROUNDS {
        let app = TestApp::new();
        let (access, _) = exchange::world(&app, "openid offline_access chat room");
        let room = exchange::listed(&app);
        let trade = || exchange::trade(&app, "chat-server", &access, &[("audience", "room")]);
        let answers = meanwhile(vec![trade; CALLERS], || {
            // In the midst of the others in some rounds, and before them in some.
            if round % 2 == 0 {
                trade();
            }
            let change = |client: &mut Client| client.exchange.clear();
            app.wait(client::edit(&app.app, "chat-server", change))
                .unwrap();
        });
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let token = text(&answer.json(), "access_token");
            assert!(!exchange::is_let_in(&app, &room, &token), "round {round}");
            given += 1;
        }
    }
    assert!(given > 0);
}

// A deleted account leaves nothing that tells of it.
#[test]
fn nothing_is_written_down_of_who_is_deleted_meanwhile() {
    let app = TestApp::new();
    for round in 0..ROUNDS {
        let username = format!("temuulen-{round}");
        let account = app.person(&username);
        let mut browser = app.browser();
        sign_in(&mut browser, &username);
        sign_in(&mut app.browser(), &username);
        let details = browser.get("/account/details").is(200);
        let devices = browser.get("/account/devices").is(200);
        let mut nobody = app.browser();
        let form = nobody.get("/signin").is(200);
        terms::publish(&app, "terms", &format!("The {round}. text"));
        let changed = browser.get("/signin/terms").is(200);
        let seen = changed.hidden("seen_terms").expect("what was shown");
        let address = format!("new-{round}@mail.example");
        let at = |who: &Browser, page: &Answer, fields: &[(&str, &str)]| {
            let fields = fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            (who.clone(), page.clone(), fields.collect::<Vec<_>>())
        };
        let own = browser.get("/confirm").is(200);
        let other = [("password", OWN)];
        let wrong = [("login", username.as_str()), ("password", OWN)];
        let yes = [("decision", "accept"), ("seen_terms", seen.as_str())];
        let name = [("save", "name"), ("name", "Temuulen Bat")];
        let email = [("save", "email"), ("email", address.as_str())];
        let all = [
            at(&browser, &own, &other),
            at(&nobody, &form, &wrong),
            at(&browser, &changed, &yes),
            at(&browser, &details, &name),
            at(&browser, &details, &email),
            at(&browser, &devices, &[("everywhere", "else")]),
        ];
        let calls = all.into_iter().map(|(mut browser, page, fields)| {
            move || {
                let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
                browser.submit(&page, &fields)
            }
        });
        let (id, now) = (account.id.clone(), app.app.clock.now());
        meanwhile(calls.collect(), || {
            app.wait(person::delete(&app.app, account)).unwrap();
        });
        // An operator who had the account in sight before.
        app.wait(person::lock(&app.app, id.clone())).unwrap();
        app.wait(person::unlock(&app.app, id.clone())).unwrap();
        app.wait(person::sign_out(&app.app, id.clone())).unwrap();
        let left = app.read(move |c| {
            let lines = store::event::list(c, &id, 100)?.into_iter();
            let lines: Vec<String> = lines.map(|line| line.kind).collect();
            let accepted = store::terms::accepted(c, &id)?.len();
            let address = store::address::find(c, &id, now)?.is_some();
            Ok((lines, accepted, address))
        });
        assert_eq!(left, (Vec::new(), 0, false), "round {round}");
    }
    app.deliver();
}

// PROTOCOL 2: a code that nobody came for dies with the session, and all that it was to give.
#[test]
fn nothing_stands_of_what_no_app_came_for_before_the_person_signed_out() {
    let app = TestApp::new();
    let id = app.person("temuulen").id;
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    assert_eq!(apps(&app, &id).len(), 1);
    browser.fill("/signout", &[("decision", "signout")]).is(303);
    assert!(apps(&app, &id).is_empty());
    let refused = redeem(&mut app.browser(), &code).is(400).json();
    assert_eq!(refused["error"], "invalid_grant");
    app.deliver();
}

// Grant Management 6.4: what nothing can be done with any more is not there, swept or not.
#[test]
fn a_grant_whose_time_is_over_is_nobodys_to_manage() {
    let app = TestApp::new();
    grants::set_up(&app);
    app.person("temuulen");
    let create = [("grant_management_action", "create")];
    let back = grants::allowed(&app, &mut app.browser(), "openid", &create);
    let id = text(&grants::redeemed(&app, &back).is(200).json(), "grant_id");
    app.deliver();
    let read = || {
        let token = grants::manager(&app, "forum", "grant_management_query");
        grants::call(&app, "GET", &token, &id).status
    };
    assert_eq!(read(), 200);
    app.pass(app.app.config.tokens.access_ttl);
    assert_eq!(read(), 404);
}
