//! New e-mail addresses that wait for their code. The code is derived from a key and the id.

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::address_change;
use super::{Conn, Error};
use crate::clock::Time;

/// A new address that waits.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = address_change)]
pub struct Change {
    /// Whose.
    pub account_id: String,
    /// What its code is derived from; a newer one kills the code.
    pub id: String,
    /// The address as the person wrote it.
    pub email: String,
    /// Tries of the code that were counted and not right.
    pub wrong: i64,
    /// When the code stops working, milliseconds since 1970.
    pub expires_at: i64,
}

/// Puts a new address in the place of one that waited.
pub fn put(c: &mut Conn<'_>, new: &Change) -> Result<(), Error> {
    remove(c, &new.account_id)?;
    db!(c, conn => diesel::insert_into(address_change::table).values(new).execute(conn))?;
    Ok(())
}

/// The one of an account, if its code still works by its time.
pub fn find(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<Option<Change>, Error> {
    Ok(db!(c, conn => address_change::table
        .find(account_id)
        .filter(address_change::expires_at.gt(now.millis()))
        .select(Change::as_select()).get_result(conn).optional())?)
}

/// Counts a try of the code and gives it with that try; nothing past `most` tries or its time.
pub fn count_try(
    c: &mut Conn<'_>,
    account_id: &str,
    most: i64,
    now: Time,
) -> Result<Option<Change>, Error> {
    Ok(db!(c, conn => diesel::update(address_change::table
            .find(account_id)
            .filter(address_change::wrong.lt(most))
            .filter(address_change::expires_at.gt(now.millis())))
        .set(address_change::wrong.eq(address_change::wrong + 1))
        .returning(Change::as_returning())
        .get_result(conn)
        .optional())?)
}

/// Spends it; `false` when it was spent, or a newer one took its place.
pub fn spend(c: &mut Conn<'_>, account_id: &str, id: &str) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::delete(address_change::table
            .find(account_id)
            .filter(address_change::id.eq(id)))
        .execute(conn))?
        == 1)
}

/// Removes the one of an account.
pub fn remove(c: &mut Conn<'_>, account_id: &str) -> Result<(), Error> {
    db!(c, conn => diesel::delete(address_change::table.find(account_id)).execute(conn))?;
    Ok(())
}

/// Removes what has run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, address_change, account_id, expires_at, now)?)
}
