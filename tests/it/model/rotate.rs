//! A refresh token and up to four callers: two who show it, who may be one client that asks again
//! or a thief; one with its successor; another client; one who asks for more.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use gerege::clock::Time;
use gerege::flow::opaque::Refresh;
use gerege::oauth::binding::Binding;
use gerege::oauth::grant::Grant;
use gerege::oauth::refresh::{Family, Lifetimes, Rotation, Shown, rotate};
use gerege::oauth::token::Exchange;
use gerege::rng::digest;
use gerege::store;
use serde_json::json;

use super::overlap::{Replayed, Stage, replay};
use super::{
    Clients, Decisions, Entry, Found, Made, OTHER_CLIENT, Said, Steps, Story, all_at_once, at_once,
    courses, explore, explore_all, fours, grant, holds, is_ended, picked, said, send, set_clock,
};
use crate::app::{NOON, TestApp};
use crate::dpop::{Key, check_proofs};
use crate::http::{Answer, Browser};
use crate::road::{register, text};

const FIRST: u8 = 0;
const SECOND: u8 = 1;
const ASKS_MORE: u8 = 3;

/// The clock's readings, in seconds after the first token was given: at once, within the grace of
/// a first use, at its very end, and past it.
const CLOCK: [u64; 4] = [0, 20, 30, 51];
const GRACE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is known of each token of the family: there or not, and when it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Rows {
    tokens: [Option<Option<u8>>; 4],
    ended: bool,
}

const FRESH: Rows = Rows {
    tokens: [Some(None), None, None, None],
    ended: false,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Heard {
    /// The token of this generation, made now.
    Next(u8),
    /// The same successor again.
    Again(u8),
    /// The token itself, to be kept.
    Kept,
    /// It was used before; the family lives.
    Used,
    /// It was used before; the family ends.
    Theft,
    Refused,
}

struct Rotate {
    grant: Grant,
    clients: Clients,
    binding: Option<Binding>,
    made: Made<Self>,
}

fn time(reading: u8) -> Time {
    NOON.plus(Duration::from_secs(CLOCK[usize::from(reading)]))
}

fn since(used: u8, now: u8) -> Duration {
    time(now).since(time(used))
}

const LIVES: Lifetimes = Lifetimes {
    idle: DAY,
    max: DAY,
    grace: GRACE,
};

impl Rotate {
    fn new(app: &TestApp) -> Self {
        Self {
            grant: grant("account"),
            clients: Clients::new(app),
            binding: None,
            made: Made::default(),
        }
    }

    /// As `flow::refresh` does between its lock and its commit.
    fn decide(&self, rows: Rows, kind: u8, now: u8) -> (Rows, Heard) {
        let number = usize::from(kind == SECOND);
        if rows.tokens[number].is_none() {
            return (rows, Heard::Refused);
        }
        let mut grant = self.grant.clone();
        grant.revoked_at = rows.ended.then_some(NOON);
        let mut family = rows.family("grant");
        family.binding.clone_from(&self.binding);
        let client = self.clients.of(kind);
        let shown = Shown {
            generation: number as i64,
            hash: name(number),
            successor: name(number + 1),
        };
        let ask = exchange(kind, "");
        let mut after = rows;
        let heard = match rotate(&family, &shown, &grant, client, &ask, time(now), &LIVES) {
            Rotation::Fresh { family: next, .. } => {
                assert_eq!(next.ends_at, family.ends_at, "the family's end stays");
                after.tokens[number] = Some(Some(now));
                after.tokens[number + 1] = Some(None);
                let wanted = after.family("grant");
                assert_eq!(
                    (&next.hash, next.generation),
                    (&wanted.hash, wanted.generation)
                );
                Heard::Next(number as u8 + 1)
            }
            Rotation::Retry { .. } => Heard::Again(number as u8 + 1),
            Rotation::Keep { .. } => Heard::Kept,
            Rotation::Replayed { end_family: true } => {
                after.ended = true;
                Heard::Theft
            }
            Rotation::Replayed { end_family: false } => Heard::Used,
            Rotation::Refused(_) => Heard::Refused,
        };
        (after, heard)
    }
}

impl Rows {
    /// The number of the token that counts.
    fn last(self) -> usize {
        self.tokens.iter().flatten().count() - 1
    }

    /// As it stands in the database: the token that counts, and when those before it were used.
    fn family(self, grant: &str) -> Family {
        let given = self.tokens.iter().flatten();
        let used: Vec<Time> = given.rev().filter_map(|one| one.map(time)).collect();
        let number = self.last();
        Family {
            grant_id: grant.into(),
            hash: name(number),
            generation: number as i64,
            created_at: NOON,
            used_at: NOON,
            used,
            idle_until: NOON.plus(DAY),
            ends_at: NOON.plus(DAY),
            binding: None,
        }
    }
}

/// What the model calls the digest of a token.
fn name(number: usize) -> String {
    number.to_string()
}

fn exchange(kind: u8, token: &str) -> Exchange {
    let more = ["openid", "email"].map(str::to_owned);
    Exchange::Refresh {
        token: token.into(),
        scope: (kind == ASKS_MORE).then(|| more.into()),
        resource: Vec::new(),
    }
}

/// What was committed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Seen {
    /// How often each token was made.
    made: [u8; 4],
    theft: bool,
}

impl Story for Rotate {
    type Store = Rows;
    type Outcome = Heard;
    type Onlooker = Seen;

    fn run(&self, store: Rows, kind: u8, now: u8) -> (Rows, Heard) {
        self.made
            .find(store, kind, now, || self.decide(store, kind, now))
    }

    fn may_come(&self, kind: u8, told: &[Heard]) -> bool {
        let has_second = |heard: &Heard| matches!(heard, Heard::Next(1) | Heard::Again(1));
        kind != SECOND || told.iter().any(has_second)
    }

    fn judge(&self, mut seen: Seen, one: &Entry<Rows, Heard>) -> Result<Seen, String> {
        let nothing = one.outcome == Heard::Refused && one.before == one.after;
        if one.kind == OTHER_CLIENT {
            holds(nothing, "another client changed something")?;
            return Ok(seen);
        }
        if one.before.ended {
            holds(nothing, "an ended family gave something")?;
            return Ok(seen);
        }
        let shown = usize::from(one.kind == SECOND);
        let used = one.before.tokens[shown].flatten();
        let late = used.is_some_and(|used| since(used, one.now) > GRACE);
        holds(
            late == (one.outcome == Heard::Theft),
            "a family ends by a replay outside the grace, and by nothing else",
        )?;
        seen.theft |= late;
        if late {
            return Ok(seen);
        }
        if one.kind == ASKS_MORE {
            holds(nothing, "asking for more changed something")?;
            return Ok(seen);
        }
        let number = shown as u8 + 1;
        let wanted = match (used, one.before.tokens[shown + 1].flatten()) {
            _ if self.binding.is_some() => Heard::Kept,
            (None, _) => Heard::Next(number),
            // Its answer was lost: it is never locked out by that.
            (Some(_), None) => Heard::Again(number),
            (Some(_), Some(_)) => Heard::Used,
        };
        holds(
            one.outcome == wanted,
            "a client was answered otherwise than promised",
        )?;
        if let Heard::Next(number) = one.outcome {
            seen.made[usize::from(number)] += 1;
        }
        Ok(seen)
    }

    fn check(&self, store: Rows, seen: Seen, told: &[Heard]) -> Result<(), String> {
        holds(
            seen.made.iter().all(|made| *made <= 1),
            "a token got two successors",
        )?;
        let live = store.tokens.iter().filter(|one| **one == Some(None));
        holds(live.count() == 1, "a family has two ends, or none")?;
        for heard in told {
            let (Heard::Next(number) | Heard::Again(number)) = heard else {
                continue;
            };
            let there = store.tokens[usize::from(*number)].is_some();
            holds(there, "a client was told of a token that is not on disk")?;
        }
        holds(
            store.ended == seen.theft,
            "a family ended without a theft, or outlived one",
        )
    }
}

/// Every course, walked once for all tests; and every step that any of them takes, of tokens that
/// are bound to no key and of those that are.
fn explored(app: &TestApp) -> &'static (Found, [Decisions<Rotate>; 2]) {
    static ALL: OnceLock<(Found, [Decisions<Rotate>; 2])> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Found::default();
        let steps = [false, true].map(|bound| {
            let mut story = Rotate::new(app);
            story.binding = bound.then(|| Binding::Dpop("thumbprint".into()));
            explore_all(&story, (FRESH, Seen::default()), 3, &mut all);
            story.made.steps()
        });
        (all, steps)
    })
}

#[test]
fn a_refresh_token_keeps_its_promises_in_every_order_of_four_callers_and_crashes() {
    let app = TestApp::new();
    let (all, _) = explored(&app);
    println!("rotate: {all:?}");
    assert!(all.courses > 100_000_000_000, "{all:?}");
}

#[test]
fn the_model_of_a_refresh_token_tells_when_nothing_is_locked() {
    let app = TestApp::new();
    let story = Rotate::new(&app);
    let from = (FRESH, Seen::default());
    let why = explore(&story, from, &[FIRST; 2], 0, Steps::Unlocked);
    let why = why.expect_err("a fault");
    assert!(why.starts_with("a token got two successors"), "{why}");
}

/// A family in the database, as the model has it: its tokens, given and yet to be given, and its
/// grant.
struct Put {
    tokens: Vec<String>,
    grant: String,
}

fn put(app: &TestApp, account: &str, rows: Rows, binding: Option<Binding>) -> Put {
    let mut grant = grant(account);
    grant.id = app.app.rng.id();
    let master = app.app.keys.master();
    let first = Refresh::first(master, &app.app.rng.secret(), &grant.id);
    let all = std::iter::successors(Some(first), |last| Some(last.successor(master)));
    let tokens: Vec<String> = all
        .take(rows.tokens.len())
        .map(|token| token.reveal().to_owned())
        .collect();
    let mut family = rows.family(&grant.id);
    family.hash = digest(&tokens[rows.last()]);
    family.binding = binding;
    let id = grant.id.clone();
    app.write(move |c| {
        store::grant::add(c, &grant, NOON.plus(DAY))?;
        if rows.ended {
            store::grant::revoke(c, &grant.id, NOON)?;
        }
        store::grant::add_family(c, &family)
    });
    Put { tokens, grant: id }
}

impl Put {
    /// What stands in the database, as the model has it.
    fn rows(&self, app: &TestApp) -> Rows {
        let id = self.grant.clone();
        let family = app.read(move |c| store::grant::find_family(c, &id));
        let family = family.expect("a family");
        let last = usize::try_from(family.generation).unwrap();
        assert_eq!(family.hash, digest(&self.tokens[last]), "another token");
        let reading = |at: Time| (0..).find(|one| time(*one) == at).expect("a reading");
        let mut rows = Rows {
            tokens: [None; 4],
            ended: is_ended(app, &self.grant),
        };
        rows.tokens[last] = Some(None);
        for (back, at) in family.used.iter().enumerate() {
            rows.tokens[last - 1 - back] = Some(Some(reading(*at)));
        }
        rows
    }
}

fn ask(browser: &mut Browser, kind: u8, secret: &str) -> Answer {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", secret)];
    if kind == ASKS_MORE {
        fields.push(("scope", "openid email"));
    }
    send(browser, kind, &fields)
}

/// What was heard, as far as an answer tells: which token of those that were given before or not,
/// or why none.
fn heard(said: &Said, put: &Put, before: Rows, shown: usize) -> Heard {
    match said.as_deref().map_err(String::as_str) {
        Ok(token) => {
            let number = put.tokens.iter().position(|one| one == token);
            let number = number.expect("a token of the family");
            match before.tokens[number] {
                None => Heard::Next(number as u8),
                Some(_) if number == shown => Heard::Kept,
                Some(_) => Heard::Again(number as u8),
            }
        }
        Err("the refresh token was used before") => Heard::Used,
        Err(_) => Heard::Refused,
    }
}

/// Both are answered alike, so that a thief learns nothing.
fn as_told(heard: Heard) -> Heard {
    match heard {
        Heard::Theft => Heard::Used,
        other => other,
    }
}

#[test]
fn each_step_with_a_refresh_token_is_in_the_database_what_it_is_in_the_model() {
    let app = TestApp::new();
    let (account, key) = (app.person("temuulen").id, Key::new());
    register(&app);
    let (_, steps) = explored(&app);
    for (bound, steps) in [false, true].into_iter().zip(steps) {
        if bound {
            check_proofs(&app);
        }
        let binding = bound.then(|| Binding::Dpop(key.jkt()));
        for ((rows, kind, now), (after, wanted)) in steps {
            let put = put(&app, &account, *rows, binding.clone());
            set_clock(&app, time(*now));
            let mut browser = app.browser();
            if bound {
                let proof = key.proof(&app, "POST", "/oauth2/token", json!({}));
                browser = browser.with("DPoP", &proof);
            }
            let shown = usize::from(*kind == SECOND);
            let answer = said(&ask(&mut browser, *kind, &put.tokens[shown]));
            let step = format!("{kind} at {now} with {rows:?}, bound: {bound}");
            let got = heard(&answer, &put, *rows, shown);
            assert_eq!(got, as_told(*wanted), "{step}");
            assert_eq!(put.rows(&app), *after, "{step}");
        }
        set_clock(&app, NOON);
        println!("rotate: {} steps replayed, bound: {bound}", steps.len());
        assert!(
            steps.len() >= if bound { 12 } else { 100 },
            "{}",
            steps.len()
        );
    }
}

#[test]
fn the_database_does_with_a_refresh_token_what_the_model_does() {
    let app = TestApp::new();
    let story = Rotate::new(&app);
    let account = app.person("temuulen").id;
    let mut browser = app.browser();
    let (mut replayed, mut outcomes) = (0, BTreeSet::new());
    for kinds in fours() {
        let picked = courses(&story, (FRESH, Seen::default()), &kinds, 3, 200);
        // In whatever order the callers drew their times.
        for course in picked.into_iter().take(6) {
            let put = put(&app, &account, FRESH, None);
            for (kind, now, wanted) in &course {
                set_clock(&app, time(*now));
                let (before, shown) = (put.rows(&app), usize::from(*kind == SECOND));
                let answer = said(&ask(&mut browser, *kind, &put.tokens[shown]));
                let got = heard(&answer, &put, before, shown);
                assert_eq!(got, as_told(*wanted), "{course:?}");
                outcomes.insert(*wanted);
            }
            set_clock(&app, NOON);
            let ended = course.iter().any(|(_, _, heard)| *heard == Heard::Theft);
            assert_eq!(is_ended(&app, &put.grant), ended, "{course:?}");
            replayed += 1;
        }
    }
    println!("rotate: {replayed} courses replayed");
    assert!(
        replayed >= 80 && outcomes.len() >= 6,
        "{replayed} {outcomes:?}"
    );
}

#[test]
fn the_database_does_with_a_refresh_token_what_the_model_does_when_callers_overlap_and_crash() {
    let app = TestApp::new();
    let story = Rotate::new(&app);
    let account = app.person("temuulen").id;
    let mut all = Replayed::default();
    for kinds in fours() {
        for course in picked(&story, (FRESH, Seen::default()), &kinds, 3, 6) {
            let put = put(&app, &account, FRESH, None);
            let shown = |kind: u8| usize::from(kind == SECOND);
            let stage: Stage<Rotate> = Stage {
                app: &app,
                time,
                asks: &|kind| {
                    let client = story.clients.of(kind).clone();
                    (client, exchange(kind, &put.tokens[shown(kind)]))
                },
                heard: &|said, kind, before| heard(said, &put, before, shown(kind)),
                as_told,
                rows: &|| put.rows(&app),
            };
            replay(&stage, &course, &mut all);
        }
    }
    println!("rotate: {all:?}");
    all.judge();
}

#[test]
fn four_callers_with_one_token_get_from_the_database_what_the_model_allows() {
    let app = TestApp::new();
    let story = Rotate::new(&app);
    let account = app.person("temuulen").id;
    let given = |heard: Heard| matches!(heard, Heard::Next(_) | Heard::Again(_));
    for kinds in fours().filter(|kinds| !kinds.contains(&SECOND)) {
        let allowed: BTreeSet<Vec<(u8, bool)>> = at_once(&story, FRESH, &kinds)
            .into_iter()
            .map(|all| {
                all.into_iter()
                    .map(|(kind, what)| (kind, given(what)))
                    .collect()
            })
            .collect();
        let put = put(&app, &account, FRESH, None);
        let secret = &put.tokens[0];
        let answers = all_at_once(&kinds, |kind| ask(&mut app.browser(), kind, secret));
        let mut tokens = BTreeSet::new();
        let mut got = Vec::new();
        for (kind, answer) in &answers {
            if answer.status == 200 {
                tokens.insert(text(&answer.json(), "refresh_token"));
            }
            got.push((*kind, answer.status == 200));
        }
        got.sort_unstable();
        assert!(allowed.contains(&got), "{got:?} is none of {allowed:?}");
        // All who were given one were given the same.
        assert!(tokens.len() <= 1, "two successors");
        assert!(
            !is_ended(&app, &put.grant),
            "callers at once are no thieves"
        );
    }
}
