//! Stories of signing in, told to a database of their own.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::*;
use crate::account::throttle::EVALUATED;
use crate::clock::Clock;
use crate::config::Config;
use crate::flow::browser::{self as here, Here};
use crate::flow::operate::person;
use crate::limit::{Bucket, Limiter};
use crate::rng::Rng;

pub(crate) const PASSWORD: &str = "green saddle by the river";
pub(crate) const DEVICE: &str = "device-of-the-test";

/// A house on a database of its own, with a clock that stands; gone when the test ends.
pub(crate) struct House {
    pub(crate) app: Arc<App>,
    folder: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl House {
    /// One with two accounts: `temuulen` (temuulen@mail.example) and `sarnai`.
    pub(crate) async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("gerege-test-{}", Rng::System.id()));
        std::fs::create_dir_all(&folder).unwrap();
        let env: BTreeMap<String, String> = [
            ("GEREGE_PASSWORD__MEMORY_KIB", "8".to_owned()),
            ("GEREGE_DATA_DIR", folder.display().to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let config = Config::load(None, &env, Some(true)).unwrap();
        store::migrate::run(&config.database.engine, None).unwrap();
        let clock = Clock::fixed(Time::from_seconds(1_800_000_000));
        let mut app = App::build(config, clock, Rng::seeded(7)).unwrap();
        // Addresses are tested where they are counted.
        app.limiter = Limiter::new(10)
            .with(Bucket::SignIn, None)
            .with(Bucket::Mail, None);
        let app = Arc::new(app);
        for name in ["temuulen", "sarnai"] {
            let hash = app.hasher.hash_now(PASSWORD).unwrap();
            let email = format!("{name}@mail.example");
            let new = Account {
                id: app.rng.id(),
                username: name.to_owned(),
                name: name.to_owned(),
                email: email.clone(),
                email_key: Email::parse(&email).unwrap().key(),
                password: hash,
                language: "en".to_owned(),
                created_at: app.clock.now(),
                password_at: app.clock.now(),
                locked_at: None,
            };
            let mac = app.name_mac(name);
            app.store
                .write(move |c| account::add(c, &new, &new.username, &mac))
                .await
                .unwrap()
                .unwrap();
        }
        Self { app, folder }
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        let name = name.to_owned();
        let found = self
            .app
            .store
            .read(move |c| account::find_by_username(c, &name));
        found.await.unwrap().unwrap()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            address: IpAddr::from([192, 0, 2, 1]),
            agent: "Firefox on Linux".to_owned(),
            language: "en".to_owned(),
        }
    }

    pub(crate) async fn attempt(&self, login: &str, password: &str, device: &str) -> Outcome {
        let attempt = Attempt {
            login: login.to_owned(),
            password: password.to_owned().into(),
            keep: false,
            request: None,
        };
        let cookies = Cookies {
            browser: None,
            device: Some(device),
            device_now: device,
        };
        let now = self.app.clock.now();
        sign_in(&self.app, &attempt, cookies, &self.visitor(), now)
            .await
            .unwrap()
    }

    /// Signs in and gives the cookie with who is then signed in.
    pub(crate) async fn enter(&self, name: &str, device: &str) -> (String, Here) {
        match self.attempt(name, PASSWORD, device).await {
            Outcome::In { cookie, .. } => {
                let cookie = cookie.reveal();
                let here = here::find(&self.app, Some(&cookie)).await.unwrap();
                (cookie, here)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn here(&self, cookie: &str) -> Here {
        here::find(&self.app, Some(cookie)).await.unwrap()
    }

    /// The kinds of the letters that wait, oldest first.
    pub(crate) async fn letters(&self) -> Vec<String> {
        let open = self.app.store.read(|c| store::outbox::open(c, 100));
        open.await
            .unwrap()
            .into_iter()
            .map(|one| one.kind)
            .collect()
    }

    /// The kinds of an account's log lines.
    pub(crate) async fn log(&self, account_id: &str) -> Vec<String> {
        let id = account_id.to_owned();
        let lines = self.app.store.read(move |c| event::list(c, &id, 100));
        let mut kinds: Vec<String> = lines.await.unwrap().into_iter().map(|e| e.kind).collect();
        kinds.sort();
        kinds
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.app.clock.shift(seconds * 1000);
    }
}

#[tokio::test]
async fn a_person_signs_in_by_any_way_to_write_the_name() {
    let house = House::new().await;
    for login in [
        "temuulen",
        " Temuulen ",
        "TEMUULEN@mail.example",
        "temuulen@localhost",
    ] {
        let outcome = house.attempt(login, PASSWORD, DEVICE).await;
        assert!(
            matches!(outcome, Outcome::In { .. }),
            "{login}: {outcome:?}"
        );
    }
    for (login, password) in [
        ("temuulen", "green saddle by the rivers"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("тэмүүлэн", PASSWORD),
    ] {
        let outcome = house.attempt(login, password, "x").await;
        assert!(matches!(outcome, Outcome::Wrong), "{login}: {outcome:?}");
    }
}

// SECURITY R04
#[tokio::test]
async fn a_password_too_long_matches_nothing() {
    let house = House::new().await;
    let long = PASSWORD.repeat(1000);
    let outcome = house.attempt("temuulen", &long, "x").await;
    assert!(matches!(outcome, Outcome::Wrong));
}

// SECURITY R20
#[tokio::test]
async fn failures_make_waits_that_grow_and_a_success_forgets_them() {
    let house = House::new().await;
    for _ in 0..5 {
        let outcome = house.attempt("temuulen", "wrong", "x").await;
        assert!(matches!(outcome, Outcome::Wrong));
    }
    // The right password waits too, and waiting tries are not counted.
    for _ in 0..50 {
        let Outcome::Slow(wait) = house.attempt("temuulen", PASSWORD, "x").await else {
            panic!("not slowed");
        };
        assert_eq!(wait.as_secs(), 1);
    }
    house.pass(1);
    assert!(matches!(
        house.attempt("temuulen", "wrong", "x").await,
        Outcome::Wrong
    ));
    house.pass(1);
    assert!(matches!(
        house.attempt("temuulen", "wrong", "x").await,
        Outcome::Slow(_)
    ));
    // Another name for the same person does not betray it.
    assert!(matches!(
        house.attempt("temuulen@mail.example", "wrong", "x").await,
        Outcome::Wrong
    ));
    house.pass(1);
    house.enter("temuulen", "x").await;
    for _ in 0..5 {
        let outcome = house.attempt("temuulen", "wrong", "y").await;
        assert!(matches!(outcome, Outcome::Wrong));
    }
}

// SECURITY R10, R20
#[tokio::test]
async fn unknown_names_wait_the_same_and_cost_the_same() {
    let house = House::new().await;
    let mut answers = Vec::new();
    for name in ["temuulen", "nobody", "no name at all"] {
        let before = house.app.hasher.count().done;
        let mut told = Vec::new();
        for _ in 0..7 {
            told.push(format!("{:?}", house.attempt(name, "wrong", "x").await));
        }
        answers.push((told, house.app.hasher.count().done - before));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

// SECURITY R23
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_guesses_count() {
    let house = Arc::new(House::new().await);
    let before = house.app.hasher.count().done;
    let tries: Vec<_> = (0..200)
        .map(|_| {
            let house = house.clone();
            tokio::spawn(async move { house.attempt("temuulen", "wrong", "x").await })
        })
        .collect();
    let (mut wrong, mut slow) = (0, 0);
    for one in tries {
        match one.await.unwrap() {
            Outcome::Wrong => wrong += 1,
            Outcome::Slow(_) => slow += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((wrong, slow), (5, 195));
    assert_eq!(house.app.hasher.count().done - before, 5);
}

// SECURITY R20: through both names
#[tokio::test]
async fn no_more_than_100_failures_in_a_row_are_compared() {
    let house = House::new().await;
    for n in 0..EVALUATED {
        let name = ["temuulen", "temuulen@mail.example"][n as usize % 2];
        let outcome = house.attempt(name, "wrong", "x").await;
        assert!(matches!(outcome, Outcome::Wrong), "{n}: {outcome:?}");
        house.pass(900);
    }
    let done = house.app.hasher.count().done;
    let outcome = house.attempt("temuulen", PASSWORD, "x").await;
    assert!(matches!(outcome, Outcome::Wrong), "{outcome:?}");
    assert_eq!(house.app.hasher.count().done, done + 1, "the same work");
    house.enter("sarnai", "x").await;
    // The operator opens it again.
    house.pass(900);
    let id = house.account("temuulen").await.id;
    person::unlock(&house.app, id).await.unwrap();
    house.enter("temuulen", "x").await;
}

// SECURITY R22
#[tokio::test]
async fn a_known_device_passes_the_wait_with_ten_tries_of_its_own() {
    let house = House::new().await;
    house.enter("temuulen", DEVICE).await;
    for _ in 0..20 {
        house.attempt("temuulen", "wrong", "attacker").await;
    }
    for _ in 0..9 {
        let outcome = house.attempt("temuulen", "wrong", DEVICE).await;
        assert!(matches!(outcome, Outcome::Wrong));
    }
    house.enter("temuulen", DEVICE).await;
    for _ in 0..20 {
        house.attempt("temuulen", "wrong", "attacker").await;
    }
    for _ in 0..10 {
        let outcome = house.attempt("temuulen", "wrong", DEVICE).await;
        assert!(matches!(outcome, Outcome::Wrong));
    }
    let outcome = house.attempt("temuulen", PASSWORD, DEVICE).await;
    assert!(matches!(outcome, Outcome::Slow(_)), "{outcome:?}");
    // It is known to one account only.
    for _ in 0..5 {
        house.attempt("sarnai", "wrong", "attacker").await;
    }
    let outcome = house.attempt("sarnai", PASSWORD, DEVICE).await;
    assert!(matches!(outcome, Outcome::Slow(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_closed_account_says_so_only_after_the_right_password() {
    let house = House::new().await;
    let id = house.account("temuulen").await.id;
    let at = house.app.clock.now();
    let lock = house
        .app
        .store
        .write(move |c| account::set_locked(c, &id, Some(at)));
    lock.await.unwrap();
    assert!(matches!(
        house.attempt("temuulen", "wrong", "x").await,
        Outcome::Wrong
    ));
    assert!(matches!(
        house.attempt("temuulen", PASSWORD, "x").await,
        Outcome::Closed
    ));
}

#[tokio::test]
async fn only_a_second_device_is_told_of() {
    let house = House::new().await;
    let id = house.account("temuulen").await.id;
    house.enter("temuulen", "one").await;
    house.enter("temuulen", "one").await;
    assert_eq!(house.letters().await, Vec::<String>::new());
    house.enter("temuulen", "two").await;
    assert_eq!(house.letters().await, ["new-device"]);
    assert_eq!(house.log(&id).await, ["signin", "signin", "signin.new"]);
}

// SECURITY R09
#[tokio::test]
async fn a_hash_of_other_parameters_is_made_anew() {
    let house = House::new().await;
    let before = house.account("temuulen").await;
    let params = crate::hash::Params {
        memory_kib: 16,
        passes: 1,
        lanes: 1,
        at_once: 1,
    };
    let old = crate::hash::Hasher::new(params, Rng::seeded(9)).unwrap();
    let old = old.hash_now(PASSWORD).unwrap();
    let (id, set) = (before.id.clone(), old.clone());
    let write = house
        .app
        .store
        .write(move |c| account::set_password(c, &id, &set, None));
    write.await.unwrap();
    house.enter("temuulen", "x").await;
    let after = house.account("temuulen").await;
    assert_ne!(after.password, old);
    assert_eq!(after.password_at, before.password_at);
    house.enter("temuulen", "x").await;
    assert_eq!(house.account("temuulen").await.password, after.password);
}

// SECURITY R35, R37
#[tokio::test]
async fn signing_out_kills_the_cookie_and_every_session_behind_it() {
    let house = House::new().await;
    let (cookie, here) = house.enter("temuulen", "x").await;
    assert_eq!(here.signed_in.len(), 1);
    let now = house.app.clock.now();
    let visitor = house.visitor();
    let out = sign_out(&house.app, Some(&cookie), &visitor, now).await;
    assert_eq!(out.unwrap(), 1);
    let after = house.here(&cookie).await;
    assert!(after.browser.is_none() && after.signed_in.is_empty());
    let again = sign_out(&house.app, Some(&cookie), &visitor, now).await;
    assert_eq!(again.unwrap(), 0);
}

// SECURITY R35, R41
#[tokio::test]
async fn a_confirmation_is_a_fresh_proof_with_a_new_cookie() {
    let house = House::new().await;
    let (cookie, here) = house.enter("temuulen", "x").await;
    let (session, account) = here.first().cloned().unwrap();
    house.pass(3600);
    let visitor = house.visitor();
    let now = house.app.clock.now();
    let wrong = confirm(
        &house.app,
        &session,
        "wrong",
        None,
        Some(&cookie),
        None,
        &visitor,
        now,
    )
    .await;
    assert!(matches!(wrong.unwrap(), Confirmed::Wrong));
    let right = confirm(
        &house.app,
        &session,
        PASSWORD,
        None,
        Some(&cookie),
        None,
        &visitor,
        now,
    )
    .await;
    let Confirmed::Yes(newer) = right.unwrap() else {
        panic!("not confirmed");
    };
    assert!(house.here(&cookie).await.browser.is_none());
    let here = house.here(&newer.reveal()).await;
    let (after, _) = here.first().unwrap();
    assert_eq!((after.auth_time, &after.sid), (now, &session.sid));
    assert_eq!(after.ends_at, session.ends_at);
    assert_eq!(
        house.log(&account.id).await,
        ["confirm.wrong", "confirmed", "signin"]
    );
}

#[tokio::test]
async fn confirming_is_slowed_too() {
    let house = House::new().await;
    let (cookie, here) = house.enter("temuulen", "x").await;
    let (session, _) = here.first().cloned().unwrap();
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    for _ in 0..5 {
        let wrong = confirm(
            &house.app,
            &session,
            "wrong",
            None,
            Some(&cookie),
            None,
            &visitor,
            now,
        )
        .await;
        assert!(matches!(wrong.unwrap(), Confirmed::Wrong));
    }
    let slow = confirm(
        &house.app,
        &session,
        PASSWORD,
        None,
        Some(&cookie),
        None,
        &visitor,
        now,
    )
    .await;
    assert!(matches!(slow.unwrap(), Confirmed::Slow(_)));
}

// SECURITY R10, R71
#[tokio::test]
async fn a_wrong_password_stands_in_the_log_with_the_same_write_for_a_name_that_nobody_has() {
    let house = House::new().await;
    let id = house.account("temuulen").await.id;
    house.attempt("temuulen", "wrong", "x").await;
    house.attempt("nobody-here", "wrong", "x").await;
    assert_eq!(house.log(&id).await, ["signin.failed"]);
    assert_eq!(house.log("").await, ["signin.failed"]);
}

#[tokio::test]
async fn some_of_a_browsers_sessions_end_and_the_log_says_so() {
    let house = House::new().await;
    let (cookie, here) = house.enter("temuulen", "x").await;
    let (session, account) = here.first().cloned().unwrap();
    let sids = [session.sid.clone(), "unknown".to_owned()];
    let (visitor, now) = (house.visitor(), house.app.clock.now());
    assert_eq!(end(&house.app, &sids, &visitor, now).await.unwrap(), 1);
    assert_eq!(end(&house.app, &sids, &visitor, now).await.unwrap(), 0);
    let after = house.here(&cookie).await;
    assert!(after.browser.is_some() && after.signed_in.is_empty());
    assert_eq!(house.log(&account.id).await, ["signin", "signout"]);
}

#[tokio::test]
async fn the_letters_of_a_process_that_is_gone_go_out_at_once() {
    let house = House::new().await;
    house.enter("temuulen", "one").await;
    house.enter("temuulen", "two").await;
    let (store, now) = (&house.app.store, house.app.clock.now());
    let take = || store.write(move |c| store::outbox::lease(c, 10, now));
    assert_eq!(take().await.unwrap().len(), 1);
    assert_eq!(take().await.unwrap().len(), 0);
    // Another process was alone before: it took no letter from this one.
    let before = now.minus(std::time::Duration::from_secs(1));
    assert_eq!(
        crate::worker::take_over(&house.app, before).await.unwrap(),
        0
    );
    assert_eq!(crate::worker::take_over(&house.app, now).await.unwrap(), 1);
    assert_eq!(take().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_letter_that_was_taken_by_a_clock_that_ran_ahead_is_nobodys() {
    let house = House::new().await;
    let (store, app) = (&house.app.store, &house.app);
    let ahead = app.clock.now().plus(std::time::Duration::from_secs(3600));
    house.enter("temuulen", "one").await;
    for (device, by_hand) in [("two", true), ("three", false)] {
        house.enter("temuulen", device).await;
        let take = |now| store.write(move |c| store::outbox::lease(c, 10, now));
        let taken = take(ahead).await.unwrap();
        assert!(taken[0].is_on_its_way(ahead) && !taken[0].is_on_its_way(app.clock.now()));
        assert_eq!(take(app.clock.now()).await.unwrap().len(), 0);
        let freed = match by_hand {
            true => crate::flow::operate::mail::retry(app, None).await.unwrap(),
            false => {
                let before = app.clock.now().minus(std::time::Duration::from_secs(1));
                crate::worker::take_over(app, before).await.unwrap()
            }
        };
        assert_eq!(freed, 1, "{device}");
        let taken = take(app.clock.now()).await.unwrap();
        assert_eq!(taken.len(), 1, "{device}");
        let (id, now) = (taken[0].id.clone(), app.clock.now());
        let sent = store.write(move |c| store::outbox::sent(c, &id, "taken", now));
        sent.await.unwrap();
    }
}

#[tokio::test]
async fn a_letter_that_was_begun_too_late_is_left_to_the_next() {
    let house = House::new().await;
    house.enter("temuulen", "one").await;
    house.enter("temuulen", "two").await;
    let open = || async {
        let open = house.app.store.read(|c| store::outbox::open(c, 10));
        open.await.unwrap().len()
    };
    // Taken, and not begun for half a minute, in which the machine slept.
    for (before, slept, left) in [(0, 21, 1), (68, 0, 1), (1, 0, 0)] {
        house.app.clock.shift(before * 1000);
        let mut sending = crate::worker::Sending::default();
        sending.begin(&house.app).await.unwrap();
        house.app.clock.shift(slept * 1000);
        while let Some(ended) = sending.ended().await {
            ended.unwrap();
        }
        assert_eq!(open().await, left, "{before} and {slept} s");
    }
}
