//! Counts of tries and mails, each for a span of time, and things that may come once.

use std::time::Duration;

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::{counter, seen};
use super::{Conn, Error};
use crate::clock::Time;

/// A count that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub count: i64,
    /// No further one before this instant.
    pub blocked_until: Time,
}

/// Counts one more under `key` and gives the count with it. The span begins with the first;
/// after `span` without an end set by [`block`] the count begins again. The row is held until
/// the transaction ends, so that parallel callers are counted one after the other.
pub fn add(c: &mut Conn<'_>, key: &str, span: Duration, now: Time) -> Result<Count, Error> {
    // Another's success may take the row away between the two statements on PostgreSQL.
    for _ in 0..8 {
        if let Some(count) = try_add(c, key, span, now)? {
            return Ok(count);
        }
    }
    Err(Error::Busy("a counter is cleared all the time".into()))
}

fn try_add(c: &mut Conn<'_>, key: &str, span: Duration, now: Time) -> Result<Option<Count>, Error> {
    let expires = now.plus(span).millis();
    db!(c, conn => diesel::insert_into(counter::table)
        .values((
            counter::key.eq(key),
            counter::count.eq(0),
            counter::blocked_until.eq(0),
            counter::expires_at.eq(expires),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    db!(c, conn => diesel::update(counter::table.find(key).filter(counter::expires_at.le(now.millis())))
        .set((counter::count.eq(0), counter::blocked_until.eq(0), counter::expires_at.eq(expires)))
        .execute(conn))?;
    let row: Option<(i64, i64)> = db!(c, conn => diesel::update(counter::table.find(key))
        .set(counter::count.eq(counter::count + 1))
        .returning((counter::count, counter::blocked_until))
        .get_result(conn)
        .optional())?;
    Ok(row.map(|(count, blocked)| Count {
        count,
        blocked_until: Time::from_millis(blocked),
    }))
}

/// The count under `key` now, without counting.
pub fn find(c: &mut Conn<'_>, key: &str, now: Time) -> Result<Count, Error> {
    let query = counter::table
        .find(key)
        .filter(counter::expires_at.gt(now.millis()))
        .select((counter::count, counter::blocked_until));
    let row: Option<(i64, i64)> = db!(c, conn => query.get_result(conn).optional())?;
    let (count, blocked) = row.unwrap_or_default();
    Ok(Count {
        count,
        blocked_until: Time::from_millis(blocked),
    })
}

/// How long until the count under `key` begins again.
pub fn rest(c: &mut Conn<'_>, key: &str, now: Time) -> Result<Duration, Error> {
    let query = counter::table.find(key).select(counter::expires_at);
    let at: Option<i64> = db!(c, conn => query.get_result(conn).optional())?;
    Ok(at.map_or(Duration::ZERO, |at| Time::from_millis(at).since(now)))
}

/// Takes one back that was counted.
pub fn take_back(c: &mut Conn<'_>, key: &str) -> Result<(), Error> {
    db!(c, conn => diesel::update(counter::table.find(key).filter(counter::count.gt(0)))
        .set(counter::count.eq(counter::count - 1))
        .execute(conn))?;
    Ok(())
}

/// Sets until when nothing further is let through.
pub fn block(c: &mut Conn<'_>, key: &str, until: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(counter::table.find(key))
        .set(counter::blocked_until.eq(until.millis()))
        .execute(conn))?;
    Ok(())
}

/// Forgets a count.
pub fn clear(c: &mut Conn<'_>, key: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(counter::table.find(key)).execute(conn))?;
    Ok(())
}

/// Notes a thing that may come once; `false` when it was here before.
pub fn see_once(c: &mut Conn<'_>, key: &str, expires_at: Time) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::insert_into(seen::table)
        .values((seen::key.eq(key), seen::expires_at.eq(expires_at.millis())))
        .on_conflict_do_nothing()
        .execute(conn))?
        == 1)
}

/// Whether a thing that may come once was here; it is not noted by this.
pub fn was_seen(c: &mut Conn<'_>, key: &str) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(seen::table.find(key)));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Removes what ran out before `before`; gives how many rows.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    let counts = swept!(c, counter, key, expires_at, before)?;
    Ok(counts + swept!(c, seen, key, expires_at, before)?)
}
