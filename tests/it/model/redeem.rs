//! A code and up to four callers: the rightful client, one with a wrong verifier, another client,
//! and the right one at a wrong address.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use gerege::clock::Time;
use gerege::flow::opaque::Kind;
use gerege::oauth::grant::{Code, Grant};
use gerege::oauth::token::{Denied, Exchange, MAX_WRONG, redeem};
use gerege::rng::digest;
use gerege::store;

use super::overlap::{Replayed, Stage, replay};
use super::{
    Clients, Decisions, Entry, Found, Made, Said, Steps, Story, all_at_once, at_once, courses,
    explore, explore_all, fours, grant, holds, is_ended, picked, said, send, set_clock,
};
use crate::app::{NOON, TestApp};
use crate::http::{Answer, Browser};
use crate::road::{CALLBACK, VERIFIER, challenge, register};

const RIGHTFUL: u8 = 0;
const WRONG_VERIFIER: u8 = 1;
const WRONG_ADDRESS: u8 = 3;

/// The clock's readings, in seconds after the code was made. It lives for a minute.
const CLOCK: [u64; 3] = [0, 59, 61];
const LIFE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Rows {
    used: Option<u8>,
    wrong: u8,
    ended: bool,
    /// First tokens that were written down.
    tokens: u8,
}

const FRESH: Rows = Rows {
    used: None,
    wrong: 0,
    ended: false,
    tokens: 0,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Heard {
    Tokens,
    WrongVerifier,
    Replay,
    Refused,
}

struct Redeem {
    grant: Grant,
    code: Code,
    clients: Clients,
    made: Made<Self>,
}

fn time(reading: u8) -> Time {
    NOON.plus(Duration::from_secs(CLOCK[usize::from(reading)]))
}

fn exchange(kind: u8, code: &str) -> Exchange {
    let verifier = if kind == WRONG_VERIFIER {
        VERIFIER.replace('a', "b")
    } else {
        VERIFIER.into()
    };
    let at = if kind == WRONG_ADDRESS {
        "http://127.0.0.1:9/"
    } else {
        CALLBACK
    };
    Exchange::Code {
        code: code.into(),
        redirect_uri: Some(at.into()),
        verifier: Some(verifier),
        resource: Vec::new(),
    }
}

impl Redeem {
    fn new(app: &TestApp) -> Self {
        Self {
            grant: grant("account"),
            code: code("hash", "grant"),
            clients: Clients::new(app),
            made: Made::default(),
        }
    }

    /// As `flow::code` does between its locks and its commit.
    fn decide(&self, rows: Rows, kind: u8, now: u8) -> (Rows, Heard) {
        let mut grant = self.grant.clone();
        grant.revoked_at = rows.ended.then_some(NOON);
        let mut code = self.code.clone();
        code.used_at = rows.used.map(time);
        code.wrong = rows.wrong.into();
        let client = self.clients.of(kind);
        let mut after = rows;
        let heard = match redeem(&grant, &code, &exchange(kind, ""), client, time(now)) {
            Ok(award) => {
                assert!(award.refresh && award.id_token);
                // The guarded UPDATE: spent once, and in time.
                if rows.used.is_some() || code.expires_at <= time(now) {
                    Heard::Refused
                } else {
                    after.used = Some(now);
                    after.tokens += 1;
                    Heard::Tokens
                }
            }
            Err(Denied::WrongVerifier) => {
                after.wrong += 1;
                Heard::WrongVerifier
            }
            Err(Denied::Replay) => {
                after.ended = true;
                Heard::Replay
            }
            // Of a code that is spent no wrong verifier is counted any more.
            Err(Denied::Refused(problem)) if problem == Denied::WrongVerifier.problem() => {
                Heard::WrongVerifier
            }
            Err(Denied::Refused(_)) => Heard::Refused,
        };
        (after, heard)
    }
}

fn code(hash: &str, grant: &str) -> Code {
    Code {
        hash: hash.into(),
        grant_id: grant.into(),
        redirect_uri: CALLBACK.into(),
        challenge: Some(challenge(VERIFIER)),
        expires_at: NOON.plus(LIFE),
        used_at: None,
        wrong: 0,
    }
}

/// What was committed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Seen {
    given: u8,
    replays: u8,
    wrong: u8,
    /// The rightful client was there.
    came: bool,
}

impl Story for Redeem {
    type Store = Rows;
    type Outcome = Heard;
    type Onlooker = Seen;

    fn run(&self, store: Rows, kind: u8, now: u8) -> (Rows, Heard) {
        self.made
            .find(store, kind, now, || self.decide(store, kind, now))
    }

    fn may_come(&self, _: u8, _: &[Heard]) -> bool {
        true // whoever saw the code on its way
    }

    fn judge(&self, mut seen: Seen, one: &Entry<Rows, Heard>) -> Result<Seen, String> {
        let rightful = one.kind == RIGHTFUL;
        holds(
            rightful || !matches!(one.outcome, Heard::Tokens | Heard::Replay),
            "a stranger got tokens, or ended them",
        )?;
        let spent = one.before.used.is_some();
        let guessed = i64::from(one.before.wrong) >= MAX_WRONG && !spent;
        holds(
            one.kind != WRONG_VERIFIER || guessed || one.outcome == Heard::WrongVerifier,
            "a wrong verifier was not counted",
        )?;
        let alive = !guessed && Duration::from_secs(CLOCK[usize::from(one.now)]) < LIFE;
        holds(
            alive || one.outcome != Heard::Tokens,
            "a dead code gave tokens",
        )?;
        // Whoever saw a code can neither burn it nor end what it gave (PROTOCOL 2).
        holds(
            !(rightful && !seen.came && alive) || one.outcome == Heard::Tokens,
            "the rightful client was kept out by others",
        )?;
        holds(
            !(rightful && spent && !one.before.ended) || one.outcome == Heard::Replay,
            "what a thief got outlives the rightful client's replay",
        )?;
        let counted = one.kind == WRONG_VERIFIER && !spent;
        holds(
            one.kind == RIGHTFUL || counted || one.before == one.after,
            "a stranger changed something",
        )?;
        seen.came |= rightful;
        match one.outcome {
            Heard::Tokens => seen.given += 1,
            Heard::Replay => seen.replays += 1,
            Heard::WrongVerifier => seen.wrong += u8::from(counted),
            Heard::Refused => {}
        }
        Ok(seen)
    }

    fn check(&self, store: Rows, seen: Seen, told: &[Heard]) -> Result<(), String> {
        holds(seen.given <= 1, "a code gave tokens twice")?;
        holds(
            store.tokens == seen.given,
            "tokens were given that nobody asked for",
        )?;
        holds(
            !told.contains(&Heard::Tokens) || store.used.is_some() && store.tokens == 1,
            "a client was told of tokens that are not on disk",
        )?;
        holds(store.wrong == seen.wrong, "a wrong verifier was lost")?;
        holds(
            store.ended == (seen.replays > 0) && (!store.ended || seen.given == 1),
            "a grant ended without a replay, or outlived one",
        )
    }
}

/// A code that was tried `wrong` times.
fn from(wrong: u8) -> (Rows, Seen) {
    let (rows, seen) = (FRESH, Seen::default());
    (Rows { wrong, ..rows }, Seen { wrong, ..seen })
}

/// Every course, walked once for all tests; and every step that any of them takes.
fn explored(app: &TestApp) -> &'static (Found, Decisions<Redeem>) {
    static ALL: OnceLock<(Found, Decisions<Redeem>)> = OnceLock::new();
    ALL.get_or_init(|| {
        let (story, mut all) = (Redeem::new(app), Found::default());
        for wrong in [0, 3] {
            explore_all(&story, from(wrong), 2, &mut all);
        }
        (all, story.made.steps())
    })
}

#[test]
fn a_code_keeps_its_promises_in_every_order_of_four_callers_and_crashes() {
    let app = TestApp::new();
    let (all, _) = explored(&app);
    println!("redeem: {all:?}");
    assert!(all.courses > 100_000_000_000, "{all:?}");
}

#[test]
fn the_model_of_a_code_tells_when_nothing_is_locked() {
    let app = TestApp::new();
    let story = Redeem::new(&app);
    for (kind, fault) in [
        (RIGHTFUL, "a code gave tokens twice"),
        (WRONG_VERIFIER, "a wrong verifier was lost"),
    ] {
        let found = explore(&story, from(0), &[kind; 2], 0, Steps::Unlocked);
        let why = found.expect_err("a fault");
        assert!(why.starts_with(fault), "{why}");
    }
}

/// A grant and its code in the database, as the model has them; gives the code and the grant.
fn put(app: &TestApp, account: &str, rows: Rows) -> (String, String) {
    let secret = Kind::Code.dress(app.app.keys.master(), &app.app.rng.secret());
    let mut grant = grant(account);
    grant.id = app.app.rng.id();
    let mut code = code(&digest(&secret), &grant.id);
    code.used_at = rows.used.map(time);
    code.wrong = rows.wrong.into();
    let id = grant.id.clone();
    app.write(move |c| {
        store::grant::add(c, &grant, NOON.plus(LIFE * 60))?;
        if rows.ended {
            store::grant::revoke(c, &grant.id, NOON)?;
        }
        store::grant::add_code(c, &code)
    });
    (secret, id)
}

/// What stands in the database, as the model has it: `before`, and what was written since.
fn got(app: &TestApp, secret: &str, id: &str, before: Rows) -> Rows {
    let (hash, grant) = (digest(secret), id.to_owned());
    let code = app.read(move |c| store::grant::find_code(c, &hash));
    let code = code.expect("a code");
    let first = app.read(move |c| store::grant::find_family(c, &grant));
    let reading = |at: Time| (0..).find(|one| time(*one) == at).expect("a reading");
    Rows {
        used: code.used_at.map(reading),
        wrong: u8::try_from(code.wrong).unwrap(),
        ended: is_ended(app, id),
        tokens: before.tokens + u8::from(first.is_some()),
    }
}

fn ask(browser: &mut Browser, kind: u8, secret: &str) -> Answer {
    let Exchange::Code {
        redirect_uri,
        verifier,
        ..
    } = exchange(kind, secret)
    else {
        panic!("no code")
    };
    let (at, verifier) = (redirect_uri.unwrap(), verifier.unwrap());
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", secret),
        ("redirect_uri", &at),
        ("code_verifier", &verifier),
    ];
    send(browser, kind, &fields)
}

fn heard(said: &Said) -> Heard {
    match said.as_deref().map_err(String::as_str) {
        Ok(_) => Heard::Tokens,
        Err("code_verifier does not fit the code") => Heard::WrongVerifier,
        Err("the code was used before") => Heard::Replay,
        Err(_) => Heard::Refused,
    }
}

#[test]
fn each_step_with_a_code_is_in_the_database_what_it_is_in_the_model() {
    let app = TestApp::new();
    register(&app);
    let (_, steps) = explored(&app);
    let account = app.person("temuulen").id;
    let mut browser = app.browser();
    for ((rows, kind, now), (after, wanted)) in steps {
        let (secret, id) = put(&app, &account, *rows);
        set_clock(&app, time(*now));
        let answer = heard(&said(&ask(&mut browser, *kind, &secret)));
        let step = format!("{kind} at {now} with {rows:?}");
        assert_eq!(answer, *wanted, "{step}");
        assert_eq!(got(&app, &secret, &id, *rows), *after, "{step}");
    }
    set_clock(&app, NOON);
    println!("redeem: {} steps replayed", steps.len());
    assert!(steps.len() >= 200, "{}", steps.len());
}

#[test]
fn the_database_does_with_a_code_what_the_model_does() {
    let app = TestApp::new();
    let story = Redeem::new(&app);
    let account = app.person("temuulen").id;
    let mut browser = app.browser();
    let (mut replayed, mut outcomes) = (0, BTreeSet::new());
    for kinds in fours() {
        // In whatever order the callers drew their times.
        for course in courses(&story, from(0), &kinds, 2, 60).into_iter().take(4) {
            let (secret, id) = put(&app, &account, FRESH);
            for (kind, now, wanted) in &course {
                set_clock(&app, time(*now));
                let got = heard(&said(&ask(&mut browser, *kind, &secret)));
                assert_eq!(got, *wanted, "{course:?}");
                outcomes.insert(got);
            }
            set_clock(&app, NOON);
            let ended = course.iter().any(|(_, _, heard)| *heard == Heard::Replay);
            assert_eq!(is_ended(&app, &id), ended, "{course:?}");
            replayed += 1;
        }
    }
    println!("redeem: {replayed} courses replayed");
    assert!(
        replayed >= 100 && outcomes.len() == 4,
        "{replayed} {outcomes:?}"
    );
}

#[test]
fn the_database_does_with_a_code_what_the_model_does_when_callers_overlap_and_crash() {
    let app = TestApp::new();
    let story = Redeem::new(&app);
    let account = app.person("temuulen").id;
    let mut all = Replayed::default();
    for kinds in fours() {
        for course in picked(&story, from(0), &kinds, 2, 6) {
            let (secret, id) = put(&app, &account, FRESH);
            let stage: Stage<Redeem> = Stage {
                app: &app,
                time,
                asks: &|kind| (story.clients.of(kind).clone(), exchange(kind, &secret)),
                heard: &|said, _, _| heard(said),
                as_told: |heard| heard,
                rows: &|| got(&app, &secret, &id, FRESH),
            };
            replay(&stage, &course, &mut all);
        }
    }
    println!("redeem: {all:?}");
    all.judge();
}

#[test]
fn four_callers_at_once_get_from_the_database_what_the_model_allows() {
    let app = TestApp::new();
    let story = Redeem::new(&app);
    let account = app.person("temuulen").id;
    for kinds in fours() {
        let allowed = at_once(&story, FRESH, &kinds);
        let (secret, _) = put(&app, &account, FRESH);
        let mut got = all_at_once(&kinds, |kind| {
            heard(&said(&ask(&mut app.browser(), kind, &secret)))
        });
        got.sort_unstable();
        assert!(allowed.contains(&got), "{got:?} is none of {allowed:?}");
    }
}
