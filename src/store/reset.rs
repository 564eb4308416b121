//! Ways back in that were mailed. The secret is derived from a key and the row's id.

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::reset;
use super::{Conn, Error};
use crate::clock::Time;

/// A mailed way back in.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reset)]
pub struct Reset {
    /// Its id.
    pub id: String,
    /// Whose account.
    pub account_id: String,
    /// When it was asked for, milliseconds since 1970.
    pub created_at: i64,
    /// When it stops working, milliseconds since 1970.
    pub expires_at: i64,
    /// When it was used, milliseconds since 1970.
    pub used_at: Option<i64>,
}

/// Adds one.
pub fn add(c: &mut Conn<'_>, new: &Reset) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(reset::table).values(new).execute(conn))?;
    Ok(())
}

/// By id.
pub fn find(c: &mut Conn<'_>, id: &str) -> Result<Option<Reset>, Error> {
    Ok(
        db!(c, conn => reset::table.find(id).select(Reset::as_select()).get_result(conn).optional())?,
    )
}

/// How many of an account work now.
pub fn count_live(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<i64, Error> {
    let query = reset::table
        .filter(reset::account_id.eq(account_id))
        .filter(reset::used_at.is_null())
        .filter(reset::expires_at.gt(now.millis()))
        .count();
    Ok(db!(c, conn => query.get_result(conn))?)
}

/// Spends one, and with it all others of the account; `false` when it was spent or has run out.
pub fn spend(c: &mut Conn<'_>, id: &str, account_id: &str, now: Time) -> Result<bool, Error> {
    let spent = db!(c, conn => diesel::update(reset::table
            .find(id)
            .filter(reset::used_at.is_null())
            .filter(reset::expires_at.gt(now.millis())))
        .set(reset::used_at.eq(now.millis()))
        .execute(conn))?;
    if spent == 1 {
        end_all(c, account_id, now)?;
    }
    Ok(spent == 1)
}

/// Ends all that are open for an account.
pub fn end_all(c: &mut Conn<'_>, account_id: &str, now: Time) -> Result<(), Error> {
    db!(c, conn => diesel::update(reset::table
            .filter(reset::account_id.eq(account_id))
            .filter(reset::used_at.is_null()))
        .set(reset::used_at.eq(now.millis()))
        .execute(conn))?;
    Ok(())
}

/// Removes what has run out; gives how many.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, reset, id, expires_at, now)?)
}
