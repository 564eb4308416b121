//! Single values that belong to the database itself, such as the master key's check value.

use diesel::prelude::*;

use super::engine::db;
use super::schema::setting;
use super::{Conn, Error};

/// Reads a value.
pub fn find(c: &mut Conn<'_>, key: &str) -> Result<Option<String>, Error> {
    let query = setting::table.find(key).select(setting::value);
    Ok(db!(c, conn => query.get_result(conn).optional())?)
}

/// Writes a value in the place of one that may stand.
pub fn put(c: &mut Conn<'_>, key: &str, value: &str) -> Result<(), Error> {
    db!(c, conn => diesel::insert_into(setting::table)
        .values((setting::key.eq(key), setting::value.eq(value)))
        .on_conflict(setting::key)
        .do_update()
        .set(setting::value.eq(value))
        .execute(conn))?;
    Ok(())
}

/// Writes a value unless there is one, and gives the one that stands.
pub fn claim(c: &mut Conn<'_>, key: &str, value: &str) -> Result<String, Error> {
    db!(c, conn => diesel::insert_into(setting::table)
        .values((setting::key.eq(key), setting::value.eq(value)))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(find(c, key)?.unwrap_or_else(|| value.to_owned()))
}
