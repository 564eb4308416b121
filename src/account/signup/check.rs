//! The security check: what one answer to one picture, sound or question is worth.

use serde::{Deserialize, Serialize};

use super::{Draft, Limits};
use crate::clock::Time;

/// How the check was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Letters in a picture.
    Picture,
    /// Spoken digits.
    Sound,
    /// A question in words.
    Question,
    /// A proof of work in the page.
    Work,
    /// The operator is asked.
    Person,
}

/// The state of the check. The answer is no part of it: it is derived from the draft's id and
/// `number`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Counts what was shown; the last one alone can be answered. 0: nothing yet.
    pub number: u32,
    /// When it was shown.
    pub made_at: Option<Time>,
    /// What was shown: the only thing that an answer is held against.
    #[serde(default)]
    pub shown: Option<Method>,
    /// Wrong answers to it.
    pub tries: u32,
    /// When the check was passed.
    pub passed_at: Option<Time>,
    /// How.
    pub method: Option<Method>,
}

impl Check {
    /// The state with a new picture, sound or question; the old one can no longer be answered.
    #[must_use]
    pub fn renewed(&self, shown: Method, now: Time) -> Self {
        Self {
            number: self.number.saturating_add(1),
            made_at: Some(now),
            shown: Some(shown),
            tries: 0,
            passed_at: None,
            method: None,
        }
    }
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckVerdict {
    /// Right.
    Passed,
    /// Wrong; the same one can be tried again.
    Wrong {
        /// How often.
        tries_left: u32,
    },
    /// Wrong, or answered before: a new one is shown.
    Spent,
    /// Too late, or nothing was shown: a new one is shown.
    Old,
}

/// Judges an answer that `matches` the last picture, sound or question or does not.
pub fn judge_check(draft: &Draft, matches: bool, limits: &Limits, now: Time) -> CheckVerdict {
    let check = &draft.check;
    let Some(made) = check.made_at else {
        return CheckVerdict::Old;
    };
    // SECURITY R17: once, even when it was right.
    if check.passed_at.is_some() || check.tries >= limits.check_tries {
        return CheckVerdict::Spent;
    }
    if now < made || now >= made.plus(limits.check) {
        return CheckVerdict::Old;
    }
    if matches {
        return CheckVerdict::Passed;
    }
    match limits.check_tries - check.tries - 1 {
        0 => CheckVerdict::Spent,
        tries_left => CheckVerdict::Wrong { tries_left },
    }
}

/// Whether the sound and the question are offered before another picture.
pub fn other_ways_first(draft: &Draft, limits: &Limits) -> bool {
    draft.check.number >= limits.check_pictures
}
