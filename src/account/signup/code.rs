//! The mailed code: what one typed code is worth, and when the next mail may go.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Draft, Limits};
use crate::clock::Time;

/// The digits of a code.
const DIGITS: usize = 6;

/// The state of the mailed code. The code is no part of it: it is derived from the draft's id,
/// the address and `number`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Counts the codes; the last one alone works. 0: none was sent.
    pub number: u32,
    /// When it was sent.
    pub sent_at: Option<Time>,
    /// Wrong tries of it.
    pub tries: u32,
    /// To how many addresses one was sent.
    pub addresses: u32,
    /// When the address was proved.
    pub proved_at: Option<Time>,
}

impl Mail {
    /// The state with a new code; the old one no longer works.
    #[must_use]
    pub fn renewed(&self, new_address: bool, now: Time) -> Self {
        let new_address = new_address || self.addresses == 0;
        Self {
            number: self.number.saturating_add(1),
            sent_at: Some(now),
            tries: 0,
            addresses: self.addresses.saturating_add(u32::from(new_address)),
            proved_at: None,
        }
    }
}

/// What a typed code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// The address is theirs.
    Proved,
    /// Wrong; it can be tried again.
    Wrong {
        /// How often.
        tries_left: u32,
    },
    /// Wrong too often, or used. A wrong answer never sends a new code.
    Spent,
    /// Run out, or none was sent.
    Old,
}

/// Judges a code that `matches` the last one or does not. Whether the door is open for this
/// address at all says [`door_is_open`].
pub fn judge_code(draft: &Draft, matches: bool, limits: &Limits, now: Time) -> CodeVerdict {
    let mail = &draft.mail;
    let Some(sent) = mail.sent_at else {
        return CodeVerdict::Old;
    };
    if mail.proved_at.is_some() || mail.tries >= limits.code_tries {
        return CodeVerdict::Spent;
    }
    if now < sent || now >= sent.plus(limits.code) {
        return CodeVerdict::Old;
    }
    if matches {
        return CodeVerdict::Proved;
    }
    match limits.code_tries - mail.tries - 1 {
        0 => CodeVerdict::Spent,
        tries_left => CodeVerdict::Wrong { tries_left },
    }
}

/// Whether codes for an address are compared at all, after so many wrong ones in the last hour
/// and day across all drafts. The link of the mail works even when they are not (PROTOCOL.md 7).
pub fn door_is_open(wrong_in_hour: u32, wrong_in_day: u32, limits: &Limits) -> bool {
    wrong_in_hour < limits.wrong_per_hour && wrong_in_day < limits.wrong_per_day
}

/// How long to wait before the next mail of this draft; zero: it may go now.
pub fn wait_to_send(draft: &Draft, limits: &Limits, now: Time) -> Duration {
    draft
        .mail
        .sent_at
        .map_or(Duration::ZERO, |sent| sent.plus(limits.resend).since(now))
}

/// Whether one more address may be tried. Past that the check is asked again, and passing it
/// ([`Draft::pass_check`]) gives as many more.
pub fn may_use_address(draft: &Draft, limits: &Limits) -> bool {
    draft.mail.addresses < limits.addresses
}

/// The six digits that were typed, without spaces and in ASCII; `None` when they are not six.
pub fn code_digits(typed: &str) -> Option<String> {
    let mut digits = String::with_capacity(DIGITS);
    for letter in typed.chars().filter(|c| !c.is_whitespace()) {
        // Keyboards of other scripts write their own digits: full-width, Arabic, Persian,
        // Devanagari, Bengali, Mongolian.
        let zero = [
            '0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{1810}',
        ]
        .into_iter()
        .find(|zero| (0..10).contains(&u32::from(letter).wrapping_sub(u32::from(*zero))))?;
        let digit = char::from_digit(u32::from(letter) - u32::from(zero), 10)?;
        if digits.len() == DIGITS {
            return None;
        }
        digits.push(digit);
    }
    (digits.len() == DIGITS).then_some(digits)
}
