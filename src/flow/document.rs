//! Apps known by a document at their `client_id`: read when a sign-in begins, and put on file by
//! the first that is done, so that every other story finds them as it finds any client.

use std::net::IpAddr;
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
/// app is unknown then, whatever was on file. What is on file is brought up to it. An app that is
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
    // What is kept and cannot be used is not kept (5.2): what may be registered may have changed.
    let kept = match app.call.kept(ask, now) {
        Some(Ok(kept)) if parsed(&kept).is_ok() => Some(kept),
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
    let read = match answer {
        Ok(answer) => parsed(&answer).map_err(|why| (why, None)),
        Err(failure) => Err((failure.to_string(), failure.mend(client_id))),
    };
    let new = match read {
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
    let Some(old) = old else {
        return Ok(Ok(Some(new)));
    };
    let mut new = Client {
        created_at: old.created_at,
        ..new
    };
    if let Err(problem) = new.lay_over(&old) {
        // What the operator demands of it leaves nothing that works.
        let problem = problem.mend(format!("gerege client show {client_id}"));
        tracing::warn!(
            client = short(client_id),
            why = %problem,
            try = problem.fix.as_deref(),
            "client.document"
        );
        return Ok(Ok(None));
    }
    // Whoever looked at it looked at what it said then.
    let mut same = new.clone();
    same.registration.checked = old.registration.checked;
    if same == old {
        return Ok(Ok(Some(old)));
    }
    let kept = new.clone();
    app.store
        .write(move |c| {
            // What the operator demands stands, also when it came meanwhile.
            if let Some(old) = store::client::lock(c, &kept.id)? {
                let mut kept = kept.clone();
                if kept.lay_over(&old).is_ok() {
                    super::register::replace(c, &old, &kept, now)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(Ok(Some(new)))
}

/// Puts an app on file that signs somebody in, unless it is there.
pub(super) fn put_on_file(c: &mut Conn<'_>, new: &Client, now: Time) -> Result<(), Error> {
    if store::client::add(c, new)?.is_ok() {
        store::registered::add(c, &new.id, None, now)?;
    }
    Ok(())
}
