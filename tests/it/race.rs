//! Everything that happens once: 100 callers at the same moment, one winner.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use gerege::app::App;
use gerege::flow::{client, dpop};
use gerege::oauth::authenticate::Presented;
use gerege::oauth::dpop::Call;
use gerege::oauth::error::Code;
use gerege::store;
use serde_json::json;

use crate::app::{PASSWORD, TestApp, runtime};
use crate::ciba;
use crate::device;
use crate::dpop::Key;
use crate::http::{Answer, Browser, basic};
use crate::road::{CALLBACK, SECRET, VERIFIER, code, redeem, refresh, text, tokens};
use crate::sign::Signer;
use crate::signin::sign_in;
use crate::signup::{begin, walk_to_code};

pub const CALLERS: usize = 100;

/// Lets all callers go at once, each with a browser of its own.
pub fn race(
    browsers: Vec<Browser>,
    call: impl Fn(&mut Browser) -> Answer + Send + Sync + 'static,
) -> Vec<Answer> {
    let (gate, call) = (Arc::new(Barrier::new(browsers.len())), Arc::new(call));
    let threads: Vec<_> = browsers
        .into_iter()
        .map(|mut browser| {
            let (gate, call) = (gate.clone(), call.clone());
            std::thread::spawn(move || {
                gate.wait();
                call(&mut browser)
            })
        })
        .collect();
    threads
        .into_iter()
        .map(|one| one.join().expect("an answer"))
        .collect()
}

/// The same in two processes on one database, half of the callers in each; gives how many won.
fn won_in_two(app: &TestApp, call: impl AsyncFn(&App) -> bool + Send + Sync + 'static) -> usize {
    let houses = [app.app.clone(), app.second()];
    let (gate, call) = (Arc::new(Barrier::new(CALLERS)), Arc::new(call));
    let threads: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (gate, call) = (gate.clone(), call.clone());
            let house = houses[number % houses.len()].clone();
            std::thread::spawn(move || {
                let runtime = runtime();
                gate.wait();
                runtime.block_on(call(&house))
            })
        })
        .collect();
    let answers = threads
        .into_iter()
        .map(|one| one.join().expect("an answer"));
    answers.filter(|won| *won).count()
}

#[track_caller]
fn none_broke(answers: &[Answer]) {
    for answer in answers {
        assert!(
            answer.status < 500,
            "{} {}: {}",
            answer.path,
            answer.status,
            answer.text()
        );
    }
}

// R47
#[test]
fn a_code_is_redeemed_by_one() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        redeem(browser, &code)
    });
    none_broke(&answers);
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
}

// RFC 8628 3.5
#[test]
fn a_device_code_is_redeemed_by_one() {
    let app = TestApp::new();
    app.person("temuulen");
    device::television(&app);
    let begun = device::begin(&app);
    let mut browser = app.browser();
    let page = device::arrive(&mut browser, &begun, "temuulen");
    // All clicks on the same page are one decision, and each hears of it.
    let clicks = race(vec![browser.clone(); CALLERS], move |browser| {
        let marked = browser.submit(&page, &[("decision", "allow"), ("seen", "1")]);
        browser.arrive(marked)
    });
    none_broke(&clicks);
    for click in &clicks {
        let h1 = click.h1();
        assert_eq!(click.path, "/device/done?ended=allowed", "{h1}");
    }
    let now = app.app.clock.now();
    let given = app.read(move |c| {
        let account = store::account::find_by_username(c, "temuulen")?.expect("the person");
        store::grant::list(c, &account.id, now)
    });
    assert_eq!(given.len(), 1);
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        device::poll(browser, &begun)
    });
    none_broke(&answers);
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
}

// CIBA 11
#[test]
fn what_a_server_asked_is_decided_once_and_redeemed_by_one() {
    let app = TestApp::new();
    app.person("temuulen");
    ciba::bank(&app);
    let begun = ciba::ask(&app, &[]).is(200).json();
    let mut browser = app.browser();
    sign_in(&mut browser, "temuulen");
    app.deliver();
    // Half of the clicks say yes, half say no, each on a page of its own.
    let pages: Vec<(Browser, Answer)> = (0..8)
        .map(|_| {
            let page = ciba::open(&mut browser);
            (browser.clone(), page)
        })
        .collect();
    let (browsers, pages): (Vec<Browser>, Vec<Answer>) = pages.into_iter().unzip();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let clicks = race(browsers, move |browser| {
        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let decision = if at.is_multiple_of(2) {
            "allow"
        } else {
            "deny"
        };
        ciba::decide(browser, &pages[at], decision)
    });
    none_broke(&clicks);
    let done: Vec<&Answer> = clicks.iter().filter(|one| one.status == 200).collect();
    assert_eq!(done.len(), 1);
    let allowed = done[0].path.ends_with("allowed");
    let callers = vec![(); CALLERS].into_iter().map(|()| app.browser());
    let callers = callers.map(|one| one.with("Authorization", &basic("bank", SECRET)));
    let id = text(&begun, "auth_req_id");
    let answers = race(callers.collect(), move |browser| {
        let fields = [("grant_type", ciba::GRANT), ("auth_req_id", id.as_str())];
        browser.post("/oauth2/token", &fields)
    });
    none_broke(&answers);
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, usize::from(allowed));
}

// RFC 9449 11.1
#[test]
fn a_proof_is_taken_by_one() {
    let app = TestApp::new();
    let first = text(
        &tokens(&app, &mut app.browser(), "temuulen"),
        "refresh_token",
    );
    let proof = Key::new().proof(&app, "POST", "/oauth2/token", serde_json::json!({}));
    let answers = race(
        vec![app.browser().with("DPoP", &proof); CALLERS],
        move |browser| refresh(browser, &first),
    );
    none_broke(&answers);
    let taken = answers
        .iter()
        .filter(|answer| answer.json()["error"] != "invalid_dpop_proof");
    assert_eq!(taken.count(), 1);
}

// R61
#[test]
fn a_proof_is_taken_by_one_of_two_processes() {
    let app = TestApp::new();
    let proof = Key::new().proof(&app, "POST", "/oauth2/token", json!({}));
    let url = format!("{}/oauth2/token", app.origin);
    let won = won_in_two(&app, async move |house| {
        let call = Call {
            method: "POST",
            url: &url,
            access_token: None,
        };
        let judged = dpop::judge(house, &proof, &call, false).expect("it is good");
        let taken = dpop::take(house, judged).await.expect("an answer");
        taken
            .map_err(|why| assert_eq!(why.code, Code::InvalidDpopProof))
            .is_ok()
    });
    assert_eq!(won, 1);
}

// R54
#[test]
fn a_refresh_has_one_successor() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let first = text(&tokens(&app, &mut browser, "temuulen"), "refresh_token");
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        refresh(browser, &first)
    });
    let mut successors: Vec<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(
                answer.status,
                200,
                "every honest caller is answered: {}",
                answer.text()
            );
            text(&answer.json(), "refresh_token")
        })
        .collect();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    refresh(&mut browser, &successors[0]).is(200);
}

// RFC 9700 4.14.2: what was rotated long ago gives nothing, to whoever comes, and ends its family.
#[test]
fn a_rotated_refresh_token_gives_nothing_to_any_of_many() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let first = text(&tokens(&app, &mut browser, "temuulen"), "refresh_token");
    let next = text(
        &refresh(&mut browser, &first).is(200).json(),
        "refresh_token",
    );
    app.pass(Duration::from_secs(31));
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        refresh(browser, &first)
    });
    none_broke(&answers);
    assert!(answers.iter().all(|answer| answer.status == 400));
    refresh(&mut browser, &next).is(400);
}

// PROTOCOL 2: the rightful app alone is told that it came twice; others change nothing.
#[test]
fn a_used_code_gives_nothing_to_any_of_many() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let code = code(&mut browser, "temuulen");
    let kept = text(&redeem(&mut browser, &code).is(200).json(), "refresh_token");
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        redeem(browser, &code)
    });
    none_broke(&answers);
    assert!(answers.iter().all(|answer| answer.status == 400));
    // RFC 6749 4.1.2
    refresh(&mut browser, &kept).is(400);
}

// RFC 7523 3, 7: an assertion is taken once.
#[test]
fn an_assertion_is_taken_by_one() {
    let app = TestApp::new();
    let assertion = forum_assertion(&app);
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        let fields = [
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        browser.post("/oauth2/token", &fields)
    });
    none_broke(&answers);
    let won = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(won.count(), 1);
}

// R61
#[test]
fn an_assertion_is_taken_by_one_of_two_processes() {
    let app = TestApp::new();
    let assertion = forum_assertion(&app);
    let won = won_in_two(&app, async move |house| {
        let presented = Presented::Assertion {
            client_id: "forum".into(),
            assertion: assertion.clone(),
        };
        let whence = client::Whence {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            reference: String::new(),
        };
        match client::authenticate(house, presented, &whence).await {
            Ok(_) => true,
            Err(client::Refused::Store(why)) => panic!("{why}"),
            // Whoever is wrong too often from one address waits.
            Err(client::Refused::Slow(_)) => false,
            Err(client::Refused::Problem(why)) => {
                assert_eq!(why.code, Code::InvalidClient);
                false
            }
        }
    });
    assert_eq!(won, 1);
}

/// The forum proves itself by its key, with this.
fn forum_assertion(app: &TestApp) -> String {
    let key = Signer::ec();
    let jwks = crate::sign::set(&[key.jwk(Some("e"))]);
    crate::road::register(app);
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.auth = gerege::oauth::client::ClientAuth::PrivateKeyJwt;
        forum.jwks = Some(jwks.clone());
        store::client::save(c, &forum)
    });
    let now = app.app.clock.now().seconds();
    let claims = json!({
        "iss": "forum", "sub": "forum", "aud": app.origin, "jti": "1", "exp": now + 60,
    });
    key.sign(&json!({ "alg": "ES256", "kid": "e" }), &claims)
}

// R13
#[test]
fn a_mailed_code_makes_one_account() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let code = app.letter("temuulen@mail.example").code();
    let answers = race(vec![browser; CALLERS], move |browser| {
        browser.submit(&page, &[("code", &code)])
    });
    none_broke(&answers);
    assert_eq!(app.read(store::account::count), 1);
    let account = app
        .read(|c| store::account::find_by_username(c, "temuulen"))
        .unwrap();
    let id = account.id.clone();
    assert_eq!(
        app.read(move |c| store::browser::sessions_of(c, &id)).len(),
        1
    );
    assert_eq!(
        app.read(move |c| store::terms::accepted(c, &account.id))
            .len(),
        1
    );
}

// R25: parallel guesses count; five are evaluated.
#[test]
fn wrong_codes_are_counted_side_by_side() {
    let app = TestApp::new();
    let mut browser = app.browser();
    let page = walk_to_code(&mut browser, "/signup", "temuulen");
    let right = app.letter("temuulen@mail.example").code();
    let wrong = if right == "000000" {
        "111111"
    } else {
        "000000"
    };
    let (seen, guess) = (page.clone(), wrong.to_owned());
    let answers = race(vec![browser.clone(); CALLERS], move |browser| {
        browser.submit(&seen, &[("code", &guess)])
    });
    none_broke(&answers);
    let evaluated = answers
        .iter()
        .filter(|answer| answer.errors().join("").contains("does not match"))
        .count();
    assert!(evaluated <= 5, "{evaluated} were evaluated");
    browser.submit(&page, &[("code", &right)]).is(422);
    assert_eq!(app.read(store::account::count), 0);
}

#[test]
fn a_username_goes_to_one() {
    let app = TestApp::new();
    let drafts = 12;
    let mut ready = Vec::new();
    for number in 0..drafts {
        let mut browser = app.browser();
        let email = format!("person{number}@mail.example");
        // Each takes a name of its own first; then all want the same one.
        let name = format!("person{number}");
        let begun = begin(&mut browser, "/signup", &name, &[("email", &email)]);
        browser.follow(&begun).is(200);
        ready.push(browser);
    }
    let answers = race(ready, |browser| {
        let own = crate::signup::profile("temuulen");
        let page = browser.get("/signup");
        let draft = browser
            .cookies
            .get("gerege-draft")
            .cloned()
            .unwrap_or_default();
        let email = format!(
            "{}@mail.example",
            &draft[..8].to_ascii_lowercase().replace(['-', '_'], "x")
        );
        let fields: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| {
                (
                    *name,
                    if *name == "email" {
                        email.as_str()
                    } else {
                        value.as_str()
                    },
                )
            })
            .collect();
        browser.submit(&page, &fields)
    });
    none_broke(&answers);
    let held = answers.iter().filter(|answer| answer.status == 303).count();
    assert!(held >= 1, "somebody gets it");
    app.deliver();
}

// R27
#[test]
fn a_way_back_in_is_used_by_one() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    browser
        .fill("/forgot", &[("login", "temuulen")])
        .leads("/reset");
    let link = app.letter("temuulen@mail.example").link("/reset/");
    let page = browser.get(&link).is(200);
    let answers = race(vec![browser; CALLERS], move |browser| {
        browser.submit(&page, &[("password", "another lantern nine saddle")])
    });
    let won = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(won, 1);
    for answer in &answers {
        // Too many hashes at once may be told to wait: nothing happened then.
        assert!(
            [303, 410, 503].contains(&answer.status),
            "{}",
            answer.status
        );
    }
    assert_eq!(
        app.letters("temuulen@mail.example").len(),
        2,
        "one letter says that it changed"
    );
}

// R21: one address proves one account, whoever is first.
#[test]
fn two_drafts_with_one_address_make_one_account() {
    let app = TestApp::new();
    let mut drafts = Vec::new();
    for name in ["first-one", "second-one"] {
        let mut browser = app.browser();
        let begun = begin(
            &mut browser,
            "/signup",
            name,
            &[("email", "temuulen@mail.example")],
        );
        let agree = browser.follow(&begun);
        let agreed = browser.submit(&agree, &[("decision", "accept")]);
        browser.follow(&agreed).is(200);
        let link = app.letter("temuulen@mail.example").link("/e/");
        drafts.push((browser, link));
    }
    let gate = Arc::new(Barrier::new(2));
    let threads: Vec<_> = drafts
        .into_iter()
        .map(|(mut browser, link)| {
            let gate = gate.clone();
            std::thread::spawn(move || {
                let page = browser.get(&link);
                gate.wait();
                match page.token() {
                    Some(_) => browser.submit(&page, &[]),
                    None => page,
                }
            })
        })
        .collect();
    let answers: Vec<Answer> = threads.into_iter().map(|one| one.join().unwrap()).collect();
    none_broke(&answers);
    assert_eq!(app.read(store::account::count), 1);
    app.deliver();
}

// A stored request is answered with one code that works, however often its browser comes back.
#[test]
fn a_request_has_one_code_that_works() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    let stored = browser.get(&crate::road::request(&[])).is(303);
    let at = stored.location().to_owned();
    let page = browser.arrive(stored);
    let signed = browser.submit(&page, &[("login", "temuulen"), ("password", PASSWORD)]);
    signed.leads("/oauth2/authorize/");
    let answers = race(vec![browser; CALLERS], move |browser| browser.get(&at));
    none_broke(&answers);
    let codes: Vec<String> = answers
        .iter()
        .filter(|answer| answer.status == 303)
        .filter_map(|answer| answer.param("code"))
        .collect();
    assert!(!codes.is_empty());
    let mut browser = app.browser();
    let works = |code: &&String| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        crate::road::token(&mut browser, &fields).status == 200
    };
    assert_eq!(codes.iter().filter(works).count(), 1);
}

// RFC 9126 4, PROTOCOL 3: a pushed request becomes that of one browser.
#[test]
fn a_pushed_request_is_opened_by_one() {
    let app = TestApp::new();
    let at = crate::par::opened(&crate::par::push(&app, &[]));
    let answers = race(vec![app.browser(); CALLERS], move |browser| {
        browser.get(&at)
    });
    none_broke(&answers);
    let won = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(won, 1);
    assert!(
        answers
            .iter()
            .all(|answer| [303, 400].contains(&answer.status))
    );
}

// The tabs of one browser are led to one request, and it is answered once.
#[test]
fn a_pushed_request_is_one_for_all_tabs_of_a_browser() {
    let app = TestApp::new();
    app.person("temuulen");
    let mut browser = app.browser();
    crate::signin::sign_in(&mut browser, "temuulen");
    app.deliver();
    let at = crate::par::opened(&crate::par::push(&app, &[]));
    let answers = race(vec![browser.clone(); CALLERS], move |browser| {
        browser.get(&at)
    });
    none_broke(&answers);
    let mut led: Vec<&str> = answers.iter().map(Answer::location).collect();
    led.dedup();
    assert_eq!(led.len(), 1, "{led:?}");
    browser.get(led[0]).is(303);
}
