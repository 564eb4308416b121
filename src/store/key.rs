//! Signing keys: the public half as a JWK, the private half wrapped.

use diesel::prelude::*;

use super::engine::{db, swept};
use super::schema::signing_key;
use super::{Conn, Error};
use crate::clock::Time;

/// A signing key's row.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_key)]
pub struct Row {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// `issuer`, or the id of the service whose tokens it signs.
    pub owner: String,
    /// `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    /// The public half, JSON.
    pub public_jwk: String,
    /// The private half, wrapped by the master key.
    pub private_wrapped: String,
    /// Owner, algorithm and number: one row each, so that two processes make one key.
    pub slot: String,
    /// When it was made, milliseconds since 1970.
    pub created_at: i64,
    /// From when it signs, milliseconds since 1970.
    pub active_at: i64,
    /// From when it signs no more, milliseconds since 1970.
    pub retired_at: Option<i64>,
    /// From when it is published no more, milliseconds since 1970.
    pub gone_at: Option<i64>,
}

/// Adds a key unless its slot is taken; `false` when it lost.
pub fn add(c: &mut Conn<'_>, new: &Row) -> Result<bool, Error> {
    Ok(db!(c, conn => diesel::insert_into(signing_key::table)
        .values(new)
        .on_conflict_do_nothing()
        .execute(conn))?
        == 1)
}

/// All keys, oldest first.
pub fn list(c: &mut Conn<'_>) -> Result<Vec<Row>, Error> {
    Ok(db!(c, conn => signing_key::table
        .order((signing_key::created_at, signing_key::kid))
        .select(Row::as_select()).load(conn))?)
}

/// Sets from when a key signs no more and is published no more; neither is ever put off: one that
/// was taken back stays so.
pub fn retire(c: &mut Conn<'_>, kid: &str, retired_at: Time, gone_at: Time) -> Result<(), Error> {
    let (retired, gone) = (signing_key::retired_at, signing_key::gone_at);
    let retires = retired.is_null().or(retired.gt(retired_at.millis()));
    db!(c, conn => diesel::update(signing_key::table.find(kid).filter(retires))
        .set(retired.eq(retired_at.millis()))
        .execute(conn))?;
    let goes = gone.is_null().or(gone.gt(gone_at.millis()));
    db!(c, conn => diesel::update(signing_key::table.find(kid).filter(goes))
        .set(gone.eq(gone_at.millis()))
        .execute(conn))?;
    Ok(())
}

/// Sets from when a key signs, unless it does so sooner.
pub fn activate(c: &mut Conn<'_>, kid: &str, active_at: Time) -> Result<(), Error> {
    let later = signing_key::active_at.gt(active_at.millis());
    db!(c, conn => diesel::update(signing_key::table.find(kid).filter(later))
        .set(signing_key::active_at.eq(active_at.millis()))
        .execute(conn))?;
    Ok(())
}

/// Removes keys that have been unpublished since `before`; gives how many.
pub fn sweep(c: &mut Conn<'_>, before: Time) -> Result<usize, Error> {
    Ok(swept!(c, signing_key, kid, gone_at, before)?)
}
