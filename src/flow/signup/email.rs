//! W4: the mailed code. It goes out with the post of the page before; an address that has an
//! account already meets the same pages, limits and writes, and its owner gets another mail.

use std::net::IpAddr;
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
use crate::flow::delivery::Delivery;
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
    /// What became of the mail.
    pub mail: Delivery,
    /// Codes for this address were tried too often: only the link works.
    pub link_only: bool,
    /// Nothing was sent: why, where that still holds.
    pub unsent: Option<Option<Held>>,
    /// A mail of this draft carries a code that still works.
    pub live: bool,
    /// How long until a new code may be asked for.
    pub wait: Duration,
}

/// What holds a mail back, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// As many mails as may were asked for from the network.
    Network(Duration),
    /// As many mails as may went to the address.
    Address(Duration),
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
    /// No mail may go out now. The last one of this draft still works, or there is none.
    Held(Held, bool),
    /// The other address cannot be used.
    Address(Code),
    /// Too many accounts from this network.
    TooMany(Duration),
    /// More people than can be read wait for the operator.
    Full,
}

/// Sends the next code of a draft, or in its place the other mail, unless the limits are reached:
/// then nothing is sent and nothing dies (PROTOCOL 7). Says what holds it back.
pub(super) fn post(
    drawn: &Drawn,
    c: &mut Conn<'_>,
    draft: &mut Draft,
) -> Result<Result<(), Held>, Error> {
    let (app, now) = (&drawn.app, drawn.now);
    let Ok(address) = Email::parse(&draft.email) else {
        return Err(Error::Broken("a draft's address cannot be read".into()));
    };
    let from = drawn.visitor.address;
    let may_ask = || app.limiter.check(Bucket::Mail, from, now);
    if let Err(wait) = drawn.may_ask.get_or_init(may_ask) {
        return Ok(Err(Held::Network(*wait)));
    }
    if let Err(wait) = may_mail(app, c, draft, now)? {
        return Ok(Err(Held::Address(wait)));
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
    Ok(Ok(()))
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

/// Counts one more mail to the address, across all drafts (SECURITY R24); or says how long none
/// may go there.
fn may_mail(
    app: &App,
    c: &mut Conn<'_>,
    draft: &Draft,
    now: Time,
) -> Result<Result<(), Duration>, Error> {
    let limits = &app.limits;
    let (short, long) = mail_keys(app, &draft.email_key);
    if counter::add(c, &short, QUARTER, now)?.count > i64::from(limits.mails_per_quarter) {
        counter::take_back(c, &short)?;
        return Ok(Err(counter::rest(c, &short, now)?));
    }
    if counter::add(c, &long, DAY, now)?.count > i64::from(limits.mails_per_day) {
        counter::take_back(c, &short)?;
        counter::take_back(c, &long)?;
        return Ok(Err(counter::rest(c, &long, now)?));
    }
    Ok(Ok(()))
}

/// What would hold a mail to the draft's address back now; counts nothing.
fn held(
    app: &App,
    c: &mut Conn<'_>,
    draft: &Draft,
    from: IpAddr,
    now: Time,
) -> Result<Option<Held>, Error> {
    if let Err(wait) = app.limiter.peek(Bucket::Mail, from, now) {
        return Ok(Some(Held::Network(wait)));
    }
    let (short, long) = mail_keys(app, &draft.email_key);
    let most = [
        (long, app.limits.mails_per_day),
        (short, app.limits.mails_per_quarter),
    ];
    for (key, most) in most {
        if count(c, &key, now)? >= most {
            return Ok(Some(Held::Address(counter::rest(c, &key, now)?)));
        }
    }
    Ok(None)
}

/// A mail of this draft carries a code that still works.
fn is_live(draft: &Draft, limits: &Limits, now: Time) -> bool {
    let sent = draft.mail.sent_at;
    draft.mail.tries < limits.code_tries && sent.is_some_and(|at| now < at.plus(limits.code))
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
pub async fn truth(app: &Arc<App>, draft: &Draft, from: IpAddr) -> Result<Truth, Error> {
    let (app, draft, now) = (app.clone(), draft.clone(), app.clock.now());
    let store = app.store.clone();
    store
        .read(move |c| {
            let limits = &app.limits;
            let (hour, day) = wrong_keys(&app, &draft.email_key);
            let wrong = (count(c, &hour, now)?, count(c, &day, now)?);
            let mail = match draft.mail.sent_at {
                Some(_) => Delivery::of(c, &draft.id)?,
                None => Delivery::default(),
            };
            Ok(Truth {
                mail,
                link_only: !door_is_open(wrong.0, wrong.1, limits),
                unsent: match draft.mail.sent_at {
                    Some(_) => None,
                    None => Some(held(&app, c, &draft, from, now)?),
                },
                live: is_live(&draft, limits, now),
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
    let proves = move |drawn: &Drawn, c: &mut Conn<'_>, draft: &Draft| match &again {
        Some(typed) => is_right_again(drawn, c, draft, typed),
        None => Ok(false),
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

/// The same of an account that was made by it a moment ago; a wrong one counts as it did before.
fn is_right_again(
    drawn: &Drawn,
    c: &mut Conn<'_>,
    draft: &Draft,
    typed: &str,
) -> Result<bool, Error> {
    let (app, now) = (&drawn.app, drawn.now);
    let (hour, day) = wrong_keys(app, &draft.email_key);
    let narrow = |count: i64| u32::try_from(count - 1).unwrap_or(u32::MAX);
    let in_hour = narrow(counter::add(c, &hour, HOUR, now)?.count);
    let in_day = narrow(counter::add(c, &day, DAY, now)?.count);
    let open = door_is_open(in_hour, in_day, &app.limits);
    let right = open && is_right(app, draft, typed);
    if right || !open {
        counter::take_back(c, &hour)?;
        counter::take_back(c, &day)?;
    }
    Ok(right)
}

/// No proof.
const fn nothing(_: &Drawn, _: &mut Conn<'_>, _: &Draft) -> Result<bool, Error> {
    Ok(false)
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
                    let _ = post(drawn, c, draft)?; // or nothing, where no mail may go out
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
        Ok(Err(send_again(drawn, c, draft)?))
    })
    .await
}

fn send_again(drawn: &Drawn, c: &mut Conn<'_>, draft: &mut Draft) -> Result<Answered, Error> {
    let wait = wait_to_send(draft, &drawn.app.limits, drawn.now);
    if !wait.is_zero() {
        return Ok(Answered::Wait(wait));
    }
    Ok(match post(drawn, c, draft)? {
        Ok(()) => Answered::Sent,
        Err(held) => Answered::Held(held, is_live(draft, &drawn.app.limits, drawn.now)),
    })
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
            return Ok(Err(send_again(drawn, c, draft)?));
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
    proves: impl Fn(&Drawn, &mut Conn<'_>, &Draft) -> Result<bool, Error> + Send + 'static,
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
                let again = proves(&drawn, c, &draft)?;
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
