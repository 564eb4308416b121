//! Sign-up as a value: the draft of an account and what comes next for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Email;
use super::terms::Acceptance;
use crate::clock::Time;

mod check;
mod code;
mod profile;

pub use check::{Check, CheckVerdict, Method, judge_check, other_ways_first};
pub use code::{
    CodeVerdict, Mail, code_digits, door_is_open, judge_code, may_use_address, wait_to_send,
};
pub use profile::{Checked, Policy, Profile, check_email, check_profile};

/// The numbers of sign-up (DESIGN.md 11, PROTOCOL.md 7, SECURITY R24 and R25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a draft is kept.
    pub draft: Duration,
    /// How long a draft is kept that waits for the operator.
    pub waiting: Duration,
    /// How long a draft may be left before it asks for its address.
    pub idle: Duration,
    /// How long one picture, sound or question can be answered.
    pub check: Duration,
    /// Wrong answers to one of them.
    pub check_tries: u32,
    /// After so many of them the other ways are offered first.
    pub check_pictures: u32,
    /// How long a passed check is good before the first mail, and a username is kept for it.
    pub check_passed: Duration,
    /// How many addresses one passed check is good for.
    pub addresses: u32,
    /// How long a mailed code works.
    pub code: Duration,
    /// Wrong tries of one code.
    pub code_tries: u32,
    /// The span between two mails of one draft.
    pub resend: Duration,
    /// Wrong codes for one address in an hour, across drafts.
    pub wrong_per_hour: u32,
    /// Wrong codes for one address in a day, across drafts.
    pub wrong_per_day: u32,
    /// Mails to one address in 15 minutes.
    pub mails_per_quarter: u32,
    /// Mails to one address in a day.
    pub mails_per_day: u32,
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Limits {
    fn default() -> Self {
        Self {
            draft: DAY,
            waiting: DAY.saturating_mul(14),
            idle: MINUTE.saturating_mul(30),
            check: MINUTE.saturating_mul(5),
            check_tries: 3,
            check_pictures: 5,
            check_passed: MINUTE.saturating_mul(30),
            addresses: 3,
            code: MINUTE.saturating_mul(15),
            code_tries: 5,
            resend: Duration::from_secs(30),
            wrong_per_hour: 10,
            wrong_per_day: 20,
            mails_per_quarter: 3,
            mails_per_day: 10,
        }
    }
}

/// What the operator said of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Let in.
    LetIn,
    /// Not let in.
    Refused,
}

/// Half an account: all that a person has said so far. The first step makes it; it ends with the
/// account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Names the row.
    pub id: String,
    /// The name that others will see.
    pub name: String,
    /// The username wanted. It is not theirs before the account exists.
    pub username: String,
    /// Somebody else got the username meanwhile.
    pub username_lost: bool,
    /// The address as written.
    pub email: String,
    /// The address by which an account is found.
    pub email_key: String,
    /// Argon2id in PHC form.
    pub password: String,
    /// The language of pages and mails.
    pub language: String,
    /// The stored authorize request that waits for this person.
    pub request_id: Option<String>,
    /// The security check.
    pub check: Check,
    /// What they wrote to the operator when they asked for a person.
    pub person_note: Option<String>,
    /// The versions accepted.
    pub agreed: Vec<Acceptance>,
    /// When the agreements were accepted.
    pub agreed_at: Option<Time>,
    /// The mailed code.
    pub mail: Mail,
    /// What the operator said, if asked.
    pub decision: Option<Decision>,
    /// When the operator said it.
    pub decided_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used by its browser.
    pub seen_at: Time,
    /// When it is deleted.
    pub expires_at: Time,
    /// When it became an account.
    pub done_at: Option<Time>,
    /// The account it became.
    pub account_id: Option<String>,
}

/// Which steps this server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The security check.
    pub check: bool,
    /// Agreements, which are published.
    pub terms: bool,
    /// The operator lets each person in.
    pub approve: bool,
}

/// A page of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// W1: name, username, address, password.
    Profile,
    /// W2: the security check.
    Check,
    /// W3: the agreements.
    Agree,
    /// W4: the code from the mail.
    Email,
    /// The username went to somebody else: another one.
    Name,
    /// The operator has to let them in.
    Waiting,
    /// W5: nothing is missing; the account exists, or is made now.
    Done,
}

impl Settings {
    /// The numbered steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        [
            Some(Step::Profile),
            self.check.then_some(Step::Check),
            self.terms.then_some(Step::Agree),
            Some(Step::Email),
            Some(Step::Done),
        ]
        .into_iter()
        .flatten()
    }

    /// How many steps there are; the same from the first page to the last.
    pub fn total(&self) -> usize {
        self.steps().count()
    }

    /// The number of a step, from 1. Another name and waiting belong to the last one.
    pub fn number(&self, step: Step) -> usize {
        self.steps()
            .position(|other| other == step)
            .map_or(self.total(), |at| at + 1)
    }
}

/// What is asked next.
pub fn step(draft: &Draft, settings: &Settings, limits: &Limits, now: Time) -> Step {
    if draft.account_id.is_some() {
        return Step::Done;
    }
    if draft.mail.proved_at.is_none() {
        if settings.check && !draft.check_counts(limits, now) {
            return Step::Check;
        }
        if settings.terms && draft.agreed_at.is_none() {
            return Step::Agree;
        }
        return Step::Email;
    }
    // The proved address stays proved, whatever else is asked again.
    if settings.terms && draft.agreed_at.is_none() {
        return Step::Agree;
    }
    if draft.waits(settings) {
        return Step::Waiting;
    }
    if draft.username_lost {
        return Step::Name;
    }
    Step::Done
}

/// Whether the page of `asked` may be shown; if not, the browser is sent to [`step`]'s.
pub fn may_show(
    asked: Step,
    draft: &Draft,
    settings: &Settings,
    limits: &Limits,
    now: Time,
) -> bool {
    let next = step(draft, settings, limits, now);
    if asked == next {
        return true;
    }
    match asked {
        // Back to the answers, until the address is proved: then they are settled.
        Step::Profile => draft.mail.proved_at.is_none() && next != Step::Done,
        // Reading again what was accepted.
        Step::Agree => settings.terms && next == Step::Email,
        Step::Check | Step::Email | Step::Name | Step::Waiting | Step::Done => false,
    }
}

impl Draft {
    /// Whether the check is passed and still good. Once a mail was sent it stays good; asking for
    /// a person counts, since nobody gets in by it alone.
    pub fn check_counts(&self, limits: &Limits, now: Time) -> bool {
        // PROTOCOL.md 7
        self.check
            .passed_at
            .is_some_and(|passed| self.mail.number > 0 || now < passed.plus(limits.check_passed))
    }

    /// Whether the operator has to say something, or has refused.
    pub fn waits(&self, settings: &Settings) -> bool {
        let asked = settings.approve || self.check.method == Some(Method::Person);
        asked && self.decision != Some(Decision::LetIn)
    }

    /// Whether nobody else may take the username now: behind the check, for 30 minutes.
    pub fn holds_username(&self, settings: &Settings, limits: &Limits, now: Time) -> bool {
        let since = if settings.check {
            self.check.passed_at
        } else {
            Some(self.created_at)
        };
        self.account_id.is_none()
            && !self.username_lost
            && since.is_some_and(|since| now < since.plus(limits.check_passed))
    }

    /// The check is passed: good for as many addresses again.
    pub fn pass_check(&mut self, method: Method, now: Time) {
        self.check.passed_at = Some(now);
        self.check.method = Some(method);
        self.mail.addresses = 0;
    }

    /// Another address: what was mailed to the old one proves nothing any more.
    pub fn change_email(&mut self, email: &Email) {
        if self.email_key != email.key() {
            self.mail.sent_at = None;
            self.mail.proved_at = None;
        }
        self.email = email.as_str().to_owned();
        self.email_key = email.key();
    }

    /// Whether it is past its end.
    pub fn is_over(&self, now: Time) -> bool {
        now >= self.expires_at
    }

    /// Whether it was left so long that it asks for its address before it shows answers.
    pub fn needs_address_again(&self, limits: &Limits, now: Time) -> bool {
        now.since(self.seen_at) >= limits.idle
    }
}

#[cfg(test)]
mod tests;
