//! The two mailed links: `/e/…` proves the address in the draft's browser and shows the code in
//! any other; `/signup/let-in/…` finishes in any browser. A GET changes nothing (SECURITY R29).

use std::sync::Arc;

use super::email::{Answered, answer, finished};
use super::{Door, Drawn, Moved, settings};
use crate::account::signup::{Draft, Settings, Step, step};
use crate::app::App;
use crate::clock::Time;
use crate::flow::derived::{self, Link};
use crate::limit::Bucket;
use crate::rng::digest;
use crate::store::{self, Conn, Error};

/// What a mailed link shows.
#[derive(Debug)]
pub enum Shown {
    /// It no longer works.
    Old,
    /// The draft's own browser: this address can be confirmed.
    Confirm(String),
    /// Another browser: the code, to be typed where the person started.
    Code(String),
    /// The draft's own browser, and the address is proved.
    Proved,
}

/// Looks at `/e/{link}`.
///
/// # Errors
/// When the database does not answer.
pub async fn look(app: &Arc<App>, link: &str, cookie: Option<&str>) -> Result<Shown, Error> {
    let Some((id, number)) = Link::Address.read(app.keys.master(), link) else {
        return Ok(Shown::Old);
    };
    let (house, now, hash) = (app.clone(), app.clock.now(), cookie.map(digest));
    app.store
        .read(move |c| {
            let Some(draft) = store::draft::find_by_id(c, &id)? else {
                return Ok(Shown::Old);
            };
            let own = match &hash {
                Some(hash) => store::draft::find(c, hash)?.is_some_and(|own| own.id == id),
                None => false,
            };
            if own && (draft.account_id.is_some() || draft.mail.proved_at.is_some()) {
                return Ok(Shown::Proved);
            }
            if !works(&house, &draft, number, now) {
                return Ok(Shown::Old);
            }
            if own {
                return Ok(Shown::Confirm(draft.email));
            }
            let code = derived::mail_code(house.keys.master(), &draft.id, &draft.email_key, number);
            Ok(Shown::Code(format!("{} {}", &code[..3], &code[3..])))
        })
        .await
}

/// Whether a link of ours still stands: of the newest mail, in time, not used.
fn works(app: &App, draft: &Draft, number: u32, now: Time) -> bool {
    !draft.is_over(now)
        && draft.account_id.is_none()
        && draft.mail.proved_at.is_none()
        && draft.mail.number == number
        && draft
            .mail
            .sent_at
            .is_some_and(|sent| now < sent.plus(app.limits.code))
}

/// The button on `/e/{link}`: in the draft's browser it proves the address, whatever codes were
/// tried before (PROTOCOL 7).
///
/// # Errors
/// When the database does not answer.
pub async fn confirm(app: &Arc<App>, door: &Door, link: &str) -> Result<Answered, Error> {
    let Some((id, number)) = Link::Address.read(app.keys.master(), link) else {
        return Ok(Answered::Old);
    };
    let again = id.clone();
    let proves = move |_: &Drawn, _: &mut Conn<'_>, draft: &Draft| {
        Ok(draft.id == again && draft.mail.number == number)
    };
    answer(app, door, proves, move |drawn, c, draft| {
        let taken = store::account::find_by_email(c, &draft.email_key)?.is_some();
        if draft.id != id || !works(&drawn.app, draft, number, drawn.now) || taken {
            return Ok(Err(Answered::Old));
        }
        draft.mail.proved_at = Some(drawn.now);
        Ok(Ok(()))
    })
    .await
}

/// Whether nobody has to say anything any more: the operator let the person in, or no longer asks
/// about each.
fn is_let_in(draft: &Draft, settings: &Settings, now: Time) -> bool {
    !draft.is_over(now)
        && draft.account_id.is_none()
        && draft.mail.proved_at.is_some()
        && !draft.waits(settings)
}

/// The path of a draft's own link, for the browser that has the draft.
pub fn let_in_path(app: &App, draft: &Draft) -> String {
    let link = Link::LetIn.make(app.keys.master(), &draft.id, 0);
    format!("/signup/let-in/{link}")
}

/// Looks at `/signup/let-in/{link}`: whose account it will make.
///
/// # Errors
/// When the database does not answer.
pub async fn look_let_in(app: &Arc<App>, link: &str) -> Result<Option<Draft>, Error> {
    let Some((id, _)) = Link::LetIn.read(app.keys.master(), link) else {
        return Ok(None);
    };
    let (house, now) = (app.clone(), app.clock.now());
    app.store
        .read(move |c| {
            let settings = settings(&house, c, now)?;
            let draft = store::draft::find_by_id(c, &id)?;
            Ok(draft.filter(|draft| is_let_in(draft, &settings, now)))
        })
        .await
}

/// Its button: makes the account and signs this browser in. A draft that still misses something
/// (its username went to another person) becomes this browser's, by the cookie that is given.
///
/// # Errors
/// When the database does not answer.
pub async fn enter(
    app: &Arc<App>,
    door: &Door,
    link: &str,
) -> Result<(Answered, Option<crate::rng::Secret>), Error> {
    let Some((id, _)) = Link::LetIn.read(app.keys.master(), link) else {
        return Ok((Answered::Old, None));
    };
    let now = app.clock.now();
    if let Err(wait) = app.limiter.peek(Bucket::Account, door.visitor.address, now) {
        return Ok((Answered::TooMany(wait), None));
    }
    // RFC 8176: the mailbox was proved, no password was typed in this browser.
    let drawn = Drawn::new(app, door, &["otp"]);
    let cookie = app.rng.secret();
    let cookie_hash = cookie.hash();
    let answered = app
        .store
        .write(move |c| {
            let (app, now) = (&drawn.app, drawn.now);
            let settings = settings(app, c, now)?;
            let draft = store::draft::lock(c, &id)?;
            if let Some(draft) = &draft
                && draft.account_id.is_some()
            {
                let moved = drawn.late(c, draft, Step::Done, true)?;
                if moved.cookie.is_none() {
                    return Ok(Answered::Old);
                }
                store::draft::rekey(c, &draft.id, &cookie_hash)?;
                return Ok(Answered::Moved(moved));
            }
            let Some(mut draft) = draft.filter(|draft| is_let_in(draft, &settings, now)) else {
                return Ok(Answered::Old);
            };
            let next = step(&draft, &settings, &app.limits, now);
            store::draft::rekey(c, &draft.id, &cookie_hash)?;
            if !matches!(next, Step::Done | Step::Name | Step::Agree) {
                return Ok(Answered::Moved(Moved::to(next)));
            }
            Ok(Answered::Moved(drawn.settle(c, &mut draft, &settings)?))
        })
        .await?;
    match answered {
        Answered::Moved(moved) => {
            finished(app, door, &moved);
            Ok((Answered::Moved(moved), Some(cookie)))
        }
        other => Ok((other, None)),
    }
}
