//! W4: the mailed code. It goes out with the post of the page before; an address that has an
//! account already meets the same pages, limits and writes, and its owner gets another mail.

use std::sync::Arc;
use std::time::Duration;

use super::{Door, Drawn, Moved, check_again, lock, settings};
use crate::account::signup::{
    CodeVerdict, Draft, Limits, Step, check_email, code_digits, door_is_open, judge_code,
    may_use_address, step, wait_to_send,
};
use crate::account::username::Username;
use crate::account::{Code, Email};
use crate::app::App;
use crate::clock::Time;
use crate::flow::letter::{Addressed, Letter};
use crate::flow::{derived, request};
use crate::keys::Purpose;
use crate::limit::Bucket;
use crate::rng::digest;
use crate::store::{self, Conn, Error, counter};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const QUARTER: Duration = Duration::from_secs(900);

/// What the page of a draft says of its mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The other mail server's refusal, in its own words.
    pub refused: Option<String>,
    /// Our own mail does not get out at the moment.
    pub down: bool,
    /// Codes for this address were tried too often: only the link works.
    pub link_only: bool,
    /// Nothing was sent, since as many mails as may went to this address before.
    pub unsent: bool,
    /// How long until a new code may be asked for.
    pub wait: Duration,
}

/// What an answer on this page came to.
#[derive(Debug)]
pub enum Answered {
    /// On to the next page, or the page it belongs on by now.
    Moved(Moved),
    /// A new code is on its way.
    Sent,
    /// Six digits were not typed.
    Empty,
    /// Wrong, and it can be tried again.
    Wrong,
    /// Wrong too often.
    Spent,
    /// Run out.
    Old,
    /// Codes for this address were tried too often: the link of the mail is left.
    Closed,
    /// Too soon for a new code.
    Wait(Duration),
    /// As many mails as may went to this address.
    MailSpent,
    /// The other address cannot be used.
    Address(Code),
    /// Too many accounts from this network.
    TooMany(Duration),
    /// More people than can be read wait for the operator.
    Full,
}

/// Sends the next code of a draft, or in its place the other mail, unless the limits are reached:
/// then nothing is sent and nothing dies (PROTOCOL 7). Says whether it was sent.
pub(super) fn post(drawn: &Drawn, c: &mut Conn<'_>, draft: &mut Draft) -> Result<bool, Error> {
    let (app, now) = (&drawn.app, drawn.now);
    let Ok(address) = Email::parse(&draft.email) else {
        return Err(Error::Broken("a draft's address cannot be read".into()));
    };
    let from = drawn.visitor.address;
    let may_ask = || app.limiter.check(Bucket::Mail, from, now).is_ok();
    if !*drawn.may_ask.get_or_init(may_ask) || !may_mail(app, c, draft, now)? {
        return Ok(false);
    }
    let new_address = draft.mail.sent_at.is_none();
    draft.mail = draft.mail.renewed(new_address, now);
    let letter = match store::account::find_by_email(c, &draft.email_key)? {
        Some(account) => Letter::AlreadyAccount {
            account_id: account.id,
        },
        None => Letter::SignupCode {
            draft_id: draft.id.clone(),
            number: draft.mail.number,
            app: asking(c, draft, now)?,
        },
    };
    Addressed::named(
        drawn.letter_id.clone(),
        &address,
        &letter,
        Some(&draft.id),
        Some(now.plus(app.limits.code)),
        now,
    )?
    .post(c)?;
    Ok(true)
}

/// The name of the app that waits for this person, where the operator knows it. A stranger's
/// words do not belong into the operator's mail; nor does a host, which mail programs link.
fn asking(c: &mut Conn<'_>, draft: &Draft, now: Time) -> Result<Option<String>, Error> {
    let Some(id) = &draft.request_id else {
        return Ok(None);
    };
    let Some(stored) = request::find(c, id, now)? else {
        return Ok(None);
    };
    let id = stored.asked.client_id.unwrap_or_default();
    let client = store::client::find(c, &id)?;
    Ok(client
        .filter(|client| !client.is_unchecked())
        .map(|client| client.name))
}

/// Counts one more mail to the address, across all drafts (SECURITY R24).
fn may_mail(app: &App, c: &mut Conn<'_>, draft: &Draft, now: Time) -> Result<bool, Error> {
    let limits = &app.limits;
    let (short, long) = mail_keys(app, &draft.email_key);
    if counter::add(c, &short, QUARTER, now)?.count > i64::from(limits.mails_per_quarter) {
        counter::take_back(c, &short)?;
        return Ok(false);
    }
    if counter::add(c, &long, DAY, now)?.count > i64::from(limits.mails_per_day) {
        counter::take_back(c, &short)?;
        counter::take_back(c, &long)?;
        return Ok(false);
    }
    Ok(true)
}

fn mail_keys(app: &App, email_key: &str) -> (String, String) {
    let key = |what: &[u8]| counted(app, what, email_key);
    (key(b"signup mail quarter"), key(b"signup mail day"))
}

fn wrong_keys(app: &App, email_key: &str) -> (String, String) {
    let key = |what: &[u8]| counted(app, what, email_key);
    (key(b"signup wrong hour"), key(b"signup wrong day"))
}

fn counted(app: &App, what: &[u8], email_key: &str) -> String {
    app.keys
        .master()
        .mac_text(Purpose::Counter, &[what, email_key.as_bytes()])
}

/// What the page says of the mail, all of it true.
///
/// # Errors
/// When the database does not answer.
pub async fn truth(app: &Arc<App>, draft: &Draft) -> Result<Truth, Error> {
    let (app, draft, now) = (app.clone(), draft.clone(), app.clock.now());
    let store = app.store.clone();
    store
        .read(move |c| {
            let limits = &app.limits;
            let (hour, day) = wrong_keys(&app, &draft.email_key);
            let wrong = (count(c, &hour, now)?, count(c, &day, now)?);
            let letter = match draft.mail.sent_at {
                Some(_) => store::outbox::newest_of(c, &draft.id)?,
                None => None,
            };
            let said = letter
                .as_ref()
                .and_then(|letter| letter.said.clone())
                .unwrap_or_default();
            let (failed, tried) = letter.map_or((false, false), |letter| {
                let open = letter.sent_at.is_none();
                (
                    open && letter.failed_at.is_some(),
                    open && letter.tries > 0 && letter.said.is_some(),
                )
            });
            // A refusal for good begins with the server's own code (RFC 5321 4.2.1).
            let refused = failed && said.starts_with('5');
            Ok(Truth {
                down: !refused && (failed || tried),
                refused: refused.then_some(said),
                link_only: !door_is_open(wrong.0, wrong.1, limits),
                unsent: draft.mail.sent_at.is_none(),
                wait: wait_to_send(&draft, limits, now),
            })
        })
        .await
}

fn count(c: &mut Conn<'_>, key: &str, now: Time) -> Result<u32, Error> {
    Ok(u32::try_from(counter::find(c, key, now)?.count).unwrap_or(u32::MAX))
}

/// A typed code.
///
/// # Errors
/// When the database does not answer.
pub async fn prove(app: &Arc<App>, door: &Door, typed: &str) -> Result<Answered, Error> {
    let typed = code_digits(typed);
    let again = typed.clone();
    let proves = move |drawn: &Drawn, draft: &Draft| {
        again
            .as_deref()
            .is_some_and(|it| is_right(&drawn.app, draft, it))
    };
    answer(app, door, proves, move |drawn, c, draft| {
        Ok(match &typed {
            None => Err(Answered::Empty),
            Some(typed) => judge(drawn, c, draft, typed)?,
        })
    })
    .await
}

fn is_right(app: &App, draft: &Draft, typed: &str) -> bool {
    derived::is_mail_code(
        app.keys.master(),
        &draft.id,
        &draft.email_key,
        draft.mail.number,
        typed,
    )
}

/// No proof.
const fn nothing(_: &Drawn, _: &Draft) -> bool {
    false
}

/// Judges a code; `Ok` when it proves the address.
fn judge(
    drawn: &Drawn,
    c: &mut Conn<'_>,
    draft: &mut Draft,
    typed: &str,
) -> Result<Result<(), Answered>, Error> {
    let (app, now) = (&drawn.app, drawn.now);
    let limits: &Limits = &app.limits;
    let (hour, day) = wrong_keys(app, &draft.email_key);
    // Counted before it is compared, so that parallel guesses count too (SECURITY R23, R25).
    let in_hour = counter::add(c, &hour, HOUR, now)?.count - 1;
    let in_day = counter::add(c, &day, DAY, now)?.count - 1;
    let narrow = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let uncount = |c: &mut Conn<'_>| -> Result<(), Error> {
        counter::take_back(c, &hour)?;
        counter::take_back(c, &day)
    };
    if !door_is_open(narrow(in_hour), narrow(in_day), limits) {
        uncount(c)?;
        return Ok(Err(Answered::Closed));
    }
    let right = is_right(app, draft, typed);
    // No code proves an address that has an account (SECURITY R10, R11).
    let owner = store::account::find_by_email(c, &draft.email_key)?;
    Ok(
        match judge_code(draft, right && owner.is_none(), limits, now) {
            CodeVerdict::Proved => {
                uncount(c)?;
                draft.mail.proved_at = Some(now);
                Ok(())
            }
            CodeVerdict::Old => {
                uncount(c)?;
                Err(Answered::Old)
            }
            verdict => {
                let spent_before = draft.mail.tries >= limits.code_tries;
                if spent_before {
                    uncount(c)?; // it was not compared
                } else {
                    draft.mail.tries += 1;
                }
                if right && owner.is_some() && !spent_before {
                    // The address got its account between the mail and now: tell its owner.
                    post(drawn, c, draft)?;
                }
                Err(match verdict {
                    CodeVerdict::Wrong { .. } => Answered::Wrong,
                    _ => Answered::Spent,
                })
            }
        },
    )
}

/// Asks for a new code.
///
/// # Errors
/// When the database does not answer.
pub async fn resend(app: &Arc<App>, door: &Door) -> Result<Answered, Error> {
    answer(app, door, nothing, |drawn, c, draft| {
        let wait = wait_to_send(draft, &drawn.app.limits, drawn.now);
        Ok(Err(if !wait.is_zero() {
            Answered::Wait(wait)
        } else if post(drawn, c, draft)? {
            Answered::Sent
        } else {
            Answered::MailSpent
        }))
    })
    .await
}

/// Uses another address. Past three of them the check is asked again.
///
/// # Errors
/// When the database does not answer.
pub async fn change_address(app: &Arc<App>, door: &Door, typed: &str) -> Result<Answered, Error> {
    let typed = typed.to_owned();
    answer(app, door, nothing, move |drawn, c, draft| {
        let app = &drawn.app;
        let username = Username::parse(&draft.username, &app.policy.username).ok();
        let address = match check_email(&typed, username.as_ref(), &app.policy) {
            Ok(address) => address,
            Err(code) => return Ok(Err(Answered::Address(code))),
        };
        if address.key() == draft.email_key && draft.mail.sent_at.is_some() {
            // The same one again is a wish for a new code.
            let wait = wait_to_send(draft, &app.limits, drawn.now);
            return Ok(Err(if !wait.is_zero() {
                Answered::Wait(wait)
            } else if post(drawn, c, draft)? {
                Answered::Sent
            } else {
                Answered::MailSpent
            }));
        }
        draft.change_email(&address);
        if !may_use_address(draft, &app.limits) {
            check_again(draft);
        }
        Ok(Ok(()))
    })
    .await
}

/// One answer to this page behind the draft's lock. `act` says `Ok` when the draft goes on, else
/// what the page says; both are written. `proves` says whether a post is the one that made the
/// account, sent again.
pub(super) async fn answer(
    app: &Arc<App>,
    door: &Door,
    proves: impl Fn(&Drawn, &Draft) -> bool + Send + 'static,
    act: impl Fn(&Drawn, &mut Conn<'_>, &mut Draft) -> Result<Result<(), Answered>, Error>
    + Send
    + 'static,
) -> Result<Answered, Error> {
    let Some(hash) = door.draft.as_deref().map(digest) else {
        return Ok(Answered::Moved(Moved::to(Step::Profile)));
    };
    let from = door.visitor.address;
    let now = app.clock.now();
    if let Err(wait) = app.limiter.peek(Bucket::Account, from, now) {
        return Ok(Answered::TooMany(wait));
    }
    let drawn = Drawn::new(app, door, &["pwd"]);
    let answered = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let Some(mut draft) = lock(c, &hash, now)? else {
                return Ok(Answered::Moved(Moved::to(Step::Profile)));
            };
            let settings = settings(app, c, now)?;
            let next = step(&draft, &settings, &app.limits, now);
            if next != Step::Email {
                let again = proves(&drawn, &draft);
                return Ok(Answered::Moved(drawn.late(c, &draft, next, again)?));
            }
            match act(&drawn, c, &mut draft)? {
                Ok(()) => {
                    let moved = drawn.settle(c, &mut draft, &settings)?;
                    Ok(if moved.full {
                        Answered::Full
                    } else {
                        Answered::Moved(moved)
                    })
                }
                Err(said) => {
                    draft.seen_at = now;
                    super::save(app, c, &draft, &settings, now)?;
                    Ok(said)
                }
            }
        })
        .await?;
    match &answered {
        Answered::Moved(moved) => finished(app, door, moved),
        _ => app.post.notify_one(),
    }
    Ok(answered)
}

/// After the transaction: an account counts for its network, the worker is rung.
pub(super) fn finished(app: &App, door: &Door, moved: &Moved) {
    if moved.made {
        // Looked at before; a race past it is one account more, which is friction enough.
        let _ = app
            .limiter
            .check(Bucket::Account, door.visitor.address, app.clock.now());
        tracing::info!(network = door.visitor.network(), "signup.done");
    }
    app.post.notify_one();
}
