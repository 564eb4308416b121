//! A new e-mail address: proved by a code before it replaces the old one.

use std::sync::Arc;
use std::time::Duration;

use super::is_still_here;
use crate::account::signup::code_digits;
use crate::account::{Account, Code, Email, Session};
use crate::app::App;
use crate::clock::Time;
use crate::flow::Visitor;
use crate::flow::delivery::Delivery;
use crate::flow::derived;
use crate::flow::letter::{Addressed, Letter};
use crate::flow::signin::guess::key;
use crate::store::{self, Conn, account, address, counter, event, reset};

const QUARTER: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What came of asking for a new address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A code is on its way; the old address stays until it comes back.
    Sent,
    /// It is the address on file.
    Same,
    /// As many mails went to it as may; not before the span is over.
    Limited(Duration),
    /// What is wrong with it.
    Mistake(Code),
}

/// Sends a code to a new address. One that belongs to another account gets the same answer; its
/// owner gets another mail, and no code ever proves it (SECURITY R10, R11). The caller has looked
/// at the proof's age.
///
/// # Errors
/// When the database does not answer.
pub async fn ask_email(
    app: &Arc<App>,
    account: &Account,
    typed: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Asked, store::Error> {
    let email = match Email::parse(typed) {
        Ok(email) => email,
        Err(code) => return Ok(Asked::Mistake(code)),
    };
    if let Err(code) = app.policy.email.check(&email, Some(&account.username)) {
        return Ok(Asked::Mistake(code));
    }
    let email_key = email.key();
    if email_key == account.email_key {
        return Ok(Asked::Same);
    }
    let wanted = email_key.clone();
    let owner = app
        .store
        .read(move |c| account::find_by_email(c, &wanted))
        .await?;
    let change = address::Change {
        account_id: account.id.clone(),
        id: app.rng.id(),
        email: email.as_str().to_owned(),
        wrong: 0,
        expires_at: now.plus(app.limits.code).millis(),
    };
    let letter = match owner {
        Some(owner) => Letter::AlreadyAccount {
            account_id: owner.id,
        },
        None => Letter::EmailCode {
            account_id: account.id.clone(),
            change_id: change.id.clone(),
        },
    };
    let ends = Some(now.plus(app.limits.code));
    // Under the change's name: its page tells how the sending goes.
    let letter = Addressed::new(app, &email, &letter, Some(&change.id), ends, now)?;
    let line = visitor.event(app, &account.id, "email.asked", now);
    // The same counts as at sign-up: what matters is the mailbox (SECURITY R24).
    let keys = [
        (
            key(app, &["signup mail quarter", &email_key]),
            app.limits.mails_per_quarter,
            QUARTER,
        ),
        (
            key(app, &["signup mail day", &email_key]),
            app.limits.mails_per_day,
            DAY,
        ),
        // And one person does not write to many.
        (
            key(app, &["change mail day", &account.id]),
            app.limits.mails_per_day,
            DAY,
        ),
    ];
    let asked = app
        .store
        .write(move |c| {
            if !account::stays(c, &change.account_id)? {
                // Deleted meanwhile: the page that comes next says that nobody is signed in.
                return Ok(Asked::Sent);
            }
            for (at, (key, most, span)) in keys.iter().enumerate() {
                if counter::add(c, key, *span, now)?.count > i64::from(*most) {
                    let rest = counter::rest(c, key, now)?;
                    for (key, ..) in keys.iter().take(at + 1) {
                        counter::take_back(c, key)?;
                    }
                    return Ok(Asked::Limited(rest));
                }
            }
            address::put(c, &change)?;
            letter.post(c)?;
            event::add(c, &line)?;
            Ok(Asked::Sent)
        })
        .await?;
    app.post.notify_one();
    Ok(asked)
}

/// The new address that waits for its code, and what became of the mail.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(
    app: &App,
    account_id: &str,
    now: Time,
) -> Result<Option<(String, Delivery)>, store::Error> {
    let account_id = account_id.to_owned();
    app.store
        .read(move |c| {
            let Some(change) = address::find(c, &account_id, now)? else {
                return Ok(None);
            };
            let delivery = Delivery::of(c, &change.id)?;
            Ok(Some((change.email, delivery)))
        })
        .await
}

/// What a typed code was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proved {
    /// The new address is on file.
    Done,
    /// Not six digits.
    Empty,
    /// Not the code.
    Wrong,
    /// Tried too often, or run out: a new one is needed.
    Spent,
    /// The session ended meanwhile.
    Gone,
}

/// Puts the new address in the place of the old one. Mails go to both; what was mailed to the old
/// one opens nothing any more (SECURITY R27). The caller has looked at the proof's age.
///
/// # Errors
/// When the database does not answer.
pub async fn prove_email(
    app: &Arc<App>,
    (session, account): (&Session, &Account),
    typed: &str,
    visitor: &Visitor,
    now: Time,
) -> Result<Proved, store::Error> {
    let Some(typed) = code_digits(typed) else {
        return Ok(Proved::Empty);
    };
    let line = visitor.event(app, &account.id, "email", now);
    let waiting = pending(app, &account.id, now).await?;
    let Some(email) = waiting.and_then(|(email, _)| Email::parse(&email).ok()) else {
        return Ok(Proved::Spent);
    };
    let letters = letters(app, account, &email, now)?;
    let wrong = [
        (
            key(app, &["change wrong hour", &email.key()]),
            app.limits.wrong_per_hour,
            HOUR,
        ),
        (
            key(app, &["change wrong day", &email.key()]),
            app.limits.wrong_per_day,
            DAY,
        ),
    ];
    let (house, sid, account_id) = (app.clone(), session.sid.clone(), account.id.clone());
    let proved = app
        .store
        .write(move |c| {
            if !is_still_here(c, &account_id, None, &sid)? {
                return Ok(Proved::Gone);
            }
            // Counted before it is compared (SECURITY R23, R25).
            let mut open = true;
            for (key, most, span) in &wrong {
                open &= counter::add(c, key, *span, now)?.count <= i64::from(*most);
            }
            let most = i64::from(house.limits.code_tries);
            let change = address::count_try(c, &account_id, most, now)?;
            let Some(change) = change.filter(|change| open && change.email == email.as_str())
            else {
                return Ok(Proved::Spent);
            };
            let master = house.keys.master();
            if !derived::is_mail_code(master, &change.id, &change.email, 0, &typed) {
                return Ok(if change.wrong < most {
                    Proved::Wrong
                } else {
                    Proved::Spent
                });
            }
            if !address::spend(c, &account_id, &change.id)?
                || !account::set_email(c, &account_id, email.as_str(), &email.key())?
            {
                return Ok(Proved::Spent);
            }
            for (key, ..) in &wrong {
                counter::take_back(c, key)?;
            }
            reset::end_all(c, &account_id, now)?;
            event::add(c, &line)?;
            post(c, &letters)?;
            Ok(Proved::Done)
        })
        .await?;
    app.post.notify_one();
    Ok(proved)
}

fn post(c: &mut Conn<'_>, letters: &[Addressed]) -> Result<(), store::Error> {
    letters.iter().try_for_each(|letter| letter.post(c))
}

fn letters(
    app: &App,
    account: &Account,
    new: &Email,
    now: Time,
) -> Result<Vec<Addressed>, store::Error> {
    let Ok(old) = Email::parse(&account.email) else {
        return Ok(Vec::new());
    };
    // Neither mailbox learns the other's whole address.
    [(&old, true), (new, false)]
        .into_iter()
        .map(|(to, to_old)| {
            let shown = |email: &Email, whole: bool| {
                if whole {
                    email.as_str().to_owned()
                } else {
                    email.masked()
                }
            };
            let letter = Letter::EmailChanged {
                account_id: account.id.clone(),
                old: shown(&old, to_old),
                new: shown(new, !to_old),
                to_old,
                at: now,
            };
            Addressed::new(app, to, &letter, None, None, now)
        })
        .collect()
}
