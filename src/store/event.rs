//! The security log: what happened to an account, for its owner and the operator.

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::event;
use super::{Conn, Error};
use crate::clock::Time;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = event)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Whose account.
    pub account_id: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What: a word such as `signin`, `password.changed`.
    pub kind: String,
    /// Further facts as JSON: device, network, client. Never a secret.
    pub detail: String,
}

/// Writes a line.
pub fn add(c: &mut Conn<'_>, new: &Event) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(event::table).values(new).execute(conn))?;
    Ok(())
}

/// An account's lines, newest first.
pub fn list(c: &mut Conn<'_>, account_id: &str, limit: i64) -> Result<Vec<Event>, Error> {
    Ok(db!(c, conn => event::table
        .filter(event::account_id.eq(account_id))
        .order((event::at.desc(), event::id))
        .limit(limit)
        .select(Event::as_select()).load(conn))?)
}

/// An account's lines from before `before`, newest first.
pub fn list_before(
    c: &mut Conn<'_>,
    account_id: &str,
    before: Time,
    limit: i64,
) -> Result<Vec<Event>, Error> {
    Ok(db!(c, conn => event::table
        .filter(event::account_id.eq(account_id))
        .filter(event::at.lt(before.millis()))
        .order((event::at.desc(), event::id))
        .limit(limit)
        .select(Event::as_select()).load(conn))?)
}

/// Whether a line of this kind stands in an account's log from after `since`.
pub fn stands(c: &mut Conn<'_>, account_id: &str, kind: &str, since: Time) -> Result<bool, Error> {
    let query = diesel::select(diesel::dsl::exists(
        event::table
            .filter(event::account_id.eq(account_id))
            .filter(event::at.gt(since.millis()))
            .filter(event::kind.eq(kind)),
    ));
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Removes lines from before `before`; gives how many.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    Ok(swept!(c, event, id, at, before)?)
}
