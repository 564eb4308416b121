//! Apps known by a document at their `client_id`: read when a sign-in begins, and put on file by
//! the first that is done, so that every other story finds them as it finds any client.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::authorize::Refused;
use super::short;
use crate::app::App;
use crate::call::{Answer, Ask, Failure, Purpose, Typed, Wanted};
use crate::clock::Time;
use crate::limit::Bucket;
use crate::oauth::authorize::{PageError, Refusal};
use crate::oauth::client::Client;
use crate::oauth::document::{is_address, read};
use crate::oauth::error::Problem;
use crate::oauth::registration::Origin;
use crate::store::{self, Conn, Error};

/// When to come again while too many documents are being read.
const AGAIN: Duration = Duration::from_secs(3);

/// Whether a client may sign people in now, as far as documents go: one that is known by a
/// document only while documents are taken, and the operator does not keep it out.
pub fn is_open(app: &App, client: &Client) -> bool {
    client.registration.origin != Origin::Document
        || app.config.registration.metadata_documents && !client.registration.imposed.kept_out
}

/// Who asks, where a document says so, which is read here and nowhere later on the way.
pub(super) async fn asking(
    app: &App,
    client_id: &str,
    from: IpAddr,
) -> Result<Result<Option<Client>, Refused>, Error> {
    if !is_address(client_id) {
        return Ok(Ok(None));
    }
    let refused = |why| Err(Refused(Box::new(Refusal::Page(why)), None));
    Ok(match current(app, client_id, from).await? {
        Ok(Some(client)) => Ok(Some(client)),
        Ok(None) => refused(PageError::ClientUnknown {
            client_id: client_id.to_owned(),
        }),
        Err(wait) => refused(PageError::Slow(wait)),
    })
}

/// Such an app as its document says now; nothing when there is no document that can be used: the
/// app is unknown then, whatever was on file. What is on file is brought up to it once it was read
/// now: what an earlier reading said may be older than what another server put there. An app that is
/// not on file yet comes there when it signs somebody in (`put_on_file`): `from` is anyone who
/// likes, who may read documents that nobody read lately at the rate of registrations.
///
/// # Errors
/// The outer one when the database does not answer; the inner one when it may be asked again.
pub async fn current(
    app: &App,
    client_id: &str,
    from: IpAddr,
) -> Result<Result<Option<Client>, Duration>, Error> {
    if !app.config.registration.metadata_documents {
        return Ok(Ok(None));
    }
    let id = client_id.to_owned();
    let old = app.store.read(move |c| store::client::find(c, &id)).await?;
    if old.as_ref().is_some_and(|old| !is_open(app, old)) {
        return Ok(Ok(None));
    }
    let (policy, now) = (super::register::policy(app).await?, app.clock.now());
    let parsed = |answer: &Answer| {
        let new = read(client_id, &answer.kind, &answer.body, &policy, now);
        new.and_then(|new| super::register::usable(&new).map(|()| new))
            .map_err(|problem| problem.to_string())
    };
    let ask = Ask {
        typed: Typed::ByStranger,
        address: client_id,
        purpose: Purpose::Metadata,
        wanted: Wanted::Kept,
        asker: Some(from),
    };
    let is_other = |new: Client| {
        let old = old.as_ref();
        old.is_some_and(|old| laid(new, old).is_ok_and(|new| new != *old))
    };
    // One that says something else than what is on file may be the older of the two. What is kept and cannot be used is not kept (5.2):
    // what may be registered may have changed.
    let copy = app.call.stale(ask, now);
    let kept = match app.call.kept(ask, now) {
        Some(Ok(kept)) if parsed(&kept).is_ok_and(|new| !is_other(new)) => Some(kept),
        _ => None,
    };
    let anew = Ask {
        wanted: Wanted::Anew,
        ..ask
    };
    let answer = match kept {
        Some(kept) => Ok(kept),
        None => match app.limiter.check(Bucket::Register, from, now) {
            Ok(()) => {
                let good = |answer: &Answer| parsed(answer).map(drop);
                app.call.good_document(anew, now, &good).await
            }
            Err(wait) => match app.call.stale(ask, now) {
                Some(stale) => Ok(stale),
                None => return Ok(Err(wait)),
            },
        },
    };
    if matches!(answer, Err(Failure::Busy)) {
        return Ok(Err(AGAIN));
    }
    let is_read_now = match (&answer, &copy) {
        (Ok(answer), Some(copy)) => !Arc::ptr_eq(answer, copy),
        _ => true,
    };
    let read = match answer {
        Ok(answer) => parsed(&answer).map_err(|why| (why, None)),
        Err(failure) => Err((failure.to_string(), failure.mend(client_id))),
    };
    let says = read.as_ref().ok().cloned();
    let laid = read.and_then(|new| match &old {
        None => Ok(new),
        // What the operator demands of it may leave nothing that works.
        Some(old) => laid(new, old).map_err(|problem| {
            let problem = problem.mend(format!("gerege client show {client_id}"));
            (problem.to_string(), problem.fix)
        }),
    });
    let new = match laid {
        Ok(new) => new,
        Err((why, mend)) => {
            tracing::warn!(
                client = short(client_id),
                why = short(&why),
                try = mend,
                "client.document"
            );
            return Ok(Ok(None));
        }
    };
    match (old, says) {
        (Some(old), Some(says)) if new != old && is_read_now => {
            Ok(Ok(bring_up(app, says, now).await?.or(Some(old))))
        }
        (Some(old), _) => Ok(Ok(Some(old))),
        (None, _) => Ok(Ok(Some(new))),
    }
}

/// What a document says, as it comes on file: with what the operator demands, and as it stands
/// there where it says the same.
fn laid(new: Client, old: &Client) -> Result<Client, Problem> {
    let mut new = Client {
        created_at: old.created_at,
        ..new
    };
    new.lay_over(old)?;
    // Whoever looked at it looked at what it said then.
    let mut same = new.clone();
    same.registration.checked = old.registration.checked;
    Ok(if same == *old { same } else { new })
}

/// Brings what is on file up to what a document says, under what the operator demands by then;
/// gives what is on file from there on.
async fn bring_up(app: &App, says: Client, now: Time) -> Result<Option<Client>, Error> {
    app.store
        .write(move |c| {
            let Some(old) = store::client::lock(c, &says.id)? else {
                return Ok(None);
            };
            match laid(says.clone(), &old) {
                Ok(new) if new != old => {
                    super::register::replace(c, &old, &new, now)?;
                    Ok(Some(new))
                }
                _ => Ok(Some(old)),
            }
        })
        .await
}

/// Puts an app on file that signs somebody in.
///
/// # Errors
/// [`Error::Stale`] when somebody else whom it signs in did so first.
pub(super) fn put_on_file(c: &mut Conn<'_>, new: &Client, now: Time) -> Result<(), Error> {
    store::client::add(c, new)?.map_err(|_| Error::Stale)?;
    store::registered::add(c, &new.id, None, now)
}
