//! What is to be sent: written in the story's own transaction, sent by the worker.

use std::time::Duration;

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::outbox;
use super::{Conn, Error};
use crate::clock::Time;

/// How long a letter belongs to the process that took it: longer than it can take to hand it over
/// and to write down what was said.
pub const LEASE: Duration = Duration::from_secs(90);

/// A letter on its way. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox)]
pub struct Item {
    /// Its id; also the Message-ID's local part.
    pub id: String,
    /// Which mail.
    pub kind: String,
    /// The address in its ASCII form.
    pub recipient: String,
    /// What the mail's template needs, JSON.
    pub body: String,
    /// The draft, or the change of an address, whose page tells how the sending went.
    pub draft_id: Option<String>,
    /// When it was asked for, milliseconds since 1970.
    pub created_at: i64,
    /// When it is tried next, milliseconds since 1970.
    pub due_at: i64,
    /// When the secret inside runs out, after which it is not sent.
    pub secret_ends_at: Option<i64>,
    /// How often it was tried.
    pub tries: i64,
    /// When the mail server took it.
    pub sent_at: Option<i64>,
    /// When it was given up.
    pub failed_at: Option<i64>,
    /// What the mail server said last.
    pub said: Option<String>,
    /// Until when it belongs to the process that is sending it, milliseconds since 1970.
    pub leased_until: Option<i64>,
}

impl Item {
    /// Whether a process is sending it now. A lease that ends further ahead than any can was taken
    /// by a clock that was put right since, and is none.
    pub fn is_on_its_way(&self, now: Time) -> bool {
        let held = now.millis().saturating_add(1)..=now.plus(LEASE).millis();
        self.sent_at.is_none() && self.leased_until.is_some_and(|until| held.contains(&until))
    }

    /// Whether it still belongs to who took it at `then`.
    pub fn is_kept_until(&self, then: Time) -> bool {
        self.leased_until.is_some_and(|until| until > then.millis())
    }
}

/// Adds a letter.
pub fn add(c: &mut Conn<'_>, new: &Item) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(outbox::table).values(new).execute(conn))?;
    Ok(())
}

/// Leases up to `limit` letters that are due: each is put off by [`LEASE`], so that no second
/// process sends it meanwhile. A process that dies leaves its letters to the next after the lease.
pub fn lease(c: &mut Conn<'_>, limit: i64, now: Time) -> Result<Vec<Item>, Error> {
    let due: Vec<Item> = db!(c, conn => outbox::table
        .filter(outbox::sent_at.is_null())
        .filter(outbox::failed_at.is_null())
        .filter(outbox::due_at.le(now.millis()))
        .order(outbox::due_at)
        .limit(limit)
        .select(Item::as_select()).load(conn))?;
    let (mut leased, until) = (Vec::new(), now.plus(LEASE).millis());
    for item in due {
        // Guarded: another process may have taken it since it was read.
        let taken = db!(c, conn => diesel::update(outbox::table
                .find(&item.id)
                .filter(outbox::due_at.eq(item.due_at))
                .filter(outbox::sent_at.is_null())
                .filter(outbox::failed_at.is_null()))
            .set((
                outbox::due_at.eq(until),
                outbox::leased_until.eq(until),
                outbox::tries.eq(outbox::tries + 1),
            ))
            .execute(conn))?;
        if taken == 1 {
            leased.push(Item {
                due_at: until,
                leased_until: Some(until),
                tries: item.tries + 1,
                ..item
            });
        }
    }
    Ok(leased)
}

/// Takes back letters that were leased at `since` at the latest, or that nobody can hold: their
/// process is gone. Gives how many.
pub fn release(c: &mut Conn<'_>, since: Time, now: Time) -> Result<usize, Error> {
    let left = outbox::leased_until
        .le(since.plus(LEASE).millis())
        .or(outbox::leased_until.gt(now.plus(LEASE).millis()));
    Ok(db!(c, conn => diesel::update(outbox::table
            .filter(outbox::sent_at.is_null())
            .filter(outbox::failed_at.is_null())
            .filter(left))
        .set((outbox::due_at.eq(now.millis()), outbox::leased_until.eq(None::<i64>)))
        .execute(conn))?)
}

/// Marks a letter as taken by the mail server.
pub fn sent(c: &mut Conn<'_>, id: &str, said: &str, now: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(outbox::table.find(id))
        .set((outbox::sent_at.eq(now.millis()), outbox::said.eq(said)))
        .execute(conn))?;
    Ok(())
}

/// Takes out a letter that nobody needs any more.
pub fn delete(c: &mut Conn<'_>, id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(outbox::table.find(id)).execute(conn))?;
    Ok(())
}

/// How many letters wait to be sent.
pub fn count_waiting(c: &mut Conn<'_>) -> Result<i64, Error> {
    let query = outbox::table
        .filter(outbox::sent_at.is_null())
        .filter(outbox::failed_at.is_null())
        .count();
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Puts a letter off, or gives it up when `again` is nothing.
pub fn unsent(
    c: &mut Conn<'_>,
    id: &str,
    said: &str,
    again: Option<Time>,
    now: Time,
) -> Result<(), Error> {
    match again {
        Some(again) => db!(c, conn => diesel::update(outbox::table.find(id))
            .set((
                outbox::due_at.eq(again.millis()),
                outbox::said.eq(said),
                outbox::leased_until.eq(None::<i64>),
            ))
            .execute(conn))?,
        None => db!(c, conn => diesel::update(outbox::table.find(id))
            .set((
                outbox::failed_at.eq(now.millis()),
                outbox::said.eq(said),
                outbox::leased_until.eq(None::<i64>),
            ))
            .execute(conn))?,
    };
    Ok(())
}

/// Puts letters that wait or were given up back to be tried at once: one, or all; gives how many.
/// What a process is sending stays with it.
pub fn retry(c: &mut Conn<'_>, id: Option<&str>, now: Time) -> Result<usize, Error> {
    let open = outbox::table.filter(outbox::sent_at.is_null()).filter(
        outbox::leased_until
            .is_null()
            .or(outbox::leased_until.le(now.millis()))
            .or(outbox::leased_until.gt(now.plus(LEASE).millis())),
    );
    Ok(match id {
        Some(id) => db!(c, conn => diesel::update(open.filter(outbox::id.eq(id)))
            .set((outbox::due_at.eq(now.millis()), outbox::failed_at.eq(None::<i64>)))
            .execute(conn))?,
        None => db!(c, conn => diesel::update(open)
            .set((outbox::due_at.eq(now.millis()), outbox::failed_at.eq(None::<i64>)))
            .execute(conn))?,
    })
}

/// The newest letter of a draft or of a change of an address: what its page tells the person.
pub fn newest_of(c: &mut Conn<'_>, draft_id: &str) -> Result<Option<Item>, Error> {
    Ok(db!(c, conn => outbox::table
        .filter(outbox::draft_id.eq(draft_id))
        .order(outbox::created_at.desc())
        .select(Item::as_select()).first(conn).optional())?)
}

/// Whether the newest letter that was tried did not get out: no server took it or refused it, and
/// none was taken since it was written. A server that does not let us in counts as none.
pub fn is_down(c: &mut Conn<'_>) -> Result<bool, Error> {
    let tried: Vec<(i64, Option<String>)> = db!(c, conn => outbox::table
        .filter(outbox::sent_at.is_null())
        .filter(outbox::failed_at.is_null())
        .filter(outbox::said.is_not_null())
        .order(outbox::created_at.desc())
        .limit(20)
        .select((outbox::created_at, outbox::said)).load(conn))?;
    // A server that puts one letter off is there (RFC 5321 4.2.1, 4yz).
    let answered = |said: &str| said.as_bytes().first() == Some(&b'4');
    let unheard = tried
        .into_iter()
        .find(|(_, said)| !said.as_deref().is_some_and(answered));
    let Some((written_at, _)) = unheard else {
        return Ok(false);
    };
    let newest: Option<i64> = db!(c, conn => outbox::table
        .select(diesel::dsl::max(outbox::sent_at))
        .get_result(conn))?;
    Ok(newest.is_none_or(|sent_at| sent_at < written_at))
}

/// Letters that are not sent, oldest first.
pub fn open(c: &mut Conn<'_>, limit: i64) -> Result<Vec<Item>, Error> {
    Ok(db!(c, conn => outbox::table
        .filter(outbox::sent_at.is_null())
        .order(outbox::created_at)
        .limit(limit)
        .select(Item::as_select()).load(conn))?)
}

/// Removes letters that were sent or given up before `before`; gives how many.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    Ok(swept!(c, outbox, id, sent_at, before)? + swept!(c, outbox, id, failed_at, before)?)
}

/// Whether anything is due; what the worker asks before it takes the writer's time.
pub fn is_due(c: &mut Conn<'_>, now: Time) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        outbox::table
            .filter(outbox::sent_at.is_null())
            .filter(outbox::failed_at.is_null())
            .filter(outbox::due_at.le(now.millis())),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}
