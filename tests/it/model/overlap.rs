//! A course of the model, asked of a database step by step: each caller on a thread of its own is
//! held where the model has it, with its transaction open and its locks held, while the others come,
//! draw the time and wait for those locks. A crash ends one caller: before its commit the
//! transaction is dropped, after it the answer is lost. The process itself goes on; `crash.rs` kills
//! whole processes.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::Duration;

use gerege::clock::Time;
use gerege::crash::{self, Edge};
use gerege::flow::token::{self, Error};
use gerege::oauth::binding::Held;
use gerege::oauth::client::Client;
use gerege::oauth::token::Exchange;

use super::{At, Course, Said, Step, Story, set_clock};
use crate::app::{NOON, TestApp, runtime};

/// A caller that hangs is told of, and ends no test run.
const HANGS: Duration = Duration::from_secs(60);

type Heard<'a, S> = &'a dyn Fn(&Said, u8, <S as Story>::Store) -> <S as Story>::Outcome;

/// One story in one database.
pub struct Stage<'a, S: Story> {
    pub app: &'a TestApp,
    /// The clock's readings.
    pub time: fn(u8) -> Time,
    /// Who a caller of a kind is, and what it asks.
    pub asks: &'a dyn Fn(u8) -> (Client, Exchange),
    /// What a caller of a kind heard that found these rows.
    pub heard: Heard<'a, S>,
    /// What of it an answer tells.
    pub as_told: fn(S::Outcome) -> S::Outcome,
    /// What is on disk.
    pub rows: &'a dyn Fn() -> S::Store,
}

/// What the courses held that were replayed.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Callers that asked for the locks while another held them.
    pub overlaps: usize,
    /// Callers that were ended before their commit.
    pub dropped: usize,
    /// Callers whose answer was lost after the commit.
    pub lost: usize,
    /// Callers that were answered.
    pub told: usize,
}

impl Replayed {
    /// Enough of each, so that none is there by name alone.
    pub fn judge(&self) {
        let all = [self.overlaps, self.dropped, self.lost, self.told];
        assert!(all.into_iter().all(|some| some >= 50), "{self:?}");
    }
}

struct Caller<S: Story> {
    kind: u8,
    at: At<S::Store, S::Outcome>,
    /// The rows that it found.
    found: Option<S::Store>,
    passes: Receiver<Edge>,
    /// `false` ends it.
    go: Sender<bool>,
    answer: Receiver<Said>,
    /// It was let go for the locks before it is its turn.
    asked: bool,
}

impl<S: Story> Caller<S> {
    fn begin<'scope>(
        scope: &'scope Scope<'scope, '_>,
        stage: &Stage<'_, S>,
        kind: u8,
        at: At<S::Store, S::Outcome>,
    ) -> Self {
        let (pass, passes) = channel();
        let (go, told) = channel();
        let (say, answer) = channel();
        let (house, (client, ask)) = (stage.app.app.clone(), (stage.asks)(kind));
        scope.spawn(move || {
            let told = Mutex::new(told);
            crash::watch(move |edge| {
                // Where the test has ended, so does the caller.
                pass.send(edge).is_ok() && told.lock().unwrap().recv().unwrap_or(false)
            });
            let made = runtime().block_on(token::exchange(&house, client, ask, Held::default()));
            let _ = say.send(match made {
                Ok(tokens) => {
                    let tokens = serde_json::to_value(&tokens).unwrap();
                    Ok(crate::road::text(&tokens, "refresh_token"))
                }
                Err(Error::Refused(problem)) => Err(problem.description),
                Err(other) => Err(other.to_string()),
            });
        });
        let caller = Self {
            kind,
            at,
            found: None,
            passes,
            go,
            answer,
            asked: false,
        };
        caller.passes(Edge::BeforeBegin);
        caller
    }

    #[track_caller]
    fn passes(&self, edge: Edge) {
        assert_eq!(self.passes.recv_timeout(HANGS), Ok(edge));
    }

    fn go(&self, on: bool) {
        self.go.send(on).unwrap();
    }

    fn answer(&self) -> Said {
        self.answer.recv_timeout(HANGS).expect("an answer")
    }
}

/// Replays a course, and compares what is on disk and what is answered with what the model has.
pub fn replay<S: Story>(stage: &Stage<'_, S>, course: &Course<S>, all: &mut Replayed) {
    std::thread::scope(|scope| {
        let mut callers: Vec<Caller<S>> = Vec::new();
        let mut clock = 0;
        for (number, (step, rows)) in course.iter().enumerate() {
            let &Step::Comes(kind, from, to) = step else {
                clock += 1;
                set_clock(stage.app, (stage.time)(clock));
                continue;
            };
            if matches!(from, At::Away) {
                callers.push(Caller::begin(scope, stage, kind, to));
                continue;
            }
            // Of two that are as one, the one that has asked for the locks is next.
            let is_meant = |one: &Caller<S>| one.kind == kind && one.at == from;
            let asked = callers.iter().position(|one| is_meant(one) && one.asked);
            let meant = asked.or_else(|| callers.iter().position(is_meant));
            let meant = meant.expect("the caller");
            callers[meant].at = to;
            match (from, to) {
                (At::Drawn(_), At::Holding(_, before, ..)) => {
                    callers[meant].found = Some(before);
                    if !std::mem::take(&mut callers[meant].asked) {
                        callers[meant].go(true);
                    }
                    callers[meant].passes(Edge::BeforeCommit);
                }
                (At::Holding(..), _) => {
                    // Whoever is next asks for the locks before they are let go.
                    let next = course[number..].iter().find_map(|(step, _)| match *step {
                        Step::Comes(kind, at @ At::Drawn(_), _) => Some((kind, at)),
                        _ => None,
                    });
                    let waits = |one: &&mut Caller<S>| next == Some((one.kind, one.at));
                    if let Some(next) = callers.iter_mut().find(waits) {
                        next.asked = true;
                        next.go(true);
                        all.overlaps += 1;
                    }
                    let here = &callers[meant];
                    here.go(to != At::Lost);
                    if to == At::Lost {
                        here.answer().expect_err("it was ended");
                        all.dropped += 1;
                    } else {
                        here.passes(Edge::AfterCommit);
                    }
                    assert_eq!((stage.rows)(), *rows, "{step:?} of {course:?}");
                }
                (At::Committed(_), At::Told(wanted)) => {
                    callers[meant].go(true);
                    let found = callers[meant].found.expect("the rows that it found");
                    let heard = (stage.heard)(&callers[meant].answer(), kind, found);
                    let wanted = (stage.as_told)(wanted);
                    assert_eq!(heard, wanted, "{step:?} of {course:?}");
                    all.told += 1;
                }
                (At::Committed(_), _) => {
                    callers[meant].go(false);
                    let lost = callers[meant].answer();
                    lost.expect_err("its answer was lost");
                    all.lost += 1;
                }
                _ => panic!("no such step: {step:?}"),
            }
        }
    });
    set_clock(stage.app, NOON);
}
