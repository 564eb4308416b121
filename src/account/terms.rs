//! Agreements: how a file is read, what a version is, and which ones a person still has to accept.

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::clock::Time;

mod file;

pub use file::{Draft, Mistake, parse};

/// One published version of one agreement in one language. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Which agreement, such as `terms` or `privacy`.
    pub document: String,
    /// 1, 2, 3 …; the same number in every language.
    pub version: i64,
    /// Such as `en`.
    pub language: String,
    /// The heading.
    pub title: String,
    /// SHA-256 of the canonical file ([`Draft::render`]), in hex.
    pub sha256: String,
    /// Markdown.
    pub text: String,
    /// Up to three lines in plain words.
    pub summary: Vec<String>,
    /// What changed since the version before.
    pub changes: Vec<String>,
    /// From when on it counts.
    pub in_force_at: Time,
    /// For how many days from then on "later" is an answer.
    pub grace_days: u32,
    /// A person may do without it (news mail).
    pub optional: bool,
    /// When it was published.
    pub published_at: Time,
}

/// That a person accepted one version, and what it was that they saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Which agreement.
    pub document: String,
    /// Which version of it.
    pub version: i64,
    /// What was shown, to the letter.
    pub sha256: String,
    /// The language in which it was shown.
    pub language: String,
    /// When.
    pub accepted_at: Time,
}

impl Version {
    /// The acceptance of this version.
    pub fn accept(&self, now: Time) -> Acceptance {
        Acceptance {
            document: self.document.clone(),
            version: self.version,
            sha256: self.sha256.clone(),
            language: self.language.clone(),
            accepted_at: now,
        }
    }
}

/// What is asked of a person who has an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due<'a> {
    /// Nothing that is due was ever accepted in an older version.
    pub first: bool,
    /// To be accepted before going on.
    pub must: Vec<&'a Version>,
    /// Asked for, and may wait.
    pub may_wait: Vec<&'a Version>,
    /// When the first of those that may wait no longer may.
    pub wait_until: Option<Time>,
}

impl Due<'_> {
    /// Nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.must.is_empty() && self.may_wait.is_empty()
    }
}

/// From when on a version counts, the same in all its languages: from the latest date of those that
/// were published first. No language stands in for another that still waits, and a translation
/// that comes later changes nothing.
pub fn in_force_from(published: &[Version], version: &Version) -> Time {
    let of = |one: &&Version| one.document == version.document && one.version == version.version;
    let same = || published.iter().filter(of);
    let first = same().map(|one| one.published_at).min();
    same()
        .filter(|one| Some(one.published_at) == first)
        .map(|one| one.in_force_at)
        .max()
        .unwrap_or(version.in_force_at)
}

/// The versions in force, one of each document in the order of `published`, in `language` where
/// there is one, else in English, else in the first language published. What a new person is shown.
pub fn current<'a>(published: &'a [Version], language: &str, now: Time) -> Vec<&'a Version> {
    let mut newest: Vec<&Version> = Vec::new();
    let in_force = |v: &&Version| in_force_from(published, v) <= now;
    for version in published.iter().filter(in_force) {
        match newest.iter_mut().find(|v| v.document == version.document) {
            None => newest.push(version),
            Some(best) => {
                let rank = |v: &Version| (v.version, nearness(&v.language, language));
                if rank(version) > rank(best) {
                    *best = version;
                }
            }
        }
    }
    newest
}

fn nearness(has: &str, wants: &str) -> u8 {
    let primary = |tag: &str| {
        tag.split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if has.eq_ignore_ascii_case(wants) {
        3
    } else if primary(has) == primary(wants) {
        2
    } else if primary(has) == "en" {
        1
    } else {
        0
    }
}

/// Until when "later" is an answer. The days count from when the version was both published, in
/// whatever language first, and in force: a date in the past takes nobody's time away.
fn grace_until(published: &[Version], version: &Version) -> Time {
    let same = published
        .iter()
        .filter(|one| one.document == version.document && one.version == version.version);
    let from = same.map(|one| one.published_at).min();
    let days = Duration::from_secs(86_400).saturating_mul(version.grace_days);
    let in_force = in_force_from(published, version);
    from.map_or(in_force, |at| at.max(in_force)).plus(days)
}

/// What a person who accepted `accepted` is asked for at sign-in. An older version accepted does
/// not count for a newer one; a newer one counts for all before it. Optional ones are never due.
pub fn due<'a>(
    published: &'a [Version],
    accepted: &[Acceptance],
    language: &str,
    now: Time,
) -> Due<'a> {
    let mut due = Due {
        first: true,
        ..Due::default()
    };
    for version in current(published, language, now) {
        let has = accepted
            .iter()
            .any(|had| had.document == version.document && had.version >= version.version);
        if has || version.optional {
            continue;
        }
        due.first &= accepted.iter().all(|had| had.document != version.document);
        let until = grace_until(published, version);
        if now < until {
            due.wait_until = Some(due.wait_until.map_or(until, |at: Time| at.min(until)));
            due.may_wait.push(version);
        } else {
            due.must.push(version);
        }
    }
    due
}

/// SHA-256 in hex, as published beside an agreement.
fn sha256(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
