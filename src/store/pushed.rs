//! Authorization requests that clients pushed, until a browser brings their reference.

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::pushed;
use super::{Conn, Error};
use crate::clock::Time;

/// A pushed request.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = pushed)]
pub struct Pushed {
    /// Digest of its reference.
    pub hash: String,
    /// The client that pushed it.
    pub client_id: String,
    /// The request as JSON.
    pub body: String,
    /// When it stops waiting, milliseconds since 1970.
    pub expires_at: i64,
}

/// Keeps one.
pub fn add(c: &mut Conn<'_>, new: &Pushed) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(pushed::table).values(new).execute(conn))?;
    Ok(())
}

/// Spends one and gives its request; nothing when it is another client's, was spent before, or
/// has run out.
pub fn spend(
    c: &mut Conn<'_>,
    hash: &str,
    client_id: &str,
    now: Time,
) -> Result<Option<String>, Error> {
    Ok(db!(c, conn => diesel::update(pushed::table
            .find(hash)
            .filter(pushed::client_id.eq(client_id))
            .filter(pushed::used_at.is_null())
            .filter(pushed::expires_at.gt(now.millis())))
        .set(pushed::used_at.eq(now.millis()))
        .returning(pushed::body)
        .get_result(conn)
        .optional())?)
}

/// Removes what has run out, and with it what was spent; gives how many rows.
pub fn sweep(c: &mut Conn<'_>, now: Time) -> Result<usize, Error> {
    Ok(swept!(c, pushed, hash, expires_at, now)?)
}
