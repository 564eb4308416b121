//! All orders in which up to four callers can come, draw the time, hold the locks, commit and be
//! answered, with a crash at each commit and answer: enumerated over the house's own decisions
//! (`redeem`, `rotate`) and a small model of the store. What the model allows is then asked of a
//! running server, on whichever database the test has: each step that any course takes, from the
//! rows that it finds to the rows that it leaves, so that a course is what its steps are; courses
//! from their beginning, picked by chance, one caller after the other; courses with their overlaps
//! and crashes (`overlap`), some hundreds of each story's, picked by chance and always the same
//! ones; and callers that do come at once.

mod overlap;
mod redeem;
mod rotate;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::hash::Hash;

use gerege::clock::Time;
use gerege::oauth::client::Client;
use gerege::oauth::grant::Grant;
use gerege::store;

use crate::app::{NOON, TestApp};
use crate::http::{Answer, Browser, basic};
use crate::road::{SECRET, register, text};

/// The most callers of one course.
const MOST: usize = 4;

/// What the model is made of: a store, and what one transaction does to it.
pub trait Story {
    /// The rows, as small as they can be.
    type Store: Copy + Ord + Hash + Debug;
    /// What a caller is answered.
    type Outcome: Copy + Ord + Hash + Debug;
    /// What an onlooker remembers of the transactions that were committed.
    type Onlooker: Copy + Ord + Hash + Debug;

    /// One transaction of a caller of a kind, with the time that it drew.
    fn run(&self, store: Self::Store, kind: u8, now: u8) -> (Self::Store, Self::Outcome);

    /// Whether a caller of a kind can come when `told` was answered: nobody shows a secret that
    /// nobody was given.
    fn may_come(&self, kind: u8, told: &[Self::Outcome]) -> bool;

    /// Judges a transaction that is committed, and remembers it.
    fn judge(
        &self,
        seen: Self::Onlooker,
        one: &Entry<Self::Store, Self::Outcome>,
    ) -> Result<Self::Onlooker, String>;

    /// What must hold at every moment.
    fn check(
        &self,
        store: Self::Store,
        seen: Self::Onlooker,
        told: &[Self::Outcome],
    ) -> Result<(), String>;
}

/// A transaction that is committed.
#[derive(Clone, Copy, Debug)]
pub struct Entry<S, O> {
    pub kind: u8,
    /// The time that its caller drew, which may be older than that of the one before.
    pub now: u8,
    pub before: S,
    pub after: S,
    pub outcome: O,
}

/// How far a caller came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At<S, O> {
    Away,
    /// It has drawn the time, and waits for the locks.
    Drawn(u8),
    /// It has read, decided and written; nothing is on disk.
    Holding(u8, S, S, O),
    /// It is on disk; nobody was told.
    Committed(O),
    Told(O),
    /// Its process ended, or its answer was lost; or it never was.
    Lost,
}

/// A moment of one course of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Moment<S, O, L> {
    store: S,
    seen: L,
    clock: u8,
    callers: [(u8, At<S, O>); MOST],
}

type Now<S> = Moment<<S as Story>::Store, <S as Story>::Outcome, <S as Story>::Onlooker>;
/// What happens from one moment to the next.
#[derive(Clone, Copy, Debug)]
pub enum Step<S, O> {
    /// The clock goes on to its next reading.
    Later,
    /// A caller of this kind, that was there, is here.
    Comes(u8, At<S, O>, At<S, O>),
}

/// The steps of a course, each with the rows that are on disk after it.
pub type Course<S> = Vec<(
    Step<<S as Story>::Store, <S as Story>::Outcome>,
    <S as Story>::Store,
)>;
/// What was committed: kind, time, answer.
type Log<S> = Vec<(u8, u8, <S as Story>::Outcome)>;

impl<S: Copy + Ord, O: Copy + Ord, L: Copy> Moment<S, O, L> {
    fn told(&self) -> Vec<O> {
        let told = self.callers.iter().filter_map(|(_, at)| match at {
            At::Told(outcome) => Some(*outcome),
            _ => None,
        });
        told.collect()
    }

    fn with(mut self, caller: usize, at: At<S, O>) -> Self {
        self.callers[caller].1 = at;
        // Two callers of a kind that came equally far are as one.
        self.callers.sort_unstable();
        self
    }
}

/// How a course is walked. Each step is one for itself: draw, lock, commit, answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Who holds the locks keeps the others out until it commits.
    Locked,
    /// Nothing is locked: both read the same, and the later commit wins. Only to see that the model
    /// would tell.
    Unlocked,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Different moments.
    pub moments: usize,
    /// Courses from the first caller to the last answer; equal callers count once.
    pub courses: u128,
}

struct Walk<'a, S: Story> {
    story: &'a S,
    steps: Steps,
    last: u8,
    known: HashMap<Now<S>, u128>,
}

fn begin<S: Story>(store: S::Store, seen: S::Onlooker, kinds: &[u8]) -> Now<S> {
    let mut callers = [(u8::MAX, At::Lost); MOST];
    for (caller, kind) in callers.iter_mut().zip(kinds) {
        *caller = (*kind, At::Away);
    }
    callers.sort_unstable();
    Moment {
        store,
        seen,
        clock: 0,
        callers,
    }
}

/// Walks every course of callers of these kinds while the clock passes through 0 to `last`.
pub fn explore<S: Story>(
    story: &S,
    from: (S::Store, S::Onlooker),
    kinds: &[u8],
    last: u8,
    steps: Steps,
) -> Result<Found, String> {
    let mut walk = Walk {
        story,
        steps,
        last,
        known: HashMap::new(),
    };
    let courses = walk.on(begin::<S>(from.0, from.1, kinds))?;
    Ok(Found {
        moments: walk.known.len(),
        courses,
    })
}

impl<S: Story> Walk<'_, S> {
    fn on(&mut self, here: Now<S>) -> Result<u128, String> {
        if let Some(courses) = self.known.get(&here) {
            return Ok(*courses);
        }
        let told = here.told();
        let held = self.story.check(here.store, here.seen, &told);
        held.map_err(|why| format!("{why}\n{here:?}"))?;
        let next = self.next(&here)?;
        let mut courses = u128::from(next.is_empty());
        for (next, _) in next {
            courses += self.on(next)?;
        }
        self.known.insert(here, courses);
        Ok(courses)
    }

    /// The moments that can come next, each with the step to it.
    #[allow(clippy::type_complexity)]
    fn next(&self, here: &Now<S>) -> Result<Vec<(Now<S>, Step<S::Store, S::Outcome>)>, String> {
        let mut all = Vec::new();
        let held = here
            .callers
            .iter()
            .any(|(_, at)| matches!(at, At::Holding(..)));
        let (told, mut waiting) = (here.told(), false);
        for (number, (kind, at)) in here.callers.into_iter().enumerate() {
            waiting |= !matches!(at, At::Told(_) | At::Lost);
            // Of two that are as one, one goes first.
            if number > 0 && here.callers[number - 1] == here.callers[number] {
                continue;
            }
            let mut comes = |to, next: Option<Now<S>>| {
                let next = next.unwrap_or(*here).with(number, to);
                all.push((next, Step::Comes(kind, at, to)));
            };
            match at {
                At::Away if self.story.may_come(kind, &told) => {
                    comes(At::Drawn(here.clock), None);
                }
                At::Drawn(now) if !held || self.steps == Steps::Unlocked => {
                    let before = here.store;
                    let (after, outcome) = self.story.run(before, kind, now);
                    comes(At::Holding(now, before, after, outcome), None);
                }
                At::Holding(now, before, after, outcome) => {
                    let one = Entry {
                        kind,
                        now,
                        before,
                        after,
                        outcome,
                    };
                    let mut next = *here;
                    (next.store, next.seen) = (after, self.story.judge(here.seen, &one)?);
                    comes(At::Committed(outcome), Some(next));
                    // The process ends before the commit: nothing of it was.
                    comes(At::Lost, None);
                }
                At::Committed(outcome) => {
                    comes(At::Told(outcome), None);
                    comes(At::Lost, None);
                }
                At::Away | At::Drawn(_) | At::Told(_) | At::Lost => {}
            }
        }
        if here.clock < self.last && waiting {
            let mut later = *here;
            later.clock += 1;
            all.push((later, Step::Later));
        }
        Ok(all)
    }
}

/// Courses picked by chance, always the same ones.
pub fn picked<S: Story>(
    story: &S,
    from: (S::Store, S::Onlooker),
    kinds: &[u8],
    last: u8,
    tries: usize,
) -> Vec<Course<S>> {
    let walk = Walk {
        story,
        steps: Steps::Locked,
        last,
        known: HashMap::new(),
    };
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut all = Vec::new();
    for _ in 0..tries {
        let (mut here, mut course) = (begin::<S>(from.0, from.1, kinds), Vec::new());
        loop {
            let mut next = walk.next(&here).unwrap();
            if next.is_empty() {
                break;
            }
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            let pick = usize::try_from(chance % next.len() as u64).unwrap();
            let (step, done) = next.swap_remove(pick);
            here = step;
            course.push((done, here.store));
        }
        all.push(course);
    }
    all
}

/// Of those the ones in which all callers committed: what was committed, in order.
pub fn courses<S: Story>(
    story: &S,
    from: (S::Store, S::Onlooker),
    kinds: &[u8],
    last: u8,
    tries: usize,
) -> BTreeSet<Log<S>> {
    let all = picked(story, from, kinds, last, tries).into_iter();
    let logs = all.map(|course| {
        let committed = course.into_iter().filter_map(|(step, _)| match step {
            Step::Comes(kind, At::Holding(now, ..), At::Committed(outcome)) => {
                Some((kind, now, outcome))
            }
            _ => None,
        });
        committed.collect::<Log<S>>()
    });
    logs.filter(|log| log.len() == kinds.len()).collect()
}

/// What callers of these kinds can hear when all of them come at once and none is lost.
pub fn at_once<S: Story>(
    story: &S,
    store: S::Store,
    kinds: &[u8],
) -> BTreeSet<Vec<(u8, S::Outcome)>> {
    fn on<S: Story>(
        story: &S,
        store: S::Store,
        left: &[u8],
        heard: &[(u8, S::Outcome)],
        all: &mut BTreeSet<Vec<(u8, S::Outcome)>>,
    ) {
        if left.is_empty() {
            let mut heard = heard.to_vec();
            heard.sort_unstable();
            all.insert(heard);
        }
        for (number, kind) in left.iter().enumerate() {
            let (after, outcome) = story.run(store, *kind, 0);
            let mut left = left.to_vec();
            left.remove(number);
            on(
                story,
                after,
                &left,
                &[heard, &[(*kind, outcome)]].concat(),
                all,
            );
        }
    }
    let mut all = BTreeSet::new();
    on(story, store, kinds, &[], &mut all);
    all
}

/// Every way to choose up to `most` callers of `kinds`, order aside.
pub fn choices(kinds: u8, most: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut last = vec![Vec::new()];
    for _ in 0..most {
        let mut longer = Vec::new();
        for one in &last {
            for kind in one.last().copied().unwrap_or(0)..kinds {
                longer.push([one.as_slice(), &[kind]].concat());
            }
        }
        all.extend(longer.iter().cloned());
        last = longer;
    }
    all
}

/// Kinds of callers, in each story.
const KINDS: u8 = 4;
/// The kind that is another client, in each story.
const OTHER_CLIENT: u8 = 2;

/// Every choice of four callers.
fn fours() -> impl Iterator<Item = Vec<u8>> {
    let all = choices(KINDS, MOST).into_iter();
    all.filter(|kinds| kinds.len() == MOST)
}

/// Walks every course of up to four callers, from each beginning; adds up what was found.
fn explore_all<S: Story>(story: &S, from: (S::Store, S::Onlooker), last: u8, all: &mut Found) {
    for kinds in choices(KINDS, MOST) {
        let found = explore(story, from, &kinds, last, Steps::Locked)
            .unwrap_or_else(|why| panic!("{kinds:?}: {why}"));
        all.moments += found.moments;
        all.courses += found.courses;
    }
}

/// The messenger whose grant it is, and another client.
struct Clients([Client; 2]);

impl Clients {
    fn new(app: &TestApp) -> Self {
        register(app);
        Self(["demo-messenger", "forum"].map(|id| {
            app.read(move |c| store::client::find(c, id))
                .expect("a client")
        }))
    }

    fn of(&self, kind: u8) -> &Client {
        &self.0[usize::from(kind == OTHER_CLIENT)]
    }
}

/// What was decided, by what it was decided from: a decision is pure, so one is made once.
struct Made<S: Story>(RefCell<Decisions<S>>);

type Decisions<S> =
    HashMap<(<S as Story>::Store, u8, u8), (<S as Story>::Store, <S as Story>::Outcome)>;

impl<S: Story> Default for Made<S> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<S: Story> Made<S> {
    fn find(
        &self,
        store: S::Store,
        kind: u8,
        now: u8,
        decide: impl FnOnce() -> (S::Store, S::Outcome),
    ) -> (S::Store, S::Outcome) {
        let key = (store, kind, now);
        if let Some(made) = self.0.borrow().get(&key) {
            return *made;
        }
        let made = decide();
        self.0.borrow_mut().insert(key, made);
        made
    }

    /// Every step that any course took: what it was decided from, and what came of it.
    fn steps(&self) -> Decisions<S> {
        self.0.borrow().clone()
    }
}

fn grant(account: &str) -> Grant {
    Grant {
        id: "grant".into(),
        account_id: account.into(),
        client_id: "demo-messenger".into(),
        sid: "sid".into(),
        scopes: ["openid", "offline_access", "chat"]
            .map(str::to_owned)
            .into(),
        resources: Vec::new(),
        offline: true,
        claims: Default::default(),
        details: Default::default(),
        nonce: None,
        auth_time: NOON,
        amr: vec!["pwd".into()],
        dpop_jkt: None,
        managed: None,
        created_at: NOON,
        revoked_at: None,
    }
}

fn holds(what: bool, why: &str) -> Result<(), String> {
    if what { Ok(()) } else { Err(why.to_owned()) }
}

/// Asks the token endpoint as a caller of a kind.
fn send(browser: &mut Browser, kind: u8, fields: &[(&str, &str)]) -> Answer {
    if kind == OTHER_CLIENT {
        let mut forum = browser
            .clone()
            .with("Authorization", &basic("forum", SECRET));
        return forum.post("/oauth2/token", fields);
    }
    let own = [fields, &[("client_id", "demo-messenger")]].concat();
    browser.post("/oauth2/token", &own)
}

/// What a caller was answered: the refresh token, or why there is none.
type Said = Result<String, String>;

fn said(answer: &Answer) -> Said {
    if answer.status == 200 {
        return Ok(text(&answer.json(), "refresh_token"));
    }
    assert_eq!(answer.status, 400, "{}", answer.text());
    Err(text(&answer.json(), "error_description"))
}

/// Whether a grant in the database has ended.
fn is_ended(app: &TestApp, id: &str) -> bool {
    let id = id.to_owned();
    let row = app.read(move |c| store::grant::find(c, &id));
    row.expect("a grant").revoked_at.is_some()
}

/// Puts a standing clock where it is wanted, also back.
fn set_clock(app: &TestApp, to: Time) {
    let clock = &app.app.clock;
    clock.shift(to.millis() - clock.now().millis());
}

/// Calls for each of `kinds` at the same moment.
fn all_at_once<T: Send>(kinds: &[u8], call: impl Fn(u8) -> T + Sync) -> Vec<(u8, T)> {
    let gate = std::sync::Barrier::new(kinds.len());
    std::thread::scope(|threads| {
        let running: Vec<_> = kinds
            .iter()
            .map(|kind| {
                let (call, gate) = (&call, &gate);
                threads.spawn(move || {
                    gate.wait();
                    (*kind, call(*kind))
                })
            })
            .collect();
        running
            .into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    })
}

#[test]
fn every_choice_of_four_callers_is_made_once() {
    let all = choices(4, 4);
    assert_eq!(all.len(), 4 + 10 + 20 + 35);
    let different: BTreeSet<&Vec<u8>> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}
